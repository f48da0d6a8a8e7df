// SPDX-License-Identifier: MIT
#include "devices/virtio/virtio_block.h"

#include <algorithm>
#include <vector>

#include "base/bits.h"
#include "base/log.h"

namespace ring3 {
namespace {

enum Feature : unsigned {
  kSegMax = 2,
  kGeometry = 4,
  kReadOnly = 5,
  kBlockSize = 6,
  kFlushFeature = 9,
  kTopology = 10,
  kConfigWce = 11,
  kDiscardFeature = 13,
  kWriteZeroesFeature = 14,
};
enum Type : u32 { kIn = 0, kOut = 1, kFlush = 4, kGetId = 8, kDiscard = 11, kWriteZeroes = 13 };
enum Result : u8 { kOk = 0, kIoError = 1, kUnsupported = 2 };

constexpr u32 kHeader = 16, kRange = 16, kIdBytes = 20;
constexpr u32 kSegments = 254, kRangeSegments = 16;
constexpr u32 kMostRangeSectors = 0x3F'FFFF;
constexpr u64 kMostBytes = u64{256} << 20;  ///< of one request
constexpr size_t kChunk = 64 << 10;

}  // namespace

/// A request: its header, its chain, and what of it is data.
struct VirtioBlock::Request {
  DmaMemory& memory;
  const VirtioChain& chain;
  u32 type = 0;
  u64 sector = 0;
  u64 data_in = 0;   ///< bytes of data that the device writes; the status follows
  u64 data_out = 0;  ///< bytes after the header
  u64 written = 0;
};

VirtioBlock::VirtioBlock(BlockDevice& medium, std::string serial)
    : medium_(medium), serial_(std::move(serial)) {
  const u64 sectors = medium_.size() / kSectorSize;
  const auto put = [this](u32 offset, auto value) { store(&config_[offset], value); };
  put(0, sectors);
  put(12, kSegments);
  put(16, static_cast<u16>(std::min<u64>(sectors / (16 * 63), 65535)));
  put(18, u8{16});
  put(19, u8{63});
  put(20, static_cast<u32>(kSectorSize));
  put(26, u16{1});  // smallest good transfer, in blocks
  put(34, u16{1});  // queues
  put(36, kMostRangeSectors);
  put(40, kRangeSegments);
  put(44, u32{1});
  put(48, kMostRangeSectors);
  put(52, kRangeSegments);
  put(56, u8{1});  // zeroes may be unmapped
  reset();
}

u64 VirtioBlock::features() const {
  u64 all = bit(kSegMax) | bit(kGeometry) | bit(kBlockSize) | bit(kFlushFeature) | bit(kTopology) |
            bit(kConfigWce);
  if (medium_.read_only()) return all | bit(kReadOnly);
  return all | bit(kDiscardFeature) | bit(kWriteZeroesFeature);
}

void VirtioBlock::reset() { config_[kWriteback] = 1; }

void VirtioBlock::write_config(u32 offset, u8 value) {
  if (offset == kWriteback) config_[kWriteback] = value & 1;
}

/// A driver that cannot flush, or that switched the write cache off, has its writes made permanent.
bool VirtioBlock::write_through(const VirtioTransport& transport) const {
  return !transport.negotiated(kFlushFeature) ||
         (transport.negotiated(kConfigWce) && !config_[kWriteback]);
}

void VirtioBlock::notified(VirtioTransport& transport, unsigned index) {
  Virtqueue& queue = transport.queue(index);
  DmaMemory& memory = transport.memory();
  const bool event_index = transport.negotiated(kEventIndex);
  VirtioChain chain;
  // The driver runs on this thread: no more than one queue of chains can be there.
  for (u32 n = 0; n < queue.s.size && queue.pop(memory, event_index, chain); ++n) {
    Request request{memory, chain};
    std::array<u8, kHeader> header;
    const u64 out = chain.readable_size(), in = chain.writable_size();
    u8 status = kIoError;
    if (out >= kHeader && in >= 1) {
      read_segments(memory, chain.readable, 0, header);
      request.type = load<u32>(&header[0]);
      request.sector = load<u64>(&header[8]);
      request.data_out = out - kHeader;
      request.data_in = in - 1;
      status = run(transport, request);
      write_segments(memory, chain.writable, in - 1, std::span(&status, 1));
      ++request.written;
    }
    queue.push(memory, chain.head, static_cast<u32>(request.written));
  }
  transport.interrupt(index);
}

u8 VirtioBlock::run(VirtioTransport& transport, Request& request) {
  switch (request.type) {
    case kIn:
      return transfer(request, false);
    case kOut: {
      const u8 status = transfer(request, true);
      if (status == kOk && write_through(transport) && !medium_.flush()) return kIoError;
      return status;
    }
    case kFlush:
      return medium_.flush() ? kOk : kIoError;
    case kGetId:
      return identify(request);
    case kDiscard:
    case kWriteZeroes:
      return discard_or_zero(request, request.type == kWriteZeroes);
    default:
      RING3_LOG(GuestErrors, "virtio-blk: no request of type {}", request.type);
      return kUnsupported;
  }
}

/// Moves the data through a buffer, in pieces.
u8 VirtioBlock::transfer(Request& request, bool write) {
  const u64 size = write ? request.data_out : request.data_in;
  const u64 sectors = medium_.size() / kSectorSize;
  if (size % kSectorSize || size > kMostBytes || request.sector > sectors ||
      size / kSectorSize > sectors - request.sector)
    return kIoError;
  std::vector<u8> buffer(std::min<u64>(size, kChunk));
  for (u64 done = 0; done < size; done += kChunk) {
    const auto piece = std::span(buffer).first(std::min<u64>(size - done, kChunk));
    const u64 offset = request.sector * kSectorSize + done;
    if (write) {
      read_segments(request.memory, request.chain.readable, kHeader + done, piece);
      if (!medium_.write(offset, piece)) return kIoError;
    } else {
      if (!medium_.read(offset, piece)) return kIoError;
      write_segments(request.memory, request.chain.writable, done, piece);
      request.written += piece.size();
    }
  }
  return kOk;
}

/// The serial, with zeros up to 20 bytes.
u8 VirtioBlock::identify(Request& request) {
  std::array<u8, kIdBytes> id{};
  std::copy_n(serial_.begin(), std::min<size_t>(serial_.size(), id.size()), id.begin());
  const size_t size = std::min<u64>(request.data_in, id.size());
  write_segments(request.memory, request.chain.writable, 0, std::span(id).first(size));
  request.written = size;
  return kOk;
}

bool VirtioBlock::write_zeroes(u64 offset, u64 length) {
  static constexpr std::array<u8, 4096> kZeros{};
  for (u64 done = 0; done < length; done += kZeros.size()) {
    const size_t n = std::min<u64>(length - done, kZeros.size());
    if (!medium_.write(offset + done, std::span(kZeros).first(n))) return false;
  }
  return true;
}

/// Ranges of sector, count and flags; all are checked before the first is changed.
u8 VirtioBlock::discard_or_zero(Request& request, bool zero) {
  if (medium_.read_only()) return kIoError;
  if (request.data_out == 0 || request.data_out % kRange ||
      request.data_out > kRange * kRangeSegments)
    return kIoError;
  std::vector<u8> list(request.data_out);
  read_segments(request.memory, request.chain.readable, kHeader, list);
  const u64 sectors = medium_.size() / kSectorSize;
  for (const bool change : {false, true}) {
    for (size_t at = 0; at < list.size(); at += kRange) {
      const u64 sector = load<u64>(&list[at]);
      const u32 count = load<u32>(&list[at + 8]), flags = load<u32>(&list[at + 12]);
      if (!change) {
        if (count > kMostRangeSectors || sector > sectors || count > sectors - sector)
          return kIoError;
        if (flags & ~(zero ? 1u : 0u)) return kUnsupported;
        continue;
      }
      const u64 offset = sector * kSectorSize, length = u64{count} * kSectorSize;
      if (!(zero ? write_zeroes(offset, length) : medium_.discard(offset, length))) return kIoError;
    }
  }
  return kOk;
}

}  // namespace ring3

// SPDX-License-Identifier: MIT
#include "devices/fw_cfg.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/bits.h"

namespace ring3 {
namespace {

enum Offset : u32 { kSelector = 0, kData = 1, kDmaHigh = 4, kDmaLow = 8 };
enum DmaControl : u32 { kError = 1, kRead = 2, kSkip = 4, kSelect = 8, kWrite = 16 };
constexpr u32 kHasDma = 3;  // bit 0: the traditional interface, bit 1: DMA
constexpr size_t kNameBytes = 56;
constexpr u16 kKeyMask = 0xBFFF;  // bit 14 once meant a write

u32 swap32(u32 v) { return __builtin_bswap32(v); }

template <class T>
std::vector<u8> little_endian(T value) {
  std::vector<u8> bytes(sizeof value);
  store(bytes.data(), value);
  return bytes;
}

/// The register reads "QEMU CFG", most significant byte first.
u32 dma_signature(u32 offset) { return offset == kDmaHigh ? 0x554D4551 : 0x47464320; }

}  // namespace

FwCfg::FwCfg(PhysicalMemory& memory) : memory_(memory) {
  add_bytes(kSignature, {'Q', 'E', 'M', 'U'});
  add_u32(kId, kHasDma);
  add_bytes(kUuid, std::vector<u8>(16));
  rebuild_directory();
}

void FwCfg::add_bytes(u16 key, std::vector<u8> bytes) { items_[key] = std::move(bytes); }
void FwCfg::add_u16(u16 key, u16 value) { add_bytes(key, little_endian(value)); }
void FwCfg::add_u32(u16 key, u32 value) { add_bytes(key, little_endian(value)); }
void FwCfg::add_u64(u16 key, u64 value) { add_bytes(key, little_endian(value)); }

void FwCfg::add_string(u16 key, const std::string& value) {
  std::vector<u8> bytes(value.begin(), value.end());
  bytes.push_back(0);
  add_bytes(key, std::move(bytes));
}

bool FwCfg::add_file(const std::string& name, std::vector<u8> bytes) {
  if (name.size() >= kNameBytes) return false;
  auto it =
      std::find_if(files_.begin(), files_.end(), [&](const File& f) { return f.name == name; });
  if (it == files_.end()) {
    files_.push_back({name, static_cast<u16>(kFileFirst + files_.size())});
    it = files_.end() - 1;
  }
  add_bytes(it->key, std::move(bytes));
  rebuild_directory();
  return true;
}

/// Count, then per file: size, key, reserved, name; big-endian. Sorted by name, as QEMU does it.
void FwCfg::rebuild_directory() {
  std::vector<File> sorted = files_;
  std::sort(sorted.begin(), sorted.end(), [](auto& a, auto& b) { return a.name < b.name; });
  std::vector<u8> directory(4 + sorted.size() * (8 + kNameBytes));
  u8* out = directory.data();
  store(out, swap32(static_cast<u32>(sorted.size())));
  out += 4;
  for (const File& f : sorted) {
    store(out, swap32(static_cast<u32>(items_[f.key].size())));
    store(out + 4, __builtin_bswap16(f.key));
    std::copy(f.name.begin(), f.name.end(), out + 8);
    out += 8 + kNameBytes;
  }
  add_bytes(kFileDir, std::move(directory));
}

void FwCfg::select(u16 key) {
  s_.key = key & kKeyMask;
  s_.offset = 0;
}

/// Past the end, and for a key that is not there: zeros.
u8 FwCfg::next_byte() {
  const auto it = items_.find(s_.key);
  if (it == items_.end() || s_.offset >= it->second.size()) return 0;
  return it->second[s_.offset++];
}

u32 FwCfg::read(u32 offset, Width width) {
  if (offset == kData && width == Width::Byte) return next_byte();
  if ((offset == kDmaHigh || offset == kDmaLow) && width == Width::Dword)
    return dma_signature(offset);
  return open_bus(width);
}

void FwCfg::write(u32 offset, Width width, u32 value) {
  if (offset == kSelector && width == Width::Word) {
    select(static_cast<u16>(value));
  } else if (offset == kDmaHigh && width == Width::Dword) {
    s_.dma_address = u64{swap32(value)} << 32;
  } else if (offset == kDmaLow && width == Width::Dword) {
    s_.dma_address |= swap32(value);
    run_dma();
  }
}

/// The descriptor: control, length, address; big-endian. The result replaces the control word.
void FwCfg::run_dma() {
  const PhysAddr at{std::exchange(s_.dma_address, 0)};
  const u32 control = swap32(memory_.read<u32>(at));
  const u32 length = swap32(memory_.read<u32>(at + 4));
  const u64 address = __builtin_bswap64(memory_.read<u64>(at + 8));
  if (control & kSelect) select(static_cast<u16>(control >> 16));
  const bool ok = transfer(control, address, length);
  memory_.write<u32>(at, ok ? 0u : swap32(kError));
}

bool FwCfg::transfer(u32 control, u64 address, u32 length) {
  if (!(control & (kRead | kWrite | kSkip))) return true;
  if (control & kWrite && !(control & kRead)) return false;
  const auto it = items_.find(s_.key);
  static const std::vector<u8> kNothing;
  const std::vector<u8>& item = it == items_.end() ? kNothing : it->second;
  const u32 rest = static_cast<u32>(item.size() - std::min<size_t>(s_.offset, item.size()));
  const u32 copied = std::min(length, rest);
  if (control & kRead) {
    memory_.write(PhysAddr{address}, std::span(item).subspan(item.size() - rest, copied));
    // Past the end: zeros. Bounded by what memory can take, so that a guest cannot stall us long.
    static constexpr std::array<u8, 4096> kZeros{};
    const u64 end = std::min<u64>(u64{length}, copied + memory_.ram_bytes());
    for (u64 at = copied; at < end; at += kZeros.size())
      memory_.write(PhysAddr{address + at},
                    std::span(kZeros).first(std::min<u64>(end - at, kZeros.size())));
  }
  s_.offset += copied;
  return true;
}

void FwCfg::reset() { s_ = State{}; }

void FwCfg::fields(FieldVisitor& v) {
  v("key", s_.key)("offset", s_.offset)("dma_address", s_.dma_address);
}

}  // namespace ring3

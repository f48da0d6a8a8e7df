// SPDX-License-Identifier: MIT
#include "tests/fuzz/board.h"

#include <sys/mman.h>

#include "devices/pc_layout.h"

namespace ring3::fuzz {
namespace {

constexpr u64 kMiB = 1 << 20;

struct Save final : FieldVisitor {
  Fields& out;
  explicit Save(Fields& f) : out(f) {}
  void field(std::string_view name, void* data, size_t size) override {
    const u8* p = static_cast<const u8*>(data);
    out.emplace_back(name, std::vector<u8>(p, p + size));
  }
};

struct Restore final : FieldVisitor {
  const Fields& in;
  size_t next = 0;
  explicit Restore(const Fields& f) : in(f) {}
  void field(std::string_view, void* data, size_t size) override {
    const std::vector<u8>& bytes = in[next++].second;
    if (bytes.size() != size) std::abort();
    std::copy(bytes.begin(), bytes.end(), static_cast<u8*>(data));
  }
};

}  // namespace

size_t Board::Source::take(std::span<u8> out) {
  size_t n = 0;
  for (; n < out.size() && !bytes.empty(); ++n) {
    out[n] = bytes.front();
    bytes.pop_front();
  }
  return n;
}

Board::Board()
    : media_{Medium(u64{1} << 40),        // IDE, larger than 28 bits address
             Medium(3 * kMiB + 512),      // IDE, no whole number of cylinders
             Medium(64 * kMiB, true),     // CD
             Medium(1'474'560),           // floppy
             Medium(2 * kMiB),            // virtio
             Medium(kMiB - 512, true)} {  // virtio, read-only
  renew();
}

PcConfig Board::config() {
  PcConfig c;
  c.ram_bytes = 16 * kMiB;
  c.cpu = *CpuModel::parse("max");
  c.icount = true;
  c.icount_sleep = false;
  for (unsigned port = 0; port < 4; ++port) {
    c.serial[port] = &sink_;
    c.serial_input[port] = &typed_[port];
  }
  c.debugcon = &sink_;
  c.debug_exit = layout::kDebugExit;
  c.pc_testdev = true;
  c.input = {.keyboard = true, .mouse = true, .tablet = true};
  using Slot = DriveSlot::Kind;
  c.storage.ide = {DriveSlot{Slot::Disk, &media_[0], ""}, DriveSlot{Slot::Disk, &media_[1], ""},
                   DriveSlot{Slot::CdRom, &media_[2], ""}, DriveSlot{Slot::CdRom, nullptr, ""}};
  c.storage.virtio = {DriveSlot{Slot::Disk, &media_[4], "fuzz"},
                      DriveSlot{Slot::Disk, &media_[5], ""}};
  c.storage.floppy = {DriveSlot{Slot::Disk, &media_[3], ""}, DriveSlot{Slot::Disk, nullptr, ""}};
  return c;
}

void Board::renew() {
  for (Medium& medium : media_) medium.renew();
  for (Source& source : typed_) source.bytes.clear();
  screen_.reset();
  pc_ = std::make_unique<Pc>(config());
  screen_ = std::make_unique<VgaScreen>(*pc_->vga());
  pc_->reset();
}

void Board::reset() {
  for (Medium& medium : media_) medium.renew();
  for (Source& source : typed_) source.bytes.clear();
  // Private memory that is given back to the host comes again as zeros.
  for (const std::span<u8> memory : {pc_->memory().ram(), pc_->memory().device_ram()})
    if (madvise(memory.data(), memory.size(), MADV_DONTNEED) != 0) std::abort();
  pc_->reset();
}

void Board::set_media_broken(u32 which) {
  for (size_t i = 0; i < media_.size(); ++i) media_[i].set_broken(which >> i & 1);
}

Fields Board::save() {
  Fields all;
  Save visitor(all);
  for (Device* device : pc_->devices()) device->fields(visitor);
  return all;
}

void Board::restore(const Fields& fields) {
  Restore visitor(fields);
  for (Device* device : pc_->devices()) device->fields(visitor);
  for (Device* device : pc_->devices()) device->restored();
}

}  // namespace ring3::fuzz

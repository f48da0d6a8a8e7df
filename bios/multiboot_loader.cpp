// SPDX-License-Identifier: MIT
#include "bios/multiboot_loader.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>

#include "base/bits.h"
#include "base/log.h"
#include "bios/elf_image.h"
#include "bios/flat_mode.h"
#include "bios/memory_map.h"

namespace ring3 {
namespace {

constexpr u32 kHeaderMagic = 0x1BADB002, kEntryMagic = 0x2BADB002;
constexpr u64 kHeaderSearch = 8192;
constexpr u32 kWantsVideo = 1 << 2, kHasAddresses = 1 << 16, kUnknownMandatory = 0xFFF8;

// Multiboot information, by offset.
constexpr u32 kFlags = 0, kMemLower = 4, kMemUpper = 8, kCmdline = 16, kModsCount = 20,
              kModsAddr = 24, kMmapLength = 44, kMmapAddr = 48, kBootLoaderName = 64,
              kFramebufferAddr = 88, kFramebufferPitch = 96, kFramebufferWidth = 100,
              kFramebufferHeight = 104, kFramebufferBpp = 108, kFramebufferType = 109,
              kInfoSize = 116;
constexpr u32 kInfoMemory = 1 << 0, kInfoCmdline = 1 << 2, kInfoMods = 1 << 3, kInfoMmap = 1 << 6,
              kInfoLoaderName = 1 << 9, kInfoFramebuffer = 1 << 12;
constexpr u8 kFramebufferText = 2;
constexpr u64 kInfoRoom = layout::kLoaderEnd - layout::kMultibootInfo;

struct Header {
  u64 offset = 0;  ///< in the file
  u32 flags = 0;
  u32 header_addr = 0, load_addr = 0, load_end_addr = 0, bss_end_addr = 0, entry_addr = 0;
};

std::optional<Header> find_header(std::span<const u8> image) {
  const u64 end = std::min<u64>(image.size(), kHeaderSearch);
  for (u64 at = 0; at + 12 <= end; at += 4) {
    const auto field = [&](u32 n) { return load<u32>(image.data() + at + n * 4); };
    if (field(0) != kHeaderMagic || field(0) + field(1) + field(2) != 0) continue;
    Header h;
    h.offset = at;
    h.flags = field(1);
    if ((h.flags & kHasAddresses) && at + 32 > image.size()) continue;
    if (h.flags & kHasAddresses) {
      h.header_addr = field(3), h.load_addr = field(4), h.load_end_addr = field(5);
      h.bss_end_addr = field(6), h.entry_addr = field(7);
    }
    return h;
  }
  return std::nullopt;
}

struct Module {
  std::string text;
  std::vector<u8> bytes;
  u64 address = 0;
};

/// Collects what stands behind the information structure: strings and tables.
class InfoBlock {
 public:
  explicit InfoBlock(u64 base) : base_(base), bytes_(kInfoSize) {}
  void put(u32 offset, u32 value) { store(bytes_.data() + offset, value); }
  void put_byte(u32 offset, u8 value) { bytes_[offset] = value; }
  template <class T>
  void append(T value) {
    bytes_.resize(bytes_.size() + sizeof value);
    store(bytes_.data() + bytes_.size() - sizeof value, value);
  }
  u32 here() {
    bytes_.resize((bytes_.size() + 3) & ~size_t{3});
    return static_cast<u32>(base_ + bytes_.size());
  }
  u32 string(std::string_view text) {
    const u32 address = here();
    bytes_.insert(bytes_.end(), text.begin(), text.end());
    bytes_.push_back(0);
    return address;
  }
  const std::vector<u8>& bytes() const { return bytes_; }

 private:
  u64 base_;
  std::vector<u8> bytes_;
};

class MultibootLoad {
 public:
  MultibootLoad(const LoadTarget& target, const MultibootOptions& options,
                std::span<const u8> image)
      : target_(target),
        options_(options),
        image_(image),
        map_(target.low_ram_end, target.high_ram_end) {}

  Result<EntryState> run() {
    for (const auto step : {&MultibootLoad::read_header, &MultibootLoad::find_segments,
                            &MultibootLoad::check_segments, &MultibootLoad::place_modules,
                            &MultibootLoad::build_info}) {
      if (Status status = (this->*step)(); !status) return Error{status.error()};
    }
    return write();
  }

 private:
  Error error(std::string_view reason) const {
    return image_error(options_.option, options_.kernel, reason);
  }
  Status read_header();
  Status find_segments();
  Status find_kludge_segment();
  Status check_segments();
  Status place_modules();
  Status build_info();
  void add_modules(InfoBlock& info) const;
  void add_memory_map(InfoBlock& info) const;
  static void add_framebuffer(InfoBlock& info);
  EntryState write();

  const LoadTarget& target_;
  const MultibootOptions& options_;
  std::span<const u8> image_;
  MemoryMap map_;
  Header header_;
  u64 entry_ = 0;
  std::vector<ImageSegment> segments_;
  u64 end_ = layout::kHighMemory;  ///< of kernel and modules, above 1 MiB
  bool low_memory_used_ = false;   ///< the kernel lies where loaders keep their data
  std::vector<Module> modules_;
  u64 info_address_ = layout::kMultibootInfo;
  std::vector<u8> info_;
};

Status MultibootLoad::read_header() {
  const auto header = find_header(image_);
  if (!header) return error("has no Multiboot header in its first 8192 bytes");
  header_ = *header;
  // Multiboot 3.1.2: a loader that does not know one of bits 0-15 must refuse the image.
  if (header_.flags & kUnknownMandatory) {
    return error(
        fmt::format("asks for Multiboot features that ring3 has not (flags {:#x})", header_.flags));
  }
  if ((header_.flags & kWantsVideo) && !options_.vga_text) {
    RING3_LOG(GuestErrors, "multiboot: {} asks for a video mode; there is no screen",
              options_.kernel);
  }
  return success();
}

Status MultibootLoad::find_segments() {
  if (header_.flags & kHasAddresses) return find_kludge_segment();
  auto elf = parse_elf(image_);
  if (!elf) return error(elf.error());
  segments_ = elf->segments;
  entry_ = elf->entry;
  return success();
}

/// The a.out kludge: the header itself says what part of the file goes where.
Status MultibootLoad::find_kludge_segment() {
  const Header& h = header_;
  const u64 before_header = u64{h.header_addr} - h.load_addr;
  if (h.header_addr < h.load_addr || before_header > h.offset) {
    return error("has a Multiboot header whose load address lies outside the file");
  }
  const u64 start = h.offset - before_header;
  const u64 length = h.load_end_addr ? u64{h.load_end_addr} - h.load_addr : image_.size() - start;
  if ((h.load_end_addr && h.load_end_addr < h.load_addr) || length > image_.size() - start) {
    return error("is truncated: its Multiboot header announces more than the file has");
  }
  const u64 memory = h.bss_end_addr > h.load_addr ? u64{h.bss_end_addr} - h.load_addr : 0;
  segments_.push_back({h.load_addr, std::max(memory, length), image_.subspan(start, length)});
  entry_ = h.entry_addr;
  return success();
}

Status MultibootLoad::check_segments() {
  for (const ImageSegment& s : segments_) {
    const bool low = s.address < layout::kEbda;
    const u64 limit = low ? layout::kEbda : map_.usable_end;
    if ((!low && s.address < layout::kHighMemory) || s.address >= limit ||
        s.memory_size > limit - s.address) {
      return error(
          fmt::format("does not fit into memory: {:#x} bytes at {:#x}; raise -m or link it "
                      "elsewhere",
                      s.memory_size, s.address));
    }
    if (low) low_memory_used_ = true;
    if (!low) end_ = std::max(end_, s.address + s.memory_size);
  }
  if (entry_ > std::numeric_limits<u32>::max()) return error("has its entry point above 4 GiB");
  return success();
}

Status MultibootLoad::place_modules() {
  const u64 limit = map_.usable_end - (low_memory_used_ ? kInfoRoom : 0);
  for (const std::string& text : options_.modules) {
    const std::string path = text.substr(0, text.find(' '));
    auto bytes = read_image("-initrd", path);
    if (!bytes) return Error{bytes.error()};
    const u64 address = (end_ + kPageMask) & ~kPageMask;
    if (address > limit || bytes->size() > limit - address) {
      return image_error("-initrd", path, "does not fit into memory behind the kernel; raise -m");
    }
    end_ = address + bytes->size();
    modules_.push_back({text, std::move(*bytes), address});
  }
  return success();
}

void MultibootLoad::add_modules(InfoBlock& info) const {
  std::vector<u32> names;
  for (const Module& module : modules_) names.push_back(info.string(module.text));
  info.put(kModsCount, static_cast<u32>(modules_.size()));
  info.put(kModsAddr, info.here());
  for (size_t n = 0; n < modules_.size(); ++n) {
    info.append(static_cast<u32>(modules_[n].address));
    info.append(static_cast<u32>(modules_[n].address + modules_[n].bytes.size()));
    info.append(names[n]);
    info.append(u32{0});
  }
}

void MultibootLoad::add_memory_map(InfoBlock& info) const {
  constexpr u32 kEntrySize = 20;  // not counting the size field itself
  info.put(kMemLower, layout::kEbda >> 10);
  info.put(kMemUpper, static_cast<u32>((map_.usable_end - layout::kHighMemory) >> 10));
  info.put(kMmapAddr, info.here());
  info.put(kMmapLength, static_cast<u32>(map_.entries.size() * (kEntrySize + 4)));
  for (const E820Entry& entry : map_.entries) {
    info.append(kEntrySize);
    info.append(entry.start);
    info.append(entry.size);
    info.append(static_cast<u32>(entry.type));
  }
}

void MultibootLoad::add_framebuffer(InfoBlock& info) {
  info.put(kFramebufferAddr, 0xB8000);
  info.put(kFramebufferPitch, 160);
  info.put(kFramebufferWidth, 80);
  info.put(kFramebufferHeight, 25);
  info.put_byte(kFramebufferBpp, 16);
  info.put_byte(kFramebufferType, kFramebufferText);
}

Status MultibootLoad::build_info() {
  if (low_memory_used_) info_address_ = (map_.usable_end - kInfoRoom) & ~kPageMask;
  if (low_memory_used_ && info_address_ < end_) {
    return error("leaves no memory for the boot information; raise -m");
  }
  InfoBlock info(info_address_);
  const std::string& arguments = options_.command_line;
  info.put(kCmdline,
           info.string(arguments.empty() ? options_.kernel : options_.kernel + " " + arguments));
  info.put(kBootLoaderName, info.string("ring3"));
  add_modules(info);
  add_memory_map(info);
  u32 flags = kInfoMemory | kInfoCmdline | kInfoMods | kInfoMmap | kInfoLoaderName;
  if (options_.vga_text) {
    add_framebuffer(info);
    flags |= kInfoFramebuffer;
  }
  info.put(kFlags, flags);
  if (info.bytes().size() > kInfoRoom) {
    return image_error("-append", "",
                       fmt::format("command line and module arguments are longer than {}; shorten "
                                   "them",
                                   human_size(kInfoRoom)));
  }
  info_ = info.bytes();
  return success();
}

/// Multiboot 3.2 "Machine state".
EntryState MultibootLoad::write() {
  EntryState state;
  if (low_memory_used_) {
    state.mode = EntryMode::Protected32;
    state.cs = kBootCs;
    state.ds = kBootDs;
  } else {
    state = enter_protected32(target_);
  }
  for (const ImageSegment& s : segments_) {
    target_.write(s.address, s.bytes);
    target_.zero(s.address + s.bytes.size(), s.memory_size - s.bytes.size());
  }
  for (const Module& module : modules_) target_.write(module.address, module.bytes);
  target_.write(info_address_, info_);
  state.rip = entry_;
  state.rax = kEntryMagic;
  state.rbx = info_address_;
  return state;
}

}  // namespace

bool is_multiboot_image(std::span<const u8> image) { return find_header(image).has_value(); }

Result<EntryState> load_multiboot(const LoadTarget& target, const MultibootOptions& options,
                                  std::span<const u8> image) {
  return MultibootLoad(target, options, image).run();
}

Result<EntryState> load_multiboot(const LoadTarget& target, const MultibootOptions& options) {
  auto image = read_image(options.option, options.kernel);
  if (!image) return Error{image.error()};
  return load_multiboot(target, options, *image);
}

}  // namespace ring3

// SPDX-License-Identifier: MIT
#include "bios/linux_loader.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/bits.h"
#include "bios/boot_params.h"
#include "bios/flat_mode.h"
#include "bios/memory_map.h"

namespace ring3 {
namespace bp = boot_params;
namespace {

constexpr u64 kSector = 512;
constexpr u64 kRealModeHigh = 0x10000;  // setup code of a kernel that is loaded high
constexpr u64 kRealModeLow = 0x90000;   // and of one that is loaded at 10000h
constexpr u64 kSetupRoom = 0x8000;      // setup code; the heap and stack end kSetupHeap further on
constexpr u64 kSetupHeap = 0xE000;
constexpr u64 kSetupCommandRoom = 0x1C00;  // ends at the EBDA when the setup code is at 90000h
constexpr u32 kOldInitrdMax = 0x37FFFFFF;

u64 align_up(u64 value, u64 to) { return (value + to - 1) & ~(to - 1); }

/// The image with its header's fields, checked.
struct Kernel {
  std::vector<u8> image;
  u16 version = 0;
  u64 setup_size = 0;  ///< boot sector and setup sectors, in bytes
  u64 header_end = 0;

  template <class T>
  T field(u32 offset) const {
    return load<T>(image.data() + offset);
  }
  bool loaded_high() const { return field<u8>(bp::kLoadFlags) & bp::kLoadedHigh; }
  /// Before 2.02 the protected-mode code looks for the command line where the setup code moved it.
  bool has_32bit_entry() const { return loaded_high() && version >= 0x202; }
  bool has_64bit_entry() const {
    return version >= 0x20C && (field<u16>(bp::kXLoadFlags) & bp::kXlfKernel64);
  }
  u64 cmdline_size() const { return version >= 0x206 ? field<u32>(bp::kCmdlineSize) : 255; }
  u64 initrd_max() const {
    return version >= 0x203 ? field<u32>(bp::kInitrdAddrMax) : kOldInitrdMax;
  }
  std::span<const u8> setup() const { return {image.data(), setup_size}; }
  std::span<const u8> body() const { return std::span(image).subspan(setup_size); }
  /// Where the kernel is loaded: 1 MiB, from where a relocatable one moves itself.
  u64 address() const { return loaded_high() ? layout::kHighMemory : kRealModeHigh; }
  /// First byte past all that it uses before it has read the memory map.
  u64 end() const {
    const u64 end = address() + body().size();
    if (version < 0x20A) return end;
    const u64 preferred = std::min(field<u64>(bp::kPrefAddress), bit(62));  // no overflow below
    return std::max(end, std::max(address(), preferred) + field<u32>(bp::kInitSize));
  }
};

class LinuxLoad {
 public:
  LinuxLoad(const LoadTarget& target, const LinuxOptions& options, std::vector<u8> image)
      : target_(target), options_(options), map_(target.low_ram_end, target.high_ram_end) {
    kernel_.image = std::move(image);
  }

  Result<LoadedLinux> run() {
    for (const auto step :
         {&LinuxLoad::read_kernel, &LinuxLoad::choose_entry, &LinuxLoad::place_kernel,
          &LinuxLoad::check_command_line, &LinuxLoad::place_initrd}) {
      if (Status status = (this->*step)(); !status) return Error{status.error()};
    }
    write();
    return loaded_;
  }

 private:
  Error kernel_error(std::string_view reason) const {
    return image_error("-kernel", options_.kernel, reason);
  }
  Status read_kernel();
  Status choose_entry();
  Status place_kernel();
  Status check_command_line();
  Status place_initrd();

  void write();
  std::vector<u8> boot_params() const;
  void fill_header(std::span<u8> params) const;
  void write_setup16();

  u64 real_mode_base() const { return kernel_.loaded_high() ? kRealModeHigh : kRealModeLow; }
  u64 command_line_address() const {
    return entry_ == LinuxEntry::Setup16 ? real_mode_base() + kSetupHeap : layout::kCommandLine;
  }

  const LoadTarget& target_;
  const LinuxOptions& options_;
  MemoryMap map_;
  Kernel kernel_;
  LinuxEntry entry_ = LinuxEntry::Best;
  std::vector<u8> initrd_;
  LoadedLinux loaded_;
};

Status LinuxLoad::read_kernel() {
  if (kernel_.image.empty()) {
    auto image = read_image("-kernel", options_.kernel);
    if (!image) return Error{image.error()};
    kernel_.image = std::move(*image);
  }
  if (!is_linux_image(kernel_.image)) {
    return kernel_error(
        "is not a Linux kernel image (no \"HdrS\" signature); give a bzImage, which "
        "distributions name vmlinuz");
  }
  kernel_.version = kernel_.field<u16>(bp::kVersion);
  if (kernel_.version < 0x200) {
    return kernel_error(fmt::format("has boot protocol {}.{:02}; 2.00 or later is needed",
                                    kernel_.version >> 8, kernel_.version & 0xFF));
  }
  const u64 sectors = kernel_.field<u8>(bp::kSetupSects);
  kernel_.setup_size = (1 + (sectors ? sectors : 4)) * kSector;
  kernel_.header_end = bp::kHeader + kernel_.field<u8>(bp::kJumpLength);
  const u64 paragraphs = kernel_.version >= 0x204 ? kernel_.field<u32>(bp::kSysSize)
                                                  : kernel_.field<u16>(bp::kSysSize);
  const u64 needed = kernel_.setup_size + std::max<u64>(paragraphs * 16, 1);
  // The last paragraph may be cut short: build tools round the size up.
  if (kernel_.image.size() + 15 < needed || kernel_.image.size() <= kernel_.setup_size) {
    return kernel_error(fmt::format("is truncated: {} bytes of {}; copy the file again",
                                    kernel_.image.size(), needed));
  }
  loaded_.protocol = kernel_.version;
  return success();
}

Status LinuxLoad::choose_entry() {
  entry_ = options_.entry;
  if (entry_ == LinuxEntry::Best) {
    entry_ = kernel_.has_64bit_entry()   ? LinuxEntry::Long64
             : kernel_.has_32bit_entry() ? LinuxEntry::Protected32
                                         : LinuxEntry::Setup16;
  }
  if (entry_ == LinuxEntry::Long64 && !kernel_.has_64bit_entry()) {
    return kernel_error("has no 64-bit entry point; use the 32-bit one");
  }
  if (entry_ == LinuxEntry::Protected32 && !kernel_.has_32bit_entry()) {
    return kernel_error(
        "has no 32-bit entry point (zImage or protocol before 2.02); use the 16-bit one");
  }
  if (entry_ == LinuxEntry::Setup16 && kernel_.setup_size > kSetupRoom) {
    return kernel_error("has more setup sectors than the 16-bit entry has room for");
  }
  return success();
}

Status LinuxLoad::place_kernel() {
  const u64 ram_end = kernel_.loaded_high() ? map_.usable_end : kRealModeLow;
  if (kernel_.end() > ram_end) {
    return kernel_error(
        fmt::format("does not fit into memory: it needs {}; raise -m",
                    human_size(kernel_.end() + target_.low_ram_end - map_.usable_end)));
  }
  loaded_.kernel_address = kernel_.address();
  return success();
}

Status LinuxLoad::check_command_line() {
  const u64 room =
      entry_ == LinuxEntry::Setup16 ? kSetupCommandRoom : layout::kLoaderEnd - layout::kCommandLine;
  const u64 most = std::min(kernel_.cmdline_size(), room - 1);
  if (options_.command_line.size() > most) {
    return image_error("-append", "",
                       fmt::format("the command line has {} bytes; {} takes at most {}; "
                                   "shorten it",
                                   options_.command_line.size(), options_.kernel, most));
  }
  return success();
}

Status LinuxLoad::place_initrd() {
  if (options_.initrd.empty()) return success();
  auto image = read_image("-initrd", options_.initrd);
  if (!image) return Error{image.error()};
  initrd_ = std::move(*image);
  const u64 top = std::min(map_.usable_end, kernel_.initrd_max() + 1);
  const u64 floor = std::max(kernel_.end(), layout::kHighMemory);
  const u64 size = align_up(initrd_.size(), kPageSize);
  if (floor + size > (top & ~kPageMask)) {
    return image_error(
        "-initrd", options_.initrd,
        fmt::format("does not fit into memory: {} with {} left beside the kernel; raise "
                    "-m or give a smaller initrd",
                    human_size(initrd_.size()), human_size(top > floor ? top - floor : 0)));
  }
  loaded_.initrd_address = (top & ~kPageMask) - size;
  loaded_.initrd_size = initrd_.size();
  return success();
}

/// The copied header with the fields that the loader must write (boot.rst "obligatory").
void LinuxLoad::fill_header(std::span<u8> params) const {
  const auto put = [&](u32 offset, auto value) { store(params.data() + offset, value); };
  put(bp::kVidMode, bp::kVgaNormal);
  put(bp::kTypeOfLoader, bp::kLoaderUndefined);
  put(bp::kRamdiskImage, static_cast<u32>(loaded_.initrd_address));
  put(bp::kRamdiskSize, static_cast<u32>(loaded_.initrd_size));
  if (kernel_.loaded_high()) put(bp::kCode32Start, static_cast<u32>(kernel_.address()));
  if (kernel_.version >= 0x202) {
    put(bp::kCmdLinePtr, static_cast<u32>(command_line_address()));
  } else {
    put(bp::kOldCmdLineMagic, bp::kOldCmdLineMagicValue);
    put(bp::kSetupMoveSize, static_cast<u16>(kSetupHeap + options_.command_line.size() + 1));
    put(bp::kOldCmdLineOffset, static_cast<u16>(command_line_address() - real_mode_base()));
  }
}

/// The zero page of the 32- and 64-bit entries (zero-page.rst).
std::vector<u8> LinuxLoad::boot_params() const {
  std::vector<u8> params(bp::kSize);
  const auto put = [&](u32 offset, auto value) { store(params.data() + offset, value); };
  const u64 header_end = std::min<u64>(kernel_.header_end, 0x290);
  std::copy(kernel_.image.begin() + bp::kSetupSects,
            kernel_.image.begin() + static_cast<std::ptrdiff_t>(header_end),
            params.begin() + bp::kSetupSects);
  fill_header(params);
  if (kernel_.version >= 0x20E) put(bp::kAcpiRsdpAddr, options_.rsdp);
  if (options_.vga_text) {
    put(bp::kOrigVideoMode, u8{3});
    put(bp::kOrigVideoCols, u8{80});
    put(bp::kOrigVideoLines, u8{25});
    put(bp::kOrigVideoIsVga, u8{1});
    put(bp::kOrigVideoPoints, u16{16});
  }
  const u64 above_1m_k = (map_.usable_end - layout::kHighMemory) >> 10;
  put(bp::kExtMemK, static_cast<u16>(std::min<u64>(above_1m_k, 0xFFFF)));
  put(bp::kAltMemK, static_cast<u32>(above_1m_k));
  u32 at = bp::kE820Table;
  for (const E820Entry& entry : map_.entries) {
    put(at, entry.start);
    put(at + 8, entry.size);
    put(at + 16, static_cast<u32>(entry.type));
    at += 20;
  }
  put(bp::kE820Entries, static_cast<u8>(map_.entries.size()));
  return params;
}

/// boot.rst "Running the kernel": CS = base of the setup code + 20h, the other segments its base.
void LinuxLoad::write_setup16() {
  std::vector<u8> setup(kernel_.setup().begin(), kernel_.setup().end());
  fill_header(setup);
  store(setup.data() + bp::kHeapEndPtr, static_cast<u16>(kSetupHeap - 0x200));
  setup[bp::kLoadFlags] |= bp::kCanUseHeap;
  target_.write(real_mode_base(), setup);
  loaded_.entry.mode = EntryMode::Real16;
  loaded_.entry.ds = static_cast<u16>(real_mode_base() >> 4);
  loaded_.entry.cs = loaded_.entry.ds + 0x20;
  loaded_.entry.rsp = kSetupHeap;
}

void LinuxLoad::write() {
  target_.write(kernel_.address(), kernel_.body());
  if (!initrd_.empty()) target_.write(loaded_.initrd_address, initrd_);
  target_.write_string(command_line_address(), options_.command_line);
  if (entry_ == LinuxEntry::Setup16) return write_setup16();
  target_.write(layout::kBootParams, boot_params());
  loaded_.entry = entry_ == LinuxEntry::Long64 ? enter_long64(target_) : enter_protected32(target_);
  loaded_.entry.rip = kernel_.address() + (entry_ == LinuxEntry::Long64 ? bp::kEntry64 : 0);
  loaded_.entry.rsi = layout::kBootParams;
}

}  // namespace

bool is_linux_image(std::span<const u8> image) {
  return image.size() >= 0x290 && load<u32>(image.data() + bp::kHeader) == bp::kHdrS &&
         load<u16>(image.data() + bp::kBootFlag) == bp::kBootFlagValue;
}

Result<LoadedLinux> load_linux(const LoadTarget& target, const LinuxOptions& options,
                               std::vector<u8> image) {
  return LinuxLoad(target, options, std::move(image)).run();
}

}  // namespace ring3

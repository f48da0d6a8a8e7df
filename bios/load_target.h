// SPDX-License-Identifier: MIT
// What a loader needs of the machine (a way to write guest memory and where RAM ends) and what it
// gives back (the state in which the cpu starts). Loaders know neither the cpu nor the board.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/types.h"

namespace ring3 {

struct LoadTarget {
  /// Writes guest physical memory; called only for addresses inside RAM.
  std::function<void(u64 address, std::span<const u8> bytes)> write;
  u64 low_ram_end = 0;               ///< first address past RAM below the hole at 4 GiB
  u64 high_ram_end = 0x1'0000'0000;  ///< first address past RAM above 4 GiB; 4 GiB if none

  void zero(u64 address, u64 size) const;
  void write_string(u64 address, std::string_view text) const;  ///< with the final NUL
};

enum class EntryMode : u8 {
  Reset,        ///< the cpu's own reset state: CS base FFFF0000h, IP FFF0h
  Real16,       ///< base = selector * 16, limit FFFFh
  Protected32,  ///< CR0.PE only; flat 4 GiB segments
  Long64,       ///< CR0.PE|PG, CR4.PAE, EFER.LME|LMA, CR3 as given; flat segments, CS.L
};

/// The cpu's state at the entry point. What is not named is as after reset; interrupts are off.
/// Segments hold the rights of a code (CS) or data segment, accessed, DPL 0, as the GDT given here
/// describes them; in Protected32 without a GDT the hidden parts are loaded all the same.
struct EntryState {
  EntryMode mode = EntryMode::Reset;
  u64 rip = 0, rsp = 0;
  u64 rax = 0, rbx = 0, rcx = 0, rdx = 0, rsi = 0, rdi = 0, rbp = 0;
  u16 cs = 0;
  u16 ds = 0;        ///< also ES, SS, FS and GS
  u64 cr3 = 0;       ///< Long64: identity page tables
  u64 gdt_base = 0;  ///< with limit 0: no GDT, the guest must load its own
  u16 gdt_limit = 0;
};

/// The whole file; an error names `option`, `path`, the reason and the way out.
Result<std::vector<u8>> read_image(std::string_view option, const std::string& path);

/// "-kernel vmlinuz: reason; remedy".
Error image_error(std::string_view option, std::string_view path, std::string_view reason);

/// Size for people: "16 MiB", "3 KiB".
std::string human_size(u64 bytes);

}  // namespace ring3

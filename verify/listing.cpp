// SPDX-License-Identifier: MIT
#include "verify/listing.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "core/system.h"

namespace ring3::verify {
namespace {

CodeSize code_size(const CpuState& s) {
  if (s.long64()) return CodeSize::Bits64;
  return s.seg[kCs].db ? CodeSize::Bits32 : CodeSize::Bits16;
}

std::string bytes_of(const u8* bytes, size_t count) {
  std::string text;
  for (size_t n = 0; n < count; ++n)
    fmt::format_to(std::back_inserter(text), "{:02x} ", bytes[n]);
  return text;
}

void append(std::string& text, const Decoded& d, const u8* bytes, u64 address) {
  fmt::format_to(std::back_inserter(text), "  {:#018x}  {:45}{}\n", address,
                 bytes_of(bytes, d.insn.length), Decoder::format(d, address));
}

/// What a debugger sees of the block's bytes; blocks end at pages, but for single instructions.
std::vector<u8> guest_bytes(const Cpu& cpu, u64 linear, size_t count) {
  std::vector<u8> bytes;
  for (size_t n = 0; n < count; ++n) {
    const Walk w = cpu.mmu.look({(linear + n) & cpu.state.linear_mask});
    if (!w.ok) break;
    bytes.push_back(cpu.mmu.memory().read<u8>(w.address));
  }
  return bytes;
}

}  // namespace

Listing list_block(Cpu& cpu, const Jit& jit) {
  const CpuState& s = cpu.state;
  const u64 linear = (s.seg[kCs].access_base + s.rip()) & s.linear_mask;
  Listing listing;
  listing.text = fmt::format("guest block at {:#x}\n", linear);
  const Decoder decoder;
  const std::vector<u8> bytes = guest_bytes(cpu, linear, kPageSize - (linear & kPageMask));
  Decoded d;
  for (size_t at = 0, count = 0; at < bytes.size() && count < kMaxBlockInsns; ++count) {
    const std::span<const u8> rest(bytes.data() + at, bytes.size() - at);
    if (decoder.decode(code_size(s), rest, d) != DecodeStatus::Ok) break;
    append(listing.text, d, rest.data(), linear + at);
    const u16 mnemonic = static_cast<u16>(d.insn.mnemonic);
    if (std::ranges::find(listing.mnemonics, mnemonic) == listing.mnemonics.end())
      listing.mnemonics.push_back(mnemonic);
    at += d.insn.length;
    if (is_terminator(d)) break;
  }
  const std::span<const u8> host = jit.translation(s.rip(), s.mode_key);
  const u64 address = reinterpret_cast<u64>(host.data());
  listing.text += host.empty() ? "not translated\n" : "host code\n";
  for (size_t at = 0; at < host.size(); at += d.insn.length) {
    if (decoder.decode(CodeSize::Bits64, host.subspan(at), d) != DecodeStatus::Ok) break;
    append(listing.text, d, host.data() + at, address + at);
  }
  return listing;
}

}  // namespace ring3::verify

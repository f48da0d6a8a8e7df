// SPDX-License-Identifier: MIT
#include "core/x87_environment.h"

namespace ring3 {
namespace {

enum Tag : unsigned { kValid, kZero, kSpecial, kEmpty };

Tag classify_register(const u8* st) {
  const u64 mantissa = load<u64>(st);
  const unsigned exponent = load<u16>(st + 8) & 0x7FFF;
  if (exponent == 0 && mantissa == 0) return kZero;
  const bool normal = exponent != 0 && exponent != 0x7FFF && mantissa >> 63;
  return normal ? kValid : kSpecial;
}

u8 abridged_tags(u16 full) {
  u8 tags = 0;
  for (unsigned n = 0; n < 8; ++n)
    if ((full >> 2 * n & 3) != kEmpty) tags |= 1 << n;
  return tags;
}

/// What stands in the environment, before it is packed.
struct Words {
  u16 fcw, fsw, ftw, fop;
  u32 fip, fdp;
  u16 fcs, fds;
};

Words gather_words(const CpuState& s, bool linear) {
  const FpuState& f = s.fpu;
  const u64 fip = fpu::get<u64>(f, fpu::kFip), fdp = fpu::get<u64>(f, fpu::kFdp);
  Words w{};
  w.fcw = fpu::fcw(f), w.fsw = fpu::fsw(f), w.ftw = full_tags(f);
  w.fop = fpu::get<u16>(f, fpu::kFop);
  w.fip = static_cast<u32>(fip), w.fdp = static_cast<u32>(fdp);
  if (!s.long_mode()) w.fcs = static_cast<u16>(fip >> 32), w.fds = static_cast<u16>(fdp >> 32);
  if (linear) {
    w.fip += u32{w.fcs} << 4, w.fdp += u32{w.fds} << 4;
    w.fcs = w.fds = 0;
  }
  return w;
}

void apply_words(CpuState& s, const Words& w) {
  FpuState& f = s.fpu;
  constexpr u16 kFcwBits = 0x1F3F, kFcwOnes = 0x40;
  const u16 fcw = (w.fcw & kFcwBits) | kFcwOnes;
  fpu::set<u16>(f, fpu::kFcw, fcw);
  fpu::set_fsw_renaming(f, fpu::with_summary(w.fsw, fcw));
  fpu::set<u8>(f, fpu::kFtw, abridged_tags(w.ftw));
  fpu::set<u16>(f, fpu::kFop, w.fop & 0x7FF);
  const u64 selectors = s.long_mode() ? 0 : ~u64{0};
  fpu::set<u64>(f, fpu::kFip, w.fip | ((u64{w.fcs} << 32) & selectors));
  fpu::set<u64>(f, fpu::kFdp, w.fdp | ((u64{w.fds} << 32) & selectors));
}

constexpr u32 kOnes = 0xFFFF0000;  // what the reserved halves read as

void pack_wide(const Words& w, bool linear, u8* out) {
  const u32 words[7] = {
      kOnes | w.fcw,
      kOnes | w.fsw,
      kOnes | w.ftw,
      linear ? kOnes | (w.fip & 0xFFFF) : w.fip,
      linear ? (w.fip >> 16) << 12 | w.fop : u32{w.fcs} | u32{w.fop} << 16,
      linear ? kOnes | (w.fdp & 0xFFFF) : w.fdp,
      linear ? (w.fdp >> 16) << 12 : kOnes | w.fds,
  };
  for (unsigned n = 0; n < 7; ++n) store<u32>(out + 4 * n, words[n]);
}

void pack_narrow(const Words& w, bool linear, u8* out) {
  const u32 words[7] = {
      w.fcw,
      w.fsw,
      w.ftw,
      w.fip,
      linear ? (w.fip >> 16 & 15) << 12 | w.fop : w.fcs,
      w.fdp,
      linear ? (w.fdp >> 16 & 15) << 12 : w.fds,
  };
  for (unsigned n = 0; n < 7; ++n) store<u16>(out + 2 * n, static_cast<u16>(words[n]));
}

Words unpack_wide(bool linear, const u8* in) {
  u32 v[7];
  for (unsigned n = 0; n < 7; ++n) v[n] = load<u32>(in + 4 * n);
  Words w{static_cast<u16>(v[0]), static_cast<u16>(v[1]), static_cast<u16>(v[2]), 0, 0, 0, 0, 0};
  if (linear) {
    w.fop = v[4] & 0x7FF;
    w.fip = (v[3] & 0xFFFF) | (v[4] >> 12 & 0xFFFF) << 16;
    w.fdp = (v[5] & 0xFFFF) | (v[6] >> 12 & 0xFFFF) << 16;
    return w;
  }
  w.fop = v[4] >> 16 & 0x7FF;
  w.fip = v[3], w.fdp = v[5];
  w.fcs = static_cast<u16>(v[4]), w.fds = static_cast<u16>(v[6]);
  return w;
}

/// The 16-bit protected-mode form has no opcode: FOP keeps what it had.
Words unpack_narrow(bool linear, const u8* in, u16 fop) {
  u16 v[7];
  for (unsigned n = 0; n < 7; ++n) v[n] = load<u16>(in + 2 * n);
  if (linear)
    return {v[0],
            v[1],
            v[2],
            static_cast<u16>(v[4] & 0x7FF),
            v[3] | (u32{v[4]} >> 12) << 16,
            v[5] | (u32{v[6]} >> 12) << 16,
            0,
            0};
  return {v[0], v[1], v[2], fop, v[3], v[5], v[4], v[6]};
}

}  // namespace

u16 full_tags(const FpuState& f) {
  const u8 used = fpu::get<u8>(f, fpu::kFtw);
  unsigned tags = 0;
  for (unsigned n = 0; n < 8; ++n) {
    const unsigned st = (n - fpu::top(f)) & 7;
    const Tag tag = used >> n & 1 ? classify_register(f.image + fpu::kSt + 16 * st) : kEmpty;
    tags |= tag << 2 * n;
  }
  return static_cast<u16>(tags);
}

EnvLayout env_layout(const Cpu& cpu, const Insn& insn) {
  const CpuMode mode = cpu.state.mode;
  return {insn.operand_width != 2, mode == CpuMode::Real || mode == CpuMode::Virtual8086};
}

void store_environment(const CpuState& state, EnvLayout layout, u8* out) {
  const Words w = gather_words(state, layout.linear);
  layout.wide ? pack_wide(w, layout.linear, out) : pack_narrow(w, layout.linear, out);
}

void load_environment(CpuState& state, EnvLayout layout, const u8* in) {
  const u16 fop = fpu::get<u16>(state.fpu, fpu::kFop);
  apply_words(state,
              layout.wide ? unpack_wide(layout.linear, in) : unpack_narrow(layout.linear, in, fop));
}

}  // namespace ring3

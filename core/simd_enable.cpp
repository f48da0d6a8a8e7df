// SPDX-License-Identifier: MIT
// Not emulated: FERR# and IRQ 13 (CR0.NE = 0). A pending x87 exception raises #MF whatever NE is.
#include "core/simd_enable.h"

#include "base/log.h"

namespace ring3 {
namespace {

constexpr IsaFeature word(FeatureWord w, unsigned bit) {
  return {{static_cast<u8>(w), u32{1} << bit}, true};
}

}  // namespace

IsaFeature feature_of(ZydisISASet isa_set) {
  using W = FeatureWord;
  switch (isa_set) {
    case ZYDIS_ISA_SET_X87:
      return word(W::L1Edx, 0);
    case ZYDIS_ISA_SET_FCMOV:
    case ZYDIS_ISA_SET_PPRO:
      return word(W::L1Edx, 15);
    case ZYDIS_ISA_SET_PENTIUMMMX:
      return word(W::L1Edx, 23);
    case ZYDIS_ISA_SET_FXSAVE:
    case ZYDIS_ISA_SET_FXSAVE64:
      return word(W::L1Edx, 24);
    case ZYDIS_ISA_SET_SSE:
    case ZYDIS_ISA_SET_SSEMXCSR:
    case ZYDIS_ISA_SET_SSE_PREFETCH:
      return word(W::L1Edx, 25);
    case ZYDIS_ISA_SET_SSE2:
    case ZYDIS_ISA_SET_SSE2MMX:
      return word(W::L1Edx, 26);
    case ZYDIS_ISA_SET_CLFSH:
      return word(W::L1Edx, 19);
    case ZYDIS_ISA_SET_SSE3:
    case ZYDIS_ISA_SET_SSE3X87:
      return word(W::L1Ecx, 0);
    case ZYDIS_ISA_SET_PCLMULQDQ:
      return word(W::L1Ecx, 1);
    case ZYDIS_ISA_SET_SSSE3:
    case ZYDIS_ISA_SET_SSSE3MMX:
      return word(W::L1Ecx, 9);
    case ZYDIS_ISA_SET_FMA:
      return word(W::L1Ecx, 12);
    case ZYDIS_ISA_SET_SSE4:
      return word(W::L1Ecx, 19);
    case ZYDIS_ISA_SET_SSE42:
      return word(W::L1Ecx, 20);
    case ZYDIS_ISA_SET_AES:
    case ZYDIS_ISA_SET_AVXAES:
      return word(W::L1Ecx, 25);
    case ZYDIS_ISA_SET_XSAVE:
      return word(W::L1Ecx, 26);
    case ZYDIS_ISA_SET_AVX:
      return word(W::L1Ecx, 28);
    case ZYDIS_ISA_SET_F16C:
      return word(W::L1Ecx, 29);
    case ZYDIS_ISA_SET_AVX2:
    case ZYDIS_ISA_SET_AVX2GATHER:
      return word(W::L7Ebx, 5);
    case ZYDIS_ISA_SET_CLFLUSHOPT:
      return word(W::L7Ebx, 23);
    case ZYDIS_ISA_SET_CLWB:
      return word(W::L7Ebx, 24);
    case ZYDIS_ISA_SET_SHA:
      return word(W::L7Ebx, 29);
    case ZYDIS_ISA_SET_GFNI:
    case ZYDIS_ISA_SET_AVX_GFNI:
      return word(W::L7Ecx, 8);
    case ZYDIS_ISA_SET_VAES:
      return word(W::L7Ecx, 9);
    case ZYDIS_ISA_SET_VPCLMULQDQ:
      return word(W::L7Ecx, 10);
    case ZYDIS_ISA_SET_XSAVEOPT:
      return word(W::D1Eax, 0);
    case ZYDIS_ISA_SET_XSAVEC:
      return word(W::D1Eax, 1);
    case ZYDIS_ISA_SET_XSAVES:
      return word(W::D1Eax, 3);
    default:
      return {};
  }
}

void check_x87_pending(const Cpu& cpu) {
  if (!fpu::exception_pending(cpu.state.fpu)) [[likely]]
    return;
  static u32 legacy_reports = 0;
  if (!(cpu.state.cr0 & cr0::NE) && first_times(legacy_reports))
    RING3_LOG(GuestErrors, "x87 exception with CR0.NE = 0: #MF instead of FERR#");
  raise(MF());
}

void check_x87_no_wait(const Cpu& cpu) {
  require((cpu.state.cr0 & (cr0::EM | cr0::TS)) == 0, NM());
}

void check_x87(const Cpu& cpu) {
  check_x87_no_wait(cpu);
  check_x87_pending(cpu);
}

void check_mmx(const Cpu& cpu) {
  require(!(cpu.state.cr0 & cr0::EM), UD());
  require(!(cpu.state.cr0 & cr0::TS), NM());
  check_x87_pending(cpu);
}

void check_sse(const Cpu& cpu) {
  require(!(cpu.state.cr0 & cr0::EM) && (cpu.state.cr4 & cr4::OSFXSR), UD());
  require(!(cpu.state.cr0 & cr0::TS), NM());
}

void check_avx(const Cpu& cpu) {
  constexpr u64 kSseAvx = 6;
  // VEX is recognized in protected mode only; XCR0[2:1] must be 11b, else #UD.
  require(cpu.state.protected_mode() && (cpu.state.cr4 & cr4::OSXSAVE) &&
              (cpu.state.xcr0 & kSseAvx) == kSseAvx,
          UD());
  require(!(cpu.state.cr0 & cr0::TS), NM());
}

}  // namespace ring3

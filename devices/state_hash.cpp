// SPDX-License-Identifier: MIT
#include "devices/state_hash.h"

#include <cstring>

namespace ring3 {

void StateHash::field(std::string_view, void* data, size_t size) {
  const u8* p = static_cast<const u8*>(data);
  for (; size >= 8; p += 8, size -= 8) add(load<u64>(p));
  u64 tail = 0;
  std::memcpy(&tail, p, size);
  add(tail ^ size);
}

void StateHash::add_cpu(CpuState& s) {
  for (const u64 r : s.gpr) add(r);
  for (const u64 r : {s.rflags,
                      s.cr0,
                      s.cr2,
                      s.cr3,
                      s.cr4,
                      s.cr8,
                      s.efer,
                      s.xcr0,
                      u64{s.pkru},
                      s.gdtr.base,
                      u64{s.gdtr.limit},
                      s.idtr.base,
                      u64{s.idtr.limit},
                      s.instructions,
                      s.tsc_offset,
                      s.tsc_aux,
                      s.star,
                      s.lstar,
                      s.cstar,
                      s.fmask,
                      s.kernel_gs_base,
                      s.sysenter_cs,
                      s.sysenter_esp,
                      s.sysenter_eip,
                      u64{s.shadow},
                      u64{s.nmi_blocked},
                      static_cast<u64>(s.activity)})
    add(r);
  for (const u64 r : s.dr) add(r);
  for (const Segment& g : s.seg) {
    add(u64{g.selector} | u64{g.type} << 16 | u64{g.dpl} << 24 | u64{g.limit} << 32);
    add(g.base);
    add(u64{g.s} | u64{g.present} << 1 | u64{g.l} << 2 | u64{g.db} << 3 | u64{g.usable} << 4);
  }
  field("fpu", s.fpu.image, sizeof s.fpu.image);
}

}  // namespace ring3

// SPDX-License-Identifier: MIT
// What of the board counts as its state when runs are compared.
#include "devices/pc.h"
#include "devices/state_hash.h"

namespace ring3 {
namespace {

void add_cpu(StateHash& hash, CpuState& s) {
  for (const u64 r : s.gpr) hash.add(r);
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
                      s.entropy_counter,
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
    hash.add(r);
  for (const u64 r : s.dr) hash.add(r);
  for (const Segment& g : s.seg) {
    hash.add(u64{g.selector} | u64{g.type} << 16 | u64{g.dpl} << 24 | u64{g.limit} << 32);
    hash.add(g.base);
    hash.add(u64{g.s} | u64{g.present} << 1 | u64{g.l} << 2 | u64{g.db} << 3 | u64{g.usable} << 4);
  }
  hash.field("fpu", s.fpu.image, sizeof s.fpu.image);
}

}  // namespace

u64 Pc::state_hash() {
  StateHash hash;
  add_cpu(hash, cpu_.state);
  for (Device* device : devices_) device->fields(hash);
  hash.field("ram", memory_.ram().data(), memory_.ram().size());
  hash.field("device_ram", memory_.device_ram().data(), memory_.device_ram().size());
  return hash.value();
}

}  // namespace ring3

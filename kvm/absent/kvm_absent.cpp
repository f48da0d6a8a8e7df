// SPDX-License-Identifier: MIT
// Hosts that have no /dev/kvm for x86 guests.
#include "kvm/kvm.h"

namespace ring3 {

Result<std::unique_ptr<Kvm>> make_kvm(Cpu&, KvmOptions) {
  return Error{"-accel kvm: only Linux on x86-64 has it; give -accel interp"};
}

}  // namespace ring3

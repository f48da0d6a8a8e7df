// SPDX-License-Identifier: MIT
// Segment register loads that far transfers and task switches share.
#pragma once

#include "core/system.h"

namespace ring3 {

/// A segment register after a null selector was loaded.
Segment null_segment(Selector sel);

/// Checks a selector for DS, ES, FS or GS at privilege `cpl`: null, fault(sel), #NP(sel). Sets A.
Segment checked_data_segment(Cpu& cpu, Selector sel, u8 cpl, Fault (*fault)(Selector) = GP);

/// Checks the stack of a privilege change or outer return: `cpl` must equal RPL and DPL, writable
/// data, else fault(sel); present, else #SS(sel). Sets A. Null is not looked at.
Segment checked_stack_segment(Cpu& cpu, Selector sel, u8 cpl, Fault (*fault)(Selector));

/// Sets CS, CPL and rip together. `rip` has been checked.
void enter_code(Cpu& cpu, Selector sel, Descriptor d, u8 cpl, u64 rip);

/// `rip` lies within the limit of `d`, or is canonical if `d` is 64-bit code, else #GP(0).
void check_target(Cpu& cpu, const Descriptor& d, u64 rip);

/// After a return to an outer level: data segments that CPL may no longer use become null.
void drop_inner_segments(Cpu& cpu);

}  // namespace ring3

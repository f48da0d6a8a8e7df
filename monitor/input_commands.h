// SPDX-License-Identifier: MIT
// Commands that type and point: sendkey, mouse_move, mouse_button; QMP's send-key and
// input-send-event (QEMU's "QMP Reference Manual", Input).
#pragma once

#include "monitor/commands.h"

namespace ring3 {

Result<Json> sendkey(Machine& machine, const Arguments& arguments);
Result<Json> send_key(Machine& machine, const Arguments& arguments);
Result<Json> mouse_move(Machine& machine, const Arguments& arguments);
Result<Json> mouse_button(Machine& machine, const Arguments& arguments);
Result<Json> input_send_event(Machine& machine, const Arguments& arguments);

}  // namespace ring3

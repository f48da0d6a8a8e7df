// SPDX-License-Identifier: MIT
// In place of vnc_server.cpp where libvncserver is missing.
#include "display/vnc_server.h"

namespace ring3 {

Result<std::unique_ptr<HostService>> open_vnc(Vga&, InputSink&, std::string_view) {
  return Error{"this ring3 was built without VNC; install libvncserver-dev and build again"};
}

}  // namespace ring3

// SPDX-License-Identifier: MIT
// The guest's screen for VNC clients (RFC 6143, by libvncserver). A thread of its own talks to the
// clients; the machine's thread draws, and only while a client is there. No passwords, no TLS.
#pragma once

#include <memory>
#include <string_view>

#include "base/result.h"
#include "devices/vga.h"
#include "display/input_sink.h"
#include "host/service.h"

namespace ring3 {

/// `address`: "[HOST]:N" listens on port 5900 + N, of every interface without HOST. An error is the
/// reason and the way out.
Result<std::unique_ptr<HostService>> open_vnc(Vga& vga, InputSink& input, std::string_view address);

}  // namespace ring3

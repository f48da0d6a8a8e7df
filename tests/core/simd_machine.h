// SPDX-License-Identifier: MIT
// A bare machine in 64-bit mode with SSE and AVX on, for the tests of instructions that the host
// runs.
#pragma once

#include <fstream>
#include <optional>
#include <string>
#include <vector>

#include "core/fpu_image.h"
#include "core/handlers.h"
#include "tests/core/bare_machine.h"

namespace ring3 {

class SimdMachine final : public BareMachine {
 public:
  explicit SimdMachine(const char* model_name = "max") : BareMachine(model_name) {
    fpu::init_x87(fpu());
  }

  /// 64-bit code at kCode, ready to run.
  void code(const std::vector<u8>& bytes) {
    long_mode({});
    place(bytes);
  }
  /// 32-bit code.
  void protected_code(const std::vector<u8>& bytes) {
    protected_mode({});
    cpu.state.cr4 |= cr4::OSFXSR | cr4::OSXMMEXCPT | cr4::OSXSAVE;
    cpu.state.xcr0 = 7;
    place(bytes);
  }

  FpuState& fpu() { return cpu.state.fpu; }
  u64 reg_rip() const { return cpu.state.rip(); }

  /// Executes one instruction past the engine's delivery: the fault's vector, if one was raised.
  std::optional<Vector> fault() {
    cpu.state.rip() = kCode;
    u8 bytes[15];
    memory.read(PhysAddr{kCode}, bytes);
    const CodeSize size = cpu.state.long64() ? CodeSize::Bits64 : CodeSize::Bits32;
    Decoded decoded;
    if (decoder_.decode(size, bytes, decoded) != DecodeStatus::Ok) return Vector::UD;
    Insn insn;
    Decoder::lower(decoded, insn);
    bind(insn, decoded);
    cpu.state.rip() += insn.length;
    try {
      insn.handler(cpu, insn);
    } catch (const Fault& fault) {
      return fault.vector;
    }
    return std::nullopt;
  }

 private:
  void place(const std::vector<u8>& bytes) {
    memory.write(PhysAddr{kCode}, std::span<const u8>(bytes));
    cpu.state.rip() = kCode;
    cpu.update_mode();
  }
  Decoder decoder_;
};

/// Mappings of this process that may be written and executed.
inline unsigned writable_executable_mappings() {
  std::ifstream maps("/proc/self/maps");
  unsigned count = 0;
  for (std::string line; std::getline(maps, line);)
    if (line.find(" rwx") != std::string::npos) ++count;
  return count;
}

}  // namespace ring3

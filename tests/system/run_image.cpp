// SPDX-License-Identifier: MIT
// run_image FILE [jit]: a 64 KiB BIOS image on a bare ring3 cpu from its reset vector, with 16 MiB
// of RAM and two ports: what the guest writes to the debug console (402h) goes to standard output,
// a write to isa-debug-exit (F4h) ends the run. No board: no interrupts, no other device.
#include <cstdio>
#include <fstream>
#include <iterator>

#include "core/engine.h"
#include "core/system.h"
#include "jit/jit.h"

namespace ring3 {
namespace {

class GuestTime final : public TimeSource {
 public:
  Nanos now() override { return ++time_; }

 private:
  Nanos time_ = 0;
};

class TestPorts final : public Device {
 public:
  explicit TestPorts(Cpu*& cpu) : cpu_(cpu) {}
  std::string_view name() const override { return "test ports"; }
  void reset() override {}
  void fields(FieldVisitor&) override {}
  u32 read(u32, Width) override { return 0xE9; }
  void write(u32 offset, Width, u32 value) override {
    if (offset == kConsole) std::putchar(static_cast<int>(value & 0xFF));
    if (offset == kExit) done = true;
    if (done) cpu_->signals |= kSignalStop;
  }
  static constexpr u32 kConsole = 0, kExit = 1;
  bool done = false;

 private:
  Cpu*& cpu_;
};

/// The translator takes every block, cold ones too.
std::unique_ptr<Engine> engine_for(Cpu& cpu, bool translated) {
  if (!translated) return make_interpreter(cpu);
  JitOptions options;
  options.threshold = 0;
  auto jit = make_jit(cpu, options);
  if (jit) return std::move(*jit);
  std::fprintf(stderr, "run_image: %s\n", jit.error().c_str());
  return nullptr;
}

int run(const char* path, bool translated) {
  std::ifstream file(path, std::ios::binary);
  const std::vector<u8> image{std::istreambuf_iterator<char>(file), {}};
  if (image.size() != 0x10000) {
    std::fprintf(stderr, "run_image: %s: not a 64 KiB image\n", path);
    return 1;
  }
  PhysicalMemory memory(16 << 20);
  memory.add_rom({0xFFFF0000}, image);
  memory.add_rom({0xF0000}, image);
  GuestTime time;
  EventClock clock(time);
  IoBus io;
  Mmu mmu(memory);
  const CpuModel model = *CpuModel::parse("max");
  Cpu cpu(mmu, io, clock, model);
  Cpu* cpu_of_ports = &cpu;
  TestPorts ports(cpu_of_ports);
  io.map(0x402, 1, ports, TestPorts::kConsole);
  io.map(0xF4, 1, ports, TestPorts::kExit);
  const auto engine = engine_for(cpu, translated);
  if (!engine) return 1;
  constexpr u64 kLimit = 50'000'000;
  while (!ports.done && cpu.state.instructions < kLimit) {
    const Exit exit = engine->run(cpu, kLimit);
    if (exit == Exit::Shutdown) return std::puts("SHUTDOWN"), 2;
    if (exit == Exit::Halted) return std::puts("HALTED"), 3;
  }
  return ports.done ? 0 : 4;
}

}  // namespace
}  // namespace ring3

int main(int count, char** arguments) {
  const bool translated = count == 3 && arguments[2] == std::string_view("jit");
  if (count == 2 || translated) return ring3::run(arguments[1], translated);
  std::fputs("usage: run_image FILE [jit]\n", stderr);
  return 1;
}

// SPDX-License-Identifier: MIT
// run_image FILE [jit|kvm]: a 64 KiB BIOS image on a bare ring3 cpu from its reset vector, with 16
// MiB of RAM and two ports: what the guest writes to the debug console (402h) goes to standard
// output, a write to isa-debug-exit (F4h) ends the run. No board: no interrupts, no other device.
// Status 77: /dev/kvm is not to be had, or its KVM cannot emulate an instruction. With KVM the last
// line on standard error says whether ring 0 code is emulated.
#include <cstdio>
#include <fstream>
#include <iterator>

#include "core/engine.h"
#include "core/system.h"
#include "jit/jit.h"
#include "kvm/kvm.h"

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

constexpr int kSkipped = 77;

std::unique_ptr<Engine> make_translator(Cpu& cpu) {
  JitOptions options;
  options.threshold = options.extend_after = 0;  // cold blocks too
  auto jit = make_jit(cpu, options);
  if (jit) return std::move(*jit);
  std::fprintf(stderr, "run_image: %s\n", jit.error().c_str());
  return nullptr;
}

std::unique_ptr<Kvm> make_oracle(Cpu& cpu) {
  auto kvm = make_kvm(cpu, {.interpret = false});
  if (!kvm) {
    std::fprintf(stderr, "%s\n", kvm.error().c_str());
    return nullptr;
  }
  if ((*kvm)->emulates_kernel()) std::fputs("KVM emulates ring 0 code\n", stderr);
  return std::move(*kvm);
}

/// `kvm`: the engine, if it is that one.
std::unique_ptr<Engine> make_engine(Cpu& cpu, std::string_view accel, const Kvm*& kvm) {
  if (accel == "interp") return make_interpreter(cpu);
  if (accel == "jit") return make_translator(cpu);
  auto oracle = make_oracle(cpu);
  kvm = oracle.get();
  return oracle;
}

int told(const Kvm* kvm) {
  if (!kvm || kvm->failure().empty()) return std::puts("SHUTDOWN"), 2;
  std::fprintf(stderr, "%s\n", kvm->failure().c_str());
  return kSkipped;
}

int run(const char* path, std::string_view accel) {
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
  const Kvm* kvm = nullptr;
  const auto engine = make_engine(cpu, accel, kvm);
  if (!engine) return accel == "kvm" ? kSkipped : 1;
  // KVM counts no instructions, but looks up every few milliseconds.
  constexpr u64 kLimit = 50'000'000;
  constexpr unsigned kMostRuns = 20'000;
  for (unsigned runs = 0; !ports.done && runs < kMostRuns; ++runs) {
    if (cpu.state.instructions >= kLimit) break;
    const Exit exit = engine->run(cpu, kLimit);
    if (exit == Exit::Shutdown) return told(kvm);
    if (exit == Exit::Halted) return std::puts("HALTED"), 3;
  }
  return ports.done ? 0 : 4;
}

}  // namespace
}  // namespace ring3

int main(int count, char** arguments) {
  const std::string_view accel = count == 3 ? arguments[2] : "interp";
  if ((count == 2 || count == 3) && (accel == "interp" || accel == "jit" || accel == "kvm"))
    return ring3::run(arguments[1], accel);
  std::fputs("usage: run_image FILE [interp|jit|kvm]\n", stderr);
  return 1;
}

// SPDX-License-Identifier: MIT
// The target `texts`: what clients send to the monitor, to QMP and to the gdb stub, and kernel
// files. The first byte says which; the rest is what comes in. After a session's input the guest
// runs some instructions, whatever the client made of its registers and memory.
#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

#include "bios/kernel_loader.h"
#include "core/engine.h"
#include "monitor/gdb_stub.h"
#include "monitor/monitor_session.h"
#include "monitor/qmp_session.h"
#include "tests/fuzz/target.h"

namespace ring3::fuzz {
namespace {

constexpr u64 kRam = u64{2} << 20, kInstructions = 300;
constexpr int kFileFd = 202;
enum Parser : u8 { kMonitor, kQmp, kGdb, kKernel, kParsers };

PcConfig config() {
  PcConfig c;
  c.ram_bytes = kRam;
  c.cpu = *CpuModel::parse("max");
  c.icount = true;
  c.icount_sleep = false;
  return c;
}

std::unique_ptr<Session> session(u8 parser, Machine& machine) {
  const Session::Send drop = [](std::string_view) {};
  if (parser == kMonitor) return std::make_unique<MonitorSession>(machine, drop, true);
  if (parser == kQmp) return std::make_unique<QmpSession>(machine, drop);
  const auto command = [](std::string_view line) { return std::string(line); };
  return std::make_unique<GdbSession>(machine, std::nullopt, GdbSession::Hooks{drop, command});
}

void run_some(Pc& pc, Engine& engine) {
  pc.cpu().signals &= ~u32{kSignalStop};
  if (pc.paused() || pc.cpu().state.activity != CpuState::Activity::Active) return;
  // Never for ever: HLT without an event would wait for one.
  Event end(pc.clock(), [&pc] { pc.leave(0); });
  end.schedule_in(1'000'000);
  pc.run_until(engine, pc.cpu().state.instructions + kInstructions);
}

/// Packets of gdb come as lines here, and get their frame and checksum.
void feed_gdb(Session& s, std::span<const u8> text) {
  u8 sum = 0;
  s.feed('$');
  for (const u8 c : text) s.feed(c), sum = static_cast<u8>(sum + c);
  s.feed('#');
  for (const int shift : {4, 0}) s.feed(static_cast<u8>("0123456789abcdef"[sum >> shift & 15]));
}

void play_session(u8 parser, std::span<const u8> text) {
  Pc pc(config());
  auto engine = make_interpreter(pc.cpu());
  Machine machine{pc, "fuzz", "interp", {}, {}, {}};
  pc.on_reset([&pc] { pc.cpu().jump_to(0); });
  pc.reset();
  std::unique_ptr<Session> s = session(parser, machine);
  pc.observe([&](MachineEvent event) {
    if (s) s->on_event(event);
    // A machine that stopped would wait for its client.
    if (event == MachineEvent::Stop || event == MachineEvent::Step) pc.leave(0);
  });
  while (!text.empty()) {
    const size_t line = std::find(text.begin(), text.end(), '\n') - text.begin();
    if (parser == kGdb) {
      feed_gdb(*s, text.first(line));
    } else {
      for (const u8 c : text.first(line)) s->feed(c);
      s->feed('\n');
    }
    run_some(pc, *engine);
    text = text.subspan(std::min(line + 1, text.size()));
  }
  s.reset();
}

void load_file(std::span<const u8> file) {
  static const int fd = dup2(memfd_create("kernel", MFD_CLOEXEC), kFileFd);
  if (ftruncate(fd, 0) != 0 || pwrite(fd, file.data(), file.size(), 0) < 0) std::abort();
  std::vector<u8> ram(kRam);
  LoadTarget target;
  target.low_ram_end = kRam;
  target.write = [&ram](u64 address, std::span<const u8> bytes) {
    if (address > ram.size() || bytes.size() > ram.size() - address) std::abort();
    std::copy(bytes.begin(), bytes.end(), ram.begin() + static_cast<std::ptrdiff_t>(address));
  };
  KernelOptions options;
  options.kernel = "/proc/self/fd/" + std::to_string(kFileFd);
  for (const bool with_initrd : {false, true}) {
    if (with_initrd) options.initrd = options.kernel;
    options.command_line = with_initrd ? "console=ttyS0" : "";
    options.linux_entry = with_initrd ? LinuxEntry::Setup16 : LinuxEntry::Best;
    static_cast<void>(load_kernel(target, BoardInfo{}, options));
  }
}

/// A protected-mode kernel of the boot protocol 2.06 with nothing in it.
std::vector<u8> linux_file() {
  std::vector<u8> file(3 * 512 + 4096);
  file[0x1F1] = 2, file[0x1FE] = 0x55, file[0x1FF] = 0xAA;
  const std::string_view magic = "HdrS";
  std::copy(magic.begin(), magic.end(), file.begin() + 0x202);
  store<u16>(&file[0x206], 0x020F), file[0x211] = 1;
  store<u32>(&file[0x1F4], 256), store<u32>(&file[0x214], 0x100000);
  store<u32>(&file[0x22C], 0x7FFFFFFF), store<u32>(&file[0x230], 0x1000);
  file[0x234] = 1, file[0x235] = 12, store<u16>(&file[0x236], 1), store<u32>(&file[0x238], 2047);
  store<u64>(&file[0x258], 0x100000), store<u32>(&file[0x260], 0x8000);
  return file;
}

/// An ELF32 kernel, or a flat one, with a Multiboot header.
std::vector<u8> multiboot_file(bool elf) {
  std::vector<u8> file(1024);
  const u32 flags = elf ? 3 : 0x1'0003;
  const u32 header[] = {0x1BADB002, flags,   0 - 0x1BADB002 - flags, 0x100100, 0x100000, 0x100400,
                        0x101000,   0x100200};
  for (size_t i = 0; i < 8; ++i) store<u32>(&file[256 + 4 * i], header[i]);
  if (!elf) return file;
  const u8 ident[] = {0x7F, 'E', 'L', 'F', 1, 1, 1};
  std::copy(std::begin(ident), std::end(ident), file.begin());
  store<u16>(&file[16], 2), store<u16>(&file[18], 3), store<u32>(&file[20], 1);
  store<u32>(&file[24], 0x100200), store<u32>(&file[28], 52), store<u16>(&file[40], 52);
  store<u16>(&file[42], 32), store<u16>(&file[44], 1);
  const u32 segment[] = {1, 256, 0x100000, 0x100000, 512, 4096, 7, 4096};
  for (size_t i = 0; i < 8; ++i) store<u32>(&file[52 + 4 * i], segment[i]);
  return file;
}

Seed text(const char* name, u8 parser, std::string_view bytes) {
  std::vector<u8> all(1 + bytes.size(), parser);
  std::copy(bytes.begin(), bytes.end(), all.begin() + 1);
  return {name, std::move(all)};
}
Seed file(const char* name, const std::vector<u8>& bytes) {
  return text(name, kKernel, {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

}  // namespace

void run_input(std::span<const u8> input, Start) {
  if (input.empty()) return;
  const u8 parser = input[0] % kParsers;
  parser == kKernel ? load_file(input.subspan(1)) : play_session(parser, input.subspan(1));
}

std::vector<Seed> seeds() {
  return {
      text("info", kMonitor,
           "info registers\ninfo mem\ninfo tlb\ninfo pci\ninfo mtree\ninfo pic\ninfo block\n"
           "info status\ninfo stats\ninfo version\ninfo name\ninfo device\ninfo device pit8254\n"),
      text("examine", kMonitor,
           "x/4xg $rsp\nx/5i $rip\nxp/16xb 0xfffffff0\nx/3dw 0x1000+8*2\np/x $rip + 8\np $cr0\n"
           "p 1/0\nx/999999999xb 0\nx/2s 0\nprint (1<<3)|0x7f-'a'\n"),
      text("control", kMonitor,
           "stop\ncont\nc\nsystem_reset\nsystem_powerdown\nnmi\nsendkey ctrl-alt-delete\n"
           "sendkey a-b-c 100\nscreendump x\nhelp info\n?\nq\x7f\x1b[A\x1b[B\t\n"),
      text("qmp", kQmp,
           "{\"execute\":\"qmp_capabilities\"}\n{\"execute\":\"query-status\",\"id\":[1,{}]}\n"
           "{\"execute\":\"query-commands\"}\n{\"execute\":\"human-monitor-command\","
           "\"arguments\":{\"command-line\":\"info registers\"}}\n{\"execute\":\"stop\"}"
           "{\"execute\":\"cont\"}\n{\"execute\":\"system_reset\"}\n{\"execute\":\"quit\"}\n"),
      text("qmp_wrong", kQmp,
           "{\"execute\":\"qmp_capabilities\",\"arguments\":{\"enable\":[\"oob\"]}}\n"
           "{\"execute\":1}\n[]\n{\"a\":\"\\u00e9\\\"}\"}\n{\"execute\":\"x\"}\n}\n"
           "{\"execute\":\"screendump\",\"arguments\":{\"filename\":null}}\n"),
      text("gdb", kGdb,
           "qSupported:xmlRegisters=i386\nQStartNoAckMode\nqXfer:features:read:target.xml:0,ffb\n"
           "?\ng\np0\nP0=0102030405060708\nm0,40\nM1000,2:9090\nZ0,10,1\nZ1,12,1\nZ2,2000,8\n"
           "Z3,3000,4\nZ4,4000,1\nvCont?\nvCont;s:1;c\nz0,10,1\nz2,2000,8\ns\nc\nqRcmd,68656c70\n"
           "qfThreadInfo\nHg1\nD\n"),
      text("gdb_code", kGdb,
           "M0,8:b801000f01c0ebfe\nP8=0000000000000000\nZ0,5,1\nvCont;c\nvCont;s\nG00\nk\n"),
      file("linux", linux_file()),
      file("multiboot_elf", multiboot_file(true)),
      file("multiboot_flat", multiboot_file(false)),
  };
}

}  // namespace ring3::fuzz

// SPDX-License-Identifier: MIT
// The host side of a case: arena, signal handler, context swap.
#include "tests/silicon/native.h"

#include <asm/prctl.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include <algorithm>

#include "base/check.h"

namespace ring3::silicon {
namespace {

constexpr u16 kUserCs64 = 0x33, kUserCs32 = 0x23, kUserDs = 0x2B;
constexpr size_t kSwReserved = 464;  ///< the kernel's own words in the signal frame's image
constexpr int kSignals[] = {SIGTRAP, SIGSEGV, SIGBUS, SIGILL, SIGFPE};
constexpr int kGprOrder[16] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP,
                               REG_RSI, REG_RDI, REG_R8,  REG_R9,  REG_R10, REG_R11,
                               REG_R12, REG_R13, REG_R14, REG_R15};

struct Swap {
  bool active = false;   ///< run() is about to trap into the handler
  bool inside = false;   ///< the case's context is on the cpu
  bool guarded = false;  ///< a signal ends guarded()
  sigjmp_buf escape;
  Mode mode = Mode::Long64;
  const Registers* in = nullptr;
  Outcome out;
  gregset_t host;
  u8 host_fpu[kFpuBytes];
};
Swap g_swap;
struct sigaction g_old[std::size(kSignals)];
alignas(64) u8 g_stack[1 << 16];

u8* fpu_of(ucontext_t& uc) { return reinterpret_cast<u8*>(uc.uc_mcontext.fpregs); }

void put_fpu(ucontext_t& uc, const u8* image) {
  u8* to = fpu_of(uc);
  std::memcpy(to, image, kSwReserved);
  store<u64>(to + kXstateBv, load<u64>(to + kXstateBv) | 7);
  std::memcpy(to + kYmmHigh, image + kYmmHigh, kFpuBytes - kYmmHigh);
}

/// Components in their initial state may be absent from the image: their values are architectural.
void get_fpu(ucontext_t& uc, u8* image) {
  const u8* from = fpu_of(uc);
  std::memcpy(image, from, kFpuBytes);
  const u64 present = load<u64>(from + kXstateBv);
  if (!(present & 1)) {
    std::memset(image, 0, kMxcsr);
    store<u16>(image, 0x37F);
    std::memset(image + kSt, 0, kXmm - kSt);
  }
  if (!(present & 2)) std::memset(image + kXmm, 0, 256);
  if (!(present & 4)) std::memset(image + kYmmHigh, 0, 256);
}

void enter(ucontext_t& uc) {
  greg_t* g = uc.uc_mcontext.gregs;
  std::memcpy(g_swap.host, g, sizeof g_swap.host);
  std::memcpy(g_swap.host_fpu, fpu_of(uc), kFpuBytes);
  for (size_t i = 0; i < 16; ++i) g[kGprOrder[i]] = static_cast<greg_t>(g_swap.in->gpr[i]);
  g[REG_RIP] = static_cast<greg_t>(g_swap.in->rip);
  g[REG_EFL] = static_cast<greg_t>(g_swap.in->rflags);
  const u64 cs = g_swap.mode == Mode::Long64 ? kUserCs64 : kUserCs32;
  g[REG_CSGSFS] = static_cast<greg_t>(u64{kUserDs} << 48 | cs);
  put_fpu(uc, g_swap.in->fpu);
}

/// An INT3 of the arena, or a fetch outside it, is the end of an instruction that completed.
void set_end(Outcome& out) {
  const bool landed = out.vector == 3 && out.regs.rip != kInsnAt;
  const bool fetch = out.vector == 14 && (out.error & 16);
  if (landed) out.regs.rip -= 1;
  if (landed || fetch) out.vector = Outcome::kNoFault;
  if (out.vector == Outcome::kNoFault) out.error = 0;
  if (out.vector != 14) out.cr2 = 0;
}

void leave(ucontext_t& uc) {
  greg_t* g = uc.uc_mcontext.gregs;
  Outcome& out = g_swap.out;
  for (size_t i = 0; i < 16; ++i) out.regs.gpr[i] = static_cast<u64>(g[kGprOrder[i]]);
  out.regs.rip = static_cast<u64>(g[REG_RIP]);
  out.regs.rflags = static_cast<u64>(g[REG_EFL]);
  get_fpu(uc, out.regs.fpu);
  out.vector = static_cast<int>(g[REG_TRAPNO]);
  out.error = static_cast<u32>(g[REG_ERR]);
  out.cr2 = static_cast<u64>(g[REG_CR2]);
  set_end(out);
  std::memcpy(g, g_swap.host, sizeof g_swap.host);
  put_fpu(uc, g_swap.host_fpu);
}

void on_signal(int number, siginfo_t*, void* context) {
  auto& uc = *static_cast<ucontext_t*>(context);
  if (g_swap.inside) {
    g_swap.inside = false;
    leave(uc);
  } else if (g_swap.active) {
    g_swap.active = false;
    g_swap.inside = true;
    enter(uc);
  } else if (g_swap.guarded) {
    siglongjmp(g_swap.escape, number);
  } else {  // Not ours: let it happen again with the handler that was there.
    for (size_t i = 0; i < std::size(kSignals); ++i)
      if (kSignals[i] == number) sigaction(number, &g_old[i], nullptr);
  }
}

void install_handlers() {
  stack_t stack{};
  stack.ss_sp = g_stack;
  stack.ss_size = sizeof g_stack;
  sigaltstack(&stack, nullptr);
  struct sigaction action {};
  action.sa_sigaction = on_signal;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
  for (size_t i = 0; i < std::size(kSignals); ++i) sigaction(kSignals[i], &action, &g_old[i]);
}

/// Maps `size` bytes of a new memory object at `address` and once more, writable, anywhere.
u8* map_twice(u64 address, u64 size, int protection) {
  const int fd = memfd_create("silicon", 0);
  RING3_CHECK(fd >= 0 && ftruncate(fd, static_cast<off_t>(size)) == 0, "memfd");
  void* at = reinterpret_cast<void*>(address);
  void* fixed = mmap(at, size, protection, MAP_SHARED | MAP_FIXED_NOREPLACE, fd, 0);
  RING3_CHECK(fixed == at, "the arena at {:#x} is taken", address);
  void* alias = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  RING3_CHECK(alias != MAP_FAILED, "alias of the arena");
  close(fd);
  return static_cast<u8*>(alias);
}

}  // namespace

Native::Native() {
  code_alias_ = map_twice(kCode, kCodeBytes, PROT_READ | PROT_EXEC);
  data_alias_ = map_twice(kData, kDataBytes, PROT_READ | PROT_WRITE);
  mprotect(reinterpret_cast<void*>(kReadOnly), kPageSize, PROT_READ);
  std::memset(code_alias_, 0xCC, kCodeBytes);
  // 32-bit code needs data segments; 64-bit code ignores them.
  asm volatile("mov %0, %%ds\n\tmov %0, %%es" ::"r"(u32{kUserDs}));
  syscall(SYS_arch_prctl, ARCH_SET_GS, kGsBase);
  install_handlers();
}

Native::~Native() {
  for (size_t i = 0; i < std::size(kSignals); ++i) sigaction(kSignals[i], &g_old[i], nullptr);
  munmap(reinterpret_cast<void*>(kCode), kCodeBytes);
  munmap(reinterpret_cast<void*>(kData), kDataBytes);
  munmap(code_alias_, kCodeBytes);
  munmap(data_alias_, kDataBytes);
}

void Native::place(std::span<const u8> bytes) {
  u8* at = code_alias_ + (kInsnAt - kCode);
  std::memset(at, 0xCC, 16);
  std::copy(bytes.begin(), bytes.end(), at);
}

void Native::set_data(const DataImage& data) { std::memcpy(data_alias_, data.data(), data.size()); }

Outcome Native::run(Mode mode, const Registers& in) {
  g_swap.mode = mode;
  g_swap.in = &in;
  g_swap.active = true;
  asm volatile("int3" ::: "memory");
  return g_swap.out;
}

int Native::guarded(const std::function<void()>& f) {
  const int number = sigsetjmp(g_swap.escape, 0);
  g_swap.guarded = number == 0;
  if (number == 0) f();
  g_swap.guarded = false;
  return number;
}

}  // namespace ring3::silicon

// SPDX-License-Identifier: MIT
// CodeMemory by memfd_create(2) and two mmap(2)s.
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "host/code_memory.h"

namespace ring3 {
namespace {

Error refused(const char* call) {
  return {std::string("code memory: ") + call + ": " + std::strerror(errno)};
}

u8* map(int fd, size_t bytes, int protection) {
  void* p = mmap(nullptr, bytes, protection, MAP_SHARED, fd, 0);
  return p == MAP_FAILED ? nullptr : static_cast<u8*>(p);
}

}  // namespace

Result<std::unique_ptr<CodeMemory>> CodeMemory::create(size_t bytes) {
  bytes = (bytes + kPageMask) & ~kPageMask;
  const int fd = memfd_create("ring3-code", MFD_CLOEXEC);
  if (fd < 0) return refused("memfd_create");
  u8* writable = nullptr;
  u8* executable = nullptr;
  if (ftruncate(fd, static_cast<off_t>(bytes)) == 0) {
    writable = map(fd, bytes, PROT_READ | PROT_WRITE);
    executable = map(fd, bytes, PROT_READ | PROT_EXEC);
  }
  const Error error = refused("mmap");
  close(fd);
  if (writable && executable)
    return std::unique_ptr<CodeMemory>(new CodeMemory(writable, executable, bytes));
  if (writable) munmap(writable, bytes);
  if (executable) munmap(executable, bytes);
  return error;
}

bool CodeMemory::make_own(size_t used) {
  const int fd = memfd_create("ring3-code", MFD_CLOEXEC);
  if (fd < 0) return false;
  bool ok = ftruncate(fd, static_cast<off_t>(size_)) == 0;
  for (size_t done = 0; ok && done < used;) {
    const ssize_t n = pwrite(fd, writable_ + done, used - done, static_cast<off_t>(done));
    ok = n > 0;
    if (ok) done += static_cast<size_t>(n);
  }
  const auto replace = [&](u8* at, int protection) {
    return mmap(at, size_, protection, MAP_SHARED | MAP_FIXED, fd, 0) == at;
  };
  ok = ok && replace(writable_, PROT_READ | PROT_WRITE) &&
       replace(executable_, PROT_READ | PROT_EXEC);
  close(fd);
  return ok;
}

/// IRET to the next instruction: of the serializing instructions the one that leaves to no
/// hypervisor.
void CodeMemory::serialize() {
#ifdef __x86_64__
  asm volatile(
      "mov %%rsp, %%rcx\n\t"
      "sub $128, %%rsp\n\t"
      "mov %%ss, %%eax\n\t"
      "push %%rax\n\t"
      "push %%rcx\n\t"
      "pushf\n\t"
      "mov %%cs, %%eax\n\t"
      "push %%rax\n\t"
      "lea 1f(%%rip), %%rax\n\t"
      "push %%rax\n\t"
      "iretq\n"
      "1:"
      :
      :
      : "rax", "rcx", "memory", "cc");
#endif
}

CodeMemory::~CodeMemory() {
  munmap(writable_, size_);
  munmap(executable_, size_);
}

}  // namespace ring3

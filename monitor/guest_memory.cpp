// SPDX-License-Identifier: MIT
#include "monitor/guest_memory.h"

#include <algorithm>
#include <cstring>
#include <optional>

namespace ring3 {
namespace {

size_t left_in_page(u64 address) { return kPageSize - (address & kPageMask); }

std::optional<PhysAddr> memory_at(const Cpu& cpu, u64 linear) {
  const Walk w = cpu.mmu.look({linear & (cpu.state.long_mode() ? ~u64{0} : 0xFFFFFFFF)});
  if (!w.ok || !cpu.mmu.memory().page(w.address).host) return std::nullopt;
  return w.address;
}

}  // namespace

size_t peek_linear(const Cpu& cpu, u64 linear, void* out, size_t size) {
  u8* to = static_cast<u8*>(out);
  size_t done = 0;
  while (done < size) {
    const auto at = memory_at(cpu, linear + done);
    if (!at) break;
    const size_t part = std::min(size - done, left_in_page(linear + done));
    std::memcpy(to + done, cpu.mmu.memory().page(*at).host + at->offset(), part);
    done += part;
  }
  return done;
}

bool poke_linear(Cpu& cpu, u64 linear, const void* in, size_t size) {
  for (u64 at = linear; at - linear < size; at += left_in_page(at)) {
    const auto address = memory_at(cpu, at);
    if (!address || cpu.mmu.memory().page(*address).kind != PageKind::Ram) return false;
  }
  const u8* from = static_cast<const u8*>(in);
  for (size_t done = 0; done < size;) {
    const auto at = memory_at(cpu, linear + done);
    if (!at) return false;  // the write changed the page tables that map it
    const size_t part = std::min(size - done, left_in_page(linear + done));
    cpu.mmu.memory().write(*at, std::span(from + done, part));
    done += part;
  }
  return true;
}

void peek_physical(const Cpu& cpu, u64 address, void* out, size_t size) {
  u8* to = static_cast<u8*>(out);
  for (size_t done = 0; done < size;) {
    const PhysAddr at{address + done};
    const PhysPage page = cpu.mmu.memory().page(at);
    const size_t part = std::min(size - done, left_in_page(address + done));
    if (page.host) {
      std::memcpy(to + done, page.host + at.offset(), part);
    } else {
      std::memset(to + done, 0xFF, part);
    }
    done += part;
  }
}

}  // namespace ring3

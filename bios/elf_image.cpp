// SPDX-License-Identifier: MIT
#include "bios/elf_image.h"

#include <elf.h>

#include <algorithm>

#include "base/bits.h"

namespace ring3 {
namespace {

template <class Header, class ProgramHeader>
Result<ElfImage> parse(std::span<const u8> file, u16 machine) {
  if (file.size() < sizeof(Header)) return Error{"is truncated inside the ELF header"};
  const auto header = load<Header>(file.data());
  if (header.e_machine != machine || header.e_type != ET_EXEC) {
    return Error{"is not an x86 ELF executable with fixed addresses; link it as one"};
  }
  ElfImage image;
  image.entry = header.e_entry;
  image.is_64bit = machine == EM_X86_64;
  bool entry_found = false;
  for (u64 n = 0; n < header.e_phnum; ++n) {
    const u64 at = header.e_phoff + n * header.e_phentsize;
    if (at < header.e_phoff || file.size() < sizeof(ProgramHeader) ||
        at > file.size() - sizeof(ProgramHeader)) {
      return Error{"is truncated inside the ELF program headers"};
    }
    const auto ph = load<ProgramHeader>(file.data() + at);
    if (ph.p_type != PT_LOAD || ph.p_memsz == 0) continue;
    if (ph.p_offset > file.size() || ph.p_filesz > file.size() - ph.p_offset) {
      return Error{"is truncated inside an ELF segment"};
    }
    const u64 filled = std::min<u64>(ph.p_filesz, ph.p_memsz);
    image.segments.push_back({ph.p_paddr, ph.p_memsz, file.subspan(ph.p_offset, filled)});
    // The entry is a linear address; the kernel starts without paging.
    if (!entry_found && header.e_entry >= ph.p_vaddr && header.e_entry - ph.p_vaddr < ph.p_memsz) {
      image.entry = header.e_entry - ph.p_vaddr + ph.p_paddr;
      entry_found = true;
    }
  }
  if (image.segments.empty()) return Error{"has no loadable ELF segment"};
  return image;
}

}  // namespace

bool is_elf(std::span<const u8> file) {
  return file.size() >= EI_NIDENT && std::equal(file.begin(), file.begin() + SELFMAG, ELFMAG);
}

Result<ElfImage> parse_elf(std::span<const u8> file) {
  if (!is_elf(file) || file[EI_DATA] != ELFDATA2LSB)
    return Error{"is not a little-endian ELF file"};
  if (file[EI_CLASS] == ELFCLASS32) return parse<Elf32_Ehdr, Elf32_Phdr>(file, EM_386);
  if (file[EI_CLASS] == ELFCLASS64) return parse<Elf64_Ehdr, Elf64_Phdr>(file, EM_X86_64);
  return Error{"has an unknown ELF class"};
}

}  // namespace ring3

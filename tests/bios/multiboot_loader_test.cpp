// SPDX-License-Identifier: MIT
#include "bios/multiboot_loader.h"

#include <elf.h>

#include <catch2/catch.hpp>

#include "bios/byte_writer.h"
#include "bios/kernel_loader.h"
#include "bios/memory_map.h"
#include "fake_machine.h"

namespace ring3 {
namespace {

using namespace test;  // NOLINT

constexpr u64 kMiB = 1 << 20;
constexpr u32 kMagic = 0x1BADB002;
constexpr u32 kLoad = 0x200000;

/// A kludge image: 16 bytes, the header, 64 bytes of 90h; 4 KiB of bss behind it.
std::vector<u8> kludge_image(u32 load_address = kLoad, u32 extra_flags = 0) {
  const u32 flags = 0x10002 | extra_flags;
  ByteWriter w;
  w.zeros(16).u32_(kMagic).u32_(flags).u32_(-(kMagic + flags));
  w.u32_(load_address + 16).u32_(load_address).u32_(load_address + 112);
  w.u32_(load_address + 112 + 4096).u32_(load_address + 48).bytes(filled(64, 0x90));
  return w.take();
}

/// An ELF executable linked at C0200000h, loaded at 2 MiB: the Multiboot header, 60h bytes, a bss.
template <class Header, class ProgramHeader>
std::vector<u8> elf_image(u8 elf_class, u16 machine) {
  constexpr u64 kContent = 0x100, kSize = 0x60;
  std::vector<u8> bytes(kContent + kSize, 0xF4);
  Header h{};
  std::copy_n(ELFMAG, SELFMAG, h.e_ident);
  h.e_ident[EI_CLASS] = elf_class;
  h.e_ident[EI_DATA] = ELFDATA2LSB;
  h.e_type = ET_EXEC;
  h.e_machine = machine;
  h.e_entry = 0xC0200010;
  h.e_phoff = sizeof h;
  h.e_phnum = 1;
  h.e_phentsize = sizeof(ProgramHeader);
  ProgramHeader ph{};
  ph.p_type = PT_LOAD;
  ph.p_offset = kContent;
  ph.p_vaddr = 0xC0200000;
  ph.p_paddr = kLoad;
  ph.p_filesz = kSize;
  ph.p_memsz = kSize + 0x1000;
  store(bytes.data(), h);
  store(bytes.data() + sizeof h, ph);
  store(bytes.data() + kContent, kMagic);
  store(bytes.data() + kContent + 4, u32{0});
  store(bytes.data() + kContent + 8, -kMagic);
  return bytes;
}

struct Loading {
  Result<EntryState> load(const std::vector<u8>& image) {
    options.kernel = "kernel";
    return load_multiboot(machine.target, options, image);
  }
  std::string error(const std::vector<u8>& image) {
    const auto result = load(image);
    REQUIRE_FALSE(result.ok());
    CHECK(machine.written == 0);
    return result.error();
  }
  FakeMachine machine{64 * kMiB};
  MultibootOptions options;
};

}  // namespace

TEST_CASE("Multiboot: a.out kludge -> loaded, bss cleared, machine state as specified") {
  Loading l;
  l.machine.target.write(kLoad + 112, filled(4096, 0xEE));
  const auto loaded = l.load(kludge_image());
  REQUIRE(loaded.ok());
  const EntryState& e = *loaded;
  CHECK(e.mode == EntryMode::Protected32);
  CHECK(e.rax == 0x2BADB002);
  CHECK(e.rip == kLoad + 48);
  CHECK(l.machine.read<u8>(kLoad + 111) == 0x90);
  CHECK(l.machine.bytes(kLoad + 112, 4096) == filled(4096, 0));
  CHECK(e.gdt_limit != 0);
}

TEST_CASE("Multiboot: information -> memory, command line, loader name, map") {
  Loading l;
  l.options.command_line = "a b";
  const auto loaded = l.load(kludge_image());
  REQUIRE(loaded.ok());
  const u64 info = (*loaded).rbx;
  const auto field = [&](u64 offset) { return l.machine.read<u32>(info + offset); };
  CHECK(field(0) == 0x24D);
  CHECK(field(4) == 639);
  CHECK(field(8) == 63 * 1024 - 128);
  CHECK(l.machine.c_string(field(16)) == "kernel a b");
  CHECK(l.machine.c_string(field(64)) == "ring3");
  CHECK(field(44) % 24 == 0);
  CHECK(l.machine.read<u32>(field(48)) == 20);
  CHECK(l.machine.read<u64>(field(48) + 12) == 0x9FC00);
}

TEST_CASE("Multiboot: modules -> page-aligned behind the kernel, with their strings") {
  Loading l;
  const TempFile one(filled(5000, 1)), two(filled(10, 2));
  l.options.modules = {one.path() + " x=1", two.path()};
  const auto loaded = l.load(kludge_image());
  REQUIRE(loaded.ok());
  CHECK(l.machine.read<u32>((*loaded).rbx + 20) == 2);
  const u64 list = l.machine.read<u32>((*loaded).rbx + 24);
  CHECK(l.machine.read<u32>(list) == kLoad + 0x2000);
  CHECK(l.machine.read<u32>(list + 4) == kLoad + 0x2000 + 5000);
  CHECK(l.machine.c_string(l.machine.read<u32>(list + 8)) == one.path() + " x=1");
  CHECK(l.machine.read<u32>(list + 16) == kLoad + 0x4000);
  CHECK(l.machine.read<u8>(kLoad + 0x4009) == 2);
}

TEST_CASE("Multiboot: ELF of either class -> segments by physical address, entry translated") {
  Loading l;
  const auto image = GENERATE(elf_image<Elf32_Ehdr, Elf32_Phdr>(ELFCLASS32, EM_386),
                              elf_image<Elf64_Ehdr, Elf64_Phdr>(ELFCLASS64, EM_X86_64));
  const auto loaded = l.load(image);
  REQUIRE(loaded.ok());
  CHECK((*loaded).rip == kLoad + 0x10);
  CHECK(l.machine.read<u8>(kLoad + 0x5F) == 0xF4);
  CHECK(l.machine.read<u8>(kLoad + 0x60) == 0);
}

TEST_CASE("Multiboot: kernel in low memory -> information at the top of RAM, no GDT") {
  Loading l;
  const auto loaded = l.load(kludge_image(0x10000));
  REQUIRE(loaded.ok());
  CHECK((*loaded).gdt_limit == 0);
  CHECK((*loaded).rbx >= 63 * kMiB);
  CHECK((*loaded).rbx < MemoryMap(64 * kMiB, 1ull << 32).usable_end);
}

TEST_CASE("Multiboot: bad images -> one line, nothing written") {
  Loading l;
  auto image = kludge_image();
  SECTION("wrong checksum") {
    image[24] ^= 1;
    CHECK(contains(l.error(image), "no Multiboot header"));
  }
  SECTION("mandatory feature that is unknown") {
    CHECK(contains(l.error(kludge_image(kLoad, 1 << 5)), "features"));
  }
  SECTION("cut behind the header") {
    image.resize(60);
    CHECK(contains(l.error(image), "is truncated"));
  }
  SECTION("cut inside the header") {
    image.resize(40);
    CHECK(contains(l.error(image), "no Multiboot header"));
  }
  SECTION("load address behind the header's own") {
    store(image.data() + 32, kLoad + 64);
    CHECK(contains(l.error(image), "outside the file"));
  }
  SECTION("outside RAM") { CHECK(contains(l.error(kludge_image(0x8000000)), "does not fit")); }
  SECTION("over the video memory") {
    CHECK(contains(l.error(kludge_image(0xA0000)), "does not fit"));
  }
  SECTION("over the end of the address space") {
    CHECK(contains(l.error(kludge_image(0xFFFFFF00)), ""));
  }
  SECTION("ELF segment outside the file") {
    auto elf = elf_image<Elf32_Ehdr, Elf32_Phdr>(ELFCLASS32, EM_386);
    elf.resize(elf.size() - 1);
    CHECK(contains(l.error(elf), "is truncated"));
  }
  SECTION("ELF program headers outside the file") {
    auto elf = elf_image<Elf64_Ehdr, Elf64_Phdr>(ELFCLASS64, EM_X86_64);
    store(elf.data() + offsetof(Elf64_Ehdr, e_phoff), ~u64{0} - 8);
    CHECK(contains(l.error(elf), "is truncated"));
  }
}

TEST_CASE("Multiboot: any truncation or flipped byte -> loaded or refused, never outside RAM") {
  const auto image = GENERATE(kludge_image(), elf_image<Elf32_Ehdr, Elf32_Phdr>(ELFCLASS32, EM_386),
                              elf_image<Elf64_Ehdr, Elf64_Phdr>(ELFCLASS64, EM_X86_64));
  Loading l;
  for (u64 n = 0; n < image.size(); ++n) {
    auto changed = image;
    changed[n] ^= 0xFF;
    static_cast<void>(l.load(changed));
    changed.resize(n);
    static_cast<void>(l.load(changed));
  }
  CHECK_FALSE(l.machine.outside_ram);
}

TEST_CASE("option -initrd for Multiboot: list -> modules; a double comma is a comma") {
  CHECK(split_modules("").empty());
  CHECK(split_modules("a b,c,,d") == std::vector<std::string>{"a b", "c,d"});
}

TEST_CASE("option -kernel: ELF without a Multiboot header -> error names the bzImage") {
  auto elf = elf_image<Elf32_Ehdr, Elf32_Phdr>(ELFCLASS32, EM_386);
  elf[0x100] = 0;
  const TempFile file(elf);
  FakeMachine machine(64 * kMiB);
  const auto loaded = load_kernel(machine.target, {}, {file.path(), "", ""});
  REQUIRE_FALSE(loaded.ok());
  CHECK(contains(loaded.error(), "bzImage"));
}

}  // namespace ring3

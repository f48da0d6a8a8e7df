// SPDX-License-Identifier: MIT
#include "decoder/block.h"

#include <catch2/catch.hpp>

using namespace ring3;

namespace {

void no_binder(Insn&, const Decoded&) {}

Block scan_bytes(std::vector<u8> bytes, ScanEnd& end, CodeSize size = CodeSize::Bits64) {
  static const Decoder decoder;
  Block block;
  end = scan(decoder, {size, 0}, bytes, no_binder, block);
  return block;
}

}  // namespace

TEST_CASE("scan: a jump -> ends the block and belongs to it") {
  ScanEnd end;
  const Block b = scan_bytes({0x90, 0xEB, 0x00, 0x90}, end);
  CHECK(end == ScanEnd::Terminator);
  CHECK(b.insns.size() == 2);
  CHECK(b.bytes == 3);
}

TEST_CASE("scan: bytes end inside the first instruction -> nothing, the caller gives more") {
  ScanEnd end;
  const Block b = scan_bytes({0xB8, 0x01}, end);
  CHECK(end == ScanEnd::PageEnd);
  CHECK(b.insns.empty());
}

TEST_CASE("scan: bytes end inside a later instruction -> the block stops before it") {
  ScanEnd end;
  const Block b = scan_bytes({0x90, 0xB8, 0x01}, end);
  CHECK(end == ScanEnd::PageEnd);
  CHECK(b.insns.size() == 1);
  CHECK(b.bytes == 1);
}

TEST_CASE("scan: mov to ss and a repeated string instruction -> end the block") {
  ScanEnd end;
  CHECK(scan_bytes({0x8E, 0xD0, 0x90}, end).insns.size() == 1);
  CHECK(scan_bytes({0xF3, 0xA4, 0x90}, end).insns.size() == 1);
  CHECK(scan_bytes({0xA4, 0x90}, end).insns.size() == 2);
}

TEST_CASE("scan: one instruction asked for -> it alone, and its flags are live") {
  static const Decoder decoder;
  const std::vector<u8> bytes{0x39, 0xC0, 0x83, 0xE9, 1};  // cmp eax,eax; sub ecx,1
  Block block;
  CHECK(scan(decoder, {CodeSize::Bits64, 0}, bytes, no_binder, block, 1) == ScanEnd::Full);
  CHECK(block.insns.size() == 1);
  CHECK_FALSE(block.insns[0].flags_dead);
  CHECK(block.bytes == 2);
}

TEST_CASE("flag liveness: overwritten without a fault between -> dead") {
  ScanEnd end;
  const Block b = scan_bytes({0x01, 0xD8, 0x29, 0xC8, 0xC3}, end);  // add; sub; ret
  CHECK(b.insns[0].flags_dead == 1);
  CHECK(b.insns[1].flags_dead == 0);
}

TEST_CASE("flag liveness: a memory access, a test or a shift between -> live") {
  ScanEnd end;
  CHECK(scan_bytes({0x01, 0xD8, 0x8B, 0x03, 0x29, 0xC8, 0xC3}, end).insns[0].flags_dead == 0);
  CHECK(scan_bytes({0x01, 0xD8, 0x11, 0xC8, 0xC3}, end).insns[0].flags_dead == 0);
  CHECK(scan_bytes({0x01, 0xD8, 0xD3, 0xE0, 0xC3}, end).insns[0].flags_dead == 0);
}

TEST_CASE("lower: high-byte registers, scaled index, rip base -> slots") {
  const Decoder decoder;
  Decoded d;
  Insn i;
  const u8 mov_ah_bl[] = {0x88, 0xDC};
  REQUIRE(decoder.decode(CodeSize::Bits64, mov_ah_bl, d) == DecodeStatus::Ok);
  Decoder::lower(d, i);
  CHECK(i.dst == 1);
  CHECK(i.src == 24);
  const u8 mov_sib[] = {0x8B, 0x44, 0x8B, 0x10};  // mov eax,[rbx+rcx*4+10h]
  REQUIRE(decoder.decode(CodeSize::Bits64, mov_sib, d) == DecodeStatus::Ok);
  Decoder::lower(d, i);
  CHECK(i.base == 3);
  CHECK(i.index == 1);
  CHECK(i.scale == 2);
  CHECK(i.disp == 0x10);
  const u8 mov_rip[] = {0x8B, 0x05, 1, 0, 0, 0};
  REQUIRE(decoder.decode(CodeSize::Bits64, mov_rip, d) == DecodeStatus::Ok);
  Decoder::lower(d, i);
  CHECK(i.base == 17);
  CHECK(i.index == 16);
}

// SPDX-License-Identifier: MIT
#include "tests/differential/program.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "tests/silicon/operands.h"
#include "tests/silicon/skips.h"

namespace ring3::differential {
namespace {

using silicon::Form;

/// Rows by how much real programs use them.
struct Rows {
  std::vector<ZydisMnemonic> integer, vector;
};

bool is_integer(Family f) {
  switch (f) {
    case Family::alu:
    case Family::shift:
    case Family::muldiv:
    case Family::bits:
    case Family::data:
    case Family::decimal:
    case Family::flags:
    case Family::stack:
    case Family::string:
      return true;
    default:
      return false;
  }
}

bool is_vector(Family f) { return f >= Family::x87; }

bool usable(ZydisMnemonic m) {
  const Row* row = find_row(m);
  return row && classify(m) == Class::Innocuous && silicon::skipped_row(m).empty() &&
         (is_integer(row->family) || is_vector(row->family));
}

const Rows& rows_of(silicon::Mode mode) {
  static const auto collect = [](silicon::Mode m) {
    Rows rows;
    for (const auto& [mnemonic, forms] : silicon::forms(m)) {
      if (!usable(mnemonic)) continue;
      const bool integer = is_integer(find_row(mnemonic)->family);
      (integer ? rows.integer : rows.vector).push_back(mnemonic);
    }
    return rows;
  };
  static const Rows long64 = collect(silicon::Mode::Long64),
                    compat32 = collect(silicon::Mode::Compat32);
  return mode == silicon::Mode::Long64 ? long64 : compat32;
}

/// What two processors or handlers may do differently without being wrong.
bool undefined_result(const Decoded& d) {
  const ZydisMnemonic m = d.insn.mnemonic;
  return (m == ZYDIS_MNEMONIC_SHLD || m == ZYDIS_MNEMONIC_SHRD) && d.operands[0].size == 16;
}

/// The flags that the manual leaves undefined after an instruction.
u64 undefined_after(const Decoded& d, u64 before) {
  const ZydisAccessedFlags* f = d.insn.cpu_flags;
  if (!f) return before;
  const Row* row = find_row(d.insn.mnemonic);
  const u64 undefined = f->undefined & flag::kArith;
  const u64 defined = (f->modified | f->set_0 | f->set_1) & flag::kArith & ~undefined;
  const bool always = row && row->family != Family::shift && row->family != Family::string;
  return (always ? before & ~defined : before) | undefined;
}

class Writer {
 public:
  explicit Writer(u64 seed) : rng_(seed) {
    p_.seed = seed;
    p_.mode = static_cast<Mode>(below(rng_, kModes));
    p_.start = one_in(rng_, 2) ? 0xFF0 - below(rng_, 200) : 0x100 + below(rng_, 64);
  }

  Program write() {
    const unsigned count = 1 + static_cast<unsigned>(below(rng_, 16));
    for (unsigned n = 0; n < count; ++n) step(count);
    add({0xF4});
    for (Item& item : p_.items)
      item.target = std::min<unsigned>(item.target, static_cast<unsigned>(p_.items.size() - 1));
    for (unsigned n = 2 + static_cast<unsigned>(below(rng_, 5)); n > 0; --n)
      p_.slices.push_back(1 + static_cast<u32>(below(rng_, one_in(rng_, 3) ? 4 : 80)));
    p_.nmis = one_in(rng_, 3) ? rng_() : 0;
    return std::move(p_);
  }

 private:
  void add(std::vector<u8> bytes) { p_.items.push_back({Item::Kind::Bytes, std::move(bytes)}); }

  void step(unsigned count) {
    if (one_in(rng_, 5)) return branch(count);
    if (one_in(rng_, 12)) return patch();
    for (unsigned attempt = 0; attempt < 20; ++attempt)
      if (instruction()) return;
  }

  /// A new value without touching flags.
  void load(unsigned reg, u64 value) {
    std::vector<u8> bytes;
    const unsigned width = is_long64(p_.mode) ? 8 : is_16(p_.mode) ? 2 : 4;
    const bool narrow = width == 8 && value <= 0xFFFFFFFF && one_in(rng_, 2);
    if (width == 8 && (!narrow || reg >= 8))
      bytes.push_back(static_cast<u8>(0x40 | (narrow ? 0 : 8) | (reg >> 3)));
    bytes.push_back(static_cast<u8>(0xB8 | (reg & 7)));
    for (unsigned n = 0; n < (narrow ? 4 : width); ++n)
      bytes.push_back(static_cast<u8>(value >> (8 * n)));
    add(std::move(bytes));
  }

  bool instruction() {
    const auto from = is_long64(p_.mode) ? silicon::Mode::Long64 : silicon::Mode::Compat32;
    const Rows& rows = rows_of(from);
    const auto& list = one_in(rng_, 3) ? rows.vector : rows.integer;
    const auto& all = silicon::forms(from).at(list[below(rng_, list.size())]);
    std::vector<u8> bytes = silicon::vary(all[below(rng_, all.size())], rng_);
    bytes.resize(ZYDIS_MAX_INSTRUCTION_LENGTH, static_cast<u8>(rng_()));
    Decoded d;
    if (decoder_.decode(code_size(p_.mode), bytes, d) != DecodeStatus::Ok || !allowed(d))
      return false;
    bytes.resize(d.insn.length);
    define_flags(d);
    aim(d);
    add(std::move(bytes));
    note_flags(d);
    return true;
  }

  bool allowed(const Decoded& d) {
    if (!usable(d.insn.mnemonic) || undefined_result(d)) return false;
    if (d.insn.raw.imm[0].is_relative || d.insn.meta.branch_type != ZYDIS_BRANCH_TYPE_NONE)
      return false;
    for (unsigned n = 0; n < d.insn.operand_count; ++n) {
      const ZydisDecodedOperand& op = d.operands[n];
      if (op.type != ZYDIS_OPERAND_TYPE_REGISTER) continue;
      const ZydisRegisterClass c = ZydisRegisterGetClass(op.reg.value);
      if (c == ZYDIS_REGCLASS_SEGMENT || c == ZYDIS_REGCLASS_CONTROL || c == ZYDIS_REGCLASS_DEBUG)
        return false;
      const bool stack = guest_register(op.reg.value) == kRsp;
      if (stack && n < d.insn.operand_count_visible && !one_in(rng_, 8)) return false;
    }
    return true;
  }

  static int guest_register(ZydisRegister reg) {
    const ZydisRegister full = ZydisRegisterGetLargestEnclosing(ZYDIS_MACHINE_MODE_LONG_64, reg);
    if (ZydisRegisterGetClass(full) != ZYDIS_REGCLASS_GPR64) return -1;
    return ZydisRegisterGetId(full);
  }

  /// Registers that address memory get addresses, counts get small, dividends fit.
  void aim(const Decoded& d) {
    const ZydisMnemonic m = d.insn.mnemonic;
    const bool divides = m == ZYDIS_MNEMONIC_DIV || m == ZYDIS_MNEMONIC_IDIV;
    if (divides && !one_in(rng_, 4)) load(kRdx, below(rng_, 3));
    constexpr u64 kRepeats = ZYDIS_ATTRIB_HAS_REP | ZYDIS_ATTRIB_HAS_REPE | ZYDIS_ATTRIB_HAS_REPNE;
    if ((d.insn.attributes & kRepeats) && !one_in(rng_, 16))
      load(kRcx, below(rng_, one_in(rng_, 8) ? 700 : 40));
    for (unsigned n = 0; n < d.insn.operand_count; ++n) {
      const ZydisDecodedOperand& op = d.operands[n];
      if (op.type != ZYDIS_OPERAND_TYPE_MEMORY || op.mem.type == ZYDIS_MEMOP_TYPE_AGEN) continue;
      const int base = guest_register(op.mem.base), index = guest_register(op.mem.index);
      if (base < 0 || one_in(rng_, 10)) continue;
      if (base == kRsp && !one_in(rng_, 4)) continue;
      u64 address = data_offset(p_.mode, rng_) - static_cast<u64>(op.mem.disp.value);
      if (is_segmented(p_.mode) && base == kRbp) address = 0x800 + below(rng_, 0x1000);
      if (index >= 0 && index != base) {
        const u64 step = below(rng_, 4);
        load(static_cast<unsigned>(index), step);
        address -= step * op.mem.scale;
      }
      if (op.mem.segment == ZYDIS_REGISTER_GS) address -= 0x10'0000;
      load(static_cast<unsigned>(base), address);
    }
  }

  // Which flags the manual leaves undefined here: nothing may look at them.
  void define_flags(const Decoded& d) {
    const ZydisAccessedFlags* f = d.insn.cpu_flags;
    if (!f || !(f->tested & undefined_)) return;
    add({0x39, 0xC8});  // cmp ax/eax, cx/ecx
    undefined_ = 0;
  }
  void note_flags(const Decoded& d) { undefined_ = undefined_after(d, undefined_); }

  /// Flags are defined wherever a branch comes from, so nothing is undefined where it goes to.
  void branch(unsigned count) {
    if (undefined_) add({0x39, 0xC8});
    undefined_ = 0;
    Item jump{Item::Kind::Jump, {}};
    jump.target = static_cast<unsigned>(below(rng_, p_.items.size() + 2 * count));
    switch (below(rng_, 6)) {
      case 0:
      case 1:
      case 2:
        jump.bytes = {0x0F, static_cast<u8>(0x80 | below(rng_, 16))};
        break;
      case 3:
        jump.bytes = {static_cast<u8>(one_in(rng_, 2) ? 0xE8 : 0xE9)};
        break;
      case 4: {
        jump.short_form = true;
        jump.bytes = {static_cast<u8>(0xE0 | below(rng_, 4))};
        load(kRcx, below(rng_, 4));
        break;
      }
      default:
        p_.items.push_back(std::move(jump));
        p_.items.back().kind = Item::Kind::Address;
        // jmp rax, call rax, push rax + ret, ret
        switch (below(rng_, 4)) {
          case 0:
            add({0xFF, 0xE0});
            break;
          case 1:
            add({0xFF, 0xD0});
            break;
          case 2:
            add({0x50});
            [[fallthrough]];
          default:
            add({0xC3});
        }
        return;
    }
    p_.items.push_back(std::move(jump));
  }

  void patch() {
    if (p_.mode == Mode::Real16) return;
    if (one_in(rng_, 2)) load(static_cast<unsigned>(below(rng_, 4)), rng_() & 0x7FFF);
    Item item{Item::Kind::Patch, {static_cast<u8>(rng_())}};
    item.target = static_cast<unsigned>(below(rng_, p_.items.size() + 4));
    item.through_alias = is_segmented(p_.mode) || one_in(rng_, 3);
    p_.items.push_back(std::move(item));
  }

  Rng rng_;
  Decoder decoder_;
  Program p_;
  u64 undefined_ = 0;
};

}  // namespace

const char* name_of(Mode mode) {
  static constexpr const char* kNames[] = {
      "64-bit CPL 0",           "64-bit CPL 3",           "32-bit compatibility CPL 3",
      "32-bit flat CPL 0",      "32-bit flat CPL 3",      "32-bit segmented CPL 0",
      "32-bit segmented CPL 3", "16-bit protected CPL 0", "real mode"};
  return kNames[static_cast<unsigned>(mode)];
}

CodeSize code_size(Mode mode) {
  if (is_long64(mode)) return CodeSize::Bits64;
  return is_16(mode) ? CodeSize::Bits16 : CodeSize::Bits32;
}

u64 random_value(Rng& rng) { return silicon::interesting(rng); }

u64 data_base(Mode mode) { return mode == Mode::Real16 ? kDataPhysical : kData; }

/// Mostly plain pages, often near a page's end.
u64 data_offset(Mode mode, Rng& rng) {
  const u64 page = one_in(rng, 4) ? below(rng, kDataPages) : below(rng, 2);
  const u64 at =
      one_in(rng, 4) ? kPageSize - below(rng, 36) : below(rng, kPageSize - 64) & ~u64{31};
  const u64 offset = page * kPageSize + at;
  return is_segmented(mode) ? offset : kData + offset;
}

Program make_program(u64 seed) { return Writer(seed).write(); }

namespace {

size_t size_of(const Program& p, const Item& item) {
  const bool wide = is_long64(p.mode), narrow = is_16(p.mode);
  switch (item.kind) {
    case Item::Kind::Bytes:
      return item.bytes.size();
    case Item::Kind::Jump:
      return item.bytes.size() + (item.short_form ? 1 : narrow ? 2 : 4);
    case Item::Kind::Address:
      return wide ? 10 : narrow ? 3 : 5;
    case Item::Kind::Patch:
      return wide ? 8 : narrow ? 5 : 7;
  }
  return 0;
}

void put(std::vector<u8>& out, u64 value, unsigned bytes) {
  for (unsigned n = 0; n < bytes; ++n) out.push_back(static_cast<u8>(value >> (8 * n)));
}

void put_jump(std::vector<u8>& out, const Program& p, const Item& item, u64 here, u64 target) {
  const i64 distance = static_cast<i64>(target - (here + size_of(p, item)));
  if (item.short_form && distance != static_cast<i8>(distance)) {
    out.insert(out.end(), {0x90, 0x90});
    return;
  }
  out.insert(out.end(), item.bytes.begin(), item.bytes.end());
  put(out, static_cast<u64>(distance), item.short_form ? 1 : is_16(p.mode) ? 2 : 4);
}

/// mov byte [target], value
void put_patch(std::vector<u8>& out, const Program& p, const Item& item, u64 here, u64 target) {
  const bool alias = item.through_alias && target < kPageSize;
  u64 address = alias ? kData + kAliasOfCode * kPageSize + target : kCode + target;
  if (is_segmented(p.mode)) address -= kData;
  out.insert(out.end(), {0xC6, static_cast<u8>(is_16(p.mode)       ? 0x06
                                               : is_long64(p.mode) ? 0x04
                                                                   : 0x05)});
  if (is_long64(p.mode)) out.push_back(0x25);
  put(out, address, is_16(p.mode) ? 2 : 4);
  out.push_back(item.bytes[0]);
  (void)here;
}

}  // namespace

std::vector<u8> Program::assemble() const {
  std::vector<u64> offsets;
  u64 at = start;
  for (const Item& item : items) {
    offsets.push_back(at);
    at += size_of(*this, item);
  }
  offsets.push_back(at);
  std::vector<u8> out;
  for (size_t n = 0; n < items.size(); ++n) {
    const Item& item = items[n];
    const u64 here = offsets[n], target = offsets[std::min<size_t>(item.target, items.size())];
    switch (item.kind) {
      case Item::Kind::Bytes:
        out.insert(out.end(), item.bytes.begin(), item.bytes.end());
        break;
      case Item::Kind::Jump:
        put_jump(out, *this, item, here, target);
        break;
      case Item::Kind::Address:
        if (is_long64(mode)) out.push_back(0x48);
        out.push_back(0xB8);
        put(out, is_segmented(mode) ? target : kCode + target,
            is_long64(mode) ? 8
            : is_16(mode)   ? 2
                            : 4);
        break;
      case Item::Kind::Patch: {
        // The last byte of a load of a constant, else the byte behind the program.
        const Item& aim = items[std::min<size_t>(item.target, items.size() - 1)];
        const bool load =
            aim.kind == Item::Kind::Bytes && aim.bytes.size() >= 3 && (aim.bytes[0] & 0xF8) == 0xB8;
        const u64 last = load ? target + aim.bytes.size() - 1 : offsets.back() + 8;
        put_patch(out, *this, item, here, last);
        break;
      }
    }
  }
  return out;
}

bool looks_at_defined_flags(const Program& program) {
  const std::vector<u8> bytes = program.assemble();
  const Decoder decoder;
  Decoded d;
  u64 undefined = 0;
  for (size_t at = 0; at < bytes.size(); at += d.insn.length) {
    const std::span<const u8> rest(bytes.data() + at, bytes.size() - at);
    if (decoder.decode(code_size(program.mode), rest, d) != DecodeStatus::Ok) return false;
    const bool branch = d.insn.meta.branch_type != ZYDIS_BRANCH_TYPE_NONE;
    if (branch && undefined) return false;
    if (d.insn.cpu_flags && (d.insn.cpu_flags->tested & undefined)) return false;
    undefined = undefined_after(d, undefined);
  }
  return true;
}

std::string listing(const Program& program) {
  const std::vector<u8> bytes = program.assemble();
  const Decoder decoder;
  std::string text;
  Decoded d;
  for (size_t at = 0; at < bytes.size(); at += d.insn.length) {
    const std::span<const u8> rest(bytes.data() + at, bytes.size() - at);
    if (decoder.decode(code_size(program.mode), rest, d) != DecodeStatus::Ok) break;
    fmt::format_to(std::back_inserter(text), "  {:#x}  {:32}{}\n", kCode + program.start + at,
                   silicon::hex(rest.first(d.insn.length)),
                   Decoder::format(d, kCode + program.start + at));
  }
  return text;
}

}  // namespace ring3::differential

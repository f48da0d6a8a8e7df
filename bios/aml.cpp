// SPDX-License-Identifier: MIT
#include "bios/aml.h"

#include "base/check.h"

namespace ring3::aml {
namespace {

// Opcodes (ACPI 6.4 table 20.2 and on).
constexpr u8 kZeroOp = 0x00, kOneOp = 0x01, kNameOp = 0x08, kBytePrefix = 0x0A, kWordPrefix = 0x0B,
             kDwordPrefix = 0x0C, kStringPrefix = 0x0D, kQwordPrefix = 0x0E, kScopeOp = 0x10,
             kBufferOp = 0x11, kPackageOp = 0x12, kMethodOp = 0x14, kDualName = 0x2E,
             kMultiName = 0x2F, kExtPrefix = 0x5B, kArg0 = 0x68, kStoreOp = 0x70, kAndOp = 0x7B,
             kOrOp = 0x7D, kCreateDwordField = 0x8A, kIfOp = 0xA0, kElseOp = 0xA1, kReturnOp = 0xA4;
constexpr u8 kExtOpRegion = 0x80, kExtField = 0x81, kExtDevice = 0x82;
constexpr u8 kFieldByteAccess = 0x01;
constexpr u8 kNullTarget = 0x00;

void put(Bytes& out, u64 value, unsigned bytes) {
  for (unsigned i = 0; i < bytes; ++i) out.push_back(static_cast<u8>(value >> (8 * i)));
}

/// PkgLength counts itself: 6 bits in one byte, else 4 bits and one to three bytes more.
Bytes with_length(const Bytes& content) {
  Bytes out;
  const u64 size = content.size();
  if (size + 1 < 64) {
    out.push_back(static_cast<u8>(size + 1));
  } else {
    unsigned more = 1;
    while (size + 1 + more >= u64{1} << (4 + 8 * more)) ++more;
    const u64 total = size + 1 + more;
    out.push_back(static_cast<u8>(more << 6 | (total & 0xF)));
    put(out, total >> 4, more);
  }
  append(out, content);
  return out;
}

Bytes op(u8 code, const Bytes& rest) {
  Bytes out = {code};
  append(out, rest);
  return out;
}

Bytes ext_op(u8 code, const Bytes& rest) { return op(kExtPrefix, op(code, rest)); }

void put_segment(Bytes& out, std::string_view segment) {
  RING3_CHECK(!segment.empty() && segment.size() <= 4, "AML name segment '{}'", segment);
  for (unsigned i = 0; i < 4; ++i) out.push_back(i < segment.size() ? segment[i] : '_');
}

Bytes named_block(const Bytes& head, std::initializer_list<Bytes> terms) {
  Bytes content = head;
  append(content, join(terms));
  return with_length(content);
}

// Resource descriptor tags.
constexpr u8 kSmallIrq = 0x22, kSmallIo = 0x47, kSmallEnd = 0x79, kLargeMemory32Fixed = 0x86,
             kLargeDword = 0x87, kLargeWord = 0x88, kLargeExtendedIrq = 0x89;
enum class AddressKind : u8 { Memory = 0, Io = 1, BusNumber = 2 };
// Producer, positive decode, minimum and maximum fixed.
constexpr u8 kFixedRange = 0x0C;

/// Address space descriptors: granularity, minimum, maximum, translation, length.
Bytes address_space(u8 tag, AddressKind kind, u8 type_flags, u64 first, u64 last) {
  const unsigned width = tag == kLargeWord ? 2 : 4;
  Bytes out = {tag};
  put(out, 3 + 5 * width, 2);
  out.push_back(static_cast<u8>(kind));
  out.push_back(kFixedRange);
  out.push_back(type_flags);
  for (const u64 value : {u64{0}, first, last, u64{0}, last - first + 1}) put(out, value, width);
  return out;
}

}  // namespace

void append(Bytes& to, const Bytes& part) { to.insert(to.end(), part.begin(), part.end()); }

Bytes join(std::initializer_list<Bytes> parts) {
  Bytes out;
  for (const Bytes& part : parts) append(out, part);
  return out;
}

Bytes integer(u64 value) {
  if (value <= 1) return {value ? kOneOp : kZeroOp};
  const auto [prefix, width] = value <= 0xFF         ? std::pair{kBytePrefix, 1u}
                               : value <= 0xFFFF     ? std::pair{kWordPrefix, 2u}
                               : value <= 0xFFFFFFFF ? std::pair{kDwordPrefix, 4u}
                                                     : std::pair{kQwordPrefix, 8u};
  Bytes out = {prefix};
  put(out, value, width);
  return out;
}

Bytes string(std::string_view text) {
  Bytes out = {kStringPrefix};
  for (const char c : text) out.push_back(static_cast<u8>(c));
  out.push_back(0);
  return out;
}

Bytes eisa_id(std::string_view id) {
  RING3_CHECK(id.size() == 7, "EISA id '{}'", id);
  u32 value = 0;  // big-endian: three letters of five bits, then four hexadecimal digits
  for (const char c : id.substr(0, 3)) value = value << 5 | (c - '@');
  for (const char c : id.substr(3)) value = value << 4 | (c <= '9' ? c - '0' : c - 'A' + 10);
  return integer(__builtin_bswap32(value));
}

Bytes buffer(const Bytes& content) {
  Bytes inner = integer(content.size());
  append(inner, content);
  return op(kBufferOp, with_length(inner));
}

Bytes package(const std::vector<Bytes>& elements) {
  RING3_CHECK(elements.size() <= 255, "AML package of {} elements", elements.size());
  Bytes inner = {static_cast<u8>(elements.size())};
  for (const Bytes& element : elements) append(inner, element);
  return op(kPackageOp, with_length(inner));
}

Bytes package(std::initializer_list<Bytes> elements) {
  return package(std::vector<Bytes>(elements));
}

Bytes path(std::string_view name) {
  Bytes out;
  if (name.starts_with('\\')) {
    out.push_back('\\');
    name.remove_prefix(1);
  }
  std::vector<std::string_view> segments;
  for (size_t dot; (dot = name.find('.')) != name.npos; name.remove_prefix(dot + 1)) {
    segments.push_back(name.substr(0, dot));
  }
  segments.push_back(name);
  if (segments.size() == 2) out.push_back(kDualName);
  if (segments.size() > 2) append(out, {kMultiName, static_cast<u8>(segments.size())});
  for (const std::string_view segment : segments) put_segment(out, segment);
  return out;
}

Bytes name(std::string_view name, const Bytes& value) {
  return op(kNameOp, join({path(name), value}));
}

Bytes scope(std::string_view name, std::initializer_list<Bytes> terms) {
  return op(kScopeOp, named_block(path(name), terms));
}

Bytes device(std::string_view name, std::initializer_list<Bytes> terms) {
  return ext_op(kExtDevice, named_block(path(name), terms));
}

Bytes method(std::string_view name, u8 arguments, std::initializer_list<Bytes> terms) {
  return op(kMethodOp, named_block(join({path(name), {arguments}}), terms));
}

Bytes operation_region(std::string_view name, Space space, u64 offset, u64 length) {
  return ext_op(kExtOpRegion,
                join({path(name), {static_cast<u8>(space)}, integer(offset), integer(length)}));
}

Bytes byte_fields(std::string_view region, std::initializer_list<std::string_view> names) {
  Bytes inner = join({path(region), {kFieldByteAccess}});
  for (const std::string_view field : names) {
    put_segment(inner, field);
    inner.push_back(8);
  }
  return ext_op(kExtField, with_length(inner));
}

Bytes create_dword_field(const Bytes& buffer, u64 byte_index, std::string_view name) {
  return op(kCreateDwordField, join({buffer, integer(byte_index), path(name)}));
}

Bytes arg(u8 n) { return {static_cast<u8>(kArg0 + n)}; }

Bytes bit_and(const Bytes& a, const Bytes& b) { return op(kAndOp, join({a, b, {kNullTarget}})); }
Bytes bit_or(const Bytes& a, const Bytes& b) { return op(kOrOp, join({a, b, {kNullTarget}})); }
Bytes store(const Bytes& value, const Bytes& target) { return op(kStoreOp, join({value, target})); }
Bytes give(const Bytes& value) { return op(kReturnOp, value); }

Bytes if_else(const Bytes& condition, std::initializer_list<Bytes> then,
              std::initializer_list<Bytes> otherwise) {
  Bytes out = op(kIfOp, named_block(condition, then));
  if (otherwise.size()) append(out, op(kElseOp, named_block({}, otherwise)));
  return out;
}

Bytes resource_template(const Bytes& descriptors) {
  // A checksum of 0 in the end tag: not to be checked.
  return buffer(join({descriptors, {kSmallEnd, 0}}));
}

Bytes resource_template(std::initializer_list<Bytes> descriptors) {
  return resource_template(join(descriptors));
}

Bytes io(u16 port, u8 length) {
  constexpr u8 kDecode16 = 1, kAlignment = 1;
  Bytes out = {kSmallIo, kDecode16};
  put(out, port, 2);
  put(out, port, 2);
  append(out, {kAlignment, length});
  return out;
}

Bytes irq(u8 number) {
  Bytes out = {kSmallIrq};
  put(out, u64{1} << number, 2);
  return out;
}

Bytes interrupts(std::initializer_list<u32> gsis) {
  constexpr u8 kConsumerLevelHighShared = 0x09;
  Bytes out = {kLargeExtendedIrq};
  put(out, 2 + 4 * gsis.size(), 2);
  append(out, {kConsumerLevelHighShared, static_cast<u8>(gsis.size())});
  for (const u32 gsi : gsis) put(out, gsi, 4);
  return out;
}

Bytes memory32_fixed(u32 base, u32 length, bool writable) {
  Bytes out = {kLargeMemory32Fixed, 9, 0, writable};
  put(out, base, 4);
  put(out, length, 4);
  return out;
}

Bytes word_bus_number(u16 first, u16 last) {
  return address_space(kLargeWord, AddressKind::BusNumber, 0, first, last);
}

Bytes word_io(u16 first, u16 last) {
  constexpr u8 kEntireRange = 3;
  return address_space(kLargeWord, AddressKind::Io, kEntireRange, first, last);
}

Bytes dword_memory(u32 first, u32 last, bool cacheable) {
  const u8 type_flags = cacheable ? 0x03 : 0x01;  // writable
  return address_space(kLargeDword, AddressKind::Memory, type_flags, first, last);
}

}  // namespace ring3::aml

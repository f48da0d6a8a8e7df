// SPDX-License-Identifier: MIT
// A small builder for ACPI Machine Language (ACPI 6.4 chapter 20): each function gives the bytes of
// one term, so that a definition block reads like ASL. Only the terms that our DSDT uses.
#pragma once

#include <initializer_list>
#include <string_view>
#include <vector>

#include "base/types.h"

namespace ring3::aml {

using Bytes = std::vector<u8>;

Bytes join(std::initializer_list<Bytes> parts);
void append(Bytes& to, const Bytes& part);

// Data.
Bytes integer(u64 value);
Bytes string(std::string_view text);
Bytes eisa_id(std::string_view id);  ///< "PNP0A03"
Bytes buffer(const Bytes& content);
Bytes package(std::initializer_list<Bytes> elements);
Bytes package(const std::vector<Bytes>& elements);

/// A NameString: "_HID", "\\_SB", "PCI0.ISA"; segments of one to four characters.
Bytes path(std::string_view name);

// Declarations.
Bytes name(std::string_view name, const Bytes& value);
Bytes scope(std::string_view name, std::initializer_list<Bytes> terms);
Bytes device(std::string_view name, std::initializer_list<Bytes> terms);
Bytes method(std::string_view name, u8 arguments, std::initializer_list<Bytes> terms);

enum class Space : u8 { SystemMemory = 0, SystemIo = 1, PciConfig = 2 };
Bytes operation_region(std::string_view name, Space space, u64 offset, u64 length);
/// Byte-access fields of eight bits each, without locks, in the region's order.
Bytes byte_fields(std::string_view region, std::initializer_list<std::string_view> names);
Bytes create_dword_field(const Bytes& buffer, u64 byte_index, std::string_view name);

// Statements and expressions.
Bytes arg(u8 n);
Bytes bit_and(const Bytes& a, const Bytes& b);  ///< the value; no target
Bytes bit_or(const Bytes& a, const Bytes& b);
Bytes store(const Bytes& value, const Bytes& target);
Bytes give(const Bytes& value);  ///< Return
Bytes if_else(const Bytes& condition, std::initializer_list<Bytes> then,
              std::initializer_list<Bytes> otherwise = {});

// Resource descriptors (ACPI 6.4 section 6.4).
Bytes resource_template(std::initializer_list<Bytes> descriptors);
Bytes resource_template(const Bytes& descriptors);
Bytes io(u16 port, u8 length);
Bytes irq(u8 number);                               ///< edge-triggered, active high, exclusive
Bytes interrupts(std::initializer_list<u32> gsis);  ///< level-triggered, active high, shared
Bytes memory32_fixed(u32 base, u32 length, bool writable);
Bytes word_bus_number(u16 first, u16 last);
Bytes word_io(u16 first, u16 last);
Bytes dword_memory(u32 first, u32 last, bool cacheable);

}  // namespace ring3::aml

// SPDX-License-Identifier: MIT
// The cpu's registers as gdb numbers them, and the target description that says so (GDB manual,
// appendix "Target Descriptions", "i386 Features"). One description per connection: it does not
// change when the guest changes its mode, since gdb takes the packets' layout from it.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/cpu.h"

namespace ring3 {

enum class GdbArch : u8 { I8086, I386, X86_64 };

std::string_view name_of(GdbArch arch);

/// The architecture of the cpu's present mode.
GdbArch arch_of(const CpuState& state);

class GdbRegisters {
 public:
  explicit GdbRegisters(GdbArch arch);

  GdbArch arch() const { return arch_; }
  size_t count() const { return rows_.size(); }
  unsigned bytes(size_t number) const { return rows_[number].bits / 8; }
  std::string description() const;  ///< target.xml

  /// By name, of those that fit in 64 bits.
  std::optional<u64> value(const Cpu& cpu, std::string_view name) const;
  /// Little-endian bytes.
  std::string read(const Cpu& cpu, size_t number) const;
  /// False: it cannot have this value. `value` has bytes(number) bytes.
  bool write(Cpu& cpu, size_t number, std::string_view value) const;

 private:
  using Read = std::function<u64(const CpuState&)>;
  using Write = std::function<void(Cpu&, u64)>;
  struct Row {
    std::string name, type;
    unsigned bits = 0;
    int image = -1;  ///< >= 0: bytes of the FPU image, else read and write
    Read read;
    Write write;  ///< none: fixed
  };
  struct Feature {
    std::string name, types;
    size_t first = 0;  ///< its first row
  };

  void feature(std::string name, std::string types = "");
  void add(std::string name, unsigned bits, std::string type, Read read, Write write);
  void add_image(std::string name, unsigned bits, std::string type, int offset);
  void add_core();
  void add_segments();
  void add_x87();
  void add_vectors();
  void add_bases();
  void add_system();
  bool wide() const { return arch_ == GdbArch::X86_64; }
  unsigned word() const { return wide() ? 64 : 32; }

  GdbArch arch_;
  std::vector<Row> rows_;
  std::vector<Feature> features_;
};

}  // namespace ring3

// SPDX-License-Identifier: MIT
// QEMU's firmware configuration device (QEMU "specs/fw_cfg"): numbered and named items that a BIOS
// or a kernel reads, by port or by DMA. Read-only: DMA writes report an error, as for any item that
// QEMU does not declare writable.
#pragma once

#include <map>
#include <span>
#include <string>
#include <vector>

#include "core/device.h"
#include "mmu/physical_memory.h"

namespace ring3 {

class FwCfg final : public Device {
 public:
  // Ports: selector and data at 510h-511h, DMA address at 514h-51Bh. Offsets count from 510h.
  static constexpr u16 kPort = 0x510;
  static constexpr u32 kPorts = 12;

  enum Key : u16 {
    kSignature = 0x00,
    kId = 0x01,
    kUuid = 0x02,
    kRamSize = 0x03,
    kNographic = 0x04,
    kNbCpus = 0x05,
    kMachineId = 0x06,
    kKernelAddr = 0x07,
    kKernelSize = 0x08,
    kKernelCmdline = 0x09,
    kInitrdAddr = 0x0A,
    kInitrdSize = 0x0B,
    kBootDevice = 0x0C,
    kNuma = 0x0D,
    kBootMenu = 0x0E,
    kMaxCpus = 0x0F,
    kKernelEntry = 0x10,
    kKernelData = 0x11,
    kInitrdData = 0x12,
    kCmdlineAddr = 0x13,
    kCmdlineSize = 0x14,
    kCmdlineData = 0x15,
    kSetupAddr = 0x16,
    kSetupSize = 0x17,
    kSetupData = 0x18,
    kFileDir = 0x19,
    kFileFirst = 0x20,
    kArchAcpiTables = 0x8000,
    kArchSmbios = 0x8001,
    kArchIrq0Override = 0x8002,
    kArchE820 = 0x8003,
    kArchHpet = 0x8004,
  };

  explicit FwCfg(PhysicalMemory& memory);

  void add_bytes(u16 key, std::vector<u8> bytes);
  void add_u16(u16 key, u16 value);
  void add_u32(u16 key, u32 value);
  void add_u64(u16 key, u64 value);
  void add_string(u16 key, const std::string& value);  ///< with its final zero
  /// A named item, such as "etc/e820"; it replaces one of the same name. Names longer than 55
  /// characters do not fit the directory: false.
  bool add_file(const std::string& name, std::vector<u8> bytes);

  std::string_view name() const override { return "fw_cfg"; }
  u32 read(u32 offset, Width width) override;
  void write(u32 offset, Width width, u32 value) override;
  void reset() override;
  void fields(FieldVisitor& v) override;

 private:
  struct State {
    u16 key = 0;
    u32 offset = 0;
    u64 dma_address = 0;
  };
  struct File {
    std::string name;
    u16 key;
  };
  void select(u16 key);
  u8 next_byte();
  void run_dma();
  bool transfer(u32 control, u64 address, u32 length);
  void rebuild_directory();

  State s_;
  PhysicalMemory& memory_;
  std::map<u16, std::vector<u8>> items_;
  std::vector<File> files_;
};

}  // namespace ring3

// SPDX-License-Identifier: MIT
// A suite of workloads on one engine.
#pragma once

#include "bench/emulators.h"
#include "bench/result.h"

namespace ring3::bench {

/// One run: totals.
struct Run {
  double ns = 0;            ///< what the suite goes by
  double cpu_ns = 0;        ///< CPU time on the host; 0: not known
  double guest_cycles = 0;  ///< 0: not known
  std::string hash;
  bool unsupported = false;  ///< the processor lacks what it needs
};

class Target {
 public:
  explicit Target(const Emulator& emulator) : emulator_(emulator) {}
  virtual ~Target() = default;
  const std::string& name() const { return emulator_.name; }

  /// Before a round: what its runs share is booted.
  virtual Status start() { return success(); }
  virtual Result<Run> run(const Workload& workload, u64 units) = 0;
  virtual void stop() {}
  /// Exits of a unit; empty if it counts none.
  virtual std::vector<ExitCount> exits(const Workload&) { return {}; }

 protected:
  Emulator emulator_;
};

/// Where the guests of the Linux suites are, and what they get.
struct LinuxGuest {
  std::string folder;  ///< of tools/fetch-guest: its kernels by name
  std::string name = "cloud";
  std::string binaries;  ///< folder of bench-guest64 and bench-guest32
  std::string append;
  unsigned megabytes = 512;
  std::string profile;  ///< folder for perf's recordings; empty: none
};

/// The workloads of ring0 and ring3: the bench guest, which is part of ring3. Times are the guest's
/// own (TSC, measured against the HPET), but of Bochs, whose clock counts instructions.
std::vector<Workload> machine_workloads();
std::unique_ptr<Target> machine_target(const Emulator& emulator, const std::filesystem::path& work);

/// Those of program and program32: user code of bench/guest, on the host and in a Linux guest.
/// Times are of the host's CPU. Empty if they are not there, with the reason.
std::vector<Workload> program_workloads(const LinuxGuest& guest, std::string& why_not);
std::unique_ptr<Target> program_target(const Emulator& emulator, const LinuxGuest& guest,
                                       const std::filesystem::path& work);

/// Those of boot: a Linux guest until it runs /init, and to the end of its self-test. Times are of
/// the host's CPU.
std::vector<Workload> boot_workloads(const LinuxGuest& guest, std::string& why_not);
std::unique_ptr<Target> boot_target(const Emulator& emulator, const LinuxGuest& guest,
                                    const std::filesystem::path& work);

/// Those of disk: a Linux guest reads an image of kDiskMebibytes over IDE DMA and over virtio-blk.
/// Times are the host's clock.
inline constexpr unsigned kDiskMebibytes = 1024;
std::vector<Workload> disk_workloads(const LinuxGuest& guest, std::string& why_not);
std::unique_ptr<Target> disk_target(const Emulator& emulator, const LinuxGuest& guest,
                                    const std::filesystem::path& work);

/// Those of firmware: from the start of the program to a boot sector, by the host's clock.
std::vector<Workload> firmware_workloads(const LinuxGuest& guest, std::string& why_not);
std::unique_ptr<Target> firmware_target(const Emulator& emulator,
                                        const std::filesystem::path& work);

/// Exits over the time of a boot under an engine of ring3.
Result<Timeline> boot_timeline(const Emulator& emulator, const LinuxGuest& guest,
                               const std::filesystem::path& work);

}  // namespace ring3::bench

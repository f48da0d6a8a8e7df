// SPDX-License-Identifier: MIT
// What a device under test is wired to, and the visitors that save and restore its state. Used by
// the contract test and by the tests of the single devices.
#pragma once

#include <fmt/format.h>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <type_traits>
#include <vector>

#include "core/device.h"
#include "core/event_clock.h"
#include "core/irq.h"
#include "devices/apic_bus.h"
#include "mmu/physical_memory.h"

namespace ring3::test {

/// Time that stands still until the test moves it.
struct ManualTime final : TimeSource {
  Nanos time = 0;
  Nanos now() override { return time; }
};

/// Clock, wires, cpu pins and buses for one device; every signal goes into the trace.
struct Bench : CpuPins {
  ManualTime time;
  EventClock clock{time};
  ApicBus apic_bus;
  std::vector<std::string> trace;
  std::map<std::string, bool> level;  ///< by name of the line
  std::vector<std::shared_ptr<void>> kept;

  void note(const std::string& text) { trace.push_back(fmt::format("{}: {}", time.time, text)); }
  /// A wire that traces its changes.
  IrqLine line(const std::string& name) {
    return IrqLine([this, name](bool value) {
      if (level[name] == value) return;
      level[name] = value;
      note(fmt::format("{} {}", name, value));
    });
  }
  /// A callback that traces its calls.
  std::function<void()> call(const std::string& name) {
    return [this, name] { note(name); };
  }
  /// A helper object that lives as long as the bench.
  template <class T, class... Args>
  T& keep(Args&&... args) {
    auto object = std::make_shared<T>(std::forward<Args>(args)...);
    kept.push_back(object);
    return *object;
  }

  /// Moves time to `t`, running each event at its own time.
  void advance_to(Nanos t) {
    while (clock.next_deadline() <= t) {
      time.time = std::max(time.time, clock.next_deadline());
      clock.run_due();
    }
    time.time = t;
  }
  void advance(Nanos delta) { advance_to(time.time + delta); }
  /// Moves time at once: events run late.
  void jump(Nanos delta) {
    time.time += delta;
    clock.run_due();
  }

  int nmis = 0, inits = 0;
  std::vector<u8> sipis;
  void set_intr(bool value) override { line("INTR").set(value); }
  void pulse_nmi() override { ++nmis, note("NMI"); }
  void pulse_init() override { ++inits, note("INIT"); }
  void pulse_sipi(u8 vector) override {
    sipis.push_back(vector), note(fmt::format("SIPI {}", vector));
  }
};

using Image = std::map<std::string, std::vector<u8>>;

struct SaveVisitor final : FieldVisitor {
  Image image;
  void field(std::string_view name, void* data, size_t size) override {
    const u8* p = static_cast<const u8*>(data);
    const bool fresh = image.emplace(std::string(name), std::vector<u8>(p, p + size)).second;
    if (!fresh) image["duplicate field " + std::string(name)];
  }
};

struct RestoreVisitor final : FieldVisitor {
  const Image& image;
  explicit RestoreVisitor(const Image& i) : image(i) {}
  void field(std::string_view name, void* data, size_t size) override {
    const std::vector<u8>& bytes = image.at(std::string(name));
    std::copy_n(bytes.data(), std::min(size, bytes.size()), static_cast<u8*>(data));
  }
};

inline Image save(Device& device) {
  SaveVisitor visitor;
  device.fields(visitor);
  return visitor.image;
}

inline void restore(Device& device, const Image& image) {
  RestoreVisitor visitor(image);
  device.fields(visitor);
  device.restored();
}

/// A device on its bench.
struct Unit {
  std::unique_ptr<Device> device;
  MmioHandler* mmio = nullptr;         ///< set if its registers stand in memory
  std::function<void(u32)> poke = {};  ///< drives an input of it, chosen by the number
};

template <class T, class... Args>
Unit unit(Args&&... args) {
  auto device = std::make_unique<T>(std::forward<Args>(args)...);
  T* p = device.get();
  Unit u{std::move(device)};
  if constexpr (std::is_base_of_v<MmioHandler, T>) u.mmio = p;
  return u;
}
/// The same with `poke(device, number)`, which drives an input.
template <class T, class Poke, class... Args>
Unit poked(Poke poke, Args&&... args) {
  Unit u = unit<T>(std::forward<Args>(args)...);
  T* p = static_cast<T*>(u.device.get());
  u.poke = [p, poke](u32 number) { poke(*p, number); };
  return u;
}

}  // namespace ring3::test

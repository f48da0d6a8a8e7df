// SPDX-License-Identifier: MIT
// Stopping the machine, going on, single steps, and those who are told.
#include "core/debug_stops.h"
#include "devices/pc.h"

namespace ring3 {

void Pc::notify(MachineEvent event) {
  for (const auto& observer : observers_) observer(event);
}

void Pc::serve() {
  for (HostService* service : services_) service->serve();
}

void Pc::stop(MachineEvent why) {
  paused_ = true;
  stepping_ = false;
  host_time_.stop();
  notify(why);
}

void Pc::pause() {
  if (paused_) return;
  // A pause that was asked for may fall on a breakpoint that was just reached.
  cpu_.signals &= ~u32{kSignalDebug};
  stop(MachineEvent::Stop);
}

void Pc::resume() {
  if (!paused_) return;
  paused_ = false;
  skip_breakpoint_ = cpu_.stops && cpu_.stops->at_breakpoint();
  host_time_.go_on();
  notify(MachineEvent::Resume);
}

void Pc::request_step() {
  if (!paused_) return;
  paused_ = false;
  stepping_ = true;
  host_time_.go_on();
}

void Pc::press_power_button() {
  acpi_.press_power_button();
  notify(MachineEvent::PowerDown);
}

/// Typed characters are taken too: the console's escape commands work.
void Pc::run_paused() {
  wait(kNever);
  service_host();
  if (paused_ && (cpu_.signals & kSignalReset)) handle_signals();
}

/// One instruction. Stepping through code should not end up in an interrupt's handler: INTR waits,
/// as in the shadow of STI.
void Pc::run_step(Engine& engine) {
  using Activity = CpuState::Activity;
  cpu_.signals &= ~u32{kSignalEvents};
  clock_.run_due();
  if (clock_.now() >= next_service_) service_host();
  if (cpu_.signals & (kSignalReset | kSignalStop)) return handle_signals();
  if (paused_) return;
  CpuState& s = cpu_.state;
  if (s.activity == Activity::Active) s.shadow |= CpuState::kStiShadow;
  engine.step(cpu_);
  if (s.activity == Activity::Halted && stepping_) return idle();
  if (s.activity == Activity::Shutdown) handle_shutdown();
  skip_breakpoint_ = false;
  const bool watch_hit = cpu_.signals & kSignalDebug;
  cpu_.signals &= ~u32{kSignalDebug};
  if (stepping_) return stop(MachineEvent::Step);
  if (watch_hit) stop(MachineEvent::Stop);
}

}  // namespace ring3

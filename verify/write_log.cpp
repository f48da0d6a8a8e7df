// SPDX-License-Identifier: MIT
#include "verify/write_log.h"

namespace ring3::verify {

WriteLog::WriteLog(PhysicalMemory& memory) : memory_(memory) {
  memory_.set_watcher(PhysicalMemory::kWatchLog, this);
  memory_.add_listener(*this);
  watch_all();
}

WriteLog::~WriteLog() {
  memory_.remove_listener(*this);
  memory_.set_watcher(PhysicalMemory::kWatchLog, nullptr);
}

void WriteLog::watch_all() {
  for (u64 page = 0; page < memory_.low_ram_end(); page += kPageSize)
    memory_.watch({page}, PhysicalMemory::kWatchLog);
  for (u64 page = PhysicalMemory::kHighRamStart; page < memory_.high_ram_end(); page += kPageSize)
    memory_.watch({page}, PhysicalMemory::kWatchLog);
}

}  // namespace ring3::verify

// SPDX-License-Identifier: MIT
#include "base/log.h"

#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <array>

namespace ring3 {

u32 g_log_mask = 0;

namespace {

struct Category {
  std::string_view name;
  Log log;
  std::string_view help;
};

constexpr std::array kCategories{
    Category{"in_asm", Log::InAsm, "each block when it is decoded"},
    Category{"exec", Log::Exec, "each block when it is run"},
    Category{"int", Log::Int, "interrupts and exceptions"},
    Category{"cpu", Log::Cpu, "registers before each block"},
    Category{"mmu", Log::Mmu, "paging: flushes and faults"},
    Category{"guest_errors", Log::GuestErrors, "guest actions that are ignored or not emulated"},
    Category{"device", Log::Device, "device register traffic"},
};

const Category* find(std::string_view name) {
  for (const Category& c : kCategories)
    if (c.name == name) return &c;
  return nullptr;
}

void install(std::shared_ptr<spdlog::logger> logger) {
  logger->set_pattern("%v");
  spdlog::set_default_logger(std::move(logger));
}

}  // namespace

std::optional<u32> parse_log_mask(std::string_view list, std::string& bad) {
  u32 mask = 0;
  while (!list.empty()) {
    const size_t comma = list.find(',');
    const std::string_view name = list.substr(0, comma);
    list = comma == list.npos ? "" : list.substr(comma + 1);
    const Category* category = find(name);
    if (!category) {
      bad = name;
      return std::nullopt;
    }
    mask |= static_cast<u32>(category->log);
  }
  return mask;
}

bool set_log_file(const std::string& path) {
  // An own sink each time: spdlog's registry must not hold an older one open.
  if (path.empty()) {
    install(std::make_shared<spdlog::logger>("ring3",
                                             std::make_shared<spdlog::sinks::stderr_sink_mt>()));
    return true;
  }
  try {
    install(std::make_shared<spdlog::logger>(
        "ring3", std::make_shared<spdlog::sinks::basic_file_sink_mt>(path, true)));
    return true;
  } catch (const spdlog::spdlog_ex&) {
    return false;
  }
}

std::string log_help() {
  std::string text;
  for (const Category& c : kCategories) text += fmt::format("  {:<14}{}\n", c.name, c.help);
  return text;
}

}  // namespace ring3

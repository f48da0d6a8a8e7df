// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "bench/result.h"

namespace ring3::bench {

namespace {

using Json = nlohmann::ordered_json;
constexpr std::string_view kFormat = "ring3-bench";

Json spread_json(const Spread& s) {
  return {{"rounds", s.count}, {"median", s.median}, {"q1", s.q1},
          {"q3", s.q3},        {"min", s.min},       {"max", s.max}};
}

Json cell_json(const Row& row, const std::string& engine, const Cell& cell,
               const std::string& baseline) {
  Json json = Json::object();
  for (const Sample& s : cell.samples)
    json["runs"].push_back({{"round", s.round},
                            {"units", s.units},
                            {"ns", s.ns},
                            {"cpu_ns", s.cpu_ns},
                            {"guest_cycles", s.guest_cycles}});
  if (!cell.samples.empty()) json["ns"] = spread_json(time_spread(cell));
  if (const Spread ratio = ratio_spread(row, engine, baseline); ratio.count)
    json["ratio"] = spread_json(ratio);
  if (!cell.hash.empty()) json["hash"] = cell.hash;
  if (!cell.error.empty()) json["error"] = cell.error;
  for (const ExitCount& e : cell.exits)
    json["exits"].push_back({{"reason", e.reason}, {"name", e.name}, {"a_unit", e.count}});
  return json;
}

Json row_json(const Row& row, const std::string& baseline) {
  const Workload& w = row.workload;
  Json json = {{"id", w.id()},         {"suite", w.suite},         {"class", w.group},
               {"name", w.name},       {"unit", w.unit},           {"operations", w.operations},
               {"baseline", baseline}, {"engines", Json::object()}};
  for (const auto& [engine, cell] : row.cells)
    json["engines"][engine] = cell_json(row, engine, cell, baseline);
  return json;
}

Json group_json(const Group& group) {
  return {{"suite", group.suite}, {"class", group.group}, {"ratio", Json(group.ratio)}};
}

Cell parse_cell(const Json& json) {
  Cell cell;
  for (const Json& s : json.value("runs", Json::array()))
    cell.samples.push_back(
        {s.at("round"), s.at("units"), s.at("ns"), s.at("cpu_ns"), s.at("guest_cycles")});
  cell.hash = json.value("hash", "");
  cell.error = json.value("error", "");
  for (const Json& e : json.value("exits", Json::array()))
    cell.exits.push_back({e.at("reason"), e.at("name"), e.at("a_unit")});
  return cell;
}

Row parse_row(const Json& json) {
  Row row;
  row.workload.suite = json.at("suite");
  row.workload.group = json.at("class");
  row.workload.name = json.at("name");
  row.workload.unit = json.at("unit");
  row.workload.operations = json.at("operations");
  for (const auto& [engine, cell] : json.at("engines").items())
    row.cells[engine] = parse_cell(cell);
  return row;
}

Timeline parse_timeline(const Json& json) {
  Timeline line;
  line.engine = json.at("engine");
  line.workload = json.at("workload");
  line.seconds = json.at("seconds").get<std::vector<double>>();
  line.exits = json.at("exits").get<decltype(line.exits)>();
  for (const auto& [name, counts] : line.exits)
    if (counts.size() != line.seconds.size()) throw std::length_error(name);
  return line;
}

Results parse_all(const Json& json) {
  Results results;
  results.date = json.at("date");
  results.host = json.at("host").get<decltype(results.host)>();
  results.options = json.at("options").get<decltype(results.options)>();
  results.baselines = json.at("baselines").get<std::vector<std::string>>();
  for (const Json& e : json.at("engines"))
    results.engines.push_back({e.at("name"), e.at("version"), e.at("left_out")});
  for (const Json& row : json.at("workloads")) results.rows.push_back(parse_row(row));
  for (const Json& line : json.at("timelines")) results.timelines.push_back(parse_timeline(line));
  results.failures = json.at("failures").get<std::vector<std::string>>();
  results.interrupted = json.at("interrupted");
  return results;
}

}  // namespace

Json to_json(const Results& results) {
  Json json = {{"format", kFormat},
               {"version", kVersion},
               {"date", results.date},
               {"host", results.host},
               {"options", results.options},
               {"baselines", results.baselines},
               {"engines", Json::array()},
               {"workloads", Json::array()},
               {"groups", Json::array()},
               {"timelines", Json::array()},
               {"failures", results.failures},
               {"disagreements", disagreements(results)},
               {"interrupted", results.interrupted}};
  for (const EngineInfo& e : results.engines)
    json["engines"].push_back({{"name", e.name}, {"version", e.version}, {"left_out", e.left_out}});
  for (const Row& row : results.rows)
    json["workloads"].push_back(row_json(row, baseline_of(results, row.workload.suite)));
  for (const Group& group : groups(results)) json["groups"].push_back(group_json(group));
  for (const Timeline& line : results.timelines)
    json["timelines"].push_back({{"engine", line.engine},
                                 {"workload", line.workload},
                                 {"seconds", line.seconds},
                                 {"exits", line.exits}});
  return json;
}

Result<Results> parse_results(const std::string& text) {
  try {
    const Json json = Json::parse(text);
    if (!json.is_object() || json.value("format", "") != kFormat)
      return Error{"not a result of ring3 bench; give a file that --json wrote"};
    if (const int version = json.at("version"); version != kVersion)
      return Error{
          fmt::format("version {} of the format; this ring3 reads version {}: measure again",
                      version, kVersion)};
    return parse_all(json);
  } catch (const std::exception& error) {
    return Error{fmt::format("not a whole result of ring3 bench: {}", error.what())};
  }
}

}  // namespace ring3::bench

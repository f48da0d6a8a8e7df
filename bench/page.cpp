// SPDX-License-Identifier: MIT
#include "bench/page.h"

#include <nlohmann/json.hpp>
#include <string_view>

namespace ring3::bench {

namespace {

constexpr unsigned char kChart[] = {
#include "chart.inc"
};
constexpr unsigned char kScript[] = {
#include "script.inc"
};
constexpr unsigned char kStyle[] = {
#include "style.inc"
};
constexpr unsigned char kFrame[] = {
#include "frame.inc"
};

template <size_t n>
std::string text_of(const unsigned char (&bytes)[n]) {
  return {reinterpret_cast<const char*>(bytes), n};
}

/// No text of ours may end the element that it stands in.
std::string inside_script(std::string text) {
  for (size_t at = 0; (at = text.find("</", at)) != std::string::npos; at += 3)
    text.replace(at, 2, "<\\/");
  for (size_t at = 0; (at = text.find("<!--", at)) != std::string::npos; at += 5)
    text.replace(at, 4, "<\\u0021--");
  return text;
}

void put(std::string& page, std::string_view place, const std::string& text) {
  page.replace(page.find(place), place.size(), text);
}

}  // namespace

std::string page_text(const Results& results) {
  // Text of programs that is no UTF-8 must not keep the page from being written.
  const auto json =
      to_json(results).dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
  std::string page = text_of(kFrame);
  put(page, "{{style}}", text_of(kStyle));
  put(page, "{{chart}}", text_of(kChart));
  put(page, "{{script}}", text_of(kScript));
  put(page, "{{result}}", inside_script(json));
  return page;
}

}  // namespace ring3::bench

// SPDX-License-Identifier: MIT
#pragma once
namespace ring3 {
class ShadowPageTables {};
}  // namespace ring3

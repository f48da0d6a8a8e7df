// SPDX-License-Identifier: MIT
// Pictures in files: PNG (by libpng) or binary PPM.
#pragma once

#include <string>

#include "base/result.h"
#include "display/picture.h"

namespace ring3 {

/// Replaces the file. `format`: png or ppm; empty: PPM if the name ends with ".ppm", else PNG. An
/// error is "PATH: reason", and no half-written file stays.
Status save_picture(const std::string& path, const Picture& picture,
                    const std::string& format = "");

/// Reads a PNG back, for tests and comparisons.
Result<Picture> load_png(const std::string& path);

}  // namespace ring3

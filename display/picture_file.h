// SPDX-License-Identifier: MIT
// Pictures in files: PNG (by libpng), or binary PPM if the name ends with ".ppm".
#pragma once

#include <string>

#include "base/result.h"
#include "display/picture.h"

namespace ring3 {

/// Replaces the file. An error is "PATH: reason", and no half-written file stays.
Status save_picture(const std::string& path, const Picture& picture);

/// Reads a PNG back, for tests and comparisons.
Result<Picture> load_png(const std::string& path);

}  // namespace ring3

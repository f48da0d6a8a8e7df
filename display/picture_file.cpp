// SPDX-License-Identifier: MIT
#include "display/picture_file.h"

#include <fmt/format.h>
#include <png.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>

namespace ring3 {
namespace {

struct Closer {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
using File = std::unique_ptr<std::FILE, Closer>;

std::vector<u8> rgb_bytes(const Picture& picture) {
  std::vector<u8> bytes;
  bytes.reserve(picture.pixels.size() * 3);
  for (const u32 pixel : picture.pixels) {
    bytes.push_back(static_cast<u8>(pixel >> 16));
    bytes.push_back(static_cast<u8>(pixel >> 8));
    bytes.push_back(static_cast<u8>(pixel));
  }
  return bytes;
}

bool write_ppm(std::FILE* file, const Picture& picture) {
  const std::string head = fmt::format("P6\n{} {}\n255\n", picture.width, picture.height);
  const std::vector<u8> bytes = rgb_bytes(picture);
  return std::fwrite(head.data(), 1, head.size(), file) == head.size() &&
         std::fwrite(bytes.data(), 1, bytes.size(), file) == bytes.size();
}

png_image header(const Picture& picture) {
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  image.width = static_cast<png_uint_32>(picture.width);
  image.height = static_cast<png_uint_32>(picture.height);
  image.format = PNG_FORMAT_RGB;
  return image;
}

bool write_png(std::FILE* file, const Picture& picture) {
  png_image image = header(picture);
  const std::vector<u8> bytes = rgb_bytes(picture);
  return png_image_write_to_stdio(&image, file, 0, bytes.data(), 0, nullptr) != 0;
}

}  // namespace

Status save_picture(const std::string& path, const Picture& picture, const std::string& format) {
  if (!format.empty() && format != "png" && format != "ppm")
    return Error{fmt::format("{}: no format '{}'; there are png and ppm", path, format)};
  const bool ppm = format.empty() ? path.ends_with(".ppm") : format == "ppm";
  if (picture.pixels.empty()) return Error{fmt::format("{}: the screen shows nothing", path)};
  errno = 0;
  File file(std::fopen(path.c_str(), "wb"));
  if (!file) return Error{fmt::format("{}: {}", path, std::strerror(errno))};
  const bool written = ppm ? write_ppm(file.get(), picture) : write_png(file.get(), picture);
  if (std::fclose(file.release()) == 0 && written) return success();
  const int reason = errno;
  // Half a file is worth nothing; a device is not ours to remove.
  std::error_code ignored;
  if (std::filesystem::is_regular_file(path, ignored)) std::filesystem::remove(path, ignored);
  return Error{fmt::format("{}: {}", path, reason ? std::strerror(reason) : "cannot be written")};
}

Result<Picture> load_png(const std::string& path) {
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  if (!png_image_begin_read_from_file(&image, path.c_str()))
    return Error{fmt::format("{}: {}", path, image.message)};
  image.format = PNG_FORMAT_RGB;
  std::vector<u8> bytes(PNG_IMAGE_SIZE(image));
  if (!png_image_finish_read(&image, nullptr, bytes.data(), 0, nullptr))
    return Error{fmt::format("{}: {}", path, image.message)};
  Picture picture(static_cast<int>(image.width), static_cast<int>(image.height));
  for (size_t i = 0; i < picture.pixels.size(); ++i)
    picture.pixels[i] = u32{bytes[3 * i]} << 16 | u32{bytes[3 * i + 1]} << 8 | bytes[3 * i + 2];
  return picture;
}

}  // namespace ring3

// SPDX-License-Identifier: MIT
#include "display/screendump.h"

#include "display/picture_file.h"
#include "display/vga_screen.h"

namespace ring3 {

Picture take_picture(Vga& vga) {
  VgaScreen screen(vga);
  screen.draw_whole();
  return screen.picture();
}

Status save_screen(Vga& vga, const std::string& path, const std::string& format) {
  return save_picture(path, take_picture(vga), format);
}

}  // namespace ring3

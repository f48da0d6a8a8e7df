// SPDX-License-Identifier: MIT
// Real programs: applets of a static busybox ($BENCH_BUSYBOX) on generated input. A unit runs one
// to its end, its input and output are files.
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

enum { kPath = 512, kText = 96 * 1024, kLines = 3000, kFolders = 12, kFilesInFolder = 16 };

static char input[kPath], output[kPath], tree[kPath];

static const char* busybox(void) {
  const char* path = getenv("BENCH_BUSYBOX");
  return path ? path : sizeof(void*) == 8 ? "/bin/busybox64" : "/bin/busybox32";
}

int missing_busybox(void) { return access(busybox(), X_OK) != 0; }

static void make_file(const char* path, const void* data, size_t size) {
  const int file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
  if (file < 0 || write(file, data, size) != (ssize_t)size) fail(path);
  close(file);
}

static void make_paths(void) {
  snprintf(input, kPath, "%s/bench-input", work_directory());
  snprintf(output, kPath, "%s/bench-output", work_directory());
  snprintf(tree, kPath, "%s/bench-tree", work_directory());
}

void setup_real_text(void) {
  char* text = allocate(kText);
  make_paths();
  make_text(text, kText, 37);
  make_file(input, text, kText);
}

void setup_real_lines(void) {
  char* text = allocate(kLines * 32);
  size_t at = 0;
  u32 seed = 41;
  make_paths();
  for (int i = 0; i < kLines; ++i)
    at += sprintf(text + at, "%u key%u\n", next_random(&seed), next_random(&seed) % 1000);
  make_file(input, text, at);
}

void setup_real_script(void) {
  static const char kScript[] =
      "f() { echo $(($1 * 3 % 1009)) >/dev/null; n=$((n + $1 % 7)); }\n"
      "i=0; n=0; s=\n"
      "while [ $i -lt 1500 ]; do\n"
      "  case $i in *7) s=x${s%%y*}$i ;; *3 | *5) s=${s#?}y ;; *) f $i ;; esac\n"
      "  [ ${#s} -gt 40 ] && s=${s%${s#??????}}\n"
      "  i=$((i + 1))\n"
      "done\n"
      "echo $i $n $s\n";
  make_paths();
  make_file(input, kScript, sizeof kScript - 1);
}

void setup_real_tree(void) {
  char path[kPath + 64];
  make_paths();
  make_file(input, "", 0);
  mkdir(tree, 0700);
  for (int folder = 0; folder < kFolders; ++folder) {
    snprintf(path, sizeof path, "%s/folder%d", tree, folder);
    mkdir(path, 0700);
    for (int file = 0; file < kFilesInFolder; ++file) {
      snprintf(path, sizeof path, "%s/folder%d/file%d.%c", tree, folder, file, "choa"[file % 4]);
      make_file(path, path, file);
    }
  }
}

static void run_applet(char* const* arguments) {
  static char* const kEnvironment[] = {"PATH=/nowhere", 0};
  posix_spawn_file_actions_t actions;
  pid_t child;
  int status = -1;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, input, O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_CREAT | O_TRUNC, 0600);
  if (posix_spawn(&child, busybox(), &actions, 0, arguments, kEnvironment)) fail(busybox());
  posix_spawn_file_actions_destroy(&actions);
  if (waitpid(child, &status, 0) != child || status) fail(arguments[1]);
}

// The output's checksum; `by_lines`: whatever the order of its lines.
static u64 output_checksum(int by_lines) {
  const int file = open(output, O_RDONLY);
  struct stat about;
  if (file < 0 || fstat(file, &about) || about.st_size == 0) fail(output);
  char* text = mmap(0, about.st_size, PROT_READ, MAP_PRIVATE, file, 0);
  if (text == MAP_FAILED) fail(output);
  u64 sum = by_lines ? 0 : fold_bytes(0, text, about.st_size);
  const char *line = text, *end = text + about.st_size;
  for (const char* next; by_lines && line < end; line = next + 1) {
    next = memchr(line, '\n', end - line);
    if (!next) next = end;
    sum += fold_bytes(1, line, next - line);
  }
  munmap(text, about.st_size);
  close(file);
  return sum;
}

#define APPLET(name, ...)                            \
  u64 run_##name(void) {                             \
    char* arguments[] = {"busybox", __VA_ARGS__, 0}; \
    run_applet(arguments);                           \
    return output_checksum(0);                       \
  }

APPLET(sh, "sh")
APPLET(
    awk, "awk",
    "{ for (i = 1; i <= NF; i++) { count[$i]++; total += length($i) * 1.5 } }"
    "END { for (w in count) n += count[w] % 7; printf \"%d %.3f %s\\n\", n, total, substr($0, 3) }")
APPLET(gzip, "gzip", "-c")
APPLET(bzip2, "bzip2", "-c")
APPLET(sort, "sort", "-k", "2")
APPLET(grep, "grep", "-nE", "(guest|page).*[0-9]{4}")
APPLET(sed, "sed", "-e", "s/the \\([a-z]*\\)/\\1 the/g", "-e", "/fault.*ring/d")
APPLET(md5sum, "md5sum")

u64 run_find(void) {
  char* arguments[] = {"busybox", "find", ".", "-name", "*.[ch]", "-size", "-9", 0};
  if (chdir(tree)) fail(tree);
  run_applet(arguments);
  return output_checksum(1);
}

# SPDX-License-Identifier: MIT
# Finds what ring3 is built with; a missing library is named with its Debian package.

function(ring3_require name package)
  find_package(${name} QUIET ${ARGN})
  if(NOT ${name}_FOUND)
    message(FATAL_ERROR "${name} is missing: install the Debian package ${package} "
                        "(tools/install-packages installs all that is needed)")
  endif()
endfunction()

macro(ring3_require_program variable program package)
  find_program(${variable} ${program})
  if(NOT ${variable})
    message(FATAL_ERROR "${program} is missing: install the Debian package ${package} "
                        "(tools/install-packages installs all that is needed)")
  endif()
endmacro()

ring3_require(Threads libc6-dev)
ring3_require(zydis libzydis-dev GLOBAL)
ring3_require(spdlog libspdlog-dev GLOBAL)
ring3_require(fmt libfmt-dev GLOBAL)
ring3_require(nlohmann_json nlohmann-json3-dev GLOBAL)
ring3_require(asmjit libasmjit-dev GLOBAL)
ring3_require(PNG libpng-dev GLOBAL)
ring3_require(Catch2 catch2 GLOBAL)
ring3_require(ZLIB zlib1g-dev GLOBAL)
find_library(ZSTD_LIBRARY zstd)
find_path(ZSTD_INCLUDE zstd.h)
if(NOT ZSTD_LIBRARY OR NOT ZSTD_INCLUDE)
  message(FATAL_ERROR "zstd is missing: install the Debian package libzstd-dev "
                      "(tools/install-packages installs all that is needed)")
endif()
ring3_require_program(NASM nasm nasm)

# SPDX-License-Identifier: MIT
# ring3_library(NAME deps...): one static library from every .cpp of the folder.

add_library(ring3_flags INTERFACE)
target_include_directories(ring3_flags INTERFACE ${PROJECT_SOURCE_DIR})
target_compile_options(ring3_flags INTERFACE -Wall -Wextra -Wpedantic -fno-rtti
                       $<$<BOOL:${RING3_WERROR}>:-Werror>
                       # 16-byte locked accesses are libatomic's, which is known.
                       $<$<CXX_COMPILER_ID:Clang>:-Wno-atomic-alignment>)
if(RING3_SANITIZE)
  target_compile_options(ring3_flags INTERFACE -fsanitize=address,undefined
                         -fno-sanitize-recover=all -fno-omit-frame-pointer)
  # g++ 12 sees uninitialized use in <regex> when it instruments.
  target_compile_options(ring3_flags INTERFACE
                         $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>)
  target_link_options(ring3_flags INTERFACE -fsanitize=address,undefined)
endif()
if(RING3_FUZZ)
  target_compile_options(ring3_flags INTERFACE -g1 -fsanitize=fuzzer-no-link
                         -fno-sanitize-coverage=trace-cmp)
endif()

function(ring3_library name)
  file(GLOB sources CONFIGURE_DEPENDS *.cpp)
  if(NOT sources)
    add_library(ring3_${name} INTERFACE)
    target_link_libraries(ring3_${name} INTERFACE ring3_flags ${ARGN})
    return()
  endif()
  add_library(ring3_${name} STATIC ${sources})
  target_link_libraries(ring3_${name} PUBLIC ring3_flags ${ARGN})
endfunction()

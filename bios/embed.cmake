# SPDX-License-Identifier: MIT
# cmake -DINPUT=file -DOUTPUT=file.inc -P embed.cmake: the bytes of INPUT as a C++ initializer list.
file(READ ${INPUT} bytes HEX)
string(REGEX REPLACE "(..)" "0x\\1," bytes "${bytes}")
file(WRITE ${OUTPUT} "${bytes}\n")

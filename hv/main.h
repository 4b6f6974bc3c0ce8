/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdint.h>

/* Called by hv/head.S with what the loader left: hv/boot/boot.h says what it means. */
_Noreturn void main_start(uint32_t magic, uint64_t start);

/* What `git describe` said of the sources; the build makes it. */
#pragma GCC visibility push(hidden)
extern const char version[];
#pragma GCC visibility pop

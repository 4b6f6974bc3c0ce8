/* SPDX-License-Identifier: MIT */
/* Where C begins. */
#pragma once

#include <stdint.h>

/* Called by hv/head.S with what the loader left: hv/boot/boot.h says what it means. */
_Noreturn void main_start(uint32_t magic, uint64_t start);

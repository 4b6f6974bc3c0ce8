/* SPDX-License-Identifier: MIT */
#pragma once

/* As git describes the sources; the build makes it. */
extern const char version[];

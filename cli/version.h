/* SPDX-License-Identifier: MIT */
/* Which version this is. */
#pragma once

/* As git describes the sources; the build makes it. */
extern const char version[];

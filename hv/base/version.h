/* SPDX-License-Identifier: MIT */
/* What `git describe` said of the sources; the build makes it. */
#pragma once

#pragma GCC visibility push(hidden)
extern const char version[];
#pragma GCC visibility pop

/* SPDX-License-Identifier: MIT */
/*
 * The two widths of a kernel: what differs between them has a header of the same name in x86_64/ and in x86_32/, and
 * this is the one place that chooses.  Usable from assembly and from the linker script.
 */
#pragma once

#ifdef __i386__
#include <guest/x86_32/width.h>
#else
#include <guest/x86_64/width.h>
#endif

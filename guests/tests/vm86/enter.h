/* SPDX-License-Identifier: MIT */
/* Where virtual-8086 mode finds its stack, and where the frame lies that leads there.  Usable from assembly. */
#pragma once

/* One stack by both reckonings: ss * 16 + sp, and esp alone for a kernel that is entered from there. */
#define VM86_STACK_AT    0x20000 /* the first of the pages */
#define VM86_STACK_PAGES 16
#define VM86_SS          0x2000
#define VM86_ESP         0x2f000
#define VM86_FRAME_AT    0x28000 /* of iretl */

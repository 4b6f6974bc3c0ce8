/* SPDX-License-Identifier: MIT */
/* The machine begins anew; QEMU with -no-reboot ends. */
#pragma once

/* The serial lines have to be drained before. */
_Noreturn void reset_machine(void);

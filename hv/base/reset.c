/* SPDX-License-Identifier: MIT */
/*
 * A processor that can deliver neither an exception nor the double fault because of it shuts down, which machines take
 * for a reset: Intel SDM volume 3, 6.15, "Interrupt 8".  Of all ways there are it is the one that each machine has.
 */
#include <hv/base/asm.h>
#include <hv/base/reset.h>

_Noreturn void reset_machine(void)
{
    asm_load_idt(0, 0);
    __builtin_trap();
}

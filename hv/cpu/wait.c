/* SPDX-License-Identifier: MIT */
/* The halt in the middle of something: the task priority lets none but the highest class of vectors come. */
#include <hv/cpu/trap.h>
#include <hv/cpu/wait.h>

#define CLASS_BELOW_KICKS ((uint64_t)(VECTOR_KICK >> 4) - 1)

_Static_assert(VECTOR_INTERRUPTS >> 4 < VECTOR_KICK >> 4, "a timer's interrupt waits while a kick comes");
_Static_assert(VECTOR_ASK >> 4 == VECTOR_KICK >> 4, "whoever halts is asked, too");

/* Between sti and hlt no interrupt is taken, so that no kick is missed; after an NMI wait_passes_halt() sees to it. */
void wait_halted(void)
{
    __asm__ volatile(".globl wait_hlt; .hidden wait_hlt\n"
                     "movq %0, %%cr8; sti\n"
                     "wait_hlt: hlt; cli; movq %1, %%cr8"
                     :
                     : "r"(CLASS_BELOW_KICKS), "r"(UINT64_C(0))
                     : "memory");
}

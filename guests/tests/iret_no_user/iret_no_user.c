/* SPDX-License-Identifier: MIT */
/* A return to user mode without a user page table: the domain is destroyed. */
#include <guest/user.h>
#include <guests/tests/lib/test.h>

/* Shows mmuext_op.user-none, iret.no-user-table. */
void test_main(void)
{
    struct regs regs;

    user_regs_init(&regs, USER_BASE);
    (void)user_run(&regs);
    test_not_ok("return to user mode without a page table for it", "%s", trap_name(regs.vector));
}

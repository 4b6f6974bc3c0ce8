/* SPDX-License-Identifier: MIT */
/* The order of the lessons, and their way into user mode. */
#include <guest/guest.h>
#include <guest/string.h>
#include <guest/table.h>
#include <guest/user.h>
#include <guests/tests/lessons/lessons.h>
#include <guests/tests/lib/test.h>

static char *page; /* of code */

unsigned lessons_user(const void *code, size_t size, struct regs *regs)
{
    memcpy(page, code, size);
    return user_run(regs);
}

void test_main(void)
{
    page = page_alloc();
    test_need(user_init(), "user mode");
    test_need(user_map(USER_BASE, page, PTE_PROGRAM & ~PTE_RW), "user code");
    lessons_entry();
    lessons_registers();
    lessons_events();
    lessons_preempt();
    lessons_own();
}

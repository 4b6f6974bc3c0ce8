/* SPDX-License-Identifier: MIT */
/* Domains that name each other: tests/several/run.sh starts a mapper, its victims and an intruder.  Here the victim. */
#include <guest/guest.h>
#include <guest/hypercall.h>
#include <guest/table.h>
#include <guests/tests/foreign/foreign.h>
#include <guests/tests/lib/test.h>

_Alignas(PAGE_SIZE) struct mailbox mailbox;

void foreign_yield(void)
{
    (void)hypercall_sched_op(SCHEDOP_yield, NULL);
}

static void open_mailbox(void)
{
    uint64_t *page = page_alloc(), *spare = page_alloc(), *loose = page_alloc();

    page[0] = PAGE_WORD;
    test_need(table_set_readonly(spare), "a page that is only read");
    test_need(table_map((uintptr_t)loose, 0), "a page that is mapped nowhere");
    mailbox = (struct mailbox){.page = virt_to_mfn(page).v,
                               .spare = virt_to_mfn(spare).v,
                               .loose = virt_to_mfn(loose).v,
                               .entry = virt_to_maddr(table_entry(WINDOW, 1))};
    __atomic_store_n(&mailbox.magic, MAILBOX_MAGIC, __ATOMIC_RELEASE);
}

static uint32_t await_command(void)
{
    uint32_t command;

    while ((command = __atomic_load_n(&mailbox.command, __ATOMIC_ACQUIRE)) == COMMAND_NONE)
        foreign_yield();
    return command;
}

void foreign_victim(void)
{
    open_mailbox();
    while (await_command() != COMMAND_END) {
        mailbox.answer = *(volatile uint64_t *)WINDOW;
        __atomic_store_n(&mailbox.command, COMMAND_NONE, __ATOMIC_RELEASE);
    }
    test_ok("told to end");
}

void test_main(void)
{
    static void (*const roles[])(void) = {foreign_victim, foreign_mapper, foreign_intruder};
    uint64_t role = guest_option("role", ARRAY_SIZE(roles));

    if (role >= ARRAY_SIZE(roles))
        test_skip("alone there is nobody to map: tests/several");
    test_need(table_make(WINDOW), "tables");
    roles[role]();
}

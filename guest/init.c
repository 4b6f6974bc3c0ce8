/* SPDX-License-Identifier: MIT */
/* Start of day under a hypervisor: the rest of the library is made ready, in order, and the kernel takes over. */
#include <abi/sched.h>
#include <guest/console.h>
#include <guest/event.h>
#include <guest/guest.h>
#include <guest/memory.h>
#include <guest/table.h>
#include <guest/trap.h>

/* The page of the image that gives its address to shared_info. */
static char shared_page[PAGE_SIZE] __attribute__((aligned(4096)));

_Noreturn void guest_start(const struct start_info *start, uint64_t boot_stack_end);

/* shared_info is a frame of the hypervisor, named by its machine address; nothing maps it yet. */
static void map_shared_info(void)
{
    mfn_t mfn = MFN(guest.start->shared_info >> PAGE_SHIFT);

    if (table_map((uintptr_t)shared_page, pte_make(mfn, PTE_KERNEL)))
        guest_panic("shared_info cannot be mapped");
    guest.shared = (shared_info_t *)shared_page;
    guest.vcpu = &guest.shared->vcpu_info[0];
}

_Noreturn void guest_start(const struct start_info *start, uint64_t boot_stack_end)
{
    guest.start = start;
    guest.boot_stack_end = boot_stack_end;
    console_init();
    map_shared_info();
    trap_init();
    event_init();
    memory_init();
    guest_main();
    guest_shutdown(SHUTDOWN_poweroff);
}

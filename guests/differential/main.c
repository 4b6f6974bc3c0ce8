/* SPDX-License-Identifier: MIT */
/*
 * Thousands of calls with arguments of every kind, and what each answered, for tests/differential, which compares
 * hypervisors.  Options on the command line: seed=NUMBER, only=NUMBER (one group), verbose=1 (a line before each call).
 */
#include <guest/guest.h>
#include <guest/print.h>
#include <guests/differential/choose.h>
#include <guests/differential/groups.h>
#include <guests/differential/pointer.h>
#include <guests/differential/say.h>
#include <guests/differential/world.h>

static void (*const groups[])(void) = {
    group_mmu_update, group_va_mapping, group_mmuext,   group_descriptors, group_cpu,       group_grants,
    group_events,     group_vcpus,      group_services, group_memory,      group_vcpu_info,
};

void guest_main(void)
{
    uint64_t only = guest_option("only", ARRAY_SIZE(groups));

    world_init();
    pointer_init();
    for (unsigned i = 0; i < ARRAY_SIZE(groups); i++) {
        if (only == ARRAY_SIZE(groups) || only == i) {
            choose_seed(guest_option("seed", 1) + i);
            groups[i]();
        }
    }
    print("differential: %u calls\n", say_lines());
    print("verdict: success\n");
}

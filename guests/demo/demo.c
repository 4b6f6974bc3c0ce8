/* SPDX-License-Identifier: MIT */
/*
 * Direct paging at work: a guest kernel that tells what it does, and checks each claim it makes.
 */
#include <abi/sched.h>
#include <guest/errno.h>
#include <guest/guest.h>
#include <guest/print.h>
#include <guests/demo/demo.h>

struct step {
    const char *title;
    void (*run)(void);
};

static const struct step steps[] = {
    {"Start of day: what the hypervisor prepared", step_start},
    {"Two numbers for each page: pfn and mfn", step_frames},
    {"A walk through the tables that the processor walks", step_walk},
    {"Building a page table, and pinning it", step_build},
    {"A plain write to a page table", step_refused_write},
    {"A writable mapping of a page table", step_refused_mapping},
    {"A whole tree, pinned level by level", step_tree},
    {"Switching to it", step_switch},
    {"Update by machine address: mmu_update", step_mmu_update},
    {"Update that keeps accessed and dirty bits", step_preserve_ad},
    {"Update by virtual address: update_va_mapping", step_va_mapping},
    {"Update by a plain store, emulated", step_emulated_write},
    {"Many calls in one: multicall", step_multicall},
    {"The way back: machine to pseudo-physical", step_machphys},
    {"A segment descriptor table", step_descriptor},
    {"Ten ticks of ten milliseconds", step_timer},
    {"An excursion to user mode", step_user},
    {"What it costs", step_cost},
};

static bool all_hold;

void say(const char *format, ...)
{
    va_list args;

    print("   ");
    va_start(args, format);
    print_list(format, args);
    va_end(args);
    print("\n");
}

void claim(bool holds, const char *format, ...)
{
    va_list args;

    print(holds ? "   [ok] " : "   [FAILED] ");
    va_start(args, format);
    print_list(format, args);
    va_end(args);
    print("\n");
    all_hold &= holds;
}

void claim_result(const char *what, long result, long wanted)
{
    if (result == wanted)
        claim(true, "%s: %s%s", what, result ? "refused, -" : "", result ? errno_name(result) : "accepted");
    else
        claim(false, "%s: %ld (%s), expected %ld (%s)", what, result, errno_name(result), wanted, errno_name(wanted));
}

void guest_main(void)
{
    print("\nParavane: direct paging, shown by a guest that lives in it\n"
          "==========================================================\n");
    for (unsigned step = 0; step < ARRAY_SIZE(steps); step++) {
        print("\n%2u %s\n", step + 1, steps[step].title);
        all_hold = true;
        steps[step].run();
        if (!all_hold) {
            print("\ndemo: step %u of %zu failed: %s\n", step + 1, ARRAY_SIZE(steps), steps[step].title);
            guest_shutdown(SHUTDOWN_crash);
        }
    }
    print("\ndemo: all %zu steps passed\n", ARRAY_SIZE(steps));
}

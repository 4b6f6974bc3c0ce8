/* SPDX-License-Identifier: MIT */
/*
 * A small kernel that runs both ways: on bare hardware, started by a PVH loader, and as a PV guest.  It says which,
 * tests itself, and ends.  Options on its command line: seed=NUMBER (of the tests), bench=1 (measure instead),
 * misuse=NUMBER (see misuse.h).
 */
#include <abi/sched.h>
#include <guest/guest.h>
#include <guest/mmu.h>
#include <guest/print.h>
#include <guests/paravirt/bench.h>
#include <guests/paravirt/misuse.h>
#include <guests/paravirt/pool.h>
#include <guests/paravirt/process.h>
#include <guests/paravirt/program.h>
#include <guests/paravirt/test.h>

static const struct mmu_pages table_pages = {.alloc = pool_take, .free = pool_put};

static const struct test tests_forest[] = {
    {"trees of processes until memory is full", test_forest},
    {NULL, NULL},
};

static void run_tests(void)
{
    test_run(tests_mmu);
    test_run(tests_lazy);
    test_run(tests_memory);
    for (unsigned techniques = 0; techniques <= (MMU_LAZY | MMU_LATE_PIN); techniques++) {
        mmu_set_techniques(techniques);
        test_run(tests_process);
    }
    test_run(tests_forest);
    test_run(tests_memory); /* all of it has gone round by now */
}

void guest_main(void)
{
    print("paravirt: started %s\n", guest.native ? "on bare hardware, by a PVH loader" : "as a PV guest");
    if (mmu_init(&table_pages))
        guest_panic("no memory for the tables of the memory management");
    pool_init();
    program_init();
    process_init();
    print("paravirt: %s memory management, %" PRIuPTR " pages, %" PRIu64 " free\n", mmu->name, guest.start->nr_pages,
          pool_count());
    if (guest_option("misuse", 0))
        misuse(guest_option("misuse", 0));
    else if (guest_option("bench", 0))
        bench_run();
    else
        run_tests();
    if (test_failures()) {
        print("verdict: failure\n");
        guest_shutdown(SHUTDOWN_crash);
    }
    print("verdict: success\n");
}

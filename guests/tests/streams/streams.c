/* SPDX-License-Identifier: MIT */
/*
 * Streams of instructions at random: mostly those that leave what a processor usually does, in 16, 32 and 64-bit code,
 * as a program and as the kernel, some single-stepped and some with breakpoints on what comes next.  The kernel takes
 * each trap, looks whether it may have come in like that, and goes on; see stream_run.c.
 *
 * "seed=" and "streams=" repeat a run, "first=N" begins with the Nth stream, "kernel=0" and "kernel=1" make all streams
 * programs or the kernel, "wild=1" lets the kernel's streams have bytes at random, which may be its end,
 * "tell=1" tells which it begins.
 */
#include <abi/physdev.h>
#include <guest/guest.h>
#include <guest/hypercall.h>
#include <guest/trap.h>
#include <guests/tests/lib/test.h>
#include <guests/tests/streams/stream.h>

#define BOTH        2u
#define SEED_FACTOR UINT64_C(0x100000001b3)

static void report(void)
{
    test_note("%" PRIu64 " streams, %" PRIu64 " entries, %" PRIu64 " steps, %" PRIu64
              " breakpoints in the kernel, %" PRIu64 " out of time",
              counts.streams, counts.entries, counts.steps, counts.breakpoints, counts.out_of_time);
}

void test_main(void)
{
    uint64_t seed = guest_option("seed", 1), first = guest_option("first", 0),
             end = first + guest_option("streams", 300);
    uint64_t kernel = guest_option("kernel", BOTH), wild = guest_option("wild", 0);
    uint64_t tell = guest_option("tell", 0);
    struct physdev_set_iopl iopl = {.iopl = 1}; /* the kernel's own reads of ports are carried out, and find nothing */

    test_note("seed=%" PRIu64 " first=%" PRIu64 " streams=%" PRIu64, seed, first, end - first);
    random_seed(seed);
    machine_init();
    run_init();
    test_need((int)hypercall_physdev_op(PHYSDEVOP_set_iopl, &iopl), "I/O privilege");
    for (counts.streams = first; counts.streams < end;) {
        bool is_kernel;

        random_seed(seed * SEED_FACTOR + counts.streams);
        is_kernel = kernel == BOTH ? one_in(2) : kernel;
        stream_generate(is_kernel, !is_kernel || wild);
        if (tell) {
            test_note("stream %" PRIu64 ": %u bits, %u units%s%s", counts.streams, stream.bits, stream.nr_units,
                      stream.is_stepped ? ", stepped" : "", stream.has_breakpoints ? ", breakpoints" : "");
        }
        run_stream();
        if (counts.streams % 100 == 0)
            report();
    }
    report();
    for (unsigned vector = 0; vector < ARRAY_SIZE(counts.vectors); vector++) {
        if (counts.vectors[vector])
            test_note("%" PRIu64 " %s", counts.vectors[vector], trap_name(vector));
    }
    test_note("%" PRIu64 " calls and interrupts", counts.callbacks);
    test_check(counts.entries > counts.streams - first, "every stream comes back", "%" PRIu64 " entries",
               counts.entries);
}

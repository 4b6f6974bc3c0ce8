/* SPDX-License-Identifier: MIT */
/*
 * What becomes of traps in the hypervisor itself: hv/trap.c among stand-ins that say what they are asked.  On the
 * machine these are tried by hv/selftest.c, guests/tests/iret, segments and lessons.
 */
/* links: hv/trap.c hv/trap_software.c tests/hv/lib/fake_cpu.c tests/hv/lib/lock_host.c */
#include <tests/hv/lib/trap_host.h>

static uint8_t places[6]; /* may fault, goes on, may fault, ... */

static const char *trap_inside(unsigned vector, uint64_t rip)
{
    memset(&elsewhere, 0, sizeof(elsewhere));
    elsewhere.vector = vector;
    elsewhere.rip = rip;
    elsewhere.error = 0x77;
    told[0] = '\0';
    if (setjmp(ended) == 0)
        trap_from_hypervisor(&elsewhere);
    return told;
}

static void test_inside(void **state)
{
    (void)state;
    make();
    assert_string_equal(trap_inside(VECTOR_TIMER, 0), "end run ");
    assert_string_equal(trap_inside(0xf1, 0), "kicked end ");
    assert_string_equal(trap_inside(0xf2, 0), "answers end ");
    assert_string_equal(trap_inside(0xfe, 0), "end ");
    assert_string_equal(trap_inside(0xff, 0), "");
    assert_string_equal(trap_inside(VECTOR_NMI, 0), "tick ");
    assert_string_equal(trap_inside(VECTOR_PAGE_FAULT, 0), "report14 ");
    assert_string_equal(trap_inside(VECTOR_DIVIDE_ERROR, 0), "report0 ");
}

/* After an NMI that came before a halt there is none: what was to end it may be taken first. */
static void test_before_halt(void **state)
{
    (void)state;
    make();
    assert_string_equal(trap_inside(VECTOR_NMI, (uint64_t)wait_hlt), "tick ");
    assert_int_equal(elsewhere.rip, (uint64_t)wait_hlt + 1);
    assert_string_equal(trap_inside(VECTOR_NMI, (uint64_t)wait_hlt + 1), "tick ");
    assert_int_equal(elsewhere.rip, (uint64_t)wait_hlt + 1);
}

/* Faults at the places that may, and no others; what is none of the access's doing is never taken for it. */
static void test_recovery(void **state)
{
    (void)state;
    make();
    for (unsigned i = 0; i < 3; i++) {
        image_recovery_start[i].fault = (int32_t)(places + 2 * i - (uint8_t *)&image_recovery_start[i].fault);
        image_recovery_start[i].resume = (int32_t)(places + 2 * i + 1 - (uint8_t *)&image_recovery_start[i].resume);
    }
    fake_cpu.cr[2] = 0x5000;
    for (unsigned vector = 0; vector < 32; vector++) {
        char report[32];
        bool recoverable = vector >= 11 && vector <= 17;

        if (vector == VECTOR_NMI || vector == VECTOR_DEBUG)
            continue;
        snprintf(report, sizeof(report), "report%u ", vector);
        for (unsigned i = 0; i < 6; i++) {
            bool good = recoverable && i % 2 == 0;

            assert_string_equal(trap_inside(vector, (uint64_t)&places[i]), good ? "" : report);
            assert_int_equal(elsewhere.rip, (uint64_t)&places[good ? i + 1 : i]);
        }
    }
}

/* A page of the LDT comes for the hypervisor's own loads too, but not under a lock, nor where nobody can wait. */
static void test_ldt_inside(void **state)
{
    (void)state;
    make();
    fake_cpu.cr[2] = LDT + 5 * 4096;
    assert_string_equal(trap_inside(VECTOR_PAGE_FAULT, 1), "ldt5 ");
    locked = true;
    assert_string_equal(trap_inside(VECTOR_PAGE_FAULT, 1), "report14 ");
    locked = false;
    on_vcpu = false;
    assert_string_equal(trap_inside(VECTOR_PAGE_FAULT, 1), "report14 ");
    on_vcpu = true;
    cpu_boot.current = NULL;
    assert_string_equal(trap_inside(VECTOR_PAGE_FAULT, 1), "report14 ");
    cpu_boot.current = &vcpu;
    assert_string_equal(trap_inside(VECTOR_PROTECTION, 1), "report13 ");
    fake_cpu.cr[2] = LDT + 16 * 4096;
    assert_string_equal(trap_inside(VECTOR_PAGE_FAULT, 1), "report14 ");
    ldt_error = -XEN_EINVAL;
    fake_cpu.cr[2] = LDT;
    assert_string_equal(trap_inside(VECTOR_PAGE_FAULT, 1), "ldt0 report14 ");
}

/*
 * The return that was refused: an exception of the guest's where it was to go on, with its registers.  Shows
 * iret.refused.
 */
static void test_refused_return(void **state)
{
    (void)state;
    make();
    own.rbx = 0xdead;
    assert_string_equal(trap_inside(VECTOR_PROTECTION, (uint64_t)entry_iret), "restart ");
    assert_int_equal(own.vector, VECTOR_PROTECTION);
    assert_int_equal(own.error, 0x77);
    assert_int_equal(own.rip, RIP);
    assert_int_equal(own.cs, FLAT_USER_CS64);
    assert_int_equal(own.rbx, 0); /* as at the iret */
    assert_string_equal(trap_inside(VECTOR_DOUBLE_FAULT, (uint64_t)entry_iret), "report8 ");
}

/* A debug trap that the guest has left armed is dropped, and stepping ends with it. */
static void test_debug_inside(void **state)
{
    const uint64_t handler = (uint64_t)entry_stubs + 16;

    (void)state;
    make();
    fake_cpu.dr[6] = 0xffff4ff1;
    assert_string_equal(trap_inside(VECTOR_DEBUG, 0x1000), "");
    assert_int_equal(fake_cpu.dr[6], 0xffff0ff0);
    fake_cpu.dr[6] = 0xffff4ff1;
    elsewhere = (struct cpu_frame){.vector = VECTOR_DEBUG, .rip = handler, .rflags = RFLAGS_TF | RFLAGS_ONE};
    trap_from_hypervisor(&elsewhere);
    assert_int_equal(elsewhere.rflags, RFLAGS_ONE);
    assert_int_equal(fake_cpu.dr[6], 0xffff4ff1); /* the first one's, which is still to be looked at */
    assert_true(cpu_boot.debug_was_nested);
    cpu_boot.debug_has_stack = true; /* then the first one's frame is gone */
    assert_string_equal(trap_inside(VECTOR_DEBUG, handler), "report1 ");
}

/* So does what leads to a page of a 32-bit guest's; where it does not, the access has failed. */
static void test_root_inside(void **state)
{
    (void)state;
    make_narrow(1);
    fake_cpu.cr[2] = 0x5000;
    assert_string_equal(trap_inside(VECTOR_PAGE_FAULT, 0), "root report14 ");
    assert_string_equal(trap_inside(VECTOR_PROTECTION, 0), "report13 ");
    root_has_come = true;
    assert_string_equal(trap_inside(VECTOR_PAGE_FAULT, 0), "root ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_inside),      cmocka_unit_test(test_before_halt),    cmocka_unit_test(test_recovery),
        cmocka_unit_test(test_ldt_inside),  cmocka_unit_test(test_refused_return), cmocka_unit_test(test_debug_inside),
        cmocka_unit_test(test_root_inside),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* What is noted of refusals, and when they are printed. */
/* links: hv/domain/refusals.c hv/domain/port.c hv/domain/request.c hv/domain/renew.c */
/* links: hv/domain/vcpu.c hv/domain/narrow_root.c hv/mem/window.c */
/* links: engine/access.c tests/hv/lib/fake_cpu.c tests/hv/lib/port_host.c hv/cpu/lock.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>

#include <cmocka.h>

#include <hv/domain/refusals.h>
#include <tests/hv/lib/port_host.h>

/* What is noted by now. */
static const struct refusals *look(void)
{
    static struct refusals now;

    now = refusals_noted();
    return &now;
}

/* All are counted, the last few kept in order, and printed only where that has been asked for. */
static void test_refusals(void **state)
{
    uint64_t before = look()->count;

    (void)state;
    make();
    for (unsigned i = 0; i < 2 * REFUSALS_KEPT; i++) {
        port_refused(&(struct refusal){.value = i});
        assert_int_equal(look()->last.value, i);
        assert_int_equal(look()->recent[(before + i) % REFUSALS_KEPT].refusal.value, i);
    }
    assert_int_equal(look()->count, before + 2 * REFUSALS_KEPT);
    assert_int_equal(noted.reported, 0);
    refusals_explain();
    port_refused(&(struct refusal){.value = 1});
    assert_int_equal(noted.reported, 1);
}

/* Who has asked, and where; the word on top of its stack if that can be read. */
static void test_refusals_of_guests(void **state)
{
    const uint64_t top = 0x70b;
    struct cpu_frame frame = {.rip = 0x1234, .cs = 0xe033, .rsp = (uint64_t)&top};
    const struct noted_refusal *last;

    (void)state;
    make();
    vcpu.frame = &frame;
    vcpu.engine.id = 3;
    domain.engine.id = DOMID(6);
    cpu_boot.current = &vcpu;
    for (unsigned i = 0; i < 3; i++) {
        unreachable = i == 2;
        port_refused(&(struct refusal){.vcpu = i ? &vcpu.engine : NULL});
        last = &look()->recent[(look()->count - 1) % REFUSALS_KEPT];
        assert_int_equal(last->domain.v, i ? 6 : 0);
        assert_int_equal(last->vcpu, i ? 3 : 0);
        assert_int_equal(last->rip, i ? 0x1234 : 0);
        assert_int_equal(last->cs, i ? 0xe033 : 0);
        assert_int_equal(last->top, i == 1 ? 0x70b : 0);
    }
}

/* The word of a 32-bit guest is one of 4 bytes. */
static void test_refusals_of_narrow_guests(void **state)
{
    uint64_t *low = mmap(NULL, PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
    struct cpu_frame frame = {.rip = 0x1234, .cs = 0xe019, .rsp = (uint64_t)low};

    (void)state;
    assert_ptr_not_equal(low, MAP_FAILED);
    *low = UINT64_C(0x8056d07080103301);
    make();
    unreachable = false;
    vcpu.frame = &frame;
    domain.engine.width = WIDTH_PAE;
    cpu_boot.current = &vcpu;
    port_refused(&(struct refusal){.vcpu = &vcpu.engine});
    assert_int_equal(look()->recent[(look()->count - 1) % REFUSALS_KEPT].top, 0x80103301);
    domain.engine.width = WIDTH_64;
    munmap(low, PAGE_SIZE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_refusals_of_guests),
        cmocka_unit_test(test_refusals_of_narrow_guests),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/*
 * hv/domain/port.c, what the engine asks of the machine, on a processor that is made up: each function does the one
 * thing to the one processor that there is, and to no other.  That the instructions then do what the manual says is
 * seen by hv/selftest.c on the machine.
 */
/* links: hv/domain/port.c hv/domain/port_copy.c hv/domain/request.c hv/domain/renew.c hv/domain/vcpu.c */
/* links: hv/domain/narrow_root.c hv/mem/window.c engine/access.c */
/* links: tests/hv/lib/fake_cpu.c tests/hv/lib/port_host.c hv/cpu/lock.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <hv/domain/port.h>
#include <tests/hv/lib/port_host.h>

static void test_frames(void **state)
{
    static const uint8_t zeroes[4096];
    mfn_t first = MFN_NONE;

    (void)state;
    make();
    assert_ptr_equal(port_frame_map(MFN(2)), ram[2]);
    port_frame_clear(MFN(1));
    assert_memory_equal(ram[1], zeroes, 4096);
    assert_int_equal(ram[0][4095] + ram[2][0], 2 * 0x5a);
    for (unsigned i = 0; i < 4096; i++)
        ram[2][i] = (uint8_t)(i * 7);
    port_frame_copy(MFN(1), 0, MFN(2), 0, 4096);
    assert_memory_equal(ram[1], ram[2], 4096);
    assert_int_equal(ram[2][5], 35);
    port_frame_copy(MFN(1), 1000, MFN(2), 7, 2);
    assert_int_equal(ram[1][1000], ram[2][7]);
    assert_int_equal(ram[1][1001], ram[2][8]);
    assert_int_equal(ram[1][999] + ram[1][1002], ram[2][999] + ram[2][1002]);
    port_frame_copy(MFN(1), 1, MFN(1), 0, 4095); /* overlapping */
    assert_memory_equal(ram[1] + 1, ram[2], 1000);
    assert_int_equal(ram[0][4095] + ram[3][0], 2 * 0x5a);
    assert_true(port_pool_take(2, MFN_NONE, &first));
    assert_int_equal(first.v, 0x1232);
    assert_true(mfn_is_none(noted.pool_end));
    assert_false(port_pool_take(3, MFN(0x4000), &first));
    assert_int_equal(noted.pool_end.v, 0x4000);
    port_pool_give(MFN(0x1230), 1);
    assert_int_equal(noted.gives, 1);
    assert_false(cpu_boot.must_give_way);
    emptied = true; /* it was the last of a zombie */
    port_pool_give(MFN(0x1230), 1);
    assert_true(cpu_boot.must_give_way);
    emptied = cpu_boot.must_give_way = false;
}

static void test_pool_some(void **state)
{
    mfn_t mfns[2] = {{0}};

    (void)state;
    make();
    assert_int_equal(port_pool_take_some(2, MFN(0x4000), mfns), 2);
    assert_int_equal(noted.pool_end.v, 0x4000);
    assert_int_equal(mfns[1].v, 0x1231);
    port_pool_give_some(mfns, 2);
    assert_int_equal(noted.gives, 2);
    assert_false(cpu_boot.must_give_way);
    emptied = true;
    port_pool_give_some(mfns, 2);
    assert_true(cpu_boot.must_give_way);
    emptied = false;
}

static void test_flushes(void **state)
{
    (void)state;
    make();
    fake_cpu.cr[3] = 0x1234000;
    port_tlb_flush((cpumask_t){0});
    port_tlb_flush_page((cpumask_t){0}, VADDR(0x5000));
    port_cache_flush((cpumask_t){0});
    assert_int_equal(fake_cpu.root_loads + fake_cpu.page_flushes + fake_cpu.cache_flushes, 0);
    port_tlb_flush((cpumask_t){1});
    assert_int_equal(fake_cpu.root_loads, 1);
    assert_int_equal(fake_cpu.cr[3], 0x1234000);
    assert_int_equal(noted.kicks, 0);
    port_tlb_flush_page((cpumask_t){1}, VADDR(0x5008));
    assert_int_equal(fake_cpu.page_flushes, 1);
    assert_int_equal(fake_cpu.flushed_page, 0x5008);
    port_cache_flush((cpumask_t){1});
    assert_int_equal(fake_cpu.cache_flushes, 1);
    assert_int_equal(fake_cpu.root_loads, 1);
}

/* Another processor does it when it is kicked; where both are meant, each does it once. */
static void test_flushes_elsewhere(void **state)
{
    (void)state;
    make();
    port_tlb_flush((cpumask_t){3});
    assert_int_equal(fake_cpu.root_loads, 2);
    assert_int_equal(noted.kicks, 1);
    port_tlb_flush_page((cpumask_t){2}, VADDR(0x5008));
    assert_int_equal(fake_cpu.page_flushes, 1);
    assert_int_equal(fake_cpu.flushed_page, 0x5008);
    port_cache_flush((cpumask_t){3});
    assert_int_equal(fake_cpu.cache_flushes, 2);
    assert_int_equal(noted.kicks, 3);
}

/* Root, LDT and window of a vCPU that another processor holds are renewed there; of one that nobody has, nowhere. */
static void test_vcpu_elsewhere(void **state)
{
    (void)state;
    make();
    vcpu.engine.cpu = 1;
    vcpu.engine.kernel_root = MFN(0x111);
    port_root_load(&vcpu.engine);
    port_ldt_load(&vcpu.engine);
    port_window_set(&vcpu.engine, 3, MFN(0x222));
    assert_int_equal(noted.kicks + fake_cpu.root_loads, 0);
    vcpu.share.is_held = true;
    cpu_other.current = &vcpu;
    port_root_load(&vcpu.engine);
    assert_int_equal(fake_cpu.cr[3], 0x111000);
    vcpu.engine.ldt_entries = 7;
    port_ldt_load(&vcpu.engine);
    assert_int_equal(noted.ldt_entries, 7);
    fake_cpu.page_flushes = 0;
    port_window_set(&vcpu.engine, 3, MFN(0x222));
    assert_int_equal(fake_cpu.page_flushes, 2);
    assert_int_equal(fake_cpu.flushed_page, WINDOW_AT + 3 * 4096);
    assert_int_equal(noted.kicks, 3);
}

/* The machine's own lock of the domain, of its rank: two of them by ascending number, and none of them twice. */
static void test_locks(void **state)
{
    static struct hv_domain second = {.lock = LOCK_INIT(LOCK_DOMAIN, 2)};

    (void)state;
    make();
    assert_false(port_is_locked());
    assert_ends(port_unlock(&domain.engine));
    port_lock(&domain.engine);
    assert_true(lock_is_mine(&domain.lock));
    assert_ends(port_lock(&domain.engine));
    port_lock(&second.engine);
    assert_true(lock_is_mine(&second.lock));
    port_unlock(&domain.engine);
    assert_true(port_is_locked());
    assert_ends(port_lock(&domain.engine));
    assert_ends(port_yield());
    port_unlock(&second.engine);
    assert_false(port_is_locked());
}

static void test_preemption(void **state)
{
    (void)state;
    make();
    for (unsigned i = 0; i < 4; i++) {
        cpu_boot.timer_ticks = i & 1; /* of the TSC: long ago, or none */
        turn_over = i & 2;
        assert_int_equal(port_preempt_wanted(), i != 0);
    }
    port_yield(); /* on the processor's own stack */
    assert_int_equal(noted.yields, 0);
    assert_int_equal(noted.work_yields, 1);
    on_vcpu = true;
    port_yield();
    assert_int_equal(noted.yields, 1);
    assert_int_equal(noted.work_yields, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pool_some),         cmocka_unit_test(test_frames),         cmocka_unit_test(test_flushes),
        cmocka_unit_test(test_flushes_elsewhere), cmocka_unit_test(test_vcpu_elsewhere), cmocka_unit_test(test_locks),
        cmocka_unit_test(test_preemption),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

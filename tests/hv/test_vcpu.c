/* SPDX-License-Identifier: MIT */
/* Which vCPU a processor runs: its root, its LDT, its window and stack, and nothing of who does not run. */
/* links: hv/domain/port.c hv/domain/port_copy.c hv/domain/request.c hv/domain/renew.c hv/domain/vcpu.c */
/* links: hv/domain/narrow_root.c hv/mem/window.c engine/access.c */
/* links: tests/hv/lib/fake_cpu.c tests/hv/lib/port_host.c hv/cpu/lock.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <hv/base/asm.h>
#include <tests/hv/lib/port_host.h>

/* The root of who runs; of who does not, nothing of it is loaded. */
static void test_root(void **state)
{
    (void)state;
    make();
    vcpu.engine.kernel_root = MFN(0x111);
    vcpu.engine.user_root = MFN(0x222);
    port_root_load(&vcpu.engine);
    assert_int_equal(fake_cpu.root_loads, 0);
    cpu_boot.current = &vcpu;
    port_root_load(&vcpu.engine);
    assert_int_equal(fake_cpu.cr[3], 0x111000);
    vcpu.engine.user_mode = true;
    port_root_load(&vcpu.engine);
    assert_int_equal(fake_cpu.cr[3], 0x222000);
    vcpu.engine.user_root = MFN_NONE;
    port_root_load(&vcpu.engine);
    assert_int_equal(fake_cpu.cr[3], OWN_ROOT);
    assert_int_equal(fake_cpu.root_loads, 3);
}

/* The other root of who runs, and of nobody else. */
static void test_mode(void **state)
{
    (void)state;
    make();
    vcpu.engine.kernel_root = MFN(0x111);
    vcpu.engine.user_root = MFN(0x222);
    assert_ends(port_mode_load(&vcpu.engine));
    cpu_boot.current = &vcpu;
    vcpu.engine.user_mode = true;
    port_mode_load(&vcpu.engine);
    assert_int_equal(fake_cpu.cr[3], 0x222000);
    vcpu.engine.user_mode = false;
    port_mode_load(&vcpu.engine);
    assert_int_equal(fake_cpu.cr[3], 0x111000);
    assert_int_equal(fake_cpu.root_loads, 2);
}

/* What is global is forgotten behind each load of a root, but where the mode of a vCPU changes. */
static void test_global_pages(void **state)
{
    (void)state;
    make();
    vcpu.engine.kernel_root = MFN(0x111);
    vcpu.engine.user_root = MFN(0x222);
    fake_cpu.cr[4] = CR4_PGE | CR4_PAE;
    hv_vcpu_switch(&machine, &vcpu);
    assert_false(fake_cpu.keeps_global);
    assert_int_equal(fake_cpu.global_flushes, 1);
    vcpu.engine.user_mode = true;
    port_mode_load(&vcpu.engine);
    assert_true(fake_cpu.keeps_global);
    port_root_load(&vcpu.engine);
    assert_false(fake_cpu.keeps_global);
    assert_int_equal(fake_cpu.global_flushes, 2);
    port_mode_load(&vcpu.engine);
    fake_cpu.root_loads = 0;
    hv_vcpu_switch(&machine, NULL);
    assert_false(fake_cpu.keeps_global);
    assert_int_equal(fake_cpu.cr[4], CR4_PGE | CR4_PAE);
}

/* The LDT of who runs ends where its guest has said; without entries there is none. */
static void test_ldt(void **state)
{
    (void)state;
    make();
    vcpu.engine.ldt_entries = 700;
    port_ldt_load(&vcpu.engine);
    assert_int_equal(noted.ldt_loads, 0);
    cpu_boot.current = &vcpu;
    port_ldt_load(&vcpu.engine);
    assert_int_equal(noted.ldt_loads, 1);
    assert_int_equal(noted.ldt_entries, 700);
    assert_int_equal(noted.ldt_base, WINDOW_AT + 16 * 4096);
    vcpu.engine.ldt_entries = 0;
    port_ldt_load(&vcpu.engine);
    assert_int_equal(noted.ldt_entries + noted.ldt_base, 0);
}

/* vCPU, its window with the hypervisor's page in it, its tables, stack and root; and the engine hears of the flush. */
static void test_switch(void **state)
{
    struct stack_owner owner = {.vcpu = &vcpu};

    (void)state;
    make();
    vcpu.engine.kernel_root = MFN(0x111);
    vcpu.engine.ldt_entries = 5;
    vcpu.run.stack = (uint64_t)&owner;
    hv_vcpu_switch(&machine, &vcpu);
    assert_ptr_equal(cpu_boot.current, &vcpu);
    assert_int_equal(noted.set_at, WINDOW_AT + 14 * 4096);
    assert_int_equal(noted.set_to, GDT_PAGE | MAP_DATA);
    assert_int_equal(noted.gdt_base, WINDOW_AT);
    assert_int_equal(noted.ldt_base, WINDOW_AT + 16 * 4096);
    assert_int_equal(noted.ldt_entries, 5);
    assert_int_equal(noted.entry_stack, (uint64_t)&owner);
    assert_true(owner.cpu == &cpu_boot && owner.vcpu == &vcpu);
    assert_ptr_equal(machine.tlb.runs[0], &domain.engine);
    assert_int_equal(fake_cpu.cr[3], 0x111000);
    assert_int_equal(machine.tlb.flushed[0], machine.tlb.now);
}

/* The hypervisor's page stays in the window until another processor has had the vCPU, and put its own there. */
static void test_switch_again(void **state)
{
    (void)state;
    make();
    hv_vcpu_switch(&machine, &vcpu);
    assert_int_equal(noted.set_at, WINDOW_AT + 14 * 4096);
    fake_cpu.root_loads = 0;
    noted.set_at = 0;
    hv_vcpu_switch(&machine, &vcpu);
    assert_int_equal(noted.set_at, 0);
    assert_int_equal(noted.gdt_base, WINDOW_AT);
    vcpu.gdt_of = &cpu_other;
    fake_cpu.root_loads = 0;
    hv_vcpu_switch(&machine, &vcpu);
    assert_int_equal(noted.set_at, WINDOW_AT + 14 * 4096);
    assert_int_equal(noted.set_to, GDT_PAGE | MAP_DATA);
}

static void test_switch_to_nobody(void **state)
{
    (void)state;
    make();
    cpu_boot.current = &vcpu;
    machine.tlb.runs[0] = &domain.engine;
    noted.runs = &domain.engine;
    hv_vcpu_switch(&machine, NULL);
    assert_null(noted.runs); /* in between it is anybody's */
    assert_null(cpu_boot.current);
    assert_int_equal(noted.gdt_base, WINDOW_BASE);
    assert_null(machine.tlb.runs[0]);
    assert_int_equal(noted.ldt_entries, 0);
    assert_int_equal(fake_cpu.cr[3], OWN_ROOT);
    assert_int_equal(machine.tlb.flushed[0], machine.tlb.now);
}

/*
 * A 32-bit guest has other promises in the GDT, runs without the guards that are for 64-bit ones, and on a root of its
 * own on top of the guest's, in either ring.
 */
static void test_switch_narrow(void **state)
{
    (void)state;
    make();
    domain.engine.width = WIDTH_PAE;
    hv_vcpu_switch(&machine, &vcpu);
    assert_int_equal(noted.set_to, (GDT_PAGE + 0x1000) | MAP_DATA);
    assert_int_equal(fake_cpu.cr[3], OWN_ROOT); /* it has none yet */
    assert_true(noted.guards_off);
    vcpu.engine.kernel_root = MFN(1);
    assert_ends(hv_vcpu_load_root(&vcpu)); /* nothing has been made to go on top */
    assert_int_equal(narrow_root_create(&vcpu), 0);
    hv_vcpu_load_root(&vcpu);
    assert_int_equal(fake_cpu.cr[3], vcpu.narrow_root.frame.v << 12);
    fake_cpu.root_loads = 0;
    hv_vcpu_switch(&machine, NULL);
    assert_int_equal(fake_cpu.cr[3], OWN_ROOT);
    assert_false(noted.guards_off);
    vcpu.engine.cpu = 1;
    assert_ends(hv_vcpu_switch(&machine, &vcpu));
}

static void test_give_way(void **state)
{
    (void)state;
    make();
    hv_vcpu_give_way();
    assert_true(cpu_boot.must_give_way);
    cpu_boot.current = &vcpu;
    vcpu.run.attention = false;
    hv_vcpu_give_way();
    assert_true(vcpu.run.attention);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_root),
        cmocka_unit_test(test_ldt),
        cmocka_unit_test(test_switch),
        cmocka_unit_test(test_switch_again),
        cmocka_unit_test(test_switch_to_nobody),
        cmocka_unit_test(test_switch_narrow),
        cmocka_unit_test(test_give_way),
        cmocka_unit_test(test_mode),
        cmocka_unit_test(test_global_pages),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

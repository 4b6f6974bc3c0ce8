/* SPDX-License-Identifier: MIT */
/*
 * hv/domain/port.c, what the engine asks of the machine, on a processor that is made up: each function does the one
 * thing to the one processor that there is, and to no other.  That the instructions then do what the manual says is
 * seen by hv/selftest.c on the machine.
 */
/* links: hv/domain/port.c hv/domain/vcpu.c hv/mem/window.c engine/access.c tests/hv/lib/fake_cpu.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <abi/segment.h>
#include <engine/engine.h>
#include <hv/base/exit.h>
#include <hv/base/layout.h>
#include <hv/base/print.h>
#include <hv/cpu/cpu.h>
#include <hv/cpu/descriptor.h>
#include <hv/cpu/fault.h>
#include <hv/domain/port.h>
#include <hv/domain/vcpu.h>
#include <hv/mem/paging.h>
#include <hv/mem/pool.h>
#include <hv/mem/window.h>
#include <tests/hv/lib/fake_cpu.h>

#define RAM      4u /* frames */
#define OWN_ROOT UINT64_C(0x77000)
#define GDT_PAGE UINT64_C(0x55000)

/*
 * ---- The rest of the hypervisor.
 */

struct cpu cpu_boot;
struct cpu_features cpu_features_found;

static _Alignas(4096) uint8_t ram[RAM][4096];
static struct hv_domain domain;
static struct hv_vcpu vcpu;
static struct machine machine = {.tlb = {.cpus = {1}}};

static uint64_t set_at, set_to, prepared, entry_stack, ldt_base, gdt_base;
static unsigned ldt_entries, ldt_loads;
static unsigned sets, yields, reported, gives;
static bool due, turn_over, on_vcpu, unreachable;
static size_t copied;
static unsigned ended_with;
static jmp_buf ended;

void *paging_ram(uint64_t maddr)
{
    assert_true(maddr < sizeof(ram));
    return (uint8_t *)ram + maddr;
}

void paging_set(uint64_t vaddr, uint64_t entry)
{
    set_at = vaddr;
    set_to = entry;
    sets++;
}

void paging_prepare(uint64_t vaddr, uint64_t size)
{
    assert_int_equal(vaddr, WINDOW_BASE);
    prepared = size;
}

uint64_t paging_root(void)
{
    return OWN_ROOT;
}

bool pool_take(unsigned order, mfn_t *first)
{
    *first = MFN(0x1230 + order);
    return order < 3;
}

void pool_give(mfn_t first, unsigned order)
{
    assert_int_equal(first.v, 0x1230);
    assert_int_equal(order, 1);
    gives++;
}

void descriptor_load_gdt(uint64_t base)
{
    gdt_base = base;
}

void descriptor_load_ldt(struct cpu *cpu, uint64_t base, unsigned entries)
{
    assert_ptr_equal(cpu, &cpu_boot);
    ldt_base = base;
    ldt_entries = entries;
    ldt_loads++;
}

uint64_t descriptor_gdt_page(const struct cpu *cpu, enum width width)
{
    (void)cpu;
    return GDT_PAGE + 0x1000 * (uint64_t)width;
}

void cpu_set_entry_stack(uint64_t top)
{
    entry_stack = top;
}

bool timer_is_due(void)
{
    return due;
}

bool sched_is_due(void)
{
    return turn_over;
}

bool sched_is_on_vcpu(void)
{
    return on_vcpu;
}

void sched_yield(void)
{
    yields++;
}

/* Only between the two that let the hypervisor reach a guest's pages. */
size_t copy_recover(void *to, const void *from, size_t size)
{
    assert_true(!cpu_features_found.smap || fake_cpu.user_access);
    if (unreachable)
        return 1;
    memcpy(to, from, size);
    copied += size;
    return 0;
}

void report_refusal(const struct port_refusal *noted)
{
    (void)noted;
    reported++;
}

void print(const char *format, ...)
{
    (void)format;
}

void fault_print_calls(uint64_t rsp)
{
    (void)rsp;
}

_Noreturn void exit_with(unsigned code)
{
    ended_with = code;
    longjmp(ended, 1);
}

/* The rest of the engine: what was begun has happened. */
void tlb_flush_end(struct machine *which, cpumask_t cpus, uint32_t began)
{
    assert_int_equal(cpus.bits, 1);
    assert_int_equal(fake_cpu.root_loads, 1);
    which->tlb.flushed[0] = began;
}

static void make(void)
{
    fake_cpu_reset();
    memset(ram, 0x5a, sizeof(ram));
    memset(&cpu_boot, 0, sizeof(cpu_boot));
    memset(&domain, 0, sizeof(domain));
    memset(&vcpu, 0, sizeof(vcpu));
    memset(&machine.tlb.flushed, 0, sizeof(machine.tlb.flushed));
    cpu_features_found.smap = false;
    domain.domain.width = WIDTH_64;
    vcpu.vcpu.domain = &domain.domain;
    vcpu.vcpu.kernel_root = vcpu.vcpu.user_root = MFN_NONE;
    vcpu.window = WINDOW_OF_VCPUS + 3;
    sets = ldt_loads = ldt_entries = yields = reported = gives = ended_with = 0;
    due = turn_over = on_vcpu = unreachable = false;
    copied = 0;
}

#define assert_ends(expression)                    \
    do {                                           \
        if (setjmp(ended) == 0) {                  \
            expression;                            \
            fail();                                \
        }                                          \
        assert_int_equal(ended_with, EXIT_BROKEN); \
    } while (0)

/*
 * ---- Memory.
 */

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
    port_frame_copy(MFN(1), MFN(2));
    assert_memory_equal(ram[1], ram[2], 4096);
    assert_int_equal(ram[2][5], 35);
    assert_int_equal(ram[0][4095] + ram[3][0], 2 * 0x5a);
    assert_true(port_pool_take(2, &first));
    assert_int_equal(first.v, 0x1232);
    assert_false(port_pool_take(3, &first));
    port_pool_give(MFN(0x1230), 1);
    assert_int_equal(gives, 1);
}

/*
 * ---- Translations: of this processor, if it is meant.
 */

static void test_flushes(void **state)
{
    (void)state;
    make();
    fake_cpu.cr[3] = 0x1234000;
    port_tlb_flush((cpumask_t){0xfe});
    port_tlb_flush_page((cpumask_t){0xfe}, VADDR(0x5000));
    port_cache_flush((cpumask_t){0xfe});
    assert_int_equal(fake_cpu.root_loads + fake_cpu.page_flushes + fake_cpu.cache_flushes, 0);
    port_tlb_flush((cpumask_t){0xff});
    assert_int_equal(fake_cpu.root_loads, 1);
    assert_int_equal(fake_cpu.cr[3], 0x1234000);
    port_tlb_flush_page((cpumask_t){1}, VADDR(0x5008));
    assert_int_equal(fake_cpu.page_flushes, 1);
    assert_int_equal(fake_cpu.flushed_page, 0x5008);
    port_cache_flush((cpumask_t){1});
    assert_int_equal(fake_cpu.cache_flushes, 1);
    assert_int_equal(fake_cpu.root_loads, 1);
}

/* The root of who runs; of who does not, nothing of it is loaded. */
static void test_root(void **state)
{
    (void)state;
    make();
    vcpu.vcpu.kernel_root = MFN(0x111);
    vcpu.vcpu.user_root = MFN(0x222);
    port_root_load(&vcpu.vcpu);
    assert_int_equal(fake_cpu.root_loads, 0);
    cpu_boot.current = &vcpu;
    port_root_load(&vcpu.vcpu);
    assert_int_equal(fake_cpu.cr[3], 0x111000);
    vcpu.vcpu.user_mode = true;
    port_root_load(&vcpu.vcpu);
    assert_int_equal(fake_cpu.cr[3], 0x222000);
    vcpu.vcpu.user_root = MFN_NONE;
    port_root_load(&vcpu.vcpu);
    assert_int_equal(fake_cpu.cr[3], OWN_ROOT);
    assert_int_equal(fake_cpu.root_loads, 3);
}

/* What is mapped in place of @page's frame when there is none: a page without descriptors, or nothing in the LDT. */
static void assert_empty(unsigned page, uint64_t entry)
{
    static const uint64_t zeroes[512];

    if (page >= FIRST_RESERVED_GDT_PAGE) {
        assert_int_equal(entry, 0);
        return;
    }
    assert_int_equal(entry & ~ENTRY_FRAME, MAP_CONSTANT);
    assert_memory_equal((const void *)((entry & ENTRY_FRAME) + IMAGE_BASE), zeroes, sizeof(zeroes));
}

static void test_windows(void **state)
{
    const uint64_t base = WINDOW_BASE + (uint64_t)(WINDOW_OF_VCPUS + 3) * 32 * 4096;

    (void)state;
    make();
    window_init();
    assert_int_equal(prepared, (uint64_t)WINDOWS_MAX * 32 * 4096);
    assert_int_equal(sets, WINDOWS_MAX * 14);
    for (unsigned page = 0; page < 32; page++) {
        if (page == 14)
            continue;
        port_window_set(&vcpu.vcpu, page, MFN(0x9990 + page));
        assert_int_equal(set_at, base + page * 4096);
        assert_int_equal(set_to, (0x9990 + page) << 12 | MAP_DATA);
        assert_int_equal(fake_cpu.flushed_page, set_at);
        port_window_set(&vcpu.vcpu, page, MFN_NONE);
        assert_int_equal(set_at, base + page * 4096);
        assert_empty(page, set_to);
    }
    assert_int_equal(fake_cpu.page_flushes, 2 * 31);
    assert_false(MAP_DATA & ENTRY_USER); /* no guest reaches a window */
    assert_true(MAP_DATA & ENTRY_NX);
}

/* The LDT of who runs ends where its guest has said; without entries there is none. */
static void test_ldt(void **state)
{
    (void)state;
    make();
    vcpu.vcpu.ldt_entries = 700;
    port_ldt_load(&vcpu.vcpu);
    assert_int_equal(ldt_loads, 0);
    cpu_boot.current = &vcpu;
    port_ldt_load(&vcpu.vcpu);
    assert_int_equal(ldt_loads, 1);
    assert_int_equal(ldt_entries, 700);
    assert_int_equal(ldt_base, WINDOW_BASE + ((uint64_t)(WINDOW_OF_VCPUS + 3) * 32 + 16) * 4096);
    vcpu.vcpu.ldt_entries = 0;
    port_ldt_load(&vcpu.vcpu);
    assert_int_equal(ldt_entries + ldt_base, 0);
}

/* The hypervisor's page of the GDT is not the guest's to replace, nor is there a window beyond the last. */
static void test_windows_end(void **state)
{
    (void)state;
    make();
    assert_ends(port_window_set(&vcpu.vcpu, FIRST_RESERVED_GDT_PAGE, MFN(1)));
    assert_ends(port_window_set(&vcpu.vcpu, WINDOW_PAGES, MFN(1)));
    vcpu.window = WINDOWS_MAX;
    assert_ends(port_window_set(&vcpu.vcpu, 0, MFN(1)));
    assert_int_equal(sets, 0);
}

/* vCPU, its window with the hypervisor's page in it, its tables, stack and root; and the engine hears of the flush. */
static void test_switch(void **state)
{
    const uint64_t base = WINDOW_BASE + (uint64_t)(WINDOW_OF_VCPUS + 3) * 32 * 4096;

    (void)state;
    make();
    vcpu.vcpu.kernel_root = MFN(0x111);
    vcpu.vcpu.ldt_entries = 5;
    vcpu.run.stack = 0xabc000;
    vcpu_switch(&machine, &vcpu);
    assert_ptr_equal(cpu_boot.current, &vcpu);
    assert_int_equal(set_at, base + 14 * 4096);
    assert_int_equal(set_to, GDT_PAGE | MAP_DATA);
    assert_int_equal(gdt_base, base);
    assert_int_equal(ldt_base, base + 16 * 4096);
    assert_int_equal(ldt_entries, 5);
    assert_int_equal(entry_stack, 0xabc000);
    assert_int_equal(fake_cpu.cr[3], 0x111000);
    assert_int_equal(machine.tlb.flushed[0], machine.tlb.now);
}

static void test_switch_to_nobody(void **state)
{
    (void)state;
    make();
    cpu_boot.current = &vcpu;
    vcpu_switch(&machine, NULL);
    assert_null(cpu_boot.current);
    assert_int_equal(gdt_base, WINDOW_BASE);
    assert_int_equal(ldt_entries, 0);
    assert_int_equal(fake_cpu.cr[3], OWN_ROOT);
    assert_int_equal(machine.tlb.flushed[0], machine.tlb.now);
}

/* A 32-bit guest has other promises in the GDT, and no way to be loaded yet. */
static void test_switch_narrow(void **state)
{
    (void)state;
    make();
    domain.domain.width = WIDTH_PAE;
    vcpu_switch(&machine, &vcpu);
    assert_int_equal(set_to, (GDT_PAGE + 0x1000) | MAP_DATA);
    vcpu.vcpu.kernel_root = MFN(0x111);
    assert_ends(vcpu_load_root(&vcpu));
    vcpu.vcpu.kernel_root = MFN_NONE;
    vcpu.vcpu.cpu = 1;
    assert_ends(vcpu_switch(&machine, &vcpu));
}

/*
 * ---- Guest memory.
 */

static void xsa_183_guest_memory_through_one_door(void **state)
{
    uint64_t guest = 0x1122334455667788, own = 0;

    (void)state;
    make();
    cpu_boot.current = &vcpu;
    for (unsigned smap = 0; smap < 2; smap++) {
        cpu_features_found.smap = smap;
        guest = 0x1122334455667788;
        assert_true(port_copy_from_guest(&vcpu.vcpu, &own, VADDR((uint64_t)&guest), 8));
        assert_int_equal(own, guest);
        own = 99;
        assert_true(port_copy_to_guest(&vcpu.vcpu, VADDR((uint64_t)&guest), &own, 8));
        assert_int_equal(guest, 99);
        assert_false(fake_cpu.user_access); /* for no longer than it takes */
        unreachable = true;
        assert_false(port_copy_from_guest(&vcpu.vcpu, &own, VADDR((uint64_t)&guest), 8));
        assert_false(port_copy_to_guest(&vcpu.vcpu, VADDR((uint64_t)&guest), &own, 8));
        assert_false(fake_cpu.user_access);
        unreachable = false;
    }
    assert_int_equal(copied, 32);
}

/* Somebody else's tables are loaded: going on would read and write another guest's memory. */
static void test_copies_of_others(void **state)
{
    static struct hv_vcpu other;
    uint64_t word = 0;

    (void)state;
    make();
    cpu_boot.current = &other;
    assert_ends((void)!port_copy_from_guest(&vcpu.vcpu, &word, VADDR((uint64_t)&word), 8));
    assert_ends((void)!port_copy_to_guest(&vcpu.vcpu, VADDR((uint64_t)&word), &word, 8));
    cpu_boot.current = NULL;
    assert_ends((void)!port_copy_from_guest(&vcpu.vcpu, &word, VADDR((uint64_t)&word), 8));
    assert_int_equal(copied, 0);
}

/*
 * ---- The flow of control.
 */

static void test_locks(void **state)
{
    (void)state;
    make();
    assert_false(port_is_locked());
    port_lock(&domain.domain);
    port_lock(&domain.domain);
    assert_ends(port_lock(&domain.domain));
    port_unlock(&domain.domain);
    assert_true(port_is_locked());
    assert_ends(port_yield());
    port_unlock(&domain.domain);
    assert_false(port_is_locked());
    assert_ends(port_unlock(&domain.domain));
}

static void test_preemption(void **state)
{
    (void)state;
    make();
    for (unsigned i = 0; i < 4; i++) {
        due = i & 1;
        turn_over = i & 2;
        assert_int_equal(port_preempt_wanted(), i != 0);
    }
    port_yield(); /* on the processor's own stack there is nobody to yield to */
    assert_int_equal(yields, 0);
    on_vcpu = true;
    port_yield();
    assert_int_equal(yields, 1);
}

/* All are counted, the last few kept in order, and printed only where that has been asked for. */
static void test_refusals(void **state)
{
    const struct port_refusals *refusals = port_refusals();
    uint64_t before = refusals->count;

    (void)state;
    make();
    for (unsigned i = 0; i < 2 * PORT_REFUSALS; i++) {
        port_refused(&(struct refusal){.value = i});
        assert_int_equal(refusals->last.value, i);
        assert_int_equal(refusals->recent[(before + i) % PORT_REFUSALS].refusal.value, i);
    }
    assert_int_equal(refusals->count, before + 2 * PORT_REFUSALS);
    assert_int_equal(reported, 0);
    port_explain_refusals();
    port_refused(&(struct refusal){.value = 1});
    assert_int_equal(reported, 1);
}

/* Who has asked, and where; the word on top of its stack if that can be read. */
static void test_refusals_of_guests(void **state)
{
    const uint64_t top = 0x70b;
    struct cpu_frame frame = {.rip = 0x1234, .cs = 0xe033, .rsp = (uint64_t)&top};
    const struct port_refusals *refusals = port_refusals();
    const struct port_refusal *noted;

    (void)state;
    make();
    vcpu.frame = &frame;
    vcpu.vcpu.id = 3;
    cpu_boot.current = &vcpu;
    for (unsigned i = 0; i < 3; i++) {
        unreachable = i == 2;
        port_refused(&(struct refusal){.vcpu = i ? &vcpu.vcpu : NULL});
        noted = &refusals->recent[(refusals->count - 1) % PORT_REFUSALS];
        assert_int_equal(noted->vcpu, i ? 3 : 0);
        assert_int_equal(noted->rip, i ? 0x1234 : 0);
        assert_int_equal(noted->cs, i ? 0xe033 : 0);
        assert_int_equal(noted->top, i == 1 ? 0x70b : 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_frames),
        cmocka_unit_test(test_flushes),
        cmocka_unit_test(test_root),
        cmocka_unit_test(test_windows),
        cmocka_unit_test(test_ldt),
        cmocka_unit_test(test_windows_end),
        cmocka_unit_test(test_switch),
        cmocka_unit_test(test_switch_to_nobody),
        cmocka_unit_test(test_switch_narrow),
        cmocka_unit_test(xsa_183_guest_memory_through_one_door),
        cmocka_unit_test(test_copies_of_others),
        cmocka_unit_test(test_locks),
        cmocka_unit_test(test_preemption),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_refusals_of_guests),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/*
 * sgdt, sidt, sldt, str and smsw, which need no privilege on a processor without UMIP: user mode is not told where the
 * hypervisor's tables are, the kernel finds them as it always did.
 */
#include <abi/layout.h>
#include <guest/guest.h>
#include <guest/hypercall.h>
#include <guest/print.h>
#include <guest/processor.h>
#include <guest/string.h>
#include <guest/table.h>
#include <guest/user.h>
#include <guests/tests/lib/snippet.h>
#include <guests/tests/lib/test.h>

#define CPUID_7_ECX_UMIP (1u << 2)
#define GDT_LIMIT        (15 * PAGE_SIZE - 1) /* to the end of the hypervisor's page */
#define IDT_LIMIT        (256 * 16 - 1)
#define ABSENT           UINT64_C(0x10001000) /* behind a page that is there */

SNIPPET(user_sgdt, "", "sgdt -16(%" REGISTER_SP ")", PROGRAM_CALL);
SNIPPET(user_sidt, "", "sidt -16(%" REGISTER_SP ")", PROGRAM_CALL);
SNIPPET(user_sldt, "", "sldt %eax", PROGRAM_CALL);
SNIPPET(user_sldt_memory, "", "sldt -16(%" REGISTER_SP ")", PROGRAM_CALL);
SNIPPET(user_str, "", "str %eax", PROGRAM_CALL);
SNIPPET(user_str_memory, "", "str -16(%" REGISTER_SP ")", PROGRAM_CALL);
SNIPPET(user_smsw, "", "smsw %" REGISTER_AX, PROGRAM_CALL);
SNIPPET(user_smsw_memory, "", "smsw -16(%" REGISTER_SP ")", PROGRAM_CALL);

static const struct program {
    const char *name;
    const struct snippet *code;
} programs[] = {
    {"sgdt", &user_sgdt}, {"sidt", &user_sidt},
    {"sldt", &user_sldt}, {"sldt to memory", &user_sldt_memory},
    {"str", &user_str},   {"str to memory", &user_str_memory},
    {"smsw", &user_smsw}, {"smsw to memory", &user_smsw_memory},
};

static void user(void)
{
    bool prevented = cpuid(7, 0).ecx & CPUID_7_ECX_UMIP;
    char name[80];

    test_need(user_init(), "user mode");
    for (unsigned i = 0; i < ARRAY_SIZE(programs); i++) {
        uint64_t base = USER_BASE + i * PAGE_SIZE;
        struct regs regs;

        test_need(user_load(base, programs[i].code->begin, programs[i].code->end), "user code");
        user_regs_init(&regs, base);
        print_to(name, sizeof(name), "user: %s", programs[i].name);
        test_equal(name, user_run(&regs), prevented && !test_under_xen() ? TRAP_GP : VECTOR_PROGRAM_CALL);
    }
}

struct __attribute__((packed)) pointer {
    uint16_t limit;
    uintptr_t base;
};

/* Of such an address, the lower half is any number. */
static bool is_the_hypervisors(uintptr_t base)
{
    return sizeof(base) == 4 || base - HYPERVISOR_VIRT_START < HYPERVISOR_VIRT_END - HYPERVISOR_VIRT_START;
}

static void tables(void)
{
    struct pointer pointer[2];

    memset(pointer, 0x55, sizeof(pointer));
    __asm__ volatile("sgdt %0" : "=m"(pointer[0]));
    test_equal("kernel: the limit of the GDT", pointer[0].limit, GDT_LIMIT);
    test_check(is_the_hypervisors(pointer[0].base), "kernel: its base", "%" PRIxPTR, pointer[0].base);
    test_equal("kernel: and no byte more", pointer[1].limit, 0x5555);
    __asm__ volatile("sidt (%0, %1)" ::"r"(pointer), "r"((uintptr_t)0) : "memory");
    test_equal("kernel: the limit of the IDT", pointer[0].limit, IDT_LIMIT);
    test_check(is_the_hypervisors(pointer[0].base), "kernel: its base", "%" PRIxPTR, pointer[0].base);
}

static void selectors(void)
{
    uintptr_t whole = UINTPTR_MAX;
    uint16_t word, pair[2] = {0x5555, 0x5555};
    uint32_t half;

    __asm__ volatile("sldt %0" : "+r"(whole));
    test_equal("kernel: sldt of no LDT", whole, 0);
    __asm__ volatile("sldt %0" : "=m"(pair[0]));
    test_equal("kernel: sldt to memory", pair[0], 0);
    test_equal("kernel: two bytes of it", pair[1], 0x5555);
    __asm__ volatile("str %k0" : "=r"(half));
    __asm__ volatile("str %0" : "=m"(word));
    test_check(half == word && (half & 7) == 0 && half > 0xe000, "kernel: str", "%x, %x in memory", half, word);
    whole = UINTPTR_MAX;
    __asm__ volatile("str %w0" : "+r"(whole));
    test_equal("kernel: str to 16 bits of a register", whole, ~(uintptr_t)0xffff | word);
}

static void machine_status(void)
{
    uintptr_t cr0, status, part = UINTPTR_MAX;
    uint16_t word;

    for (unsigned task_switched = 0; task_switched < 2; task_switched++) {
        (void)hypercall_fpu_taskswitch(task_switched);
        __asm__ volatile("mov %%cr0, %0" : "=r"(cr0));
        __asm__ volatile("smsw %0" : "=r"(status));
        __asm__ volatile("smsw %0" : "=m"(word));
        __asm__ volatile("smsw %w0" : "+r"(part));
        test_equal("kernel: smsw is CR0", status, cr0);
        test_equal("kernel: 16 bits of it in memory", word, cr0 & 0xffff);
        test_equal("kernel: and in a register", part, ~(uintptr_t)0xffff | word);
        test_equal("kernel: with TS", status >> 3 & 1, task_switched);
    }
    (void)hypercall_fpu_taskswitch(0);
}

static void store(void *place)
{
    __asm__ volatile("sgdt (%0)" ::"r"(place) : "memory");
}

static void faults(void)
{
    struct fault fault;

    test_need(user_map(ABSENT - PAGE_SIZE, page_alloc(), PTE_PROGRAM), "a page");
    (void)trap_try(store, (void *)(uintptr_t)ABSENT, &fault);
    test_equal("kernel: sgdt to where nothing is", fault.vector, TRAP_PF);
    test_equal("cr2", fault.cr2, ABSENT);
    test_equal("error code", fault.error, FAULT_WRITE);
    (void)trap_try(store, (void *)(uintptr_t)(ABSENT - 4), &fault);
    test_equal("kernel: sgdt into the end of a page", fault.vector, TRAP_PF);
    (void)trap_try(store, (void *)(uintptr_t)HYPERVISOR_INSIDE, &fault);
    test_check(fault.vector != TRAP_NONE, "kernel: sgdt to the hypervisor's memory", "no fault");
    if (sizeof(uintptr_t) == 4)
        return;
    (void)trap_try(store, (void *)((uintptr_t)1 << (8 * sizeof(uintptr_t) - 1)), &fault);
    test_equal("kernel: sgdt to what is no address", fault.vector, TRAP_GP);
}

void test_main(void)
{
    user();
    tables();
    selectors();
    if (test_under_xen())
        test_note("not under Xen, where smsw shows the TS of the processor");
    else
        machine_status();
    faults();
}

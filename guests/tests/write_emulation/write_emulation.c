/* SPDX-License-Identifier: MIT */
/*
 * Plain stores to an L1 in use: whatever instruction writes it, the result in memory, registers and flags is the one
 * that the processor gives on ordinary memory; and what an update would refuse is a page fault.
 *
 * The oracle is the processor: each form runs on ordinary memory first, from the same values.
 */
#include <abi/vm_assist.h>
#include <guest/guest.h>
#include <guest/hypercall.h>
#include <guest/print.h>
#include <guest/string.h>
#include <guest/table.h>
#include <guest/trap.h>
#include <guests/tests/lib/test.h>

#define WINDOW 0x20000000u /* where the table under test would map; nothing looks there */
#define MIDDLE 16u         /* the entry that the forms write; neighbours on both sides */

struct form {
    const char *name;
    uint64_t code;
    uint64_t optional;
};

struct operands {
    uint64_t rax, rcx, rdx, rbx, rsi, rdi, r8, r9, rflags;
};

struct attempt {
    const struct form *form;
    struct operands operands;
};

extern const struct form form_table[];
void form_run(uint64_t code, struct operands *operands);

static uint64_t *l1; /* pinned, mapped read-only at its ordinary address and below 2^31 */
static uint64_t *l1_low;
static uint64_t *plain_low; /* ordinary memory, at a low address too */
static uint64_t *source;    /* for movs */

static void run(void *arg)
{
    struct attempt *attempt = arg;

    form_run(attempt->form->code, &attempt->operands);
}

static struct operands operands_for(uint64_t *target, uint64_t value)
{
    return (struct operands){.rax = 0x0000123400005600,
                             .rcx = value,
                             .rdx = 0x0000432100008800,
                             .rbx = 0x0000567800000400,
                             .rsi = (uint64_t)source,
                             .rdi = (uint64_t)target,
                             .r8 = 1,
                             .r9 = value ^ 0xa00,
                             .rflags = 0x202};
}

/* The flags that arithmetic sets; AF is left out where the processor's manual leaves it undefined. */
static uint64_t flags_of(uint64_t rflags)
{
    return rflags & (RFLAGS_CF | RFLAGS_ZF | RFLAGS_SF | RFLAGS_PF | RFLAGS_OF);
}

static void compare(const char *name, const struct operands *want, const struct operands *got)
{
    const uint64_t shift = (uint64_t)l1_low - (uint64_t)plain_low;
    struct operands moved = *want;
    unsigned bad = 0;

    /* Addresses in registers differ by where the memory is. */
    moved.rdi += shift;
    moved.r8 = got->r8;
    for (unsigned i = 0; i < 7 && !bad; i++)
        bad = ((const uint64_t *)&moved)[i] == ((const uint64_t *)got)[i] ? 0 : i + 1;
    if (bad) {
        test_not_ok(name, "register %u (rax rcx rdx rbx rsi rdi) is %lx, expected %lx", bad - 1,
                    ((const uint64_t *)got)[bad - 1], ((const uint64_t *)&moved)[bad - 1]);
    } else if (flags_of(got->rflags) != flags_of(want->rflags)) {
        test_not_ok(name, "flags are %lx, expected %lx", got->rflags, want->rflags);
    }
}

/* The value that an entry has after an update to @value: a present one is adjusted. */
static uint64_t adjusted(uint64_t value)
{
    if (!(value & PTE_P))
        return value;
    if (!(value & PTE_USER))
        return value | PTE_USER | PTE_KERNEL52;
    return value & PTE_KERNEL52 ? value : value | PTE_G;
}

static bool same_entries(const char *name, uint64_t *from)
{
    for (unsigned i = MIDDLE - 4; i < MIDDLE + 6; i++) {
        if (l1[i] != adjusted(plain_low[i]) && l1[i] != plain_low[i]) {
            test_not_ok(name, "entry %u is %lx, expected %lx; it was %lx", i, l1[i], adjusted(plain_low[i]), from[i]);
            return false;
        }
    }
    return true;
}

static void prepare(uint64_t *from, uint64_t start)
{
    for (unsigned i = MIDDLE - 4; i < MIDDLE + 6; i++) {
        from[i] = start;
        plain_low[i] = start;
        if (table_write(&l1[i], start))
            test_error("entry %u cannot be prepared", i);
    }
}

/* One form: entries that hold @start, and @value in rcx.  Shows vm_assist.emulated. */
static void try_form(const struct form *form, const char *kind, uint64_t start, uint64_t value)
{
    struct attempt on_plain = {form, operands_for(&plain_low[MIDDLE], value)};
    struct attempt on_table = {form, operands_for(&l1_low[MIDDLE], value)};
    uint64_t from[32];
    struct fault fault;
    char name[96];

    print_to(name, sizeof(name), "%s: %s", kind, form->name);
    prepare(from, start);
    run(&on_plain);
    (void)trap_try(run, &on_table, &fault);
    if (fault.vector == TRAP_PF && form->optional) {
        test_note("not emulated, and need not be: %s", form->name);
        return;
    }
    if (fault.vector != TRAP_NONE) {
        test_not_ok(name, "%s with error %x, cr2 %lx, rip %lx", trap_name(fault.vector), fault.error, fault.cr2,
                    fault.regs.rip);
        return;
    }
    if (same_entries(name, from)) {
        test_ok(name);
        compare(name, &on_plain.operands, &on_table.operands);
    }
}

/*
 * Present entries: only what keeps the frame, so forms that scramble it are left out by running them on a copy first.
 */
static bool stays_acceptable(const struct form *form, uint64_t start, uint64_t value)
{
    struct attempt attempt = {form, operands_for(&plain_low[MIDDLE], value)};

    for (unsigned i = MIDDLE - 4; i < MIDDLE + 6; i++)
        plain_low[i] = start;
    run(&attempt);
    for (unsigned i = MIDDLE - 4; i < MIDDLE + 6; i++) {
        if ((plain_low[i] ^ start) & ~(PTE_A | PTE_D | PTE_RW | PTE_AVAIL))
            return false;
    }
    return true;
}

struct store {
    uint64_t *place;
    uint64_t value;
};

static void store_q(void *arg)
{
    struct store *store = arg;

    __asm__ volatile("movq %1, %0" : "=m"(*store->place) : "r"(store->value));
}

static void store_unaligned(void *arg)
{
    struct store *store = arg;

    __asm__ volatile("movq %1, %0" : "=m"(*(uint64_t *)((char *)store->place + 4)) : "r"(store->value));
}

static void locked_or(void *arg)
{
    struct store *store = arg;

    __asm__ volatile("lock orq %1, %0" : "+m"(*store->place) : "r"(store->value));
}

static void refused(const char *name, void (*how)(void *), uint64_t *place, uint64_t value)
{
    struct store store = {place, value};
    uint64_t before = *place;
    struct fault fault;

    (void)trap_try(how, &store, &fault);
    test_check(fault.vector == TRAP_PF && fault.error == (FAULT_PRESENT | FAULT_WRITE), name, "%s with error %x",
               trap_name(fault.vector), fault.error);
    if (*place != before)
        test_not_ok(name, "the entry changed from %lx to %lx", before, *place);
}

/* Shows vm_assist.emulation-refused. */
static void refusals(void)
{
    uint64_t *l2 = page_alloc();
    void *page = page_alloc();

    test_need(table_write(&l1[MIDDLE], pte_make(virt_to_mfn(page), PTE_KERNEL)), "present entry");
    refused("refused: the table itself, writable", store_q, &l1[MIDDLE], pte_make(virt_to_mfn(l1), PTE_KERNEL));
    refused("refused: no such frame", store_q, &l1[MIDDLE], pte_make(MFN(PTE_FRAME >> PAGE_SHIFT), PTE_KERNEL));
    refused("refused: a frame number beyond the machine's bits", store_q, &l1[MIDDLE],
            pte_make(virt_to_mfn(page), PTE_KERNEL) | UINT64_C(1) << 51);
    refused("refused: an or that makes it writable", locked_or, table_entry((uint64_t)l1, 1), PTE_RW);
    refused("refused: across two entries", store_unaligned, &l1[MIDDLE], 0);
    l2[0] = pte_make(virt_to_mfn(l1), PTE_TABLE);
    test_need(table_set_readonly(l2), "L2 read-only");
    test_need(table_pin(l2, 2), "pin the L2");
    refused("refused: an L2, though the value is harmless", store_q, &l2[0], 0);
    test_need(table_unpin(l2), "unpin the L2");
    test_need(table_set_writable(l2), "L2 writable");
}

/*
 * Who has not asked for it gets a fault for each store, whatever the value; the initial domain need not ask.  Shows
 * vm_assist.emulation-off.
 */
static void without_the_assist(const char *name)
{
    if (guest.start->flags & SIF_INITDOMAIN) {
        test_note("the initial domain: %s", name);
        return;
    }
    test_need(table_write(&l1[MIDDLE], 0), "an entry");
    refused(name, store_q, &l1[MIDDLE], 0x1230);
}

/* Memory at an address below 2^31, for the addressing forms with an index only. */
static uint64_t *map_low(uint64_t vaddr, void *page, uint64_t flags)
{
    test_need(table_make(vaddr), "tables for low addresses");
    test_need(table_map(vaddr, pte_make(virt_to_mfn(page), flags)), "low mapping");
    return (uint64_t *)vaddr;
}

static void set_up(void)
{
    l1 = page_alloc();
    source = page_alloc();
    for (unsigned i = 0; i < 8; i++)
        source[i] = 0x0000333300004400 + i * 0x200;
    test_need(table_set_readonly(l1), "L1 read-only");
    test_need(table_pin(l1, 1), "pin the L1");
    l1_low = map_low(WINDOW, l1, PTE_READONLY);
    plain_low = map_low(WINDOW + 0x2000, page_alloc(), PTE_KERNEL);
}

void test_main(void)
{
    uint64_t page, kernel;

    set_up();
    without_the_assist("refused: not asked for");
    test_need((int)hypercall_vm_assist(VMASST_CMD_enable, VMASST_TYPE_writable_pagetables), "vm_assist");
    page = virt_to_mfn(page_alloc()).v << PAGE_SHIFT;
    kernel = page | PTE_P | PTE_USER | PTE_KERNEL52;
    for (const struct form *form = form_table; form->name; form++)
        try_form(form, "absent", 0x00001111222233f0, 0x0000444455556660);
    for (const struct form *form = form_table; form->name; form++) {
        uint64_t start = kernel | PTE_A | PTE_D | PTE_RW, value = start ^ (PTE_D | 0x200);

        if (stays_acceptable(form, start, value))
            try_form(form, "present", start, value);
    }
    refusals();
    test_need((int)hypercall_vm_assist(VMASST_CMD_disable, VMASST_TYPE_writable_pagetables), "vm_assist");
    without_the_assist("refused: not asked for any more");
}

/* SPDX-License-Identifier: MIT */
/*
 * Virtual-8086 mode, which no processor has within long mode, but QEMU 7.2 lets ring 3 enter by iretl, with any
 * flags and any code segment.  What comes out of there is nothing that a processor could hand over: it has to become a
 * #GP(0) of the guest's kernel, with a frame that a guest may have, from user mode as from the kernel's own.
 *
 * Every combination of origin, code segment, instruction and flags is tried, each after the other by one kernel.
 * "step=N" tries every Nth, "nmi=0" leaves out what only an NMI can end, and "crash=1" tries one without a handler.
 */
#include <abi/physdev.h>
#include <guest/event.h>
#include <guest/guest.h>
#include <guest/hypercall.h>
#include <guest/print.h>
#include <guest/processor.h>
#include <guest/string.h>
#include <guest/table.h>
#include <guest/time.h>
#include <guest/user.h>
#include <guests/tests/lib/test.h>
#include <guests/tests/vm86/combination.h>
#include <guests/tests/vm86/enter.h>

#define EXIT_PORT   0xf4
#define STATUS_PORT 0x3fd
#define CODE_AT     0x10000u
#define HIGH_AT     0xe0000u
#define GS_AT       UINT64_C(0x12345000)
#define SOON        UINT64_C(50000) /* nanoseconds */

/* First bytes that need something on the stack. */
#define OPERAND_SIZE 0x66
#define POPF         0x9d

extern const char vm86_enter[], vm86_enter_end[];

static bool ticking;
static unsigned ticks, nr_by_nmi, nr_by_interrupt;

unsigned nr_tried, nr_bad;
struct found found;

static uint8_t in(uint16_t port)
{
    uint8_t value;

    __asm__ volatile("inb %1, %0" : "=a"(value) : "d"(port));
    return value;
}

static void find_segments(void)
{
    __asm__ volatile("movw %%cs, %0; movw %%ss, %1" : "=r"(found.cs), "=r"(found.ss));
    __asm__ volatile("movw %%ds, %0; movw %%es, %1; movw %%fs, %2; movw %%gs, %3"
                     : "=r"(found.data[0]), "=r"(found.data[1]), "=r"(found.data[2]), "=r"(found.data[3]));
    __asm__ volatile("movw %w0, %%ds; movw %w0, %%es; movw %w0, %%fs" ::"r"(0));
}

/* Every way in but that of events. */
static bool arrive(struct regs *regs)
{
    uint64_t here = (uint64_t)regs;

    __asm__ volatile("pushfq; popq %0" : "=r"(found.rflags));
    find_segments();
    if (regs->cs & 3)
        __asm__ volatile("movq %%gs:0, %0" : "=r"(found.gs_word));
    found.is_on_vm86_stack = here >= VM86_STACK_AT && here < VM86_STACK_AT + VM86_STACK_PAGES * PAGE_SIZE;
    found.exit_port = in(EXIT_PORT);
    found.status_port = in(STATUS_PORT);
    user_end(regs);
    return false;
}

static void tick(evtchn_port_t port)
{
    (void)port;
    ticks++;
    if (ticking)
        test_need(timer_set(time_now() + SOON), "timer");
}

/*
 * ---- One combination.
 */

static uint8_t *low_page, *code_page, *high_page, *stack;

/* Where segment @cs begins. */
static uint8_t *bytes_of(uint16_t cs)
{
    uint8_t *page = !cs ? low_page : cs >= HIGH_AT / 16 ? high_page : code_page;

    return page + cs * 16u % PAGE_SIZE;
}

/* What iret, a far return and popf find: the next instruction, and flags. */
static void fill_stack(const struct combination *it)
{
    uint8_t first = codes[it->code].bytes[0];
    uint16_t *words = (uint16_t *)(stack + VM86_ESP - VM86_STACK_AT);
    uint32_t *longs = (uint32_t *)words;

    if (first == OPERAND_SIZE) {
        longs[0] = 2;
        longs[1] = segments[it->segment];
        longs[2] = (uint32_t)(it->flags | FLAG_ONE);
    } else {
        words[0] = first == POPF ? (uint16_t)(it->flags | FLAG_ONE) : 1;
        words[1] = segments[it->segment];
        words[2] = (uint16_t)(it->flags | FLAG_ONE);
    }
}

static void try(const struct combination *it)
{
    bool loops = codes[it->code].ending == LOOPS && !(it->flags & RFLAGS_TF);
    unsigned before = ticks;
    struct regs regs;

    fill_stack(it);
    user_regs_init(&regs, USER_BASE);
    regs.cs = origins[it->origin].cs;
    regs.rsp = VM86_ESP;
    regs.rdi = it->flags | FLAG_VM | FLAG_ONE;
    regs.rsi = segments[it->segment];
    regs.rdx = it->data;
    regs.rflags = it->is_masked ? 0 : RFLAGS_IF;
    if (loops) {
        ticking = true;
        test_need(timer_set(time_now() + SOON), "timer");
    }
    (void)user_run(&regs);
    ticking = false;
    judge(it, &regs);
    if (is_kernel(it))
        (void)hypercall_set_segment_base(SEGBASE_GS_KERNEL, GS_AT);
    while (loops && ticks == before)
        event_wait(); /* an interrupt that is lost is waited for in vain */
    event_disable();
    nr_by_nmi += loops && !(it->flags & RFLAGS_IF);
    nr_by_interrupt += loops && it->flags & RFLAGS_IF;
}

/*
 * ---- All of them.
 */

static uint64_t step, nmi;

/* Which are not tried: those that would take long, all but a few; a kernel entered without a stack cannot go on. */
static bool is_left_out(const struct combination *it, unsigned bits)
{
    bool waits = codes[it->code].ending == LOOPS && !(it->flags & (RFLAGS_TF | RFLAGS_IF));

    if (waits && (!nmi || bits >= NR_FLAGS_BRIEF))
        return true;
    return is_sysenter(it) && is_kernel(it);
}

static void try_flags(struct combination *it)
{
    static unsigned number;
    unsigned count = codes[it->code].brief ? NR_FLAGS_BRIEF : NR_FLAGS;

    memcpy(bytes_of(segments[it->segment]), codes[it->code].bytes, sizeof(codes[0].bytes));
    for (unsigned bits = 0; bits < count; bits++) {
        it->flags = flags_of(bits);
        it->data = data_segments[number % NR_DATA_SEGMENTS];
        it->is_masked = number / 7 % 2 && codes[it->code].ending != LOOPS;
        if (number++ % step == 0 && !is_left_out(it, bits))
            try(it);
    }
}

static void try_code(unsigned origin, unsigned code)
{
    struct combination it = {.origin = origin, .code = code};
    unsigned bad = nr_bad, tried = nr_tried;
    char name[80];

    for (it.segment = 0; it.segment < NR_SEGMENTS; it.segment++)
        try_flags(&it);
    print_to(name, sizeof(name), "%s, %s", origins[origin].name, codes[code].name);
    if (nr_tried != tried)
        test_check(nr_bad == bad, name, "%u of %u are wrong", nr_bad - bad, nr_tried - tried);
}

/* Without a handler it is the guest's end. */
static void crash(void)
{
    struct combination it = {.origin = (unsigned)guest_option("origin", 0)};

    memcpy(bytes_of(segments[0]), codes[0].bytes, sizeof(codes[0].bytes));
    test_need((int)hypercall_set_trap_table(NULL), "no handlers");
    try(&it);
    test_not_ok("no handler", "the guest goes on");
}

static void make_memory(void)
{
    uint64_t *gs_page = page_alloc();

    gs_page[0] = GS_WORD;
    low_page = page_alloc();
    code_page = page_alloc();
    high_page = page_alloc();
    stack = pages_alloc(VM86_STACK_PAGES);
    test_need(user_map(0, low_page, PTE_PROGRAM), "page 0");
    test_need(user_map(CODE_AT, code_page, PTE_PROGRAM), "code");
    test_need(user_map(HIGH_AT, high_page, PTE_PROGRAM), "code further up");
    test_need(user_map(GS_AT, gs_page, PTE_PROGRAM), "the kernel's gs");
    for (unsigned i = 0; i < VM86_STACK_PAGES; i++)
        test_need(user_map(VM86_STACK_AT + i * PAGE_SIZE, stack + i * PAGE_SIZE, PTE_PROGRAM), "stack");
    test_need(user_init(), "user mode");
    test_need(user_load(USER_BASE, vm86_enter, vm86_enter_end), "the way in");
    test_need((int)hypercall_set_segment_base(SEGBASE_GS_KERNEL, GS_AT), "the kernel's gs");
}

void test_main(void)
{
    struct physdev_set_iopl iopl = {.iopl = 1}; /* the kernel's own reads of ports are carried out, and find nothing */

    step = guest_option("step", 1);
    nmi = guest_option("nmi", 1);
    make_memory();
    test_need((int)hypercall_physdev_op(PHYSDEVOP_set_iopl, &iopl), "I/O privilege");
    test_need(timer_init(tick), "timer");
    for (unsigned vector = 0; vector < NR_VECTORS; vector++) {
        if (vector != VECTOR_EVENT)
            (void)trap_set_handler(vector, arrive);
    }
    if (guest_option("crash", 0))
        crash();
    for (unsigned origin = 0; origin < NR_ORIGINS; origin++) {
        for (unsigned code = 0; code < NR_CODES; code++)
            try_code(origin, code);
    }
    test_note("%u combinations, %u ended by an interrupt, %u by an NMI", nr_tried, nr_by_interrupt, nr_by_nmi);
}

/* SPDX-License-Identifier: MIT */
/*
 * Which of the processors that the firmware tells of are taken: each has an id of its own, without gaps, and of each
 * that is left alone it is said why; what was made for it is given back.  And each one's own way in.
 */
/* links: hv/cpu/online.c hv/boot/boot_info.c hv/base/ranges.c tests/hv/lib/said.c tests/hv/lib/port_halt.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <hv/base/asm.h>
#include <hv/base/layout.h>
#include <tests/hv/lib/said.h>

static uint8_t low[0x100000]; /* the first MiB of the machine */
static _Noreturn void halt(void);

/* Nothing can be at the hypervisor's addresses, and who halts has to come back. */
#undef IMAGE_BASE
#define IMAGE_BASE       ((uint64_t)low)
#define asm_halt_forever halt
#include <hv/processors.c>

#define OWN 4u /* the APIC of the first processor */

/* What becomes of a processor that is started. */
enum fate {
    GOOD,
    SILENT,  /* nothing is heard of it */
    SLOW,    /* it takes a second start-up interrupt */
    ODD,     /* it is not as the first is */
    STALLS,  /* it comes, but its clock is never compared */
    DRIFTS,  /* its clock is another one */
    LINGERS, /* its clock is compared, but it gets no further */
};

/* What is copied for real mode: two bytes. */
__asm__(".pushsection .rodata\n"
        ".globl other_real_mode, other_real_mode_end\n"
        "other_real_mode: .byte 0xfa, 0xf4\n"
        "other_real_mode_end:\n"
        ".popsection\n");

struct cpu cpu_boot;
uint64_t other_root, other_stack;

static struct machine machine;
static struct processors firmware; /* what the tables say */
static enum fate fates[256];
static unsigned starts[256], inits[256];
static uint32_t started; /* the APIC that was sent the last start-up interrupt */
static uint64_t now;
static bool is_compared; /* its clock has been */
static unsigned frames_left, frames_out, stacks_left, stacks_out;
static uint8_t stacks[MAX_CPUS][64] __attribute__((aligned(64)));
static void *made[2 * MAX_CPUS];
static unsigned nr_made;

const char *acpi_find_processors(const struct boot_memory *memory, uint64_t rsdp, struct processors *processors)
{
    (void)memory;
    assert_int_equal(rsdp, 77);
    *processors = firmware;
    return firmware.count ? NULL : "no tables";
}

/* The other side goes on while this one looks at the clock. */
uint64_t time_now(void)
{
    enum fate fate = fates[started];

    now += 100000;
    if (stage == STAGE_STARTING && !other_stack)
        stage = fate == ODD ? STAGE_ODD : STAGE_CLOCK;
    else if (stage == STAGE_CLOCK && is_compared && fate != LINGERS)
        stage = STAGE_READY;
    return now;
}

/* A tick is a nanosecond. */
struct time_reading time_read(void)
{
    return (struct time_reading){.now = now, .scale = {UINT32_C(1) << 31, 1}};
}

bool ipi_reaches(uint32_t apic)
{
    return apic < 255;
}

/* Whoever comes takes the stack. */
void ipi_send(uint32_t apic, uint32_t command)
{
    assert_true(apic < 255 && apic != OWN);
    if (command == IPI_INIT) {
        inits[apic]++;
        return;
    }
    assert_int_equal(command, IPI_START(0x9f));
    assert_true(inits[apic] > 0 && other_root == 0x5000);
    started = apic;
    starts[apic]++;
    if (fates[apic] != SILENT && (fates[apic] != SLOW || starts[apic] == 2))
        other_stack = 0;
}

void tsc_compare_begin(void)
{
    is_compared = false;
}

int tsc_compare_first(uint64_t ns, uint64_t *off)
{
    (void)ns;
    assert_int_equal(stage, STAGE_CLOCK);
    is_compared = true;
    *off = fates[started] == DRIFTS ? 5000 : 0;
    return fates[started] == STALLS ? -1 : 0;
}

uint64_t paging_root(void)
{
    return 0x5000;
}

bool machine_take(struct machine *from, unsigned order, mfn_t *first)
{
    assert_true(from == &machine && order == CPU_ORDER);
    if (frames_out == frames_left)
        return false;
    assert_in_range(nr_made, 0, ARRAY_SIZE(made) - 1);
    made[nr_made] = aligned_alloc(_Alignof(struct cpu), sizeof(struct cpu));
    assert_non_null(made[nr_made]);
    *first = MFN(nr_made++);
    frames_out++;
    return true;
}

void machine_give(struct machine *to, mfn_t first, unsigned order)
{
    assert_true(to == &machine && order == CPU_ORDER);
    free(made[first.v]);
    made[first.v] = NULL;
    frames_out--;
}

void *paging_ram(uint64_t maddr)
{
    return made[maddr >> PAGE_SHIFT];
}

bool stack_create(struct machine *of, unsigned number)
{
    (void)of;
    assert_in_range(number, WINDOW_OF_CPU + 1, WINDOW_OF_CPU + MAX_CPUS - 1);
    if (stacks_out == stacks_left)
        return false;
    stacks_out++;
    return true;
}

void stack_destroy(struct machine *of, unsigned number)
{
    (void)of, (void)number;
    stacks_out--;
}

uint64_t stack_top(unsigned number)
{
    return (uint64_t)stacks[number - WINDOW_OF_CPU] + sizeof(stacks[0]);
}

/*
 * ---- A processor's own way in.
 */

static jmp_buf out;
static char went[64];
static bool is_odd;

bool cpu_init_other(void)
{
    strcat(went, "cpu ");
    return !is_odd;
}

void apic_init_other(void)
{
    strcat(went, "apic ");
}

void state_init_other(void)
{
    strcat(went, "state ");
}

void hv_vcpu_switch(struct machine *of, struct hv_vcpu *vcpu)
{
    assert_true(of == &machine && !vcpu);
    strcat(went, "nobody ");
}

/* The first processor is satisfied, or has given this one up meanwhile. */
void tsc_compare_other(void)
{
    strcat(went, "clock ");
    assert_int_equal(stage, STAGE_CLOCK);
    if (inits[9])
        stage = STAGE_GIVEN_UP;
}

void sched_run_beside(struct machine *of)
{
    assert_ptr_equal(of, &machine);
    strcat(went, "runs");
    longjmp(out, 1);
}

static _Noreturn void halt(void)
{
    strcat(went, "halts");
    longjmp(out, 1);
}

static const char *go(unsigned from)
{
    stage = from;
    went[0] = '\0';
    machine_of_all = &machine;
    if (setjmp(out) == 0)
        arrive();
    return went;
}

/*
 * ---- Tests.
 */

static int set_up(void **state)
{
    (void)state;
    memset(&firmware, 0, sizeof(firmware));
    memset(fates, 0, sizeof(fates));
    memset(starts, 0, sizeof(starts));
    memset(inits, 0, sizeof(inits));
    memset(&cpu_boot, 0, sizeof(cpu_boot));
    cpu_boot.apic = OWN;
    cpu_set_online(&cpu_boot);
    said[0] = '\0';
    is_odd = false;
    frames_left = stacks_left = MAX_CPUS;
    return 0;
}

/* They stay known as online, as processors do that run: the next test's take their places. */
static int tear_down(void **state)
{
    (void)state;
    for (unsigned i = 0; i < nr_made; i++)
        free(made[i]);
    nr_made = frames_out = stacks_out = 0;
    return 0;
}

static void tell(uint32_t apic, enum fate fate)
{
    firmware.uids[firmware.count] = apic + 100;
    firmware.apics[firmware.count++] = apic;
    fates[apic & 255] = fate;
}

/* With RAM below 1 MiB up to the EBDA, unless there is @none. */
static void begin(unsigned most, bool none)
{
    static const struct boot_memory memory;
    struct boot_info info = {.rsdp = 77};

    if (!none)
        ranges_add(&info.ram, (struct range){PAGE_SIZE, 0xa0000});
    processors_find(&memory, &info);
    processors_start(&machine, most);
}

/* @count of them run, the first included, and what the others had is given back. */
static void expect(unsigned count)
{
    char line[32];

    snprintf(line, sizeof(line), "processors: %u\n", count);
    assert_said(line);
    assert_true(frames_out == count - 1 && stacks_out == count - 1);
}

/* In the table's order, but for the first, wherever that stands; each with the names that it has there. */
static void test_all(void **state)
{
    static const uint32_t apics[] = {OWN, 7, 0, 254};

    (void)state;
    tell(7, GOOD);
    tell(0, SLOW);
    tell(OWN, GOOD);
    tell(254, GOOD);
    begin(MAX_CPUS, false);
    expect(4);
    assert_int_equal(machine.tlb.cpus.bits, 15);
    for (unsigned i = 0; i < 4; i++) {
        const struct cpu *cpu = cpu_find(i);

        assert_true(cpu->id == i && cpu->acpi == apics[i] + 100);
        assert_int_equal(starts[apics[i]], apics[i] == OWN ? 0 : apics[i] == 0 ? 2 : 1);
    }
    assert_memory_equal(low + 0x9f000, "\xfa\xf4", 2);
    assert_unsaid("left alone");

    cpu_find(3)->for_locks = (struct wait_sum){.count = 5, .ticks = 7999, .halts = 1, .halts_ticks = 2001};
    cpu_find(3)->for_answers = (struct wait_sum){.count = 6, .ticks = 9000, .halts = 2, .halts_ticks = 3000};
    cpu_find(3)->requests = 4;
    cpu_find(3)->kicked = 1;
    processors_tell_waits();
    assert_said("processor 0 waited for locks 0 times, 0 us, of these 0 halts, 0 us; "
                "for answers 0 times, 0 us, of these 0 halts, 0 us; of 0 requests 0 took a kick\n");
    assert_said("processor 3 waited for locks 5 times, 7 us, of these 1 halts, 2 us; "
                "for answers 6 times, 9 us, of these 2 halts, 3 us; of 4 requests 1 took a kick\n");
}

/* One that is alone waits for nobody. */
static void test_nobody_waits(void **state)
{
    (void)state;
    processors_tell_waits();
    assert_string_equal(said, "");
}

/* The ids of those that run have no gaps, and each that does not is put to rest by a second reset. */
static void test_left_alone(void **state)
{
    static const uint32_t apics[] = {1, 2, 3, 5, 6};

    (void)state;
    tell(OWN, GOOD);
    tell(1, SILENT);
    tell(2, ODD);
    tell(3, STALLS);
    tell(5, DRIFTS);
    tell(6, LINGERS);
    tell(255, GOOD);
    tell(8, GOOD);
    begin(MAX_CPUS, false);
    expect(2);
    assert_said("APIC 1 is left alone: it does not come up");
    assert_said("APIC 2 is left alone: CPUID tells of it other than of the first");
    assert_said("APIC 3 is left alone: it does not come up");
    assert_said("a TSC is 5000 ticks or more");
    assert_said("APIC 5 is left alone: it has a clock of its own");
    assert_said("APIC 6 is left alone: it does not come up");
    assert_said("APIC 255 is left alone: that takes an x2APIC");
    for (unsigned i = 0; i < ARRAY_SIZE(apics); i++)
        assert_int_equal(inits[apics[i]], 2);
    assert_int_equal(inits[8], 1);
    assert_true(cpu_find(1)->id == 1 && cpu_find(1)->acpi == 108);
}

static void test_most(void **state)
{
    (void)state;
    for (unsigned i = 0; i < MAX_CPUS; i++)
        tell(i, GOOD);
    firmware.left_out = 6;
    begin(3, false);
    expect(3);
    assert_int_equal(starts[3], 0);
    assert_unsaid("there is room");
    tear_down(state);
    said[0] = '\0';
    begin(MAX_CPUS, false);
    expect(MAX_CPUS);
    assert_said("6 processors are left alone: there is room for 64");
}

static void test_no_memory(void **state)
{
    (void)state;
    tell(OWN, GOOD);
    tell(1, GOOD);
    tell(2, GOOD);
    tell(3, GOOD);
    frames_left = 2;
    stacks_left = 1;
    begin(MAX_CPUS, false);
    expect(2);
    assert_said("APIC 2 is left alone: there is no memory for it");
    assert_said("APIC 3 is left alone: there is no memory for it");
}

/* Where none is known, one processor is what was wished for, or a reason is told. */
static void test_none_known(void **state)
{
    (void)state;
    begin(1, false);
    expect(1);
    assert_unsaid("one processor runs");
    begin(2, false);
    assert_said("one processor runs: no tables");
    said[0] = '\0';
    tell(OWN, GOOD);
    tell(1, GOOD);
    begin(2, true);
    expect(1);
    assert_said("one processor runs: there is no memory below 1 MiB to start them in");
    assert_int_equal(starts[1], 0);
}

/* It waits for the word to go on; it halts where it is not as the first is, or has been given up. */
static void test_arrive(void **state)
{
    (void)state;
    assert_string_equal(go(STAGE_GIVEN_UP), "cpu apic state nobody halts");
    is_odd = true;
    assert_string_equal(go(STAGE_STARTING), "cpu halts");
    assert_int_equal(stage, STAGE_ODD);
    is_odd = false;
    inits[9] = 1;
    assert_string_equal(go(STAGE_STARTING), "cpu apic state nobody clock halts");
    assert_int_equal(stage, STAGE_GIVEN_UP);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_nobody_waits), TEST(test_all),        TEST(test_left_alone), TEST(test_most),
        TEST(test_no_memory),    TEST(test_none_known), TEST(test_arrive),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

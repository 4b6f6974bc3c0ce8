/* SPDX-License-Identifier: MIT */
/* The last words of a hypervisor that cannot go on: what is printed, once, and the code that the run ends with. */
/* links: hv/cpu/fault.c hv/cpu/lock_print.c tests/hv/lib/fake_cpu.c tests/hv/lib/said.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include <engine/port.h>
#include <hv/base/exit.h>
#include <hv/base/layout.h>
#include <hv/base/serial.h>
#include <hv/base/symbol.h>
#include <hv/cpu/cpu.h>
#include <hv/cpu/fault.h>
#include <hv/cpu/stop.h>
#include <hv/cpu/trap.h>
#include <tests/hv/lib/fake_cpu.h>
#include <tests/hv/lib/said.h>

/* There is no image here, so no word of a stack is a call's. */
const uint8_t image_text_start[1], image_text_end[1];
struct cpu cpu_boot;

static bool speaks; /* this processor, already */
static struct cpu others[2] = {{.id = 1}, {.id = 2}};
static struct cpu_frame places[2];
static unsigned online;
static unsigned ended_with;
static bool alone;
static jmp_buf ended;

const char *symbol_find(uint64_t address, uint64_t *offset)
{
    *offset = address - 0x1000;
    return address >= 0x1000 && address < 0x2000 ? "somewhere" : NULL;
}

/* Nobody is waited for from the first word on, who may have been stopped while he had the line. */
void serial_last_words(void)
{
    assert_string_equal(said, "");
    alone = true;
}

static struct lock house = LOCK_INIT(LOCK_HOUSE, 0), domain = LOCK_INIT(LOCK_DOMAIN, 3);

/* The stack cannot be read, and locks can. */
size_t copy_recover(void *to, const void *from, size_t size)
{
    if (from != &house && from != &domain)
        return size;
    memcpy(to, from, size);
    return 0;
}

_Noreturn void exit_with(unsigned code)
{
    ended_with = code;
    assert_true(alone);
    longjmp(ended, 1);
}

bool stop_others(void)
{
    if (speaks)
        return false;
    return speaks = true;
}

const struct cpu_frame *stop_place(const struct cpu *cpu)
{
    if (cpu->id == 0 || !places[cpu->id - 1].rip)
        return NULL;
    return &places[cpu->id - 1];
}

struct cpu *cpu_find(unsigned id)
{
    return id >= online ? NULL : id == 0 ? &cpu_boot : &others[id - 1];
}

static void begin(void)
{
    online = 1;
    fake_cpu_reset();
    said[0] = '\0';
    ended_with = 0;
    alone = false;
    cpu_boot.is_watched = true;
}

static void test_broken_invariant(void **state)
{
    (void)state;
    begin();
    speaks = false;
    if (setjmp(ended) == 0)
        port_halt("some/file.c", 12, "a == b");
    assert_int_equal(ended_with, EXIT_BROKEN);
    assert_said("broken invariant: some/file.c:12: a == b\n");
    assert_said("calls, innermost first:\n");
}

/* The watch ends with the first word, or a long report would become a hang; a fault while reporting is the last. */
static void test_fault(void **state)
{
    const struct cpu_frame frame = {.vector = VECTOR_PROTECTION,
                                    .error = 0x10,
                                    .rip = 0x1234,
                                    .cs = HV_CS,
                                    .ss = HV_DS,
                                    .rflags = 0x46,
                                    .r15 = 0x77};

    (void)state;
    begin();
    speaks = false;
    if (setjmp(ended) == 0)
        fault_report(&frame);
    assert_int_equal(ended_with, EXIT_BROKEN);
    assert_false(cpu_boot.is_watched);
    assert_said("hypervisor fault: vector 13, #GP general protection, error code 10\n");
    assert_said("0000000000001234 somewhere+0x234");
    assert_said("r15 0000000000000077\n");
    assert_said("calls, innermost first:\n");

    begin();
    if (setjmp(ended) == 0)
        fault_report_hang(&frame);
    assert_int_equal(ended_with, EXIT_BROKEN);
    assert_said("another fault while the first was being reported: vector 13, rip 0000000000001234\n");
    assert_unsaid("r15");
}

/* Whoever speaks, it says where the others are. */
static void test_others(void **state)
{
    const struct cpu_frame frame = {.vector = VECTOR_PROTECTION, .rip = 0x1234, .cs = HV_CS};

    (void)state;
    begin();
    speaks = false;
    online = 3;
    places[0] = (struct cpu_frame){.rip = 0x1456, .cs = HV_CS};
    places[1] = (struct cpu_frame){.rip = 0x40, .cs = 0xe033};
    if (setjmp(ended) == 0)
        fault_report(&frame);
    assert_said("processor 1: in the hypervisor, rip 0000000000001456 somewhere+0x456\n");
    assert_said("processor 2: in a guest, rip 0000000000000040\n");
    begin();
    speaks = false;
    online = 3;
    places[1].rip = 0;
    cpu_of_thread = &others[0];
    if (setjmp(ended) == 0)
        port_halt("some/file.c", 12, "a == b");
    cpu_of_thread = NULL;
    assert_said("processor 0: ");
    assert_unsaid("processor 1: ");
    assert_said("processor 2: it does not answer\n");
}

/* And what each holds and waits for. */
static void test_locks(void **state)
{
    (void)state;
    begin();
    speaks = false;
    online = 3;
    house.ticket = (struct ticket){6, 4};
    domain.outer = &house;
    cpu_boot.innermost = &domain;
    others[0].awaited = &house;
    others[0].awaited_number = 5;
    others[0].waits = 3;
    others[0].rests = true;
    others[0].nmi_ticks = 40;
    others[1].waits = 1;
    if (setjmp(ended) == 0)
        port_halt("some/file.c", 12, "a == b");
    assert_said(
        "  holds domain, 3: ticket 0 is served, 0 is the next\n  holds the house, 0: ticket 4 is served, 6 is the "
        "next\nprocessor 1: ");
    assert_said(" ticks of the TSC and 40 NMIs, resting, with ticket 5 for the house, 0: ticket 4 is served, 6 is");
    assert_said(" ticks of the TSC and 0 NMIs, for answers\n");
    cpu_boot.innermost = (struct lock *)&speaks; /* nonsense */
    others[0] = (struct cpu){.id = 1};
    others[1] = (struct cpu){.id = 2};
    begin();
    speaks = false;
    if (setjmp(ended) == 0)
        port_halt("some/file.c", 12, "a == b");
    assert_unsaid("holds");
    assert_unsaid("waits");
    cpu_boot.innermost = NULL;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_broken_invariant),
        cmocka_unit_test(test_fault),
        cmocka_unit_test(test_others),
        cmocka_unit_test(test_locks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

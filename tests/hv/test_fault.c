/* SPDX-License-Identifier: MIT */
/* The last words of a hypervisor that cannot go on: what is printed, once, and the code that the run ends with. */
/* links: hv/cpu/fault.c tests/hv/lib/fake_cpu.c tests/hv/lib/said.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <engine/port.h>
#include <hv/base/exit.h>
#include <hv/base/layout.h>
#include <hv/base/print.h>
#include <hv/base/serial.h>
#include <hv/base/symbol.h>
#include <hv/cpu/cpu.h>
#include <hv/cpu/fault.h>
#include <hv/cpu/lock_print.h>
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

size_t copy_recover(void *to, const void *from, size_t size)
{
    (void)to;
    (void)from;
    return size;
}

void lock_print(const struct cpu *cpu)
{
    print("  locks of %u\n", cpu->id);
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

/* And what each holds. */
static void test_locks(void **state)
{
    (void)state;
    begin();
    speaks = false;
    online = 2;
    if (setjmp(ended) == 0)
        port_halt("some/file.c", 12, "a == b");
    assert_said("  locks of 0\nprocessor 1: in the hypervisor, rip 0000000000001456 somewhere+0x456\n");
    assert_said("  locks of 1\n");
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

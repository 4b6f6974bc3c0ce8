/* SPDX-License-Identifier: MIT */
/* One stream: where it runs, and its units. */
#include <guest/memory.h>
#include <guests/tests/streams/emit.h>
#include <guests/tests/streams/stream.h>

#define UNITS_LEAST 4u
#define BYTES_MOST  12u

struct stream stream;

static uint64_t state;

/* splitmix64: neighbouring seeds have nothing in common. */
void random_seed(uint64_t seed)
{
    state = seed;
}

uint64_t random(void)
{
    uint64_t mixed = state += 0x9e3779b97f4a7c15;

    mixed = (mixed ^ mixed >> 30) * 0xbf58476d1ce4e5b9;
    mixed = (mixed ^ mixed >> 27) * 0x94d049bb133111eb;
    return mixed ^ mixed >> 31;
}

static generator *choose(const struct weighted *from)
{
    unsigned total = 0, chosen;

    for (const struct weighted *it = from; it->generate; it++)
        total += it->weight;
    chosen = below(total);
    while (chosen >= from->weight) {
        chosen -= from->weight;
        from++;
    }
    return from->generate;
}

static void random_bytes(void)
{
    for (unsigned count = 1 + below(BYTES_MOST); count; count--)
        emit(below(256));
}

static void generate_unit(bool is_wild)
{
    if (is_wild && one_in(8))
        random_bytes();
    else if (one_in(2))
        choose(transfers)();
    else
        choose(instructions)();
    emit_unit();
}

/* Behind the last unit, and before the first, whatever gets there comes back. */
static void fill(void)
{
    for (unsigned i = 0; i < CODE_SIZE; i += 2) {
        *machine_memory(CODE_AT + i) = 0x0f;
        *machine_memory(CODE_AT + i + 1) = 0x0b; /* ud2 */
    }
}

void stream_generate(bool is_kernel, bool is_wild)
{
    unsigned units = UNITS_LEAST + below(UNITS_MAX / 2);

    stream.bits = ONE_OF(machine_sizes);
    stream.is_kernel = is_kernel;
    stream.is_stepped = one_in(3);
    stream.has_breakpoints = one_in(3);
    stream.is_flat = stream.has_breakpoints && (one_in(2) || KERNEL_RING != 3);
    stream.cs = machine_code_selector(stream.bits);
    stream.ss = machine_stack_selector(stream.bits);
    machine_set_bases(!stream.is_flat);
    machine_set_gates(is_kernel);
    fill();
    emit_begin();
    while (stream.nr_units < units)
        generate_unit(is_wild);
}

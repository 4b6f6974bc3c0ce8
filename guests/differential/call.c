/* SPDX-License-Identifier: MIT */
/* One call of each kind: its arguments chosen, made, and what came back recorded. */
#include <guest/hypercall.h>
#include <guest/string.h>
#include <guests/differential/call.h>
#include <guests/differential/pointer.h>
#include <guests/differential/say.h>
#include <guests/differential/world.h>

static uint32_t first_port;

void call_set_first_port(uint32_t port)
{
    first_port = port;
}

long call(uint64_t number, uint64_t a1, uint64_t a2, uint64_t a3, uint64_t a4, uint64_t a5)
{
    register uint64_t r10 __asm__("r10") = a4;
    register uint64_t r8 __asm__("r8") = a5;
    register uint64_t r9 __asm__("r9") = 0;
    long result;

    __asm__ volatile("syscall"
                     : "=a"(result), "+D"(a1), "+S"(a2), "+d"(a3), "+r"(r10), "+r"(r8), "+r"(r9)
                     : "0"(number)
                     : "rcx", "r11", "memory");
    return result;
}

static uint64_t load(const char *memory, const struct field *field)
{
    uint64_t value = 0;

    memcpy(&value, memory + field->offset, field->size);
    return value;
}

static void say_kind(enum kind kind, uint64_t value, unsigned size)
{
    switch (kind) {
    case KIND_FRAME:
        say_frame(value);
        break;
    case KIND_PORT:
        say("first+%x", (uint32_t)value - first_port);
        break;
    case KIND_SIGNED:
        say("%d", size == 2 ? (int16_t)value : (int32_t)value);
        break;
    case KIND_ENTRY:
        say_entry(value);
        break;
    case KIND_DOMAIN:
        say((uint16_t)value == own_domain ? "own" : "%lx", value);
        break;
    case KIND_SOME:
        say("some");
        break;
    default:
        say("%lx", value);
    }
}

/* Fill the structure from the menus. */
static void fill(const struct op *op, char *memory)
{
    for (unsigned i = 0; i < op->nr_fields; i++) {
        const struct field *field = &op->fields[i];

        if (field->menu) {
            uint64_t value = choose(field->name, field->menu);

            memcpy(memory + field->offset, &value, field->size);
        }
    }
}

static void say_changes(const struct op *op, const char *was, const char *is)
{
    for (unsigned i = 0; i < op->nr_fields; i++) {
        const struct field *field = &op->fields[i];

        if (load(was, field) != load(is, field)) {
            say(" %s=", field->name);
            say_kind(field->kind, load(is, field), field->size);
        }
    }
}

static long perform(uint64_t number, const struct op *op, uint64_t address, uint64_t middle)
{
    switch (op->shape) {
    case SHAPE_COUNTED:
        return call(number, op->command, address, op->middle ? middle : 1, 0, 0);
    case SHAPE_MIDDLE:
        return call(number, op->command, middle, address, 0, 0);
    case SHAPE_ALONE:
        return call(number, address, 0, 0, 0, 0);
    default:
        return call(number, op->command, address, 0, 0, 0);
    }
}

/* Where the argument lies; nowhere for an operation without one, and mostly so for one that must not have one. */
static enum pointer_kind choose_kind(const struct op *op)
{
    static const enum pointer_kind unreadable[] = {POINTER_NULL,         POINTER_EDGE,       POINTER_UNMAPPED,
                                                   POINTER_NONCANONICAL, POINTER_HYPERVISOR, POINTER_WRAP};
    enum pointer_kind kind = op->unreadable ? unreadable[choose_number(ARRAY_SIZE(unreadable))] : pointer_choose();

    if (!op->nr_fields && !op->unreadable)
        kind = choose_seldom(3) ? kind : POINTER_NULL;
    say(" %s", op->name);
    if (kind != POINTER_GOOD)
        say(" at=%s", pointer_name(kind));
    return kind;
}

static void once(const struct group *group, const struct op *op)
{
    static char was[PAGE_SIZE];
    unsigned size = op->size ? op->size : sizeof(uint64_t);
    enum pointer_kind kind;
    uint64_t address, middle;
    char *memory;
    long result;

    say_begin(group->name);
    kind = choose_kind(op);
    middle = op->middle ? choose("for", op->middle) : 0;
    memory = pointer_make(PLACE_ARGUMENT, kind, size, &address);
    fill(op, memory);
    if (op->before)
        op->before(memory);
    pointer_put(PLACE_ARGUMENT);
    memcpy(was, memory, size);
    say_calling();
    result = perform(group->number, op, address, middle);
    pointer_get(PLACE_ARGUMENT);
    if (op->some && result > 0)
        say(" some");
    else
        say_result(result);
    say_changes(op, was, memory);
    if (op->after)
        op->after(result, memory);
    world_check();
    say_end();
}

void call_group(const struct group *group)
{
    for (unsigned i = 0; i < group->nr_ops; i++) {
        for (unsigned time = 0; time < group->ops[i].times; time++)
            once(group, &group->ops[i]);
    }
}

long call_plain(const char *group, const char *name, uint64_t number, const struct menu *const menus[3])
{
    uint64_t args[3] = {0};
    long result;

    say_begin(group);
    say(" %s", name);
    for (unsigned i = 0; i < 3 && menus[i]; i++) {
        say(" ");
        args[i] = choose(NULL, menus[i]);
    }
    say_calling();
    result = call(number, args[0], args[1], args[2], 0, 0);
    say_result(result);
    world_check();
    say_end();
    return result;
}

/* SPDX-License-Identifier: MIT */
/*
 * Instructions at random, mostly those that change segments, rings and modes, in 16 and 32-bit code of rings 2 and 3.
 * Whatever comes of it, the kernel, which has a stack that they do not reach, takes the trap and sends them on.
 */
#include <abi/segment.h>
#include <guest/event.h>
#include <guest/guest.h>
#include <guest/memory.h>
#include <guest/string.h>
#include <guest/table.h>
#include <guest/time.h>
#include <guest/trap.h>
#include <guest/user.h>
#include <guests/tests/lib/test.h>
#include <guests/tests/rings/rings.h>

#define UNITS      24u
#define UNIT_SIZE  48u
#define TRAPS      20u
#define SLICE      UINT64_C(1000000) /* nanoseconds for one round */
#define EFLAGS_IF  0x200u
#define EFLAGS_ALL 0x7f7fd7u

static uint64_t state;
static uint8_t *page, *at; /* the code, and where the next byte goes */
static uint16_t cs, ss;
static uint32_t base;
static unsigned traps, total, kinds[NR_VECTORS];
static bool running, expired;
static trap_handler *deliver;

static uint32_t draw(uint32_t below)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (uint32_t)(state >> 32) % below;
}

static uint32_t draw_selector(void)
{
    switch (draw(4)) {
    case 0:
        return draw(0x10000);
    case 1:
        return SELECTOR(draw(NR_DESCRIPTORS), draw(8));
    default:
        return FIRST_RESERVED_GDT_BYTE + draw(0x50);
    }
}

/*
 * ---- Units, each at a place of its own.
 */

static void put(const char *bytes, size_t size)
{
    memcpy(at, bytes, size);
    at += size;
}
#define PUT(bytes) put(bytes, sizeof(bytes) - 1)

static void put32(uint32_t value)
{
    memcpy(at, &value, sizeof(value));
    at += sizeof(value);
}

static void push(uint32_t value)
{
    PUT("\x68");
    put32(value);
}

static uint32_t unit_address(void)
{
    return base + draw(UNITS) * UNIT_SIZE;
}

static void put_one(const char *const *choices, unsigned count)
{
    const char *chosen = choices[draw(count)];

    put(chosen, strlen(chosen));
}
#define PUT_ONE(choices) put_one(choices, ARRAY_SIZE(choices))

static void loads(void)
{
    static const char *const pops[] = {"\x1f", "\x07", "\x17", "\x0f\xa1", "\x0f\xa9"};
    static const char *const pointers[] = {"\xc5\x04\x24", "\xc4\x04\x24", "\x0f\xb2\x24\x24", "\x0f\xb4\x04\x24",
                                           "\x0f\xb5\x04\x24"};

    push(draw_selector());
    if (draw(2)) {
        PUT_ONE(pops);
        return;
    }
    push(draw(2) ? USER_STACK_END - 64 : draw(UINT32_MAX));
    PUT_ONE(pointers);
}

static void returns(void)
{
    static const char *const forms[] = {"\xcf", "\xcf", "\xcf", "\x66\xcf", "\xcb", "\x66\xcb", "\xca\x08", "\x9d"};

    push(draw_selector());
    push(USER_STACK_END - 64);
    push(draw(2) ? draw(UINT32_MAX) : EFLAGS_ALL & draw(UINT32_MAX));
    push(draw(3) ? cs : draw_selector());
    push(unit_address());
    if (draw(4) == 0)
        push(draw(UINT32_MAX)); /* then the words mean something else */
    PUT_ONE(forms);
}

static void jumps(void)
{
    uint32_t selector = draw_selector();

    put(draw(2) ? "\xea" : "\x9a", 1);
    put32(unit_address());
    put((const char *)&selector, 2);
}

static void interrupts(void)
{
    static const char *const forms[] = {"\xcc",     "\xce",     "\xf1",     "\x0f\x05", "\x0f\x34", "\x0f\x35",
                                        "\x0f\x07", "\xcd\x80", "\xcd\x82", "\xcd\x20", "\xcd\x02", "\xcd\x0e"};

    if (draw(4) == 0) { /* behind a load of ss, which holds traps off */
        push(ss);
        PUT("\x17");
    }
    PUT_ONE(forms);
}

static void privileged(void)
{
    static const char *const forms[] = {
        "\xfa",         "\xfb",         "\xf4",         "\x0f\x06",     "\x0f\x09",     "\x0f\x32",     "\x0f\x30",
        "\x0f\x20\xc0", "\x0f\x22\xd8", "\x0f\x22\xe0", "\x0f\x21\xf8", "\x0f\x23\xf8", "\x0f\x01\xd0", "\x0f\x01\xd1",
        "\xe4\x80",     "\xe6\x80",     "\xec",         "\x6d",         "\x0f\xa2",     "\x0f\x31",     "\x0f\x01\xf8",
    };
    static const char *const tables[] = {"\x0f\x01\x04\x24", "\x0f\x01\x14\x24", "\x0f\x01\x1c\x24", "\x0f\x01\x34\x24",
                                         "\x0f\x01\x3c\x24", "\x0f\x00\xd0",     "\x0f\x00\xd8",     "\x0f\x00\xc0"};

    if (draw(2)) {
        PUT("\xb9");
        put32(draw(2) ? 0xc0000080 + draw(0x90) : 0x170 + draw(16));
        PUT("\xb8");
        put32(draw(UINT32_MAX));
    }
    if (draw(3))
        PUT_ONE(forms);
    else
        PUT_ONE(tables);
}

static void looks(void)
{
    static const char *const forms[] = {"\x0f\x02\xc8", "\x0f\x03\xc8", "\x0f\x00\xe0", "\x0f\x00\xe8", "\x63\xc8"};

    PUT("\xb8");
    put32(draw_selector());
    PUT_ONE(forms);
}

static void others(void)
{
    static const char *const forms[] = {"\xc8\x10\x00\x01", "\xc9",     "\x60\x61", "\x62\x04\x24", "\xdb\xe3",
                                        "\x0f\x77",         "\x9c\x9d", "\xfd",     "\xd9\xe8",     "\x0f\xae\x04\x24"};

    if (draw(3)) {
        PUT_ONE(forms);
        return;
    }
    for (unsigned i = 0; i < 8; i++) {
        char byte = (char)draw(256);

        put(&byte, 1);
    }
}

static void fill(void)
{
    static void (*const makers[])(void) = {loads, returns, returns, jumps, interrupts, privileged, looks, others};

    memset(page, 0xcc, PAGE_SIZE);
    for (unsigned i = 0; i < UNITS; i++) {
        at = page + i * UNIT_SIZE;
        makers[draw(ARRAY_SIZE(makers))]();
    }
}

/*
 * ---- Rounds.
 */

static void set_out(struct regs *regs)
{
    regs->eip = unit_address();
    regs->cs = cs;
    regs->ss = ss;
    regs->esp = (uint32_t)USER_STACK_END - 128;
    regs->eflags = EFLAGS_IF | (draw(4) ? 0 : EFLAGS_ALL & draw(UINT32_MAX));
    regs->ds = regs->es = FLAT_RING3_DS;
}

static bool send_on(struct regs *regs)
{
    if (!running)
        return false;
    kinds[regs->vector]++;
    total++;
    if (++traps > TRAPS || expired)
        user_end(regs);
    set_out(regs);
    return true;
}

static bool interrupt(struct regs *regs)
{
    bool handled = deliver(regs);

    if (running && expired)
        user_end(regs);
    return handled;
}

static void out_of_time(evtchn_port_t port)
{
    (void)port;
    expired = true;
}

static void choose_place(void)
{
    static const struct {
        uint16_t cs, ss;
        uint32_t base;
    } places[] = {
        {FLAT_RING3_CS, FLAT_RING3_SS, USER_BASE},           {SELECTOR(CODE2, 2), SELECTOR(DATA2, 2), USER_BASE},
        {SELECTOR(CODE2, 6), SELECTOR(DATA2, 6), USER_BASE}, {SELECTOR(SMALL3, 3), FLAT_RING3_SS, 0},
        {SELECTOR(SMALL2, 2), SELECTOR(DATA2, 2), 0},
    };
    unsigned i = draw(ARRAY_SIZE(places));

    cs = places[i].cs;
    ss = places[i].ss;
    base = places[i].base;
}

void wild(uint64_t seed, uint64_t rounds)
{
    struct regs regs;

    state = seed * UINT64_C(0x9e3779b97f4a7c15) | 1;
    page = page_alloc();
    test_need(user_map(USER_BASE, page, PTE_PROGRAM), "code");
    test_need(timer_init(out_of_time), "timer");
    deliver = trap_set_handler(VECTOR_EVENT, interrupt);
    for (unsigned vector = 0; vector < NR_VECTORS; vector++) {
        if (vector != VECTOR_EVENT)
            (void)trap_set_handler(vector, send_on);
    }
    for (uint64_t i = 0; i < rounds; i++) {
        choose_place();
        fill();
        traps = 0;
        expired = false;
        test_need(timer_set(time_now() + SLICE), "timer");
        user_regs_init(&regs, USER_BASE);
        set_out(&regs);
        running = true;
        (void)user_run(&regs);
        running = false;
    }
    for (unsigned vector = 0; vector < NR_VECTORS; vector++) {
        if (kinds[vector])
            test_note("%u %s", kinds[vector], vector < 256 ? trap_name(vector) : "callbacks");
    }
    test_check(total >= rounds, "instructions at random come back", "%u traps", total);
}

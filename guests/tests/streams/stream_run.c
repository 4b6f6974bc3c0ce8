/* SPDX-License-Identifier: MIT */
/*
 * A stream's run.  Each trap goes on with the next unit, so that a stream has an end; the timer makes one of what goes
 * round in circles.  Whatever comes in, the kernel looks whether it may look like that.
 */
#include <guest/event.h>
#include <guest/guest.h>
#include <guest/hypercall.h>
#include <guest/time.h>
#include <guest/user.h>
#include <guests/tests/lib/test.h>
#include <guests/tests/streams/stream.h>

#define SLICE       UINT64_C(10000000) /* nanoseconds */
#define STEPS_MOST  400u
#define TOLD_MOST   10u
#define PORT_EVERY  16u
#define EXIT_PORT   0xf4
#define NOTHING     0xff
#define RFLAGS_IOPL ((uintptr_t)0x3000)
#define RFLAGS_RF   ((uintptr_t)0x10000)
#define RFLAGS_VM   ((uintptr_t)0x20000)
#define RFLAGS_VIRT ((uintptr_t)0x180000) /* VIF, VIP */

/* No frame of a guest's has these; no kernel runs with those. */
#define FORBIDDEN         (RFLAGS_IOPL | RFLAGS_VM | RFLAGS_VIRT)
#define FORBIDDEN_RUNNING (RFLAGS_IOPL | RFLAGS_VM | RFLAGS_NT | RFLAGS_TF | (KERNEL_RING == 3 ? RFLAGS_AC : 0))

/* The handlers of a 64-bit kernel have it, those of a 32-bit one that of what they interrupt in the kernel. */
#define HAS_ONE_STACK_SEGMENT (KERNEL_RING == 3)

extern const char image_start[], image_end[];
extern char boot_stack[];

struct counts counts;

static trap_handler *deliver;
static bool running, expired;
static unsigned unit, steps, nr_told;

static bool is_in_image(const struct regs *regs)
{
    return regs->rip >= (uintptr_t)image_start && regs->rip < (uintptr_t)image_end;
}

/* Rings 2 and 3. */
static bool is_of_program(const struct regs *regs)
{
    return regs->cs & 2;
}

static uint8_t read_port(void)
{
    uint8_t value;

    __asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"((uint16_t)EXIT_PORT));
    return value;
}

/*
 * ---- What may come in.  The stack that the kernel was entered on tells which mode the vCPU was in: a program's traps
 * come on the kernel's, those of a kernel's stream on the stream's own.
 */

static const char *wrong(const struct regs *regs, uintptr_t rflags)
{
    uintptr_t here = (uintptr_t)regs;
    bool from_user = here >= (uintptr_t)boot_stack && here < (uintptr_t)boot_stack + STACK_SIZE;
    uint16_t cs, ss;

    __asm__ volatile("movw %%cs, %0; movw %%ss, %1" : "=r"(cs), "=r"(ss));
    if (is_of_program(regs) != from_user)
        return "the privilege in cs is not the mode's";
    if (!stream.is_kernel && !from_user)
        return "a program has become its kernel";
    if (regs->rflags & FORBIDDEN)
        return "flags in the frame";
    if (((regs->rflags & RFLAGS_IF) == 0) != regs->saved_mask)
        return "IF is not the mask of events";
    if (!stream.is_kernel && regs->saved_mask)
        return "a program has masked events";
    if (rflags & FORBIDDEN_RUNNING || !(rflags & RFLAGS_IF))
        return "flags in the handler";
    if (cs != FLAT_KERNEL_CS || (ss != FLAT_KERNEL_SS && (from_user || HAS_ONE_STACK_SEGMENT)))
        return "cs and ss in the handler";
    return counts.entries % PORT_EVERY == 0 && read_port() != NOTHING ? "a port of the machine" : NULL;
}

static void inspect(const struct regs *regs, uintptr_t rflags)
{
    const char *what = wrong(regs, rflags);

    counts.entries++;
    if (!what || nr_told++ >= TOLD_MOST)
        return;
    test_not_ok(what,
                "stream %" PRIu64 ", %u bits, %s%s%s: %s error %x, %x:%" PRIxPTR " %x:%" PRIxPTR " flags %" PRIxPTR
                " mask %u; handler: flags %" PRIxPTR,
                counts.streams, stream.bits, stream.is_kernel ? "kernel" : "program",
                stream.is_stepped ? ", stepped" : "", stream.has_breakpoints ? ", breakpoints" : "",
                trap_name(regs->vector), regs->error, regs->cs, regs->rip, (unsigned)regs->ss, regs->rsp, regs->rflags,
                regs->saved_mask, rflags);
}

/*
 * ---- On and on.
 */

/* In cs, a 64-bit kernel is told from its programs as if it were in ring 0. */
static uint16_t privilege(void)
{
    return stream.is_kernel ? KERNEL_RING % 3 : 3;
}

static void set_flags(struct regs *regs)
{
    regs->rflags = (regs->rflags & ~(RFLAGS_TF | RFLAGS_NT)) | RFLAGS_IF;
    if (stream.is_stepped)
        regs->rflags |= RFLAGS_TF;
}

/* Continue with a unit behind the one that trapped, in the stream's own segments. */
static void next_unit(struct regs *regs)
{
    unit++;
    while (unit < stream.nr_units && regs->rip >= stream.unit_at[unit] && regs->rip < stream.unit_at[stream.nr_units])
        unit++;
    if (unit >= stream.nr_units)
        user_end(regs);
    regs->rip = stream.unit_at[unit];
    regs->cs = (uint16_t)((stream.cs & ~3) | privilege());
    regs->ss = stream.ss;
    if (regs->rsp < STACK_AT + PAGE_SIZE || regs->rsp >= STACK_END - PAGE_SIZE / 2)
        regs->rsp = some_stack();
    regs->rbp = some_stack();
    set_flags(regs);
}

/* A step, or a breakpoint: of the kernel's own code as well, which a stream may have set one on. */
static bool debug_trap(struct regs *regs)
{
    regs->rflags |= RFLAGS_RF;
    if (is_in_image(regs)) {
        counts.breakpoints++;
        regs->rflags &= ~RFLAGS_TF;
        return true;
    }
    counts.steps++;
    if (++steps >= STEPS_MOST)
        user_end(regs);
    return true;
}

static uintptr_t running_flags(void)
{
    uintptr_t rflags;

    __asm__ volatile("pushf; pop %0" : "=r"(rflags));
    return rflags;
}

static bool trap(struct regs *regs)
{
    uintptr_t rflags = running_flags();

    if (!running)
        return false;
    if (regs->vector < ARRAY_SIZE(counts.vectors))
        counts.vectors[regs->vector]++;
    else
        counts.callbacks++;
    if (!(regs->vector == TRAP_DB && is_in_image(regs)))
        inspect(regs, rflags);
    if (regs->vector == TRAP_DB)
        return debug_trap(regs);
    if (is_in_image(regs) && !is_of_program(regs))
        return false; /* the test's own fault */
    next_unit(regs);
    return true;
}

static bool event(struct regs *regs)
{
    uintptr_t rflags = running_flags();
    bool handled = deliver(regs);

    if (!running || (is_in_image(regs) && !is_of_program(regs)))
        return handled;
    inspect(regs, rflags);
    if (expired) {
        counts.out_of_time++;
        user_end(regs);
    }
    return handled;
}

static void out_of_time(evtchn_port_t port)
{
    (void)port;
    expired = true;
}

static void random_registers(struct regs *regs)
{
    uintptr_t *const words[] = {&regs->rax, &regs->rbx, &regs->rcx, &regs->rdx, &regs->rsi, &regs->rdi};

    for (unsigned i = 0; i < ARRAY_SIZE(words); i++)
        *words[i] = one_in(3) ? some_selector() : DATA_AT + below(DATA_SIZE);
    regs->rax = below(128);
}

void run_stream(void)
{
    struct regs regs;

    user_regs_init(&regs, stream.unit_at[0]);
    random_registers(&regs);
    regs.cs = (uint16_t)((stream.cs & ~3) | privilege());
    regs.ss = stream.ss;
    regs.rsp = some_stack();
    regs.rbp = some_stack();
    set_flags(&regs);
    if (stream.has_breakpoints)
        machine_set_breakpoints();
    unit = steps = 0;
    expired = false;
    test_need(timer_set(time_now() + SLICE), "timer");
    running = true;
    (void)user_run(&regs);
    running = false;
    machine_clear_breakpoints();
    event_enable(); /* takes what has come meanwhile */
    event_disable();
    counts.streams++;
}

void run_init(void)
{
    test_need(timer_init(out_of_time), "timer");
    for (unsigned vector = 0; vector < NR_VECTORS; vector++) {
        if (vector != VECTOR_EVENT)
            (void)trap_set_handler(vector, trap);
    }
    deliver = trap_set_handler(VECTOR_EVENT, event);
}

/* SPDX-License-Identifier: MIT */
#include <guest/errno.h>
#include <guest/event.h>
#include <guest/guest.h>
#include <guest/hypercall.h>
#include <guest/print.h>
#include <guest/trap.h>
#include <guest/user.h>

/* Entry points are as far apart as this, in trap_entry.S. */
#define ENTRY_STRIDE 32

/* Bits of trap_info.flags. */
#define DPL_USER    3u
#define MASK_EVENTS 4u

/* Where trap_try() continues after a fault. */
struct recovery {
    uint64_t rsp;
    struct recovery *outer;
    struct fault *fault;
};

extern char trap_entries[];
extern char trap_recover[];
bool trap_call(void (*function)(void *), void *arg, struct recovery *recovery);

static trap_handler *handlers[NR_VECTORS];
static struct recovery *innermost;

uint64_t trap_entry_of(unsigned vector)
{
    return (uint64_t)trap_entries + (uint64_t)vector * ENTRY_STRIDE;
}

trap_handler *trap_set_handler(unsigned vector, trap_handler *handler)
{
    trap_handler *old = handlers[vector];

    handlers[vector] = handler;
    return old;
}

int trap_set_entry(unsigned vector, uint8_t flags, uint64_t address)
{
    struct trap_info table[2] = {{.vector = (uint8_t)vector, .flags = flags, .cs = FLAT_KERNEL_CS, .address = address}};

    return (int)hypercall_set_trap_table(table);
}

static void register_callback(unsigned type, unsigned vector)
{
    struct callback_register callback = {
        .type = (uint16_t)type, .flags = CALLBACKF_mask_events, .address = trap_entry_of(vector)};

    (void)hypercall_callback_op(CALLBACKOP_register, &callback); /* some exist on some processors only */
}

void trap_init(void)
{
    for (unsigned vector = 0; vector < 256; vector++) {
        bool user = vector == TRAP_BP || vector == TRAP_OF || vector == 0x80;

        if (trap_set_entry(vector, (uint8_t)(MASK_EVENTS | (user ? DPL_USER : 0)), trap_entry_of(vector)))
            guest_panic("no handler for vector %u", vector);
    }
    register_callback(CALLBACKTYPE_event, VECTOR_EVENT);
    register_callback(CALLBACKTYPE_failsafe, VECTOR_FAILSAFE);
    register_callback(CALLBACKTYPE_syscall, VECTOR_SYSCALL);
    register_callback(CALLBACKTYPE_syscall32, VECTOR_SYSCALL32);
    register_callback(CALLBACKTYPE_sysenter, VECTOR_SYSENTER);
    register_callback(CALLBACKTYPE_nmi, VECTOR_NMI);
}

bool trap_try(void (*function)(void *arg), void *arg, struct fault *fault)
{
    struct recovery recovery = {.outer = innermost, .fault = fault};
    bool clean;

    *fault = (struct fault){.vector = TRAP_NONE};
    innermost = &recovery;
    clean = trap_call(function, arg, &recovery);
    innermost = recovery.outer;
    return clean;
}

/* Continue behind the innermost trap_try(), with the event mask that was in force. */
static void recover(struct regs *regs)
{
    *innermost->fault =
        (struct fault){.vector = regs->vector, .error = regs->error, .cr2 = guest.vcpu->arch.cr2, .regs = *regs};
    regs->rip = (uint64_t)trap_recover;
    regs->rsp = innermost->rsp;
    if (!guest.native) { /* where these may be anything; bare hardware has left the kernel's */
        regs->cs = FLAT_KERNEL_CS & ~3;
        regs->ss = FLAT_KERNEL_SS;
    }
    regs->rflags &= ~(RFLAGS_TF | RFLAGS_AC | RFLAGS_DF);
}

static const char *const names[] = {"#DE", "#DB", "NMI", "#BP", "#OF", "#BR", "#UD", "#NM", "#DF", "#9",
                                    "#TS", "#NP", "#SS", "#GP", "#PF", "#15", "#MF", "#AC", "#MC", "#XM"};
static const char *const callback_names[] = {"event", "failsafe", "syscall", "syscall32", "sysenter", "nmi"};

const char *trap_name(unsigned vector)
{
    if (vector < ARRAY_SIZE(names))
        return names[vector];
    if (vector >= VECTOR_EVENT && vector < NR_VECTORS)
        return callback_names[vector - VECTOR_EVENT];
    return vector == TRAP_NONE ? "nothing" : "interrupt";
}

void trap_print(const struct regs *regs)
{
    print("%s (vector 0x%x) error 0x%x in %s mode, cr2 %lx, event mask %u\n", trap_name(regs->vector), regs->vector,
          regs->error, regs->cs & 3 ? "user" : "kernel", guest.vcpu->arch.cr2, regs->saved_mask);
    print("rip %04x:%016lx rsp %04lx:%016lx rflags %08lx\n", regs->cs, regs->rip, regs->ss, regs->rsp, regs->rflags);
    print("rax %016lx rbx %016lx rcx %016lx rdx %016lx\n", regs->rax, regs->rbx, regs->rcx, regs->rdx);
    print("rsi %016lx rdi %016lx rbp %016lx r8  %016lx\n", regs->rsi, regs->rdi, regs->rbp, regs->r8);
    print("r9  %016lx r10 %016lx r11 %016lx r12 %016lx\n", regs->r9, regs->r10, regs->r11, regs->r12);
    print("r13 %016lx r14 %016lx r15 %016lx\n", regs->r13, regs->r14, regs->r15);
}

/* Called by the entry code. */
void trap_dispatch(struct regs *regs)
{
    trap_handler *handler = handlers[regs->vector];

    if (handler && handler(regs))
        return;
    if (regs->cs & 3) {
        user_end(regs);
    } else if (regs->vector < VECTOR_EVENT && innermost) {
        recover(regs);
        return;
    }
    trap_print(regs);
    guest_panic("unexpected %s", trap_name(regs->vector));
}

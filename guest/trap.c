/* SPDX-License-Identifier: MIT */
/* What becomes of a trap: its handler, the end of a program's excursion, the end of a trap_try(), or a panic. */
#include <abi/segment.h>
#include <guest/guest.h>
#include <guest/print.h>
#include <guest/trap.h>

/* Where trap_try() continues after a fault. */
struct recovery {
    uint64_t rsp;
    struct recovery *outer;
    struct fault *fault;
};

extern char trap_recover[];
bool trap_call(void (*function)(void *), void *arg, struct recovery *recovery);

static trap_handler *handlers[NR_VECTORS];
static trap_handler *user_handler;
static struct recovery *innermost;

trap_handler *trap_set_handler(unsigned vector, trap_handler *handler)
{
    trap_handler *old = handlers[vector];

    handlers[vector] = handler;
    return old;
}

void trap_set_user_handler(trap_handler *handler)
{
    user_handler = handler;
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
    if ((regs->cs & 3) && user_handler && user_handler(regs))
        return;
    if (!(regs->cs & 3) && regs->vector < VECTOR_EVENT && innermost) {
        recover(regs);
        return;
    }
    trap_print(regs);
    guest_panic("unexpected %s", trap_name(regs->vector));
}

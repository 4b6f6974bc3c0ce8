/* SPDX-License-Identifier: MIT */
/* What becomes of a trap: its handler, the end of a program's excursion, the end of a trap_try(), or a panic. */
#include <guest/guest.h>
#include <guest/print.h>
#include <guest/trap.h>
#include <guest/vcpu.h>

/* Where trap_try() continues after a fault. */
struct recovery {
    uintptr_t rsp;
    struct recovery *outer;
    struct fault *fault;
};

extern char trap_recover[];
bool trap_call(void (*function)(void *), void *arg, struct recovery *recovery);

static trap_handler *handlers[NR_VECTORS];
static trap_handler *user_handler;
static struct recovery *innermost[VCPUS_MAX]; /* of each vCPU */

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
    struct recovery **place = &innermost[vcpu_here()];
    struct recovery recovery = {.outer = *place, .fault = fault};
    bool clean;

    *fault = (struct fault){.vector = TRAP_NONE};
    *place = &recovery;
    clean = trap_call(function, arg, &recovery);
    *place = recovery.outer;
    return clean;
}

/* Continue behind the trap_try() of @recovery, with the event mask that was in force. */
static void recover(struct regs *regs, const struct recovery *recovery)
{
    struct fault *fault = recovery->fault;

    fault->vector = regs->vector;
    fault->error = regs->error;
    fault->cr2 = vcpu_info_here()->arch.cr2;
    fault->regs = *regs;
    regs->rip = (uintptr_t)trap_recover;
    regs->rsp = recovery->rsp;
    if (!guest.native) /* bare hardware has left the kernel's */
        regs_set_kernel_segments(regs);
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
    print("%s (vector 0x%x) error 0x%x in %s mode, cr2 %" PRIx64 ", event mask %u\n", trap_name(regs->vector),
          regs->vector, regs->error, regs_in_user_mode(regs) ? "user" : "kernel", (uint64_t)vcpu_info_here()->arch.cr2,
          regs->saved_mask);
    regs_print(regs);
}

/* Called by the entry code. */
void trap_dispatch(struct regs *regs)
{
    trap_handler *handler = handlers[regs->vector];
    const struct recovery *recovery = innermost[vcpu_here()];

    if (handler && handler(regs))
        return;
    if (regs_in_user_mode(regs) && user_handler && user_handler(regs))
        return;
    if (!regs_in_user_mode(regs) && regs->vector < VECTOR_EVENT && recovery) {
        recover(regs, recovery);
        return;
    }
    trap_print(regs);
    guest_panic("unexpected %s", trap_name(regs->vector));
}

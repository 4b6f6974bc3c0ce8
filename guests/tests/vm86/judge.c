/* SPDX-License-Identifier: MIT */
/* What has to come of each combination. */
#include <guests/tests/lib/test.h>
#include <guests/tests/vm86/combination.h>

#define NOTHING   0xff
#define TOLD_MOST 10u

/*
 * What no frame of a guest's may have, and what no kernel may run with.  VIF and VIP, which mean nothing without
 * CR4.VME, stay in QEMU's processor until the next syscall: no other instruction of ring 0 clears them there.
 */
#define FORBIDDEN         (FLAG_IOPL | FLAG_VM | FLAG_VIF | FLAG_VIP)
#define FORBIDDEN_RUNNING (FLAG_IOPL | FLAG_VM | FLAG_NT | RFLAGS_TF | RFLAGS_AC)

/* The first that does not hold; NULL: all is as it should be. */
static const char *wrong(const struct combination *it, const struct regs *regs)
{
    uint16_t privilege = is_kernel(it) ? 0 : 3;

    if (is_sysenter(it) && regs->vector == VECTOR_SYSENTER) {
        if (regs->rip || regs->rsp)
            return "not the frame of a sysenter";
    } else if (regs->vector != TRAP_GP || regs->error) {
        return "not a general protection fault with error code 0";
    } else if (regs->cs != ((FLAT_USER_CS64 & ~3) | privilege) || regs->ss != FLAT_USER_SS64) {
        return "cs and ss are not the mode's";
    } else if (found.data[0] || found.data[1] || found.data[2] || found.data[3]) {
        return "data segments are left";
    }
    if ((regs->cs & 3) != privilege)
        return "the other mode's privilege";
    if (found.is_on_vm86_stack != is_kernel(it))
        return "the other mode's stack";
    if (regs->rflags & FORBIDDEN)
        return "flags in the frame";
    if (regs->saved_mask != it->is_masked || !(regs->rflags & RFLAGS_IF) != it->is_masked)
        return "mask of events in the frame";
    if (found.rflags & FORBIDDEN_RUNNING || !(found.rflags & RFLAGS_IF))
        return "flags in the handler";
    if (found.cs != FLAT_KERNEL_CS64 || found.ss != FLAT_KERNEL_SS64)
        return "cs and ss in the handler";
    if (found.exit_port != NOTHING || found.status_port != NOTHING)
        return "a port of the machine";
    return !is_kernel(it) && found.gs_word != GS_WORD ? "the kernel's gs" : NULL;
}

void judge(const struct combination *it, const struct regs *regs)
{
    const char *what = wrong(it, regs);

    nr_tried++;
    if (!what || nr_bad++ >= TOLD_MOST)
        return;
    test_not_ok(what, "%s, %s at %x:0 with flags %lx, data segments %x: %s error %x, %x:%lx %lx:%lx flags %lx mask %u",
                origins[it->origin].name, codes[it->code].name, segments[it->segment], it->flags, it->data,
                trap_name(regs->vector), regs->error, regs->cs, regs->rip, regs->ss, regs->rsp, regs->rflags,
                regs->saved_mask);
    test_note("handler: flags %lx cs %x ss %x data %x %x %x %x, ports %x %x", found.rflags, found.cs, found.ss,
              found.data[0], found.data[1], found.data[2], found.data[3], found.exit_port, found.status_port);
}

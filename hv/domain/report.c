/* SPDX-License-Identifier: MIT */
/* In order: names; a guest.  Refusals are in report_refusal.c. */
#include <abi/errno.h>
#include <abi/hypercall.h>
#include <engine/engine.h>
#include <hv/base/print.h>
#include <hv/domain/port.h>
#include <hv/domain/report.h>
#include <hv/domain/vcpu.h>

#define STACK_WORDS 16u
#define LINE_WORDS  4u

/*
 * ---- Names.
 */

#define CALL_NAME(name) [__HYPERVISOR_##name] = #name

static const char *const call_names[] = {
    CALL_NAME(set_trap_table),
    CALL_NAME(mmu_update),
    CALL_NAME(set_gdt),
    CALL_NAME(stack_switch),
    CALL_NAME(set_callbacks),
    CALL_NAME(fpu_taskswitch),
    CALL_NAME(sched_op_compat),
    CALL_NAME(platform_op),
    CALL_NAME(set_debugreg),
    CALL_NAME(get_debugreg),
    CALL_NAME(update_descriptor),
    CALL_NAME(memory_op),
    CALL_NAME(multicall),
    CALL_NAME(update_va_mapping),
    CALL_NAME(set_timer_op),
    CALL_NAME(event_channel_op_compat),
    CALL_NAME(xen_version),
    CALL_NAME(console_io),
    CALL_NAME(physdev_op_compat),
    CALL_NAME(grant_table_op),
    CALL_NAME(vm_assist),
    CALL_NAME(update_va_mapping_otherdomain),
    CALL_NAME(iret),
    CALL_NAME(vcpu_op),
    CALL_NAME(set_segment_base),
    CALL_NAME(mmuext_op),
    CALL_NAME(xsm_op),
    CALL_NAME(nmi_op),
    CALL_NAME(sched_op),
    CALL_NAME(callback_op),
    CALL_NAME(xenoprof_op),
    CALL_NAME(event_channel_op),
    CALL_NAME(physdev_op),
    CALL_NAME(hvm_op),
    CALL_NAME(sysctl),
    CALL_NAME(domctl),
    CALL_NAME(kexec_op),
    CALL_NAME(xenpmu_op),
    CALL_NAME(mca),
};

#define ERROR_NAME(name) [XEN_##name] = "-" #name

static const char *const error_names[] = {
    ERROR_NAME(EPERM),  ERROR_NAME(ENOENT),  ERROR_NAME(ESRCH),  ERROR_NAME(ENXIO),      ERROR_NAME(E2BIG),
    ERROR_NAME(EAGAIN), ERROR_NAME(ENOMEM),  ERROR_NAME(EACCES), ERROR_NAME(EFAULT),     ERROR_NAME(EBUSY),
    ERROR_NAME(EEXIST), ERROR_NAME(ENODEV),  ERROR_NAME(EINVAL), ERROR_NAME(ENOSPC),     ERROR_NAME(ERANGE),
    ERROR_NAME(ENOSYS), ERROR_NAME(ENODATA), ERROR_NAME(ETIME),  ERROR_NAME(EOPNOTSUPP),
};

static const char *name_in(const char *const *names, size_t count, uint64_t index)
{
    return index < count && names[index] ? names[index] : NULL;
}

void report_print_call(uint64_t number)
{
    const char *name = name_in(call_names, ARRAY_SIZE(call_names), number);

    if (name)
        print("%s", name);
    else
        print("hypercall %lu", number);
}

void report_print_result(int64_t result)
{
    const char *name = result < 0 ? name_in(error_names, ARRAY_SIZE(error_names), -(uint64_t)result) : NULL;

    if (name)
        print("%s", name);
    else
        print("%ld", result);
}

/*
 * ---- A guest.
 */

static void print_registers(const struct hv_vcpu *vcpu)
{
    const struct cpu_frame *frame = vcpu->frame;

    print("vCPU %u, %s mode, cr2 %016lx, root frame %lx\n", vcpu->vcpu.id, vcpu->vcpu.user_mode ? "user" : "kernel",
          vcpu->info->arch.cr2, vcpu_root(&vcpu->vcpu).v);
    print("rip %04lx:%016lx  rsp %04lx:%016lx  rflags %lx\n", frame->cs, frame->rip, frame->ss, frame->rsp,
          frame->rflags);
    print("rax %016lx  rbx %016lx  rcx %016lx  rdx %016lx\n", frame->rax, frame->rbx, frame->rcx, frame->rdx);
    print("rsi %016lx  rdi %016lx  rbp %016lx  r8  %016lx\n", frame->rsi, frame->rdi, frame->rbp, frame->r8);
    print("r9  %016lx  r10 %016lx  r11 %016lx  r12 %016lx\n", frame->r9, frame->r10, frame->r11, frame->r12);
    print("r13 %016lx  r14 %016lx  r15 %016lx\n", frame->r13, frame->r14, frame->r15);
}

static void print_stack(struct hv_vcpu *vcpu)
{
    uint64_t place = vcpu->frame->rsp & ~UINT64_C(7), word;

    for (unsigned i = 0; i < STACK_WORDS; i++, place += sizeof(word)) {
        if (!access_read(&vcpu->vcpu, &word, VADDR(place), sizeof(word))) {
            print("%sstack: %016lx cannot be read\n", i % LINE_WORDS ? "\n" : "", place);
            return;
        }
        if (i % LINE_WORDS == 0)
            print("stack %016lx:", place);
        print(" %016lx%s", word, i % LINE_WORDS == LINE_WORDS - 1 ? "\n" : "");
    }
}

static void print_calls(const struct vcpu_report *report)
{
    uint64_t first = report->nr_calls > REPORT_CALLS ? report->nr_calls - REPORT_CALLS : 0;

    print("%lu hypercalls, the last of them:\n", report->nr_calls);
    for (uint64_t i = first; i < report->nr_calls; i++) {
        const struct report_call *call = &report->calls[i % REPORT_CALLS];

        print("  ");
        report_print_call(call->number);
        print("(%lx, %lx, %lx, %lx) = ", call->args[0], call->args[1], call->args[2], call->args[3]);
        report_print_result(call->result);
        print("\n");
    }
}

static void print_refusals(void)
{
    const struct port_refusals *refusals = port_refusals();
    uint64_t first = refusals->count > PORT_REFUSALS ? refusals->count - PORT_REFUSALS : 0;

    if (refusals->count == 0) {
        print("nothing was refused\n");
        return;
    }
    print("%lu refusals, the last of them:\n", refusals->count);
    for (uint64_t i = first; i < refusals->count; i++)
        report_refusal(&refusals->recent[i % PORT_REFUSALS]);
}

void report_guest(struct hv_vcpu *vcpu)
{
    print_registers(vcpu);
    print_stack(vcpu);
    print_calls(&vcpu->report);
    print_refusals();
}

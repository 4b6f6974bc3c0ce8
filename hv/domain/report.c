/* SPDX-License-Identifier: MIT */
/* A guest that has come to a bad end. */
#include <engine/engine.h>
#include <hv/base/print.h>
#include <hv/domain/explain.h>
#include <hv/domain/report.h>
#include <hv/domain/report_names.h>
#include <hv/domain/vcpu.h>

#define STACK_WORDS 16u
#define LINE_WORDS  4u

static uint64_t cr2(const struct hv_vcpu *vcpu)
{
    const struct compat_vcpu_info *compat = (const void *)vcpu->info;

    return hv_vcpu_is_64bit(vcpu) ? vcpu->info->arch.cr2 : compat->arch.cr2;
}

/* Places have 16 digits in either width, so that who reads them finds them. */
static void print_general(const struct hv_vcpu *vcpu)
{
    const struct cpu_frame *frame = vcpu->frame;

    if (!hv_vcpu_is_64bit(vcpu)) {
        print("eax %08lx  ebx %08lx  ecx %08lx  edx %08lx  esi %08lx  edi %08lx  ebp %08lx\n", frame->rax, frame->rbx,
              frame->rcx, frame->rdx, frame->rsi, frame->rdi, frame->rbp);
        return;
    }
    print("rax %016lx  rbx %016lx  rcx %016lx  rdx %016lx\n", frame->rax, frame->rbx, frame->rcx, frame->rdx);
    print("rsi %016lx  rdi %016lx  rbp %016lx  r8  %016lx\n", frame->rsi, frame->rdi, frame->rbp, frame->r8);
    print("r9  %016lx  r10 %016lx  r11 %016lx  r12 %016lx\n", frame->r9, frame->r10, frame->r11, frame->r12);
    print("r13 %016lx  r14 %016lx  r15 %016lx\n", frame->r13, frame->r14, frame->r15);
}

static void print_registers(const struct hv_vcpu *vcpu)
{
    const struct cpu_frame *frame = vcpu->frame;

    print("vCPU %u, %s mode, cr2 %016lx, root frame %lx\n", vcpu->engine.id,
          hv_vcpu_in_user_mode(vcpu) ? "user" : "kernel", cr2(vcpu), vcpu_root(&vcpu->engine).v);
    print("rip %04lx:%016lx  rsp %04lx:%016lx  rflags %lx\n", frame->cs, frame->rip, frame->ss, frame->rsp,
          frame->rflags);
    print_general(vcpu);
}

static void print_stack(struct hv_vcpu *vcpu)
{
    unsigned size = access_word_size(vcpu->engine.domain);
    uint64_t place = vcpu->frame->rsp & ~(uint64_t)(size - 1), word;

    for (unsigned i = 0; i < STACK_WORDS; i++, place += size) {
        if (!access_read_word(&vcpu->engine, &word, VADDR(place))) {
            print("%sstack: %016lx cannot be read\n", i % LINE_WORDS ? "\n" : "", place);
            return;
        }
        if (i % LINE_WORDS == 0)
            print("stack %016lx:", place);
        print(size == 8 ? " %016lx%s" : " %08lx%s", word, i % LINE_WORDS == LINE_WORDS - 1 ? "\n" : "");
    }
}

static void print_calls(const struct vcpu_report *report)
{
    uint64_t first = report->nr_calls > REPORT_CALLS ? report->nr_calls - REPORT_CALLS : 0;

    print("%lu hypercalls, the last of them:\n", report->nr_calls);
    for (uint64_t i = first; i < report->nr_calls; i++) {
        const struct report_call *call = &report->calls[i % REPORT_SLOTS];

        print("  ");
        report_print_call(call->number);
        print("(%lx, %lx, %lx, %lx) = ", call->args[0], call->args[1], call->args[2], call->args[3]);
        report_print_result(call->result);
        print("\n");
    }
}

/* Is the one who asked still a vCPU of @domain? */
static bool is_of(const struct refusal *refusal, const struct domain *domain)
{
    for (unsigned i = 0; i < domain->nr_vcpus; i++) {
        if (domain->vcpus[i] == refusal->vcpu)
            return true;
    }
    return false;
}

/* Of what @domain's guest asked for, the explanation as well: of what its tables say now. */
static void print_refusal(const struct noted_refusal *noted, const struct domain *domain)
{
    struct explanation explanation;

    report_refusal(noted);
    if (!noted->refusal.vcpu || !is_of(&noted->refusal, domain))
        return;
    explain(domain->machine, noted, &explanation);
    report_explanation(&explanation);
}

static void print_refusals(const struct domain *domain)
{
    const struct refusals refusals = refusals_noted();
    uint64_t first = refusals.count > REFUSALS_KEPT ? refusals.count - REFUSALS_KEPT : 0;

    if (refusals.count == 0) {
        print("nothing was refused\n");
        return;
    }
    print("%lu refusals, the last of them:\n", refusals.count);
    for (uint64_t i = first; i < refusals.count; i++)
        print_refusal(&refusals.recent[i % REFUSALS_KEPT], domain);
}

void report_vcpu(const struct hv_vcpu *vcpu)
{
    const struct cpu_frame *frame = vcpu->frame;

    print("rsp %04lx:%016lx  cr2 %016lx, root frame %lx\n", frame->ss & 0xffff, frame->rsp, vcpu->info ? cr2(vcpu) : 0,
          vcpu_root(&vcpu->engine).v);
    print_general(vcpu);
    print_calls(&vcpu->report);
}

void report_guest(struct hv_vcpu *vcpu)
{
    print_registers(vcpu);
    print_stack(vcpu);
    print_calls(&vcpu->report);
    print_refusals(vcpu->engine.domain);
}

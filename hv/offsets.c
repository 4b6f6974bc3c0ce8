/* SPDX-License-Identifier: MIT */
/*
 * What hv/cpu/entry_short.S has to know of C's structures and constants.  This is compiled, and never linked:
 * hv/build.mk takes the lines out of the object.
 */
#include <abi/hypercall.h>
#include <abi/segment.h>
#include <abi/trap.h>
#include <abi/vm_assist.h>
#include <engine/engine.h>
#include <hv/cpu/cpu.h>
#include <hv/cpu/trap.h>
#include <hv/domain/domain.h>
#include <hv/domain/vcpu.h>

#define NUMBER(name, value)        __asm__ volatile(".ascii \"\\n#define " #name " %c0\\n\"" : : "i"(value))
#define OFFSET(name, type, member) NUMBER(name, offsetof(struct type, member))

_Static_assert(offsetof(struct vcpu_bounce, nmi_blocked) == offsetof(struct vcpu_bounce, nmi_pending) + 1, "one word");
_Static_assert(offsetof(struct vcpu, user_cached) == offsetof(struct vcpu, user_mode) + 1, "one word");
_Static_assert(VMASST_TYPE_architectural_iopl < 8, "a bit of a byte");
_Static_assert(FLAT_KERNEL_CS64 == FLAT_RING3_CS64 && FLAT_KERNEL_SS64 == FLAT_RING3_SS64, "the frame has them");

void offsets(void);

void offsets(void)
{
    OFFSET(VCPU_DOMAIN, hv_vcpu, engine.domain);
    OFFSET(VCPU_USER_MODE, hv_vcpu, engine.user_mode);
    OFFSET(VCPU_KERNEL_ROOT, hv_vcpu, engine.kernel_root);
    OFFSET(VCPU_USER_ROOT, hv_vcpu, engine.user_root);
    OFFSET(VCPU_ATTENTION, hv_vcpu, run.attention);
    OFFSET(VCPU_KERNEL_SP, hv_vcpu, bounce.kernel_sp);
    OFFSET(VCPU_SYSCALL, hv_vcpu, bounce.syscall.address);
    OFFSET(VCPU_SYSCALL_MASKS, hv_vcpu, bounce.syscall.mask_events);
    OFFSET(VCPU_FAULT, hv_vcpu, engine.traps[VECTOR_PAGE_FAULT].address);
    OFFSET(VCPU_FAULT_FLAGS, hv_vcpu, engine.traps[VECTOR_PAGE_FAULT].flags);
    NUMBER(GATE_MASKS, 4);
    NUMBER(FAULT_OF_USER, PAGE_FAULT_USER);
    OFFSET(VCPU_NMI, hv_vcpu, bounce.nmi_pending);
    OFFSET(VCPU_INFO, hv_vcpu, info);
    OFFSET(INFO_MASK, vcpu_info, evtchn_upcall_mask);
    OFFSET(INFO_CR2, vcpu_info, arch.cr2);
    OFFSET(DOMAIN_ASSISTS, hv_domain, vm_assist);
    OFFSET(DOMAIN_LINEAR, hv_domain, engine.linear_tables);
    NUMBER(ASSIST_IOPL, 1 << VMASST_TYPE_architectural_iopl);
    OFFSET(CPU_NMI_TICKS, cpu, nmi_ticks);
    OFFSET(FEATURES_SMAP, cpu_features, smap);
    OFFSET(IRET_RAX, iret_context, rax);
    OFFSET(IRET_R11, iret_context, r11);
    OFFSET(IRET_RCX, iret_context, rcx);
    OFFSET(IRET_FLAGS, iret_context, flags);
    OFFSET(IRET_RIP, iret_context, rip);
    OFFSET(IRET_CS, iret_context, cs);
    OFFSET(IRET_RFLAGS, iret_context, rflags);
    OFFSET(IRET_RSP, iret_context, rsp);
    OFFSET(IRET_SS, iret_context, ss);
    NUMBER(IRET_SIZE, sizeof(struct iret_context));
    NUMBER(FLAGS_OF_GUEST, RFLAGS_GUEST);
    NUMBER(FLAGS_ALWAYS, RFLAGS_ONE | RFLAGS_IF);
    NUMBER(FLAGS_OF_HANDLER,
           (RFLAGS_GUEST | RFLAGS_ONE | RFLAGS_IF) & ~(RFLAGS_TF | RFLAGS_DF | RFLAGS_NT | RFLAGS_RF | RFLAGS_AC));
    NUMBER(FLAG_OF_EXCEPTION, RFLAGS_DF); /* and this: only calls clear it */
    NUMBER(RFLAGS_IF_BIT, 9);
}

/* SPDX-License-Identifier: MIT */
/* How a 64-bit guest calls, and the calls whose arguments are not the same words in both widths. */
#pragma once

#include <abi/callback.h>
#include <abi/context.h>
#include <abi/hypercall.h>
#include <abi/multicall.h>
#include <guest/types.h>

extern char hypercall_page[HYPERCALL_PAGE_ENTRIES * HYPERCALL_PAGE_STRIDE];

/* Call number @nr, below HYPERCALL_PAGE_ENTRIES, with five arguments; the sixth is used by no call of this ABI. */
static inline long hypercall(unsigned nr, uintptr_t a1, uintptr_t a2, uintptr_t a3, uintptr_t a4, uintptr_t a5)
{
    register uint64_t r10 __asm__("r10") = a4;
    register uint64_t r8 __asm__("r8") = a5;
    long result;

    __asm__ volatile("call *%[entry]"
                     : "=a"(result), "+D"(a1), "+S"(a2), "+d"(a3), "+r"(r10), "+r"(r8)
                     : [entry] "r"(hypercall_page + (uint64_t)nr * HYPERCALL_PAGE_STRIDE)
                     : "rcx", "r11", "r9", "memory");
    return result;
}

static inline long hypercall_update_va_mapping(uint64_t vaddr, uint64_t entry, uint64_t flags)
{
    return hypercall(__HYPERVISOR_update_va_mapping, vaddr, entry, flags, 0, 0);
}

/* The same as an entry of a multicall. */
static inline struct multicall_entry multicall_update_va_mapping(uint64_t vaddr, uint64_t entry, uint64_t flags)
{
    return (struct multicall_entry){.op = __HYPERVISOR_update_va_mapping, .args = {vaddr, entry, flags}};
}

static inline long hypercall_update_va_mapping_otherdomain(uint64_t vaddr, uint64_t entry, uint64_t flags,
                                                           unsigned domain)
{
    return hypercall(__HYPERVISOR_update_va_mapping_otherdomain, vaddr, entry, flags, domain, 0);
}

static inline long hypercall_update_descriptor(uint64_t maddr, uint64_t descriptor)
{
    return hypercall(__HYPERVISOR_update_descriptor, maddr, descriptor, 0, 0, 0);
}

static inline long hypercall_set_timer_op(uint64_t deadline)
{
    return hypercall(__HYPERVISOR_set_timer_op, deadline, 0, 0, 0, 0);
}

/* What callback_op is told of an entry point. */
static inline struct callback_register callback_to(uint16_t type, uint16_t flags, uint64_t address)
{
    return (struct callback_register){.type = type, .flags = flags, .address = address};
}

/* The entry points of a vCPU that is about to be initialised. */
static inline void context_set_callbacks(struct vcpu_guest_context *context, uint64_t event, uint64_t failsafe,
                                         uint64_t syscall)
{
    context->event_callback_eip = event;
    context->failsafe_callback_eip = failsafe;
    context->syscall_callback_eip = syscall;
}

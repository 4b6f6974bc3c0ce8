/* SPDX-License-Identifier: MIT */
/* How a 32-bit guest calls, and the calls whose arguments are not the same words in both widths. */
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
    long result;

    __asm__ volatile("call *%%eax"
                     : "=a"(result), "+b"(a1), "+c"(a2), "+d"(a3), "+S"(a4), "+D"(a5)
                     : "0"(hypercall_page + nr * HYPERCALL_PAGE_STRIDE)
                     : "memory");
    return result;
}

/* The halves of an argument of 64 bits. */
static inline uintptr_t low_half(uint64_t value)
{
    return (uintptr_t)value;
}

static inline uintptr_t high_half(uint64_t value)
{
    return (uintptr_t)(value >> 32);
}

static inline long hypercall_update_va_mapping(uint64_t vaddr, uint64_t entry, uint64_t flags)
{
    return hypercall(__HYPERVISOR_update_va_mapping, (uintptr_t)vaddr, low_half(entry), high_half(entry),
                     (uintptr_t)flags, 0);
}

/* The same as an entry of a multicall. */
static inline struct multicall_entry multicall_update_va_mapping(uint64_t vaddr, uint64_t entry, uint64_t flags)
{
    return (struct multicall_entry){.op = __HYPERVISOR_update_va_mapping,
                                    .args = {(uintptr_t)vaddr, low_half(entry), high_half(entry), (uintptr_t)flags}};
}

static inline long hypercall_update_va_mapping_otherdomain(uint64_t vaddr, uint64_t entry, uint64_t flags,
                                                           unsigned domain)
{
    return hypercall(__HYPERVISOR_update_va_mapping_otherdomain, (uintptr_t)vaddr, low_half(entry), high_half(entry),
                     (uintptr_t)flags, domain);
}

static inline long hypercall_update_descriptor(uint64_t maddr, uint64_t descriptor)
{
    return hypercall(__HYPERVISOR_update_descriptor, low_half(maddr), high_half(maddr), low_half(descriptor),
                     high_half(descriptor), 0);
}

static inline long hypercall_set_timer_op(uint64_t deadline)
{
    return hypercall(__HYPERVISOR_set_timer_op, low_half(deadline), high_half(deadline), 0, 0, 0);
}

/* What callback_op is told of an entry point. */
static inline struct callback_register callback_to(uint16_t type, uint16_t flags, uint64_t address)
{
    return (struct callback_register){
        .type = type, .flags = flags, .address = {.cs = FLAT_KERNEL_CS, .eip = (uint32_t)address}};
}

/* The entry points of a vCPU that is about to be initialised; for syscall there is no callback. */
static inline void context_set_callbacks(struct vcpu_guest_context *context, uint64_t event, uint64_t failsafe,
                                         uint64_t syscall)
{
    (void)syscall;
    context->event_callback_cs = context->failsafe_callback_cs = FLAT_KERNEL_CS;
    context->event_callback_eip = (uint32_t)event;
    context->failsafe_callback_eip = (uint32_t)failsafe;
}

/* SPDX-License-Identifier: MIT */
/* What the hypervisor is told of the entry points: its trap table, and its callbacks. */
#include <guest/guest.h>
#include <guest/hypercall.h>
#include <guest/trap.h>

/* Entry points are as far apart as this, in trap_entry.S. */
#define ENTRY_STRIDE 32

/* Bits of trap_info.flags. */
#define DPL_USER    3u
#define MASK_EVENTS 4u

extern char trap_entries[];

uint64_t trap_entry_of(unsigned vector)
{
    return (uintptr_t)trap_entries + (uint64_t)vector * ENTRY_STRIDE;
}

int trap_set_entry(unsigned vector, uint8_t flags, uint64_t address)
{
    struct trap_info table[2] = {
        {.vector = (uint8_t)vector, .flags = flags, .cs = FLAT_KERNEL_CS, .address = (uintptr_t)address}};

    return (int)hypercall_set_trap_table(table);
}

static void register_callback(unsigned type, unsigned vector)
{
    struct callback_register callback = callback_to((uint16_t)type, CALLBACKF_mask_events, trap_entry_of(vector));

    (void)hypercall_callback_op(CALLBACKOP_register, &callback); /* some exist on some processors only */
}

static uint8_t flags_of(unsigned vector)
{
    bool user = vector == TRAP_BP || vector == TRAP_OF || vector == 0x80;

    return (uint8_t)(MASK_EVENTS | (user ? DPL_USER : 0));
}

void trap_fill_context(struct vcpu_guest_context *context)
{
    for (unsigned vector = 0; vector < ARRAY_SIZE(context->trap_ctxt); vector++) {
        context->trap_ctxt[vector] = (struct trap_info){.vector = (uint8_t)vector,
                                                        .flags = flags_of(vector),
                                                        .cs = FLAT_KERNEL_CS,
                                                        .address = (uintptr_t)trap_entry_of(vector)};
    }
    context_set_callbacks(context, trap_entry_of(VECTOR_EVENT), trap_entry_of(VECTOR_FAILSAFE),
                          trap_entry_of(VECTOR_SYSCALL));
}

void trap_init(void)
{
    for (unsigned vector = 0; vector < 256; vector++) {
        if (trap_set_entry(vector, flags_of(vector), trap_entry_of(vector)))
            guest_panic("no handler for vector %u", vector);
    }
    register_callback(CALLBACKTYPE_event, VECTOR_EVENT);
    register_callback(CALLBACKTYPE_failsafe, VECTOR_FAILSAFE);
    if (VECTOR_PROGRAM_CALL == VECTOR_SYSCALL) /* a 32-bit guest has none for it, and would be refused */
        register_callback(CALLBACKTYPE_syscall, VECTOR_SYSCALL);
    register_callback(CALLBACKTYPE_syscall32, VECTOR_SYSCALL32);
    register_callback(CALLBACKTYPE_sysenter, VECTOR_SYSENTER);
    register_callback(CALLBACKTYPE_nmi, VECTOR_NMI);
}

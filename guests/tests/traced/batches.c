/* SPDX-License-Identifier: MIT */
/* Lists, of which the first entry is refused, so that none is carried out: and what is carried out, in multicalls. */
#include <abi/sched.h>
#include <abi/version.h>
#include <guest/guest.h>
#include <guest/hypercall.h>
#include <guests/tests/traced/traced.h>

#define LIST_MAX   1030u /* more than are told */
#define NO_COMMAND 0x77u
#define NO_UPDATE  7u /* in the bits of an address that say what to do */

static struct mmu_update updates[LIST_MAX];
static struct mmuext_op operations[LIST_MAX];

static void make_lists(void)
{
    for (unsigned i = 0; i < LIST_MAX; i++) {
        updates[i].ptr = (UINT64_C(0x123456789) + i) << 12 | NO_UPDATE;
        updates[i].val = ~UINT64_C(0) - i;
        operations[i].cmd = i ? i - 1 : NO_COMMAND;
        operations[i].arg1.linear_addr = (uintptr_t)UINT64_C(0xfedcba9876543210) + i;
        operations[i].arg2.src_mfn = (uintptr_t)UINT64_C(0x8000000080000000) + i;
    }
}

/* As many as fill one record, one more, and more than are told. */
static void try_lists(void)
{
    static const unsigned counts[] = {0, 1, 22, 32, 33, LIST_MAX};
    static unsigned done;

    for (unsigned i = 0; i < ARRAY_SIZE(counts); i++) {
        (void)make_call(__HYPERVISOR_mmu_update, arg_of(updates), counts[i], arg_of(&done), DOMID_SELF, i);
        (void)make_call(__HYPERVISOR_mmuext_op, arg_of(operations), counts[i], arg_of(&done), DOMID_SELF, i);
    }
}

/* Of which some are carried out, and some refused. */
static void try_multicall(void)
{
    static char extraversion[sizeof(xen_extraversion_t)];
    static const struct sched_shutdown shutdown = {.reason = 0x1234};
    static struct multicall_entry calls[] = {
        {.op = __HYPERVISOR_xen_version, .args = {XENVER_version, 0x11}},
        {.op = __HYPERVISOR_mmu_update, .args = {0, 3, 0, DOMID_SELF}},
        {.op = __HYPERVISOR_sched_op, .args = {SCHEDOP_yield, 0}},
        {.op = __HYPERVISOR_multicall, .args = {NOWHERE, 1}},
        {.op = __HYPERVISOR_mmuext_op, .args = {0, 25, 0, DOMID_SELF}},
        {.op = NO_CALL, .args = {1, 2, 3, 4, 5}},
        {.op = __HYPERVISOR_sched_op, .args = {SCHEDOP_remote_shutdown, 0, 0x22}},
        {.op = __HYPERVISOR_xen_version, .args = {XENVER_extraversion, 0}},
    };

    calls[1].args[0] = arg_of(updates);
    calls[4].args[0] = arg_of(operations);
    calls[6].args[1] = arg_of(&shutdown);
    calls[7].args[1] = arg_of(extraversion);
    (void)make_call(__HYPERVISOR_multicall, arg_of(calls), ARRAY_SIZE(calls), 0x33, 0x44, 0x55);
    (void)make_call(__HYPERVISOR_multicall, arg_of(calls), 0, 0, 0, 0);
}

void traced_batches(void)
{
    make_lists();
    try_lists();
    try_multicall();
}

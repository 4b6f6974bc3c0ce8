/* SPDX-License-Identifier: MIT */
/*
 * Several calls in one: multicall.
 */
#ifndef ABI_MULTICALL_H
#define ABI_MULTICALL_H

#include "types.h"

/*
 * `incontents 140 multicall Batching calls: multicall
 * `
 * ` enum neg_errnoval
 * ` HYPERVISOR_multicall(struct multicall_entry call_list[],
 * `                      unsigned int nr_calls)
 * `
 * ` @call_list: The calls.  They are carried out in order. {order}
 * ` @nr_calls: Number of calls.
 * `
 * ` Each entry names a call and its arguments, as they would stand in the registers; an entry of a 32-bit
 * ` guest has the halves of a 64-bit argument in two consecutive args. {arguments}
 * ` The result of each is stored in its entry, and nothing else of the entry is changed. {results}
 * ` A call that fails does not stop the batch, and does not show in the result of the batch: look at
 * ` each result. {failure}
 * ` A number that is not offered puts -ENOSYS there. {unknown}
 * `
 * ` A call that leaves kernel mode, or sends the vCPU elsewhere ([iret]), ends the batch: the batch gives 0, that
 * ` entry has no result, and those behind it are not done. {leaves-kernel}
 * `
 * ` The batch may be interrupted between entries, and let other vCPUs or domains run; it is not atomic. {interrupted}
 * `
 * ` Errors, in the order of the checks:
 * `   -EINVAL  the call was made from inside a multicall; it is the result of that entry {nested} {NESTED}
 * `   -EFAULT  @call_list does not lie in guest memory {list-nowhere} {GUEST_ADDRESS}
 * `   -ESRCH   the domain is being torn down {dying} {DYING}
 * `   -EFAULT  an entry cannot be read or written.  The entries before it are done {unreadable} {GUEST_FAULT}
 */
struct multicall_entry {
    uint64_t op;     /* => enum hypercall_num */
    uint64_t result; /* written by the hypervisor */
    uint64_t args[6];
};

struct compat_multicall_entry {
    uint32_t op; /* => enum hypercall_num */
    uint32_t result;
    uint32_t args[6];
};

#endif /* ABI_MULTICALL_H */

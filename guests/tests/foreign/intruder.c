/* SPDX-License-Identifier: MIT */
/* An ordinary domain, which may name nobody but itself: frame by frame, in each call that takes a domain's number. */
#include <abi/errno.h>
#include <abi/memory.h>
#include <guest/guest.h>
#include <guest/hypercall.h>
#include <guest/table.h>
#include <guests/tests/foreign/foreign.h>
#include <guests/tests/lib/test.h>

#define FRAMES 4096u /* of each domain it tries that many, from the last of the machine down */

static bool is_refused(long result)
{
    return result == -XEN_EPERM || result == -XEN_ESRCH || result == -XEN_EINVAL;
}

/* How many of the calls on frame @mfn of @domain are done. */
static unsigned try_frame(unsigned domain, mfn_t mfn)
{
    const struct mmu_update entry = {virt_to_maddr(table_entry(WINDOW, 1)), pte_make(mfn, PTE_KERNEL)};
    const struct mmu_update theirs = {mfn.v << PAGE_SHIFT, 0};
    const struct mmuext_op pin = {.cmd = MMUEXT_PIN_L1_TABLE, .arg1.mfn = (xen_pfn_t)mfn.v};
    const struct mmuext_op clear = {.cmd = MMUEXT_CLEAR_PAGE, .arg1.mfn = (xen_pfn_t)mfn.v};
    unsigned done = 0;

    done += !is_refused(hypercall_update_va_mapping_otherdomain(WINDOW, entry.val, UVMF_NONE, domain));
    done += !is_refused(hypercall_mmu_update(&entry, 1, NULL, domain));
    done += !is_refused(hypercall_mmu_update(&theirs, 1, NULL, (domain + 1) << 16 | DOMID_SELF));
    done += !is_refused(hypercall_mmu_update(&theirs, 1, NULL, (domain + 1) << 16 | domain));
    done += !is_refused(hypercall_mmuext_op(&pin, 1, NULL, domain));
    done += !is_refused(hypercall_mmuext_op(&clear, 1, NULL, domain));
    return done;
}

static unsigned try_memory(unsigned domain, mfn_t mfn)
{
    struct xen_memory_domain named = {.domid = (uint16_t)domain};
    struct xen_memory_reservation extent = {.extent_start = arg_of(&mfn), .nr_extents = 1, .domid = (uint16_t)domain};

    unsigned done = 0;

    done += !is_refused(hypercall_memory_op(XENMEM_current_reservation, &named));
    done += !is_refused(hypercall_memory_op(XENMEM_maximum_reservation, &named));
    done += hypercall_memory_op(XENMEM_decrease_reservation, &extent) != 0;
    done += hypercall_memory_op(XENMEM_populate_physmap, &extent) != 0;
    return done;
}

void foreign_intruder(void)
{
    uint64_t end = (uint64_t)hypercall_memory_op(XENMEM_maximum_ram_page, NULL), domains = guest_option("domains", 0);

    test_check(domains > 0 && end > FRAMES, "there are others", "%" PRIu64 " domains", domains);
    for (unsigned domain = 0; domain <= domains; domain++) {
        unsigned done = try_memory(domain, MFN(end - 1));

        for (uint64_t mfn = end - FRAMES; mfn < end; mfn++)
            done += try_frame(domain, MFN(mfn));
        test_equal("nothing is done to another", done, 0);
    }
}

/* SPDX-License-Identifier: MIT */
/* A frame is populated beyond the reservation, and then leaves it. */
#include <abi/layout.h>
#include <engine/engine.h>
#include <hv/domain/share.h>

int share_new(struct hv_domain *domain, mfn_t *mfn)
{
    int error;

    /* It does not count as the guest's memory once it is shared. */
    domain->engine.max_frames++;
    error = domain_populate(&domain->engine, PFN(MACH2PHYS_SHARED), mfn);
    if (!error) {
        error = domain_share(&domain->engine, *mfn);
        CHECK(!error); /* it is allocated, and nobody has seen it */
    }
    domain->engine.max_frames--;
    return error;
}

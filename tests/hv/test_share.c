/* SPDX-License-Identifier: MIT */
/* Frames that a domain and the hypervisor share do not count as the guest's memory. */
/* links: hv/domain/share.c tests/hv/lib/port_halt.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <abi/errno.h>
#include <abi/layout.h>
#include <engine/engine.h>
#include <hv/domain/domain.h>
#include <hv/domain/share.h>

#define FRAMES 100u /* that the domain may have, and has */

static struct hv_domain domain;
static bool is_full;
static unsigned shared;

int domain_populate(struct domain *which, pfn_t pfn, mfn_t *mfn)
{
    assert_ptr_equal(which, &domain.engine);
    assert_int_equal(pfn.v, MACH2PHYS_SHARED); /* no place of the guest's memory */
    assert_int_equal(which->max_frames, FRAMES + 1);
    if (is_full)
        return -XEN_ENOMEM;
    *mfn = MFN(0x77);
    return 0;
}

int domain_share(struct domain *which, mfn_t mfn)
{
    assert_ptr_equal(which, &domain.engine);
    assert_int_equal(mfn.v, 0x77);
    shared++;
    return 0;
}

static void test_new(void **state)
{
    mfn_t mfn = MFN_NONE;

    (void)state;
    domain.engine.max_frames = domain.engine.nr_frames = FRAMES;
    assert_int_equal(share_new(&domain, &mfn), 0);
    assert_int_equal(mfn.v, 0x77);
    assert_int_equal(shared, 1);
    assert_int_equal(domain.engine.max_frames, FRAMES);
}

static void test_full(void **state)
{
    mfn_t mfn = MFN_NONE;

    (void)state;
    is_full = true;
    shared = 0;
    assert_int_equal(share_new(&domain, &mfn), -XEN_ENOMEM);
    assert_int_equal(shared, 0);
    assert_int_equal(domain.engine.max_frames, FRAMES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_new),
        cmocka_unit_test(test_full),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

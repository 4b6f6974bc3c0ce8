/* SPDX-License-Identifier: MIT */
/* grant_table_op, of guests of both widths, on a machine that has few frames.  Copies have a test of their own. */
/* links: hv/call/call_grant.c hv/service/grant.c hv/service/grant_copy.c hv/domain/share.c engine/access.c */
/* links: tests/hv/lib/port_halt.c */
/* links: tests/hv/lib/guest_calls.c tests/hv/lib/guest_memory.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <abi/errno.h>
#include <abi/grant.h>
#include <abi/layout.h>
#include <abi/mmu.h>
#include <engine/engine.h>
#include <hv/service/grant.h>
#include <hv/service/services.h>
#include <tests/hv/lib/guest_calls.h>

#define FRAMES 64u /* that domain_populate() has */

static uint8_t frames[FRAMES][4096];
static unsigned frames_taken, frames_shared, frames_left;
static uint64_t status_is_mapped; /* the frame that the guest maps */

void *port_frame_map(mfn_t mfn)
{
    assert_true(mfn.v >= 100 && mfn.v - 100 < frames_taken);
    return frames[mfn.v - 100];
}

void port_frame_clear(mfn_t mfn)
{
    memset(port_frame_map(mfn), 0, 4096);
}

int domain_populate(struct domain *of, pfn_t pfn, mfn_t *mfn)
{
    assert_true(of->nr_frames < of->max_frames);
    assert_true(pfn.v == MACH2PHYS_SHARED);
    if (frames_left == 0)
        return -XEN_ENOMEM;
    frames_left--;
    of->nr_frames++;
    memset(frames[frames_taken], 0, 4096);
    *mfn = MFN(100 + frames_taken++);
    return 0;
}

int domain_share(struct domain *of, mfn_t mfn)
{
    assert_int_equal(mfn.v, 100 + frames_shared);
    frames_shared++;
    of->nr_frames--;
    return 0;
}

bool domain_shared_is_mapped(struct domain *of, mfn_t mfn)
{
    assert_ptr_equal(of, &domain.engine);
    return mfn.v == status_is_mapped;
}

/* Copies have a test of their own. */
int domain_hold_writable(struct domain *of, mfn_t mfn)
{
    fail_msg("a copy, of %p to %lx", (void *)of, mfn.v);
    return 0;
}

void domain_drop_writable(struct domain *of, mfn_t mfn)
{
    fail_msg("the end of a copy, of %p to %lx", (void *)of, mfn.v);
}

static void begin(enum width width)
{
    static struct domain_services services;

    guest_begin(width);
    frames_taken = frames_shared = 0;
    frames_left = FRAMES;
    domain.services = &services;
    assert_int_equal(grant_create(&domain, MFN(55), MFN_NONE), 0);
}

/* setup_table or get_status_frames; the list goes to offset 64. */
static int grant_list(uint32_t command, uint16_t domid, uint32_t count, uint64_t list)
{
    uint32_t *words = (uint32_t *)(void *)guest_memory;
    bool is_64 = domain.engine.width == WIDTH_64, setup = command == GNTTABOP_setup_table;

    words[setup ? 0 : 1] = domid;
    words[setup ? 1 : 0] = count;
    words[2] = setup ? 0 : (uint32_t)list;
    words[is_64 && setup ? 4 : setup ? 3 : 2] = (uint32_t)list;
    words[is_64 && setup ? 5 : 3] = setup && !is_64 ? (uint32_t)list : 0;
    assert_int_equal(call(call_grant_table_op, command, at(0), 1), 0);
    return (int16_t)(setup ? words[2] & 0xffff : words[1] >> 16);
}

static void grants(void)
{
    const struct grant_entry_v1 *table = (const struct grant_entry_v1 *)(const void *)frames[0];
    unsigned size = domain.engine.width == WIDTH_64 ? 8 : 4;
    uint64_t number = 0;

    assert_int_equal(table[0].flags, GTF_permit_access);
    assert_int_equal(table[0].frame, 55);
    assert_int_equal(table[1].flags, 0);
    assert_int_equal(grant_list(GNTTABOP_setup_table, DOMID_SELF, 4, at(64)), GNTST_okay);
    assert_int_equal(frames_shared, 4);
    for (unsigned i = 0; i < 4; i++) {
        memcpy(&number, guest_memory + 64 + i * size, size);
        assert_int_equal(number, 100 + i);
    }
    assert_int_equal(domain.engine.nr_frames, 1000);
    assert_int_equal(domain.engine.max_frames, 1000);
    assert_int_equal(grant_list(GNTTABOP_setup_table, 1, 2, at(64)), GNTST_okay);
    assert_int_equal(frames_shared, 4);
    assert_int_equal(grant_list(GNTTABOP_setup_table, 0, 2, at(64)), GNTST_bad_domain);
    assert_int_equal(grant_list(GNTTABOP_setup_table, DOMID_SELF, 33, at(64)), GNTST_general_error);
    assert_int_equal(grant_list(GNTTABOP_setup_table, DOMID_SELF, 2, nowhere()), GNTST_bad_virt_addr);
    frames_left = 1;
    assert_int_equal(grant_list(GNTTABOP_setup_table, DOMID_SELF, 6, at(64)), GNTST_general_error);
    frames_left = FRAMES - frames_taken;
    assert_int_equal(grant_list(GNTTABOP_setup_table, DOMID_SELF, 32, at(64)), GNTST_okay);
    assert_int_equal(frames_shared, 32);

    GUEST(struct gnttab_query_size) = (struct gnttab_query_size){.dom = DOMID_SELF};
    assert_int_equal(call(call_grant_table_op, GNTTABOP_query_size, at(0), 1), 0);
    assert_int_equal(GUEST(struct gnttab_query_size).nr_frames, 32);
    assert_int_equal(GUEST(struct gnttab_query_size).max_nr_frames, 32);
    assert_int_equal(call(call_grant_table_op, GNTTABOP_query_size, at(0), 2), -XEN_EINVAL);
    assert_int_equal(call(call_grant_table_op, GNTTABOP_query_size, at(0), 0x80000000), -XEN_EINVAL);
    assert_int_equal(call(call_grant_table_op, GNTTABOP_query_size, nowhere(), 1), -XEN_EFAULT);
    assert_int_equal(call(call_grant_table_op, 12, at(0), 1), -XEN_ENOSYS);
    assert_int_equal(call(call_grant_table_op, 13, at(0), 0), -XEN_ENOSYS);
}

static int64_t set_version(uint32_t wanted)
{
    GUEST(struct gnttab_set_version).version = wanted;
    return call(call_grant_table_op, GNTTABOP_set_version, at(0), 1);
}

static void grant_versions(void)
{
    struct grant_entry_v1 *v1 = (struct grant_entry_v1 *)(void *)frames[0];
    const uint64_t *v2 = (const uint64_t *)(const void *)frames[0];

    assert_int_equal(grant_list(GNTTABOP_get_status_frames, DOMID_SELF, 0, at(64)), GNTST_general_error);
    assert_int_equal(grant_list(GNTTABOP_setup_table, DOMID_SELF, 9, at(64)), GNTST_okay);
    v1[20] = v1[0];
    assert_int_equal(set_version(3), -XEN_EINVAL);
    assert_int_equal(GUEST(struct gnttab_set_version).version, 1);
    assert_int_equal(set_version(0), -XEN_EINVAL);
    assert_int_equal(GUEST(struct gnttab_set_version).version, 1);
    assert_int_equal(set_version(2), 0);
    assert_int_equal(GUEST(struct gnttab_set_version).version, 2);
    assert_int_equal(v2[0], GTF_permit_access);
    assert_int_equal(v2[1], 55);
    for (unsigned i = 2; i < 512; i++)
        assert_int_equal(v2[i], 0); /* no other is kept */
    assert_int_equal(frames_shared, 9 + 2);
    assert_int_equal(grant_list(GNTTABOP_get_status_frames, DOMID_SELF, 2, at(64)), GNTST_okay);
    assert_int_equal(((uint64_t *)(void *)guest_memory)[9], 110);
    assert_int_equal(grant_list(GNTTABOP_get_status_frames, DOMID_SELF, 3, at(64)), GNTST_general_error);
    assert_int_equal(grant_list(GNTTABOP_get_status_frames, 2, 1, at(64)), GNTST_bad_domain);
    GUEST(struct gnttab_get_version) = (struct gnttab_get_version){.dom = DOMID_SELF};
    assert_int_equal(call(call_grant_table_op, GNTTABOP_get_version, at(0), 1), 0);
    assert_int_equal(GUEST(struct gnttab_get_version).version, 2);
    status_is_mapped = 110;
    assert_int_equal(set_version(1), -XEN_EBUSY);
    assert_int_equal(GUEST(struct gnttab_set_version).version, 2);
    assert_int_equal(v2[1], 55);
    assert_int_equal(set_version(2), 0);
    status_is_mapped = 0;
    assert_int_equal(call(call_grant_table_op, GNTTABOP_set_version, nowhere(), 0), -XEN_EFAULT);
    assert_int_equal(set_version(1), 0);
    assert_int_equal(v1[0].flags, GTF_permit_access);
    assert_int_equal(v1[0].frame, 55);
    assert_int_equal(v1[2].flags, 0);
    frames_left = 0;
    assert_int_equal(set_version(2), 0); /* with the status frames of before */
    begin(domain.engine.width);
    frames_left = 0;
    assert_int_equal(set_version(2), -XEN_ENOMEM);
    assert_int_equal(GUEST(struct gnttab_set_version).version, 1);
}

static void grants_of_others(void)
{
    struct gnttab_map_grant_ref *maps = (struct gnttab_map_grant_ref *)(void *)guest_memory;
    struct gnttab_unmap_grant_ref *unmaps = (struct gnttab_unmap_grant_ref *)(void *)guest_memory;
    unsigned count = GUEST_MEMORY_SIZE / sizeof(*maps);

    maps[1].dom = 1; /* itself; DOMID_SELF names nobody here */
    maps[2].dom = DOMID_SELF;
    assert_int_equal(call(call_grant_table_op, GNTTABOP_map_grant_ref, at(0), count), 0);
    for (unsigned i = 0; i < count; i++)
        assert_int_equal(maps[i].status, i == 1 ? GNTST_general_error : GNTST_bad_domain);
    maps[0].status = 0;
    assert_int_equal(call(call_grant_table_op, GNTTABOP_map_grant_ref, at(0), count + 1), -XEN_EFAULT);
    assert_int_equal(maps[0].status, GNTST_bad_domain);
    assert_int_equal(call(call_grant_table_op, GNTTABOP_map_grant_ref, nowhere(), 0), 0);
    assert_int_equal(call(call_grant_table_op, GNTTABOP_map_grant_ref, at(0), 0x80000000), -XEN_EINVAL);
    assert_int_equal(call(call_grant_table_op, GNTTABOP_unmap_grant_ref, at(0), 2), 0);
    assert_int_equal(unmaps[1].status, GNTST_bad_handle);
    memset(guest_memory, 0, 64);
    assert_int_equal(call(call_grant_table_op, GNTTABOP_copy, at(0), 1), 0);
    if (domain.engine.width == WIDTH_64)
        assert_int_equal(GUEST(struct gnttab_copy).status, GNTST_bad_domain);
    else
        assert_int_equal(GUEST(struct compat_gnttab_copy).status, GNTST_bad_domain);
}

TEST_BOTH(grants, begin)
TEST_BOTH(grant_versions, begin)
TEST_BOTH(grants_of_others, begin)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_grants),
        cmocka_unit_test(test_grant_versions),
        cmocka_unit_test(test_grants_of_others),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

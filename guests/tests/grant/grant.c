/* SPDX-License-Identifier: MIT */
/*
 * The grant table: its size, its frames, the entries that are there from the start, the versions.
 */
#include <guest/errno.h>
#include <guest/guest.h>
#include <guest/hypercall.h>
#include <guest/table.h>
#include <guests/tests/lib/test.h>
#include <abi/errno.h>
#include <abi/grant.h>

#define TABLE_AT UINT64_C(0x30000000)

static void sizes(void)
{
    struct gnttab_query_size size = {.dom = DOMID_SELF};
    long result = hypercall_grant_table_op(GNTTABOP_query_size, &size, 1);

    if (result == -XEN_ENOSYS) {
        test_skip("no grants are offered here");
    }
    test_result("query_size", result, 0);
    test_check(size.status == GNTST_okay && size.max_nr_frames >= 1 && size.nr_frames <= size.max_nr_frames,
               "there is room", "status %d, %u of %u frames", size.status, size.nr_frames, size.max_nr_frames);
    size.dom = 1234;
    test_result("query_size of nobody", hypercall_grant_table_op(GNTTABOP_query_size, &size, 1), 0);
    test_equal("its status", (uint64_t)size.status, (uint64_t)GNTST_bad_domain);
}

static void versions(void)
{
    struct gnttab_set_version version = {.version = 1};
    struct gnttab_get_version get = {.dom = DOMID_SELF};

    test_result("set_version 1", hypercall_grant_table_op(GNTTABOP_set_version, &version, 1), 0);
    version.version = 3;
    test_result("set_version 3", hypercall_grant_table_op(GNTTABOP_set_version, &version, 1), -XEN_EINVAL);
    test_result("get_version", hypercall_grant_table_op(GNTTABOP_get_version, &get, 1), 0);
    test_equal("it is 1", get.version, 1);
}

static long set_up(uint64_t *frames, unsigned count, unsigned domain, int16_t *status)
{
    struct gnttab_setup_table setup = {.dom = (uint16_t)domain, .nr_frames = count, .frame_list = arg_of(frames)};
    long result = hypercall_grant_table_op(GNTTABOP_setup_table, &setup, 1);

    *status = setup.status;
    return result;
}

static void table(void)
{
    uint64_t frames[2] = {0, 0};
    volatile struct grant_entry_v1 *entries = (volatile struct grant_entry_v1 *)TABLE_AT;
    int16_t status;

    test_result("setup_table", set_up(frames, 1, DOMID_SELF, &status), 0);
    test_equal("its status", (uint64_t)status, GNTST_okay);
    test_check(frames[0] != 0, "the frame", "0");
    test_need(table_make(TABLE_AT), "tables");
    test_result("map it writable", table_map(TABLE_AT, pte_make(MFN(frames[0]), PTE_KERNEL)), 0);
    entries[100].domid = 0;
    entries[100].frame = 0x77;
    test_equal("an entry holds what is written", entries[100].frame, 0x77);
    if (!(guest.start->flags & SIF_INITDOMAIN)) {
        test_equal("entry 0 grants the console's ring", entries[0].frame, guest.start->console.domU.mfn);
        test_equal("entry 1 grants the xenstore's ring", entries[1].frame, guest.start->store_mfn);
        test_equal("to be accessed", entries[0].flags & GTF_type_mask, GTF_permit_access);
    }
    test_result("setup_table of nobody", set_up(frames, 1, 1234, &status), 0);
    test_equal("its status", (uint64_t)status, (uint64_t)GNTST_bad_domain);
    test_result("setup_table, too large", set_up(frames, 100000, DOMID_SELF, &status), 0);
    test_equal("its status", (uint64_t)status, (uint64_t)GNTST_general_error);
}

void test_main(void)
{
    struct gnttab_query_size none = {.dom = DOMID_SELF};

    sizes();
    versions();
    table();
    test_result("unknown command", hypercall_grant_table_op(99, &none, 1), -XEN_ENOSYS);
    test_result("query_size of two at once", hypercall_grant_table_op(GNTTABOP_query_size, &none, 2), -XEN_EINVAL);
}

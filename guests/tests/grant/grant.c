/* SPDX-License-Identifier: MIT */
/*
 * The grant table: its size, its frames, the entries that are there from the start, the versions.
 */
#include <abi/errno.h>
#include <abi/grant.h>
#include <guest/errno.h>
#include <guest/guest.h>
#include <guest/hypercall.h>
#include <guest/table.h>
#include <guests/tests/lib/test.h>

#define TABLE_AT UINT64_C(0x30000000)

static void sizes(void)
{
    struct gnttab_query_size size = {.dom = DOMID_SELF};
    long result = hypercall_grant_table_op(GNTTABOP_query_size, &size, 1);

    if (result == -XEN_ENOSYS)
        test_skip("no grants are offered here");
    test_result("query_size", result, 0);
    test_check(size.status == GNTST_okay && size.max_nr_frames >= 1 && size.nr_frames <= size.max_nr_frames,
               "there is room", "status %d, %u of %u frames", size.status, size.nr_frames, size.max_nr_frames);
    size.dom = 1234;
    test_result("query_size of nobody", hypercall_grant_table_op(GNTTABOP_query_size, &size, 1), 0);
    test_equal("its status", (uint64_t)size.status, (uint64_t)GNTST_bad_domain);
}

/* Shows grant_table_op.set-version. */
static void versions(void)
{
    struct gnttab_set_version version = {.version = 1};
    struct gnttab_get_version get = {.dom = DOMID_SELF};

    test_result("set_version 1", hypercall_grant_table_op(GNTTABOP_set_version, &version, 1), 0);
    version.version = 3;
    test_result("set_version 3", hypercall_grant_table_op(GNTTABOP_set_version, &version, 1), -XEN_EINVAL);
    test_equal("tells the one in force", version.version, 1);
    test_result("get_version", hypercall_grant_table_op(GNTTABOP_get_version, &get, 1), 0);
    test_equal("it is 1", get.version, 1);
}

static long set_up(xen_pfn_t *frames, unsigned count, unsigned domain, int16_t *status)
{
    struct gnttab_setup_table setup = {.dom = (uint16_t)domain, .nr_frames = count, .frame_list = arg_of(frames)};
    long result = hypercall_grant_table_op(GNTTABOP_setup_table, &setup, 1);

    *status = setup.status;
    return result;
}

static void table(void)
{
    xen_pfn_t frames[2] = {0, 0};
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

#define STATUS_AT (TABLE_AT + PAGE_SIZE)

static long set_version(unsigned wanted, unsigned *is)
{
    struct gnttab_set_version version = {.version = wanted};
    long result = hypercall_grant_table_op(GNTTABOP_set_version, &version, 1);

    *is = version.version;
    return result;
}

/* As long as the guest maps where the statuses of version 2 lie, it cannot do without them. */
static void status_frames(void)
{
    uint64_t frame = 0;
    struct {
        uint32_t nr_frames;
        uint16_t dom;
        int16_t status;
        uint64_t frame_list;
    } list = {1, DOMID_SELF, 0, arg_of(&frame)};
    unsigned version;

    test_result("set_version 2", set_version(2, &version), 0);
    test_result("get_status_frames", hypercall_grant_table_op(GNTTABOP_get_status_frames, &list, 1), 0);
    test_equal("its status", (uint64_t)list.status, GNTST_okay);
    test_result("map one", table_map(STATUS_AT, pte_make(MFN(frame), PTE_KERNEL)), 0);
    test_result("set_version 1 meanwhile", set_version(1, &version), -XEN_EBUSY);
    test_equal("it is still 2", version, 2);
    test_result("map it no longer", table_map(STATUS_AT, 0), 0);
    test_result("set_version 1 again", set_version(1, &version), 0);
    test_equal("it is 1", version, 1);
}

/* Shows grant_table_op.copy. */
static void copy(const char *name, struct gnttab_copy op, int want)
{
    test_result(name, hypercall_grant_table_op(GNTTABOP_copy, &op, 1), 0);
    test_equal("its status", (uint64_t)op.status, (uint64_t)want);
}

static void grants_to_itself(void)
{
    volatile struct grant_entry_v1 *entries = (volatile struct grant_entry_v1 *)TABLE_AT;
    uint64_t *from = page_alloc(), *to = page_alloc();
    uint16_t own = test_own_number();
    struct gnttab_copy op = {.source = {.u.ref = 8, .domid = own},
                             .dest = {.u.gmfn = (xen_pfn_t)virt_to_mfn(to).v, .domid = DOMID_SELF},
                             .len = 64,
                             .flags = GNTCOPY_source_gref};
    struct gnttab_swap_grant_ref swap = {8, 9, 0, 0};

    entries[8].domid = own;
    entries[8].frame = (uint32_t)virt_to_mfn(from).v;
    entries[8].flags = GTF_permit_access;
    entries[9].flags = GTF_invalid;
    from[3] = 0x1234567;
    copy("copy from a granted page", op, GNTST_okay);
    test_equal("the bytes are there", to[3], 0x1234567);
    op.source.domid = DOMID_SELF;
    copy("copy from DOMID_SELF's", op, GNTST_okay);
    op.source.offset = 4090;
    copy("over the end of the page", op, GNTST_bad_copy_arg);
    op.source.offset = 0;
    op.dest.domid = own;
    copy("to a frame of the caller's number", op, GNTST_permission_denied);
    op.dest.domid = DOMID_SELF;
    op.dest.u.gmfn = (xen_pfn_t)virt_to_mfn(table_root()).v;
    copy("to a page table", op, GNTST_general_error);
    op.dest.u.gmfn = (xen_pfn_t)1 << (TOP_LEVEL == 4 ? 39 : 31);
    copy("to no frame", op, GNTST_bad_page);
    test_result("swap", hypercall_grant_table_op(GNTTABOP_swap_grant_ref, &swap, 1), 0);
    test_equal("its status", (uint64_t)swap.status, GNTST_okay);
    test_equal("the entry has moved", entries[8].flags | (unsigned)entries[9].flags << 4, GTF_permit_access << 4);
}

void test_main(void)
{
    struct gnttab_query_size none = {.dom = DOMID_SELF};

    sizes();
    versions();
    table();
    grants_to_itself();
    status_frames();
    test_result("unknown command", hypercall_grant_table_op(99, &none, 1), -XEN_ENOSYS);
    test_result("query_size of two at once", hypercall_grant_table_op(GNTTABOP_query_size, &none, 2), -XEN_EINVAL);
}

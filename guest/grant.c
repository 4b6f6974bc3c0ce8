/* SPDX-License-Identifier: MIT */
/* The table and its free references; then the calls, and what is done with several elements at once. */
#include <abi/errno.h>
#include <abi/mmu.h>
#include <guest/address.h>
#include <guest/grant.h>
#include <guest/hypercall.h>
#include <guest/print.h>
#include <guest/processor.h>
#include <guest/region.h>
#include <guest/table.h>

#define FRAMES_MAX 4u
#define REFS_MAX   (FRAMES_MAX * PAGE_SIZE / sizeof(struct grant_entry_v1))

static struct grant_entry_v1 *entries;
static grant_ref_t free_refs[REFS_MAX];
static unsigned nr_free;

/* What GNTST_... is as an errno. */
static int errno_of_status(int16_t status)
{
    switch (status) {
    case GNTST_okay:
        return 0;
    case GNTST_eagain:
        return -XEN_EAGAIN;
    case GNTST_no_space:
    case GNTST_no_device_space:
        return -XEN_ENOMEM;
    default:
        return -XEN_EINVAL;
    }
}

/*
 * ---- Lending.
 */

static int set_up(xen_pfn_t *frames, unsigned count)
{
    struct gnttab_setup_table setup = {.dom = DOMID_SELF, .nr_frames = count, .frame_list = arg_of(frames)};
    long error = hypercall_grant_table_op(GNTTABOP_setup_table, &setup, 1);

    return error ? (int)error : errno_of_status(setup.status);
}

/* As many frames as there may be, FRAMES_MAX at most. */
static unsigned frames_wanted(void)
{
    struct gnttab_query_size size = {.dom = DOMID_SELF};

    if (hypercall_grant_table_op(GNTTABOP_query_size, &size, 1) || size.status != GNTST_okay)
        return 1;
    return size.max_nr_frames < FRAMES_MAX ? size.max_nr_frames : FRAMES_MAX;
}

int grant_init(void)
{
    xen_pfn_t frames[FRAMES_MAX] = {0};
    unsigned count = frames_wanted();
    char *start = region_alloc(count);
    int error = start ? set_up(frames, count) : -XEN_ENOMEM;

    for (unsigned i = 0; i < count && !error; i++)
        error = table_map((uintptr_t)start + (uint64_t)i * PAGE_SIZE, pte_make(MFN(frames[i]), PTE_KERNEL));
    if (error)
        return error;
    entries = (struct grant_entry_v1 *)start;
    for (unsigned ref = (unsigned)(count * PAGE_SIZE / sizeof(*entries)); ref-- > GNTTAB_NR_RESERVED_ENTRIES;)
        free_refs[nr_free++] = ref;
    return 0;
}

int grant_access(unsigned domain, const void *page, unsigned flags, grant_ref_t *ref)
{
    struct grant_entry_v1 *entry;

    if (!nr_free)
        return -XEN_ENOSPC;
    *ref = free_refs[--nr_free];
    entry = &entries[*ref];
    WRITE_ONCE(entry->domid, (uint16_t)domain);
    WRITE_ONCE(entry->frame, (uint32_t)virt_to_mfn(page).v);
    __atomic_store_n(&entry->flags, (uint16_t)(GTF_permit_access | flags), __ATOMIC_RELEASE);
    return 0;
}

int grant_end(grant_ref_t ref)
{
    struct grant_entry_v1 *entry = &entries[ref];
    uint16_t seen = READ_ONCE(entry->flags);

    do {
        if (seen & (GTF_reading | GTF_writing))
            return -XEN_EBUSY;
    } while (!__atomic_compare_exchange_n(&entry->flags, &seen, 0, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST));
    free_refs[nr_free++] = ref;
    return 0;
}

/*
 * ---- Using others' pages.
 */

/* Elements of which the call says nothing have failed. */
#define CALL(command, ops, count)                                      \
    do {                                                               \
        for (unsigned each = 0; each < (count); each++)                \
            (ops)[each].status = GNTST_general_error;                  \
        if (count)                                                     \
            (void)hypercall_grant_table_op((command), (ops), (count)); \
    } while (0)

void grant_map(struct gnttab_map_grant_ref *ops, unsigned count)
{
    CALL(GNTTABOP_map_grant_ref, ops, count);
}

void grant_unmap(struct gnttab_unmap_grant_ref *ops, unsigned count)
{
    CALL(GNTTABOP_unmap_grant_ref, ops, count);
}

void grant_copy(struct gnttab_copy *ops, unsigned count)
{
    CALL(GNTTABOP_copy, ops, count);
}

/* A mapping that was made and cannot be undone would be a bug of ours or of the hypervisor's. */
static bool unmap_one(uint64_t host_addr, grant_handle_t handle)
{
    struct gnttab_unmap_grant_ref unmap = {.host_addr = host_addr, .handle = handle};

    grant_unmap(&unmap, 1);
    if (unmap.status != GNTST_okay)
        print("grant: handle %u cannot be unmapped: status %d\n", handle, unmap.status);
    return unmap.status == GNTST_okay;
}

/* All of them or none, with the error of the first that could not be mapped. */
static int map_all(struct gnttab_map_grant_ref *ops, unsigned count)
{
    int error = 0;

    grant_map(ops, count);
    for (unsigned i = 0; i < count && !error; i++)
        error = errno_of_status(ops[i].status);
    for (unsigned i = 0; i < count && error; i++) {
        if (ops[i].status == GNTST_okay)
            (void)unmap_one(ops[i].host_addr, ops[i].handle);
    }
    return error;
}

static uint64_t address_of(const void *start, unsigned page)
{
    return (uintptr_t)start + (uint64_t)page * PAGE_SIZE;
}

int grant_map_pages(struct grant_pages *pages, unsigned domain, const grant_ref_t *refs, unsigned count)
{
    struct gnttab_map_grant_ref ops[GRANT_PAGES_MAX];
    void *start = count && count <= GRANT_PAGES_MAX ? region_alloc(count) : NULL;
    int error = start ? 0 : -XEN_ENOMEM;

    *pages = (struct grant_pages){0};
    for (unsigned i = 0; i < count && !error; i++)
        ops[i] = (struct gnttab_map_grant_ref){
            .host_addr = address_of(start, i), .flags = GNTMAP_host_map, .ref = refs[i], .dom = (uint16_t)domain};
    if (!error)
        error = map_all(ops, count);
    if (error) {
        if (start)
            region_free(start, count);
        return error;
    }
    pages->start = start;
    pages->count = count;
    for (unsigned i = 0; i < count; i++)
        pages->handles[i] = ops[i].handle;
    return 0;
}

void grant_unmap_pages(struct grant_pages *pages)
{
    bool all = true;

    for (unsigned i = 0; i < pages->count; i++)
        all = unmap_one(address_of(pages->start, i), pages->handles[i]) && all;
    if (pages->start && all)
        region_free(pages->start, pages->count);
    *pages = (struct grant_pages){0};
}

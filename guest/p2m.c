/* SPDX-License-Identifier: MIT */
/* Leaves and the branches above them: looked up, and added at the end. */
#include <abi/errno.h>
#include <guest/memory.h>
#include <guest/p2m.h>

/* Entries, or pointers, in one page. */
#define FAN       ((unsigned)(PAGE_SIZE / sizeof(void *)))
#define PAGES_MAX ((uint64_t)FAN * FAN * FAN)

struct branch {
    xen_pfn_t *leaves[FAN];
};

struct top {
    struct branch *branches[FAN];
};

static struct top *top;
static uint64_t nr_entries;

/* The leaf for @pfn, which is below nr_entries. */
static xen_pfn_t *leaf_of(uint64_t pfn)
{
    return top->branches[pfn / FAN / FAN]->leaves[pfn / FAN % FAN];
}

static void *new_branch(p2m_page_source *source)
{
    void **branch = source();

    for (unsigned i = 0; branch && i < FAN; i++)
        branch[i] = NULL;
    return branch;
}

static xen_pfn_t *new_leaf(p2m_page_source *source)
{
    xen_pfn_t *leaf = source();

    for (unsigned i = 0; leaf && i < FAN; i++)
        leaf[i] = (xen_pfn_t)MFN_NONE.v;
    return leaf;
}

/* Put a leaf, NULL for a new one, behind the last. */
static int add_leaf(xen_pfn_t *leaf, p2m_page_source *source)
{
    uint64_t index = nr_entries / FAN;
    struct branch **branch = &top->branches[index / FAN];

    if (!*branch) {
        *branch = new_branch(source);
        if (!*branch)
            return -XEN_ENOMEM;
    }
    if (!leaf) {
        leaf = new_leaf(source);
        if (!leaf)
            return -XEN_ENOMEM;
    }
    (*branch)->leaves[index % FAN] = leaf;
    nr_entries += FAN;
    return 0;
}

int p2m_init(xen_pfn_t *list, uint64_t nr_pages, p2m_page_source *source)
{
    int error = 0;

    nr_entries = 0;
    top = new_branch(source);
    if (!top)
        return -XEN_ENOMEM;
    for (uint64_t pfn = nr_pages; pfn % FAN; pfn++)
        list[pfn] = (xen_pfn_t)MFN_NONE.v; /* the builder need not have filled the last page */
    while (!error && nr_entries < nr_pages)
        error = add_leaf(&list[nr_entries], source);
    return error;
}

uint64_t p2m_pages(void)
{
    return nr_entries;
}

int p2m_grow(uint64_t nr_pages, p2m_page_source *source)
{
    int error = nr_pages > PAGES_MAX ? -XEN_ENOMEM : 0;

    while (!error && nr_entries < nr_pages)
        error = add_leaf(NULL, source);
    return error;
}

mfn_t p2m_get(pfn_t pfn)
{
    return pfn.v < nr_entries ? MFN(frame_number(leaf_of(pfn.v)[pfn.v % FAN])) : MFN_NONE;
}

void p2m_set_frame(pfn_t pfn, mfn_t mfn)
{
    if (pfn.v < nr_entries)
        leaf_of(pfn.v)[pfn.v % FAN] = (xen_pfn_t)mfn.v;
}

pfn_t p2m_get_pfn(mfn_t mfn)
{
    pfn_t pfn = mfn_to_pfn(mfn);

    return mfn.v != MFN_NONE.v && p2m_get(pfn).v == mfn.v ? pfn : PFN_NONE;
}

uint64_t p2m_check(pfn_t *first)
{
    uint64_t wrong = 0;

    for (uint64_t pfn = 0; pfn < nr_entries; pfn++) {
        mfn_t mfn = p2m_get(PFN(pfn));

        if (mfn.v == MFN_NONE.v || mfn_to_pfn(mfn).v == pfn)
            continue;
        if (wrong++ == 0 && first)
            *first = PFN(pfn);
    }
    return wrong;
}

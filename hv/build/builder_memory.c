/* SPDX-License-Identifier: MIT */
/*
 * The memory of a domain that is being built.  Its frames come scattered, or scattered by extents where the domain is
 * to have such; and the only list of them is the one that the guest itself gets: its P2M, whose pages are therefore
 * made first.
 */
#include <abi/errno.h>
#include <engine/engine.h>
#include <hv/build/builder_parts.h>
#include <hv/domain/domain.h>
#include <hv/mem/allocate.h>

/*
 * ---- The P2M.
 */

/* Where the guest reads the frame of page @pfn, as many bytes as it has for one. */
static uint8_t *p2m_entry(const struct build *build, uint64_t pfn)
{
    uint64_t at = pfn * layout_p2m_entry(build->kernel.image.width), page = build->layout.p2m + at / PAGE_SIZE;

    CHECK(pfn < build->nr_pages);
    return (uint8_t *)port_frame_map(build->p2m_frames[page - build->p2m_first]) + at % PAGE_SIZE;
}

static void p2m_set(const struct build *build, uint64_t pfn, mfn_t mfn)
{
    memcpy(p2m_entry(build, pfn), &mfn.v, layout_p2m_entry(build->kernel.image.width));
}

mfn_t build_frame(const struct build *build, uint64_t pfn)
{
    uint64_t mfn = 0;

    memcpy(&mfn, p2m_entry(build, pfn), layout_p2m_entry(build->kernel.image.width));
    return MFN(mfn);
}

/*
 * ---- Frames.
 */

/* Is one of the @count pages from @first on among those whose frames a 32-bit guest may not have above 4 GiB? */
static bool needs_low(const struct build *build, uint64_t first, uint64_t count)
{
    const struct layout *layout = &build->layout;

    return layout->start_info - first < count || layout->main.tables[layout->top] - first < count;
}

static int populate_extent(struct build *build, uint64_t first, unsigned order, mfn_t *mfn)
{
    struct domain *domain = &build->domain->engine;
    mfn_t end = domain->frames_end;
    int error;

    if (domain->width == WIDTH_PAE && needs_low(build, first, UINT64_C(1) << order))
        domain->frames_end = FRAMES_END_4G;
    error = order ? domain_populate_extent(domain, PFN(first), order, mfn) : domain_populate(domain, PFN(first), mfn);
    domain->frames_end = end;
    return error;
}

/*
 * Frames for the extent that ends before @end, or if that does not lie behind @first, or there is none left, for the
 * page there: *@order and *@mfn.  Once there was none left none is looked for again, since each time the whole pool is.
 */
static int populate_before(struct build *build, uint64_t first, uint64_t end, unsigned *order, mfn_t *mfn)
{
    uint64_t size = UINT64_C(1) << build->extent_order;
    int error = -XEN_ENOMEM;

    *order = end % size == 0 && end - first >= size ? build->extent_order : 0;
    if (*order)
        error = populate_extent(build, end - size, *order, mfn);
    if (*order && !error)
        build->in_extents += size;
    if (error != -XEN_ENOMEM)
        return error;
    if (*order)
        build->extent_order = *order = 0;
    return populate_extent(build, end - 1, 0, mfn);
}

/*
 * Frames for the pages from @first to before @end, into @frames or, if that is NULL, into the P2M.  The lowest come
 * last, as those that have to do without extents: the guest's kernel lies there.
 */
static int populate(struct build *build, uint64_t first, uint64_t end, mfn_t *frames)
{
    while (end > first) {
        unsigned order;
        mfn_t mfn;
        int error = populate_before(build, first, end, &order, &mfn);

        if (error)
            return error;
        for (uint64_t i = UINT64_C(1) << order; i-- > 0;) {
            end--;
            if (frames)
                frames[end - first] = MFN(mfn.v + i);
            else
                p2m_set(build, end, mfn_add(mfn, i));
        }
        port_preempt_point();
    }
    return 0;
}

/* The pages of the P2M, and those in the same extents. */
static int populate_p2m(struct build *build)
{
    const struct layout *layout = &build->layout;
    mfn_t *frames = build->p2m_frames;
    int error = populate(build, build->p2m_first, build->p2m_end, frames);

    if (error)
        return error;
    for (uint64_t i = 0; i < layout->nr_p2m; i++) { /* so reads what there is no page for */
        memset(port_frame_map(frames[layout->p2m - build->p2m_first + i]), 0xff, PAGE_SIZE);
        port_preempt_point();
    }
    for (uint64_t pfn = build->p2m_first; pfn < build->p2m_end; pfn++)
        p2m_set(build, pfn, frames[pfn - build->p2m_first]);
    return 0;
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

int build_populate(struct build *build)
{
    const struct layout *layout = &build->layout;
    uint64_t size = UINT64_C(1) << build->extent_order, behind = layout->p2m + layout->nr_p2m;
    int error;

    build->p2m_first = layout->p2m / size * size;
    build->p2m_end = least((behind + size - 1) / size * size, build->nr_pages);
    build->p2m_frames = allocate((build->p2m_end - build->p2m_first) * sizeof(mfn_t));
    if (!build->p2m_frames)
        return -XEN_ENOMEM;
    error = populate_p2m(build);
    if (!error)
        error = populate(build, build->p2m_end, build->nr_pages, NULL);
    if (!error)
        error = populate(build, 0, build->p2m_first, NULL);
    return error;
}

void build_forget(struct build *build)
{
    release(build->p2m_frames, (build->p2m_end - build->p2m_first) * sizeof(mfn_t));
    build->p2m_frames = NULL;
}

void build_write(const struct build *build, uint64_t at, struct blob contents)
{
    while (contents.size > 0) {
        uint64_t offset = at % PAGE_SIZE, count = PAGE_SIZE - offset;
        uint8_t *page = port_frame_map(build_frame(build, at >> PAGE_SHIFT));

        if (count > contents.size)
            count = contents.size;
        memcpy(page + offset, contents.bytes, count);
        contents = blob_skip(contents, count);
        at += count;
        port_preempt_point();
    }
}

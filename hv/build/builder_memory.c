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

#define AT_ONCE 32u /* pages whose frames are taken, or noted, at once; as many entries of the P2M are in one page */

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

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

/* For @count pages from @pfn on, whose entries lie in one page. */
static void p2m_set(const struct build *build, uint64_t pfn, const mfn_t *mfns, uint64_t count)
{
    uint8_t *entry = p2m_entry(build, pfn);

    if (layout_p2m_entry(build->kernel.image.width) == sizeof(*mfns)) {
        memcpy(entry, mfns, count * sizeof(*mfns));
        return;
    }
    for (uint64_t i = 0; i < count; i++)
        ((uint32_t *)entry)[i] = (uint32_t)mfns[i].v;
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

/* Frames for @count pages from @pfn on are to lie there, from now on; returns what is to be put back. */
static mfn_t set_frames_end(const struct build *build, uint64_t pfn, uint64_t count)
{
    struct domain *domain = &build->domain->engine;
    mfn_t before = domain->frames_end;

    if (domain->width == WIDTH_PAE && needs_low(build, pfn, count))
        domain->frames_end = FRAMES_END_4G;
    return before;
}

/* Where it is found again: in the builder's own list as long as there is no P2M. */
static void note(const struct build *build, uint64_t pfn, const mfn_t *mfns, uint64_t count)
{
    if (pfn >= build->p2m_first && pfn < build->p2m_end)
        memcpy(&build->p2m_frames[pfn - build->p2m_first], mfns, count * sizeof(*mfns));
    else
        p2m_set(build, pfn, mfns, count);
}

static int populate_extent(struct build *build, uint64_t pfn)
{
    uint64_t size = UINT64_C(1) << build->extent_order, step = least(size, AT_ONCE);
    mfn_t before = set_frames_end(build, pfn, size), first, mfns[AT_ONCE];
    int error = domain_populate_extent(&build->domain->engine, PFN(pfn), build->extent_order, &first);

    build->domain->engine.frames_end = before;
    if (error)
        return error;
    for (uint64_t at = 0; at < size; at += step) {
        for (uint64_t i = 0; i < step; i++)
            mfns[i] = mfn_add(first, at + i);
        note(build, pfn + at, mfns, step);
    }
    build->in_extents += size;
    return 0;
}

static int populate_some(struct build *build, uint64_t pfn, unsigned count)
{
    mfn_t before = set_frames_end(build, pfn, count), mfns[AT_ONCE];
    int error = domain_populate_some(&build->domain->engine, PFN(pfn), count, mfns);

    build->domain->engine.frames_end = before;
    if (!error)
        note(build, pfn, mfns, count);
    return error;
}

/* So many pages before @end, down to @first, have their entries beside each other, and are in no whole extent. */
static uint64_t count_before(const struct build *build, uint64_t first, uint64_t end)
{
    uint64_t count = least((end - 1) % AT_ONCE + 1, end - first), part = end % (UINT64_C(1) << build->extent_order);

    return part ? least(count, part) : count;
}

/*
 * Frames for the extent that ends before *@end, or if that does not lie behind @first, or there is none left, for
 * count_before() pages; *@end is before them then.  Once there was no extent left none is looked for again, since each
 * time the whole pool is.
 */
static int populate_before(struct build *build, uint64_t first, uint64_t *end)
{
    uint64_t size = UINT64_C(1) << build->extent_order, count;
    int error = -XEN_ENOMEM;

    if (build->extent_order && *end % size == 0 && *end - first >= size) {
        error = populate_extent(build, *end - size);
        if (error == -XEN_ENOMEM)
            build->extent_order = 0;
        else
            *end -= size;
    }
    if (error != -XEN_ENOMEM)
        return error;
    count = count_before(build, first, *end);
    *end -= count;
    return populate_some(build, *end, (unsigned)count);
}

/*
 * Frames for the pages from @first to before @end.  The lowest come last, as those that have to do without extents: the
 * guest's kernel lies there.
 */
static int populate(struct build *build, uint64_t first, uint64_t end)
{
    while (end > first) {
        int error = populate_before(build, first, &end);

        if (error)
            return error;
        port_preempt_point();
    }
    return 0;
}

/* The pages of the P2M, and those in the same extents. */
static int populate_p2m(struct build *build)
{
    const struct layout *layout = &build->layout;
    mfn_t *frames = build->p2m_frames;
    int error = populate(build, build->p2m_first, build->p2m_end);

    if (error)
        return error;
    for (uint64_t i = 0; i < layout->nr_p2m; i++) { /* so reads what there is no page for */
        memset(port_frame_map(frames[layout->p2m - build->p2m_first + i]), 0xff, PAGE_SIZE);
        port_preempt_point();
    }
    for (uint64_t pfn = build->p2m_first; pfn < build->p2m_end; pfn++)
        p2m_set(build, pfn, &frames[pfn - build->p2m_first], 1);
    return 0;
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
        error = populate(build, build->p2m_end, build->nr_pages);
    if (!error)
        error = populate(build, 0, build->p2m_first);
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

/* SPDX-License-Identifier: MIT */
/*
 * The memory of a domain that is being built.  Its frames come scattered, and the only list of them is the one that the
 * guest itself gets: its P2M, whose pages are therefore made first.
 */
#include <abi/errno.h>
#include <engine/engine.h>
#include <hv/build/builder_parts.h>
#include <hv/domain/domain.h>
#include <hv/mem/allocate.h>

#define PER_PAGE (PAGE_SIZE / sizeof(uint64_t))

static uint64_t *p2m_entry(const struct build *build, uint64_t pfn)
{
    CHECK(pfn < build->nr_pages);
    return (uint64_t *)port_frame_map(build->p2m_frames[pfn / PER_PAGE]) + pfn % PER_PAGE;
}

mfn_t build_frame(const struct build *build, uint64_t pfn)
{
    return MFN(*p2m_entry(build, pfn));
}

static int populate_p2m(struct build *build)
{
    const struct layout *layout = &build->layout;

    for (uint64_t i = 0; i < layout->nr_p2m; i++) {
        int error = domain_populate(&build->domain->engine, PFN(layout->p2m + i), &build->p2m_frames[i]);

        if (error)
            return error;
        memset(port_frame_map(build->p2m_frames[i]), 0xff, PAGE_SIZE); /* so reads what there is no page for */
    }
    for (uint64_t i = 0; i < layout->nr_p2m; i++)
        *p2m_entry(build, layout->p2m + i) = build->p2m_frames[i].v;
    return 0;
}

static int populate_range(struct build *build, uint64_t first, uint64_t end)
{
    for (uint64_t pfn = first; pfn < end; pfn++) {
        mfn_t mfn;
        int error = domain_populate(&build->domain->engine, PFN(pfn), &mfn);

        if (error)
            return error;
        *p2m_entry(build, pfn) = mfn.v;
    }
    return 0;
}

int build_populate(struct build *build)
{
    const struct layout *layout = &build->layout;
    int error;

    build->p2m_frames = allocate(layout->nr_p2m * sizeof(mfn_t));
    if (!build->p2m_frames)
        return -XEN_ENOMEM;
    error = populate_p2m(build);
    if (!error)
        error = populate_range(build, 0, layout->p2m);
    if (!error)
        error = populate_range(build, layout->p2m + layout->nr_p2m, build->nr_pages);
    return error;
}

void build_forget(struct build *build)
{
    release(build->p2m_frames, build->layout.nr_p2m * sizeof(mfn_t));
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
    }
}

/* SPDX-License-Identifier: MIT */
/*
 * GNTTABOP_copy and GNTTABOP_swap_grant_ref, on the grants of one domain: it may grant to itself.  An entry is read
 * once, and what was read is checked: the guest can write it at any moment.  Nobody else runs meanwhile, since there is
 * one processor and interrupts are off, so that nothing needs to be marked as in use.
 */
#include <abi/grant.h>
#include <abi/mmu.h>
#include <engine/engine.h>
#include <hv/base/string.h>
#include <hv/domain/domain.h>
#include <hv/service/grant.h>
#include <hv/service/services.h>

/* A page, and which of its bytes may be used. */
struct page {
    mfn_t mfn;
    uint32_t first, end;
};

static uint32_t entry_size(const struct domain_grants *grants)
{
    return grants->version == 1 ? sizeof(struct grant_entry_v1) : sizeof(struct grant_entry_v2);
}

/* Where entry @ref lies; NULL: the table does not reach so far. */
static uint8_t *find_entry(const struct domain_grants *grants, grant_ref_t ref)
{
    uint32_t size = entry_size(grants), per_frame = PAGE_SIZE / size;

    if (ref / per_frame >= grants->nr_frames)
        return NULL;
    return (uint8_t *)port_frame_map(grants->frames[ref / per_frame]) + (size_t)(ref % per_frame) * size;
}

/* Does @flags and @domid, of an entry, grant a page to @domain for this? */
static bool is_granted(const struct hv_domain *domain, uint16_t flags, uint16_t domid, bool to_write)
{
    return (flags & GTF_type_mask) == GTF_permit_access && domid == domain->engine.id.v &&
           !(to_write && (flags & GTF_readonly));
}

static int16_t read_entry(const struct hv_domain *domain, const uint8_t *place, bool to_write, struct page *page)
{
    struct grant_entry_v2 wide;
    struct grant_entry_v1 entry;

    if (domain->services->grants.version == 1) {
        memcpy(&entry, place, sizeof(entry));
        *page = (struct page){MFN(entry.frame), 0, PAGE_SIZE};
        return is_granted(domain, entry.flags, entry.domid, to_write) ? GNTST_okay : GNTST_general_error;
    }
    memcpy(&wide, place, sizeof(wide));
    *page = (struct page){MFN(wide.frame), 0, PAGE_SIZE};
    if (wide.flags & GTF_sub_page)
        *page = (struct page){MFN(wide.frame), wide.page_off, (uint32_t)wide.page_off + wide.length};
    return is_granted(domain, wide.flags, wide.domid, to_write) ? GNTST_okay : GNTST_general_error;
}

static bool is_caller(const struct hv_domain *domain, uint16_t domid)
{
    return domid == DOMID_SELF || domid == domain->engine.id.v;
}

static bool domain_exists(const struct hv_domain *domain, uint16_t domid)
{
    return is_caller(domain, domid) || hv_domain_find(domain->engine.machine, domid);
}

/* The page that one side of a copy names; a page that is not granted is the caller's own, which it calls DOMID_SELF. */
static int16_t find_page(const struct hv_domain *domain, const struct gnttab_copy_ptr *side, bool granted,
                         bool to_write, struct page *page)
{
    const uint8_t *entry;

    if (!granted) {
        *page = (struct page){MFN(side->u.gmfn), 0, PAGE_SIZE};
        return side->domid == DOMID_SELF ? GNTST_okay : GNTST_permission_denied;
    }
    if (!is_caller(domain, side->domid))
        return GNTST_general_error; /* it has granted nothing to this one */
    entry = find_entry(&domain->services->grants, side->u.ref);
    return entry ? read_entry(domain, entry, to_write, page) : GNTST_bad_gntref;
}

static bool fits(const struct page *page, const struct gnttab_copy_ptr *side, uint32_t length)
{
    return side->offset >= page->first && (uint32_t)side->offset + length <= page->end;
}

static bool is_own(const struct hv_domain *domain, mfn_t mfn)
{
    const struct frame *frame = frame_find(domain->engine.machine, mfn);

    return frame && frame_owner(frame) == domain->engine.id.v;
}

/* The source first, all of it, then the destination, and last what of the two pages is meant. */
static int16_t find_pages(const struct hv_domain *domain, const struct gnttab_copy *copy, struct page *from,
                          struct page *to)
{
    int16_t status;

    if (!domain_exists(domain, copy->source.domid) || !domain_exists(domain, copy->dest.domid))
        return GNTST_bad_domain;
    status = find_page(domain, &copy->source, copy->flags & GNTCOPY_source_gref, false, from);
    if (status == GNTST_okay && !is_own(domain, from->mfn))
        status = GNTST_bad_page;
    if (status == GNTST_okay)
        status = find_page(domain, &copy->dest, copy->flags & GNTCOPY_dest_gref, true, to);
    if (status == GNTST_okay && !is_own(domain, to->mfn))
        status = GNTST_bad_page;
    return status;
}

static int16_t copy_bytes(const struct gnttab_copy *copy, const struct page *from, const struct page *to)
{
    if (copy->source.offset + copy->len > (int)PAGE_SIZE || copy->dest.offset + copy->len > (int)PAGE_SIZE)
        return GNTST_bad_copy_arg;
    if (!fits(from, &copy->source, copy->len) || !fits(to, &copy->dest, copy->len))
        return GNTST_general_error;
    memmove((uint8_t *)port_frame_map(to->mfn) + copy->dest.offset,
            (const uint8_t *)port_frame_map(from->mfn) + copy->source.offset, copy->len);
    return GNTST_okay;
}

int16_t grant_copy(struct hv_domain *domain, const struct gnttab_copy *copy)
{
    struct page from, to;
    int16_t status = find_pages(domain, copy, &from, &to);

    if (status != GNTST_okay)
        return status;
    if (domain_hold_writable(&domain->engine, to.mfn)) /* so that only what the guest itself may write is written */
        return GNTST_general_error;
    status = copy_bytes(copy, &from, &to);
    domain_drop_writable(&domain->engine, to.mfn);
    return status;
}

int16_t grant_swap(const struct hv_domain *domain, grant_ref_t a, grant_ref_t b)
{
    uint8_t *first = find_entry(&domain->services->grants, a), *second = find_entry(&domain->services->grants, b);
    struct grant_entry_v2 kept, other;
    uint32_t size = entry_size(&domain->services->grants);

    if (!first || !second)
        return GNTST_bad_gntref;
    memcpy(&kept, first, size);
    memcpy(&other, second, size);
    memcpy(first, &other, size);
    memcpy(second, &kept, size);
    return GNTST_okay;
}

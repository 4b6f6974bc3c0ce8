/* SPDX-License-Identifier: MIT */
/*
 * The P2M, which machine frame each pseudo-physical page is, kept by the guest in pages of its own: a tree of three
 * levels, so that it can grow with the guest's memory page by page.  Its first leaves are the list that the domain
 * builder made.  The M2P, the way back, is the hypervisor's; the guest reads it.
 */
#pragma once

#include <abi/types.h>
#include <guest/types.h>

/* Gives a page of the guest's own, with any contents, mapped writable for good; NULL: there is none. */
typedef void *p2m_page_source(void);

/*
 * Begin with the @nr_pages entries at @list, which become the first leaves: its last page is used to its end.  @source
 * gives the pages for everything above them.  0, or -XEN_ENOMEM.
 */
int __must_check p2m_init(xen_pfn_t *list, uint64_t nr_pages, p2m_page_source *source);

/* Pages that the P2M has room for: pfns below have an entry, which may be MFN_NONE. */
uint64_t p2m_pages(void);

/* Make room for all pfns below @nr_pages, which have no frame yet.  0, or -XEN_ENOMEM: it has grown part of the way. */
int __must_check p2m_grow(uint64_t nr_pages, p2m_page_source *source);

/* The frame of a page; MFN_NONE where there is none. */
mfn_t p2m_get(pfn_t pfn);

/* Another frame, or MFN_NONE, for a page that there is room for.  The M2P is not changed. */
void p2m_set_frame(pfn_t pfn, mfn_t mfn);

/* The page of a frame if that is the guest's own: M2P and P2M agree on it.  PFN_NONE otherwise. */
pfn_t p2m_get_pfn(mfn_t mfn);

/* Pages that have a frame whose M2P entry does not lead back; *@first (may be NULL) is the lowest such pfn. */
uint64_t p2m_check(pfn_t *first);

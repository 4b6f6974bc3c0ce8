/* SPDX-License-Identifier: MIT */
/* What the parts of the builder share with each other and with nobody else. */
#pragma once

#include <engine/machine.h>
#include <hv/build/hv_domain.h>
#include <hv/kernel/bundle.h>
#include <hv/kernel/judge.h>
#include <hv/kernel/start_layout.h>

struct hv_domain;

struct build {
    const struct bundle_domain *description;
    struct kernel kernel;
    struct layout layout;
    uint64_t nr_pages;
    unsigned extent_order; /* its frames come in extents of that order, as long as there are such */
    uint64_t in_extents;   /* so many pages do */
    struct hv_domain *domain;
    uint64_t p2m_first, p2m_end; /* the pages of the P2M, and others in the same extents */
    mfn_t *p2m_frames;           /* of those pages, in order */
};

/*
 * ---- Memory (builder_memory.c).
 */

/* Give the domain all of its pages, zeroed, and fill its P2M.  -XEN_ENOMEM: the rest is hv_domain_release()'s. */
int __must_check build_populate(struct build *build);

/* Give back what the builder itself needed for that. */
void build_forget(struct build *build);

/* The frame of a page that is populated. */
mfn_t build_frame(const struct build *build, uint64_t pfn);

/* Write @contents to the domain's memory, @at in bytes from pfn 0 on. */
void build_write(const struct build *build, uint64_t at, struct blob contents);

/*
 * ---- What is put there.
 */

/* builder_load.c: kernel, hypercall page, symbols, ramdisk. */
void build_load(const struct build *build);

/* builder_tables.c: write the page tables, pin the root, have vCPU 0 run on it.  Error: the engine has refused them. */
int __must_check build_tables(const struct build *build);

/* builder_start.c: the other ends of rings, then start_info and vCPU 0.  -XEN_ENOMEM, -XEN_ENOSPC. */
int __must_check build_services(const struct build *build);
void build_start_info(const struct build *build);
void build_vcpu(const struct build *build);

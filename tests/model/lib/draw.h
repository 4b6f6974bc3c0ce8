/* SPDX-License-Identifier: MIT */
/*
 * Drawing steps from a string of bytes: random bytes for the long runs, a fuzzer's for the fuzz
 * target.  What can be drawn depends on what is there, so that a good part of the steps succeed.
 */
#pragma once

#include <tests/model/lib/model.h>

/* Bytes: those given, then the end; or, without any, random ones for ever. */
struct bytes {
    const uint8_t *data;
    size_t size, at;
    uint64_t random;
};

static inline bool bytes_left(const struct bytes *bytes)
{
    return !bytes->data || bytes->at < bytes->size;
}

/* A number below @bound (1 to 65536); 0 at the end. */
unsigned bytes_below(struct bytes *bytes, unsigned bound);

#define DRAW_MOST 6u

/* Draw some steps, 1 to DRAW_MOST; the number is returned.  step_group() says which are one. */
size_t draw_steps(struct model *model, struct bytes *bytes, struct step *steps);

/* The same for one vCPU, and nothing that happens at the same time. */
size_t draw_steps_of(struct model *model, struct bytes *bytes, unsigned domain, unsigned vcpu, struct step *steps);

/* ---- Between the parts. */

struct draw {
    struct bytes *bytes;
    struct model *model;
    const struct oracle *oracle;
    unsigned domain, vcpu;
    unsigned pt;    /* whose tables are written: another domain's only for some mmu_update */
    unsigned pg;    /* whose frames L1 entries map: likewise */
    bool wide;      /* of @pt */
    uint64_t table; /* that the entry is for, or ORACLE_NO_FRAME */
};

typedef bool frame_class(const struct draw *draw, uint64_t mfn);

/* Some frame of the class; false: there is none. */
bool draw_frame(struct draw *draw, frame_class *is, uint64_t *mfn);

/* Classes: of the domain whose tables are written, and no scratch area. */
bool frame_own(const struct draw *draw, uint64_t mfn);
bool frame_idle(const struct draw *draw, uint64_t mfn);
bool frame_plain(const struct draw *draw, uint64_t mfn);    /* idle, or in use as writable */
bool frame_writable(const struct draw *draw, uint64_t mfn); /* in use as writable */
bool frame_table(const struct draw *draw, uint64_t mfn);
bool frame_l1(const struct draw *draw, uint64_t mfn);
bool frame_upper(const struct draw *draw, uint64_t mfn);
bool frame_pinned(const struct draw *draw, uint64_t mfn);
bool frame_segdesc(const struct draw *draw, uint64_t mfn);

static inline unsigned below(struct draw *draw, unsigned bound)
{
    return bytes_below(draw->bytes, bound);
}

static inline bool chance(struct draw *draw, unsigned of_256)
{
    return below(draw, 256) < of_256;
}

/* Where an address of the domain's boot mapping, or its window, leads to @mfn.  False: nowhere. */
bool draw_home(const struct draw *draw, uint64_t mfn, uint64_t *vaddr);

/* Must entry @index of @mfn stay what it is, so that hypercalls can be made? */
bool draw_protected(const struct draw *draw, uint64_t mfn, unsigned index);

/* An entry for slot @slot of a table of @level; what it refers to is often acceptable. */
uint64_t draw_entry(struct draw *draw, unsigned level, unsigned slot);

/* A request for mmu_update that aims at an entry, a table to be, or memory. */
bool draw_request(struct draw *draw, uint64_t *ptr, uint64_t *value);

/* The same for an entry of a live table above level 1: to put a table there, to take one away. */
bool draw_link_request(struct draw *draw, uint64_t *ptr, uint64_t *value);
bool draw_unlink_request(struct draw *draw, uint64_t *ptr, uint64_t *value);

/* A present L1 entry, its table and index, to be replaced by @value; and its address, if known. */
bool draw_l1_change(struct draw *draw, uint64_t *table, unsigned *index, uint64_t *value);
bool draw_l1_vaddr(const struct draw *draw, uint64_t table, unsigned index, uint64_t *vaddr);

/* Any step that may stand in a chain of this kind. */
void draw_one(struct draw *draw, struct step *step, enum step_chain chain);

/* Steps of different vCPUs, two or more, that have something to do with each other. */
size_t draw_concurrent(struct draw *draw, struct step *steps);

/* Steps that tell a story, one after the other.  0: there is nobody for it. */
size_t draw_story(struct draw *draw, struct step *steps);

/* Steps that are more than a request. */
bool draw_mmu_update(struct draw *draw, struct step *step);
bool draw_va_mapping(struct draw *draw, struct step *step);
bool draw_emulate(struct draw *draw, struct step *step);
bool draw_pin(struct draw *draw, struct step *step);
bool draw_unpin(struct draw *draw, struct step *step);
bool draw_root(struct draw *draw, struct step *step);
bool draw_copy(struct draw *draw, struct step *step);
bool draw_mmuext(struct draw *draw, struct step *step);
bool draw_gdt(struct draw *draw, struct step *step);
bool draw_ldt(struct draw *draw, struct step *step);
bool draw_descriptor(struct draw *draw, struct step *step);
bool draw_traps(struct draw *draw, struct step *step);
bool draw_memory(struct draw *draw, struct step *step);
bool draw_exchange(struct draw *draw, struct step *step);
bool draw_store(struct draw *draw, struct step *step);
bool draw_load(struct draw *draw, struct step *step);
bool draw_mode(struct draw *draw, struct step *step);
bool draw_odd(struct draw *draw, struct step *step);

/* Grants: what a guest writes to its table, and the calls. */
bool draw_grant_entry(struct draw *draw, struct step *step);
bool draw_grant_map(struct draw *draw, struct step *step);
bool draw_grant_unmap(struct draw *draw, struct step *step);
bool draw_grant_copy(struct draw *draw, struct step *step);
bool draw_grant_table(struct draw *draw, struct step *step);

/* A story of a grant, see draw_story(). */
size_t draw_grant_story(struct draw *draw, struct step *steps);

/* Some other domain, or somebody who is none.  One that has ended but whose frames others still hold is not named. */
unsigned draw_domid(struct draw *draw);
bool draw_domid_is_settled(const struct draw *draw, unsigned domid);

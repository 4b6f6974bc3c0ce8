/* SPDX-License-Identifier: MIT */
/*
 * What each frame of the machine is, recounted from what the test itself knows: which pages it gave
 * to which guest, what it pinned and loaded, and what stands in the tables.  Nothing is read from
 * the engine's frame table, so that it can be compared with this.
 */
#pragma once

#include <sim/sim.h>
#include <tests/support/guest.h>
#include <tests/sweep/lib/expect.h>

#define WORLD_HOLDS_MAX 64u

/* One frame as the test knows it. */
struct view {
    enum owner owner;
    enum use use;
    bool shared;
    int inside;    /* as in struct named; set by the test, survives a recount */
    uint32_t refs; /* general references */
    uint32_t uses; /* of its type */
    bool visited;
    enum use held;                 /* as by a hold of world's, USE_NONE if there is none */
    uint32_t links_to, links_from; /* to other tables of its level, which are held, and from them */
};

/* A use that stands in no table: a pin, a root that was loaded, a frame of a GDT. */
struct hold {
    mfn_t mfn;
    enum use use;
};

struct world {
    struct sim *sim;
    struct guest *self, *other; /* @other may be NULL */
    struct hold holds[WORLD_HOLDS_MAX];
    unsigned nr_holds;
    uint64_t nr_frames;
    struct view *views; /* by frame number */
};

/* @self is the domain whose tables the test changes.  The holds are the boot's own at first. */
void world_create(struct world *world, struct sim *sim, struct guest *self, struct guest *other);
void world_destroy(struct world *world);

/* Note that a frame is pinned, loaded or shown in a window, or is no more. */
void world_hold(struct world *world, mfn_t mfn, enum use use);
void world_release(struct world *world, mfn_t mfn, enum use use);

/* Recount everything from the tables. */
void world_recount(struct world *world);

/* The view of a frame of the machine, or NULL. */
struct view *world_view(const struct world *world, mfn_t mfn);

/* What an entry of @world->self that names @mfn names. */
struct named world_name(const struct world *world, mfn_t mfn);

/* Compare the last recount with the frame table.  False: *@wrong is the first frame that differs. */
bool world_agrees(const struct world *world, mfn_t *wrong);

/* The engine's word for a use. */
enum frame_type world_type(enum use use);

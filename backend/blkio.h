/* SPDX-License-Identifier: MIT */
/*
 * The way of requests from the block rings of a front end to its disk and of responses back.
 *
 * The pages of a request are mapped for the device alone, GNTMAP_device_map: that writes no page-table entry, so that
 * giving them back flushes nothing.  feature-persistent would save that, too, but have the front end copy each page,
 * which costs more where it was measured (CAVEATS.md).  The back end never sees the data.  A page is given back before
 * the response that returns it to the front end.
 *
 * Requests are answered in the order in which they were taken, so that those which are not answered yet still stand in
 * the ring, each in its slot: whoever serves the ring after this domain's end finds them there.
 *
 * A front end may have several rings, as a rule one for each of its vCPUs.  What can be under way they have in common,
 * and each time another one is the first to use what is free.
 */
#pragma once

#include <guest/grant.h>
#include <backend/blkplan.h>

#define BLKIO_RINGS 4u  /* of one front end */
#define BLKIO_JOBS  64u /* requests of one front end under way */
_Static_assert((BLKIO_JOBS & (BLKIO_JOBS - 1)) == 0, "counts of requests wrap at a multiple of it");

/*
 * Pages of them that are mapped.  A domain can map 21760 (engine/grant.h), and when one front end had all of those, the
 * requests of others would fail; so that each of XENBUS_DEVICES_MAX has its share, and its rings.
 */
#define BLKIO_PAGES 272u

/* One request under way. */
struct blkjob {
    struct disk_request request;
    struct blkio *io;
    struct blkio_ring *ring; /* where it is from */
    struct blkjob *next;     /* in one of the queues of @io, or in none while the disk has it, or it waits for others */
    uint64_t id;
    uint8_t operation; /* of the ring's */
    int16_t status;
    bool is_done; /* its pages have been given back; it is answered in its turn */
    bool flush_after;
    uint64_t discard_left; /* sectors behind those of @request */
    unsigned nr_segments;
    struct disk_segment segments[BLKPLAN_SEGMENTS];
    grant_handle_t handles[BLKPLAN_SEGMENTS]; /* NOT_MAPPED where there is none */
};

struct blkqueue {
    struct blkjob *first, *last;
};

struct blkio_ring {
    struct blkring ring;
    uint32_t taken, answered;         /* counts; in between are those under way, in order[] */
    struct blkjob *order[BLKIO_JOBS]; /* by their count */
};

struct blkio {
    struct blkio_ring rings[BLKIO_RINGS];
    unsigned nr_rings;
    unsigned first; /* of the rings that had the first look at what was free */
    struct blkplan_rights rights;
    struct disk *disk;
    unsigned domain;                      /* of the front end */
    struct blkqueue free, waiting, ready; /* waiting: for room in the disk; ready: their pages are to be given back */
    unsigned nr_under_way;                /* jobs that are not free */
    unsigned nr_pages;                    /* that they have mapped, or are about to */
    bool left;                            /* nobody waits for answers, and there is no ring for them */
    bool due;                             /* blkio_turn() has something to do, whether an event has come or not */
    struct blkjob jobs[BLKIO_JOBS];
};

/*
 * Ready for a front end with @nr_rings, 1 to BLKIO_RINGS, each of which the caller sets up.  Nothing may be under way.
 */
void blkio_init(struct blkio *io, struct disk *disk, unsigned domain, unsigned nr_rings, bool read_only, bool discard);

/*
 * One turn, for when io->due is set or the front end has sent an event: answer what is done, take what is new,
 * BLKIO_JOBS requests at most; *@notify has a bit for each ring whose front end wants an event.
 * -XEN_EINVAL: the front end broke the rules of a ring, and nothing more is taken from that.
 */
int __must_check blkio_turn(struct blkio *io, unsigned *notify);

/*
 * Begin nothing new: what waits, and what is in the rings, is answered with an error.  True when nothing is under way
 * and nothing mapped; until then, again after disk_poll().  *@notify as of blkio_turn().
 */
bool blkio_stop(struct blkio *io, unsigned *notify);

/* After blkio_stop(), whatever it has said: the rings are not touched any more, and their pages can be given back. */
void blkio_leave(struct blkio *io);

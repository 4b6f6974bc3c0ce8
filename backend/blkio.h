/* SPDX-License-Identifier: MIT */
/*
 * The way of requests from a block ring to a disk and of responses back.
 *
 * The pages of a request are mapped for the device alone, GNTMAP_device_map: that writes no page-table entry, so that
 * giving them back flushes nothing.  feature-persistent would save that, too, but have the front end copy each page,
 * which costs more where it was measured (CAVEATS.md).  The back end never sees the data.  A page is given back before
 * the response that returns it to the front end.
 *
 * Requests are answered in the order in which they were taken, so that those which are not answered yet still stand in
 * the ring, each in its slot: whoever serves the ring after this domain's end finds them there.
 */
#pragma once

#include <guest/grant.h>
#include <backend/blkplan.h>

#define BLKIO_JOBS 64u /* requests of one ring under way */
_Static_assert((BLKIO_JOBS & (BLKIO_JOBS - 1)) == 0, "counts of requests wrap at a multiple of it");

/*
 * Pages of them that are mapped.  A domain can map 21760 (engine/grant.h), and when one front end had all of those, the
 * requests of others would fail; so that each of XENBUS_DEVICES_MAX has its share, and its ring.
 */
#define BLKIO_PAGES 320u

/* One request under way. */
struct blkjob {
    struct disk_request request;
    struct blkio *io;
    struct blkjob *next; /* in one of the queues of @io, or in none while the disk has it, or it waits for others */
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

struct blkio {
    struct blkring ring;
    struct blkplan_rights rights;
    struct disk *disk;
    unsigned domain;                      /* of the front end */
    struct blkqueue free, waiting, ready; /* waiting: for room in the disk; ready: their pages are to be given back */
    unsigned nr_under_way;                /* jobs that are not free */
    unsigned nr_pages;                    /* that they have mapped, or are about to */
    bool left;                            /* nobody waits for answers, and there is no ring for them */
    uint32_t taken, answered;             /* counts; in between are those under way, in order[] */
    struct blkjob *order[BLKIO_JOBS];     /* by their count */
    struct blkjob jobs[BLKIO_JOBS];
};

/* Ready for a front end, whose ring is set up by the caller.  Nothing may be under way. */
void blkio_init(struct blkio *io, struct disk *disk, unsigned domain, bool read_only, bool discard);

/*
 * One turn: answer what is done, take what is new, BLKIO_JOBS requests at most; *@notify: the front end wants an event.
 * -XEN_EINVAL: the front end broke the rules of the ring, and nothing more is taken from it.
 */
int __must_check blkio_turn(struct blkio *io, bool *notify);

/*
 * Begin nothing new: what waits, and what is in the ring, is answered with an error.  True when nothing is under way
 * and nothing mapped; until then, again after disk_poll().  *@notify: the front end wants an event.
 */
bool blkio_stop(struct blkio *io, bool *notify);

/* After blkio_stop(), whatever it has said: the ring is not touched any more, and its pages can be given back. */
void blkio_leave(struct blkio *io);

/* SPDX-License-Identifier: MIT */
/* The machine of the playground: few frames, so that all of them can be shown. */
#include <playground/play.h>
#include <engine/op.h>
#include <hv/domain/explain_port.h>

#define FRAMES       64u
#define GUEST_FRAMES 48u
#define OTHER_FRAMES 5u

enum { OTHER, GUEST }; /* domains */

struct play play;

/* Which call has made a frame a table.  None comes from an address: it is the page that calls. */
static struct origin origins[FRAMES];

static void note_origin(struct sim *sim, const struct op *op, const struct frame *frame)
{
    origins[frame_mfn(&sim->machine, frame).v] = (struct origin){
        .number = play.nr_calls,
        .call = op->call,
        .command = op->command,
        .domain = op->vcpu ? op->vcpu->domain->id.v : OWNER_NONE,
        .type = (uint8_t)type_of(frame->type),
    };
}

bool explain_port_origin(mfn_t frame, struct origin *origin)
{
    if (frame.v >= FRAMES)
        return false;
    *origin = origins[frame.v];
    return origin->type != TYPE_NONE;
}

/* A neighbour, which does nothing but own memory. */
static void populate_other(struct sim *sim)
{
    mfn_t mfn;

    for (uint64_t pfn = 0; pfn < OTHER_FRAMES; pfn++) {
        int error = domain_populate(sim_domain(sim, OTHER), PFN(pfn), &mfn);

        if (error)
            sim_fail("playground: page %u of the other domain: error %d", (unsigned)pfn, error);
    }
}

/* Frame 0 is none, so that a number that somebody has forgotten to set is not by chance a right one. */
EXPORT(play_begin) void play_begin(int narrow, int linear)
{
    static const struct frame_range hole = {{0}, {0}};
    const struct sim_config config = {
        .seed = 1,
        .nr_frames = FRAMES,
        .holes = &hole,
        .nr_holes = 1,
        .nr_domains = 2,
        .domains =
            {
                [OTHER] = {.width = WIDTH_64},
                [GUEST] = {.width = narrow ? WIDTH_PAE : WIDTH_64, .linear_tables = linear},
            },
        .nr_cpus = 1,
    };

    said_clear();
    play.sim = sim_create(&config);
    play.sim->on_promoted = note_origin;
    play.guest = guest_boot(play.sim, GUEST, GUEST_FRAMES);
    play.vcpu = guest_vcpu(play.guest, 0);
    populate_other(play.sim);
}

EXPORT(play_failure) const char *play_failure(void)
{
    return play.sim ? play.sim->fail_message : "there is no machine";
}

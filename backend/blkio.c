/* SPDX-License-Identifier: MIT */
/* In order: queues; the end of a request; its way to the disk; its beginning; a turn. */
#include <abi/errno.h>
#include <abi/mmu.h>
#include <guest/address.h>
#include <guest/print.h>
#include <guest/string.h>
#include <backend/blkio.h>
#include <backend/work.h>

#define NOT_MAPPED UINT32_MAX
#define BATCH      256u /* grants in one call */

/*
 * ---- Queues.
 */

static void append(struct blkqueue *queue, struct blkjob *job)
{
    job->next = NULL;
    if (queue->first)
        queue->last->next = job;
    else
        queue->first = job;
    queue->last = job;
}

static struct blkjob *take_first(struct blkqueue *queue)
{
    struct blkjob *job = queue->first;

    if (job)
        queue->first = job->next;
    return job;
}

void blkio_init(struct blkio *io, struct disk *disk, unsigned domain, unsigned nr_rings, bool read_only, bool discard)
{
    memset(io, 0, sizeof(*io));
    io->disk = disk;
    io->domain = domain;
    io->nr_rings = nr_rings;
    io->due = true;
    io->rights = (struct blkplan_rights){disk, read_only, discard};
    for (unsigned i = 0; i < BLKIO_JOBS; i++) {
        io->jobs[i].io = io;
        append(&io->free, &io->jobs[i]);
    }
}

/*
 * ---- The end of a request.
 */

/* What it had mapped, behind the @count elements of @ops that there are.  The number there are then. */
static unsigned add_unmaps(const struct blkjob *job, struct gnttab_unmap_grant_ref *ops, unsigned count)
{
    for (unsigned i = 0; i < job->nr_segments; i++) {
        if (job->handles[i] != NOT_MAPPED)
            ops[count++] = (struct gnttab_unmap_grant_ref){
                .dev_bus_addr = job->segments[i].maddr / PAGE_SIZE * PAGE_SIZE, .handle = job->handles[i]};
    }
    return count;
}

/* A mapping that cannot be undone would be a bug of ours or of the hypervisor's. */
static void unmap(struct gnttab_unmap_grant_ref *ops, unsigned count)
{
    grant_unmap(ops, count);
    for (unsigned i = 0; i < count; i++) {
        if (ops[i].status != GNTST_okay)
            print("blkback: handle %u cannot be unmapped: status %d\n", ops[i].handle, ops[i].status);
    }
}

/* The device has what was in its pages, and they go before what is still to be done. */
static void give_back(struct blkjob *job)
{
    static struct gnttab_unmap_grant_ref ops[BLKPLAN_SEGMENTS];

    unmap(ops, add_unmaps(job, ops, 0));
    job->io->nr_pages -= job->nr_segments;
    job->nr_segments = 0;
}

/* Give back the pages of what is ready, as many at a time as fit into a batch of unmappings. */
static void give_back_ready(struct blkio *io)
{
    static struct gnttab_unmap_grant_ref ops[BATCH];

    while (io->ready.first) {
        unsigned count = 0;

        while (io->ready.first && count + io->ready.first->nr_segments <= BATCH) {
            count = add_unmaps(io->ready.first, ops, count);
            io->nr_pages -= io->ready.first->nr_segments;
            take_first(&io->ready)->is_done = true;
        }
        unmap(ops, count);
    }
}

/*
 * Answer what is done, up to the first that is not, and show the front end the answers before anything else is done:
 * what is put over requests and not shown is lost if this domain ends.  True: it wants an event.
 */
static bool answer_ring(struct blkio *io, struct blkio_ring *ring)
{
    uint32_t before = ring->answered;

    for (; ring->answered != ring->taken && ring->order[ring->answered % BLKIO_JOBS]->is_done; ring->answered++) {
        struct blkjob *job = ring->order[ring->answered % BLKIO_JOBS];

        if (!io->left)
            blkring_respond(&ring->ring, job->id, job->operation, job->status);
        append(&io->free, job);
        io->nr_under_way--;
    }
    return ring->answered != before && !io->left && blkring_push(&ring->ring);
}

/* The rings whose front end wants an event. */
static unsigned answer_ready(struct blkio *io)
{
    unsigned notify = 0;

    give_back_ready(io);
    for (unsigned i = 0; i < io->nr_rings; i++)
        notify |= (unsigned)answer_ring(io, &io->rings[i]) << i;
    return notify;
}

static void finish(struct blkjob *job, int16_t status)
{
    job->status = status;
    append(&job->io->ready, job);
}

/*
 * ---- To the disk.
 */

/* The next part of a discard that is larger than the disk takes at once. */
static void begin_discard(struct blkjob *job, uint64_t sector)
{
    uint64_t most = job->io->disk->max_discard_sectors;

    job->request.sector = sector;
    job->request.nr_sectors = job->discard_left < most ? job->discard_left : most;
    job->discard_left -= job->request.nr_sectors;
}

static void go_on(struct blkio *io)
{
    io->due = true;
    work_again();
}

static void on_done(struct disk_request *request, int error)
{
    struct blkjob *job = (struct blkjob *)request; /* its first member */

    job->io->due = true; /* in the turn that disk_poll() begins */
    if (error) {
        finish(job, error == -XEN_EOPNOTSUPP ? BLKIF_RSP_EOPNOTSUPP : BLKIF_RSP_ERROR);
    } else if (job->discard_left) {
        begin_discard(job, request->sector + request->nr_sectors);
        append(&job->io->waiting, job);
    } else if (job->flush_after) {
        job->flush_after = false;
        give_back(job);
        request->operation = DISK_FLUSH;
        request->nr_segments = 0;
        append(&job->io->waiting, job);
    } else {
        finish(job, BLKIF_RSP_OKAY);
    }
}

/* In order, until the disk has no more room. */
static void submit_waiting(struct blkio *io)
{
    while (io->waiting.first) {
        int error = disk_submit(io->disk, &io->waiting.first->request);

        if (error == -XEN_EAGAIN)
            return;
        if (error)
            finish(take_first(&io->waiting), error == -XEN_EOPNOTSUPP ? BLKIF_RSP_EOPNOTSUPP : BLKIF_RSP_ERROR);
        else
            (void)take_first(&io->waiting);
    }
}

/*
 * ---- From the rings.
 */

/* Elements of one call, and whose they are, in the same order. */
struct batch {
    struct gnttab_map_grant_ref ops[BATCH];
    unsigned count;
    struct blkqueue jobs;
};

static void add_maps(struct batch *batch, struct blkjob *job, const struct blkif_request_segment *segments)
{
    uint32_t flags = GNTMAP_device_map | (job->request.operation == DISK_WRITE ? GNTMAP_readonly : 0);

    for (unsigned i = 0; i < job->nr_segments; i++) {
        batch->ops[batch->count++] =
            (struct gnttab_map_grant_ref){.flags = flags, .ref = segments[i].gref, .dom = (uint16_t)job->io->domain};
        job->segments[i].maddr = (uint64_t)segments[i].first_sect * DISK_SECTOR;
        job->segments[i].size = (uint32_t)(segments[i].last_sect - segments[i].first_sect + 1) * DISK_SECTOR;
    }
    append(&batch->jobs, job);
}

/* What the call made of a job's elements: each is looked at, whatever the others are. */
static bool take_maps(struct blkjob *job, const struct gnttab_map_grant_ref *ops)
{
    bool all = true;

    for (unsigned i = 0; i < job->nr_segments; i++) {
        bool mapped = ops[i].status == GNTST_okay;

        job->handles[i] = mapped ? ops[i].handle : NOT_MAPPED;
        if (mapped)
            job->segments[i].maddr += ops[i].dev_bus_addr;
        all = all && mapped;
    }
    return all;
}

static void map_batch(struct blkio *io, struct batch *batch)
{
    unsigned next = 0;

    grant_map(batch->ops, batch->count);
    for (struct blkjob *job; (job = take_first(&batch->jobs)); next += job->nr_segments) {
        if (take_maps(job, &batch->ops[next]))
            append(&io->waiting, job);
        else
            finish(job, BLKIF_RSP_ERROR);
    }
    batch->count = 0;
}

/* A private copy of the segments that lie in a page of the front end's.  There are never more than fit into one. */
static const struct blkif_request_segment *copy_segments(const struct blkio *io, grant_ref_t ref, unsigned count)
{
    static struct blkif_request_segment copied[PAGE_SIZE / sizeof(struct blkif_request_segment)]
        __attribute__((aligned(PAGE_SIZE)));
    struct gnttab_copy copy = {.source = {.u.ref = ref, .domid = (uint16_t)io->domain},
                               .dest = {.u.gmfn = virt_to_mfn(copied).v, .domid = DOMID_SELF},
                               .len = (uint16_t)(count * sizeof(copied[0])),
                               .flags = GNTCOPY_source_gref};

    _Static_assert(BLKPLAN_SEGMENTS <= ARRAY_SIZE(copied), "one page of segments");
    grant_copy(&copy, 1);
    return copy.status == GNTST_okay ? copied : NULL;
}

/* The request of a job; its segments are mapped, if there are any, with the batch's. */
static void begin(struct batch *batch, struct blkjob *job, const struct blkplan *plan,
                  const struct blkif_request_segment *segments)
{
    job->flush_after = plan->flush_after;
    job->discard_left = plan->nr_sectors;
    job->nr_segments = plan->nr_segments;
    job->io->nr_pages += plan->nr_segments;
    job->request = (struct disk_request){.operation = plan->operation,
                                         .sector = plan->sector,
                                         .segments = job->segments,
                                         .nr_segments = plan->nr_segments,
                                         .done = on_done};
    if (plan->operation == DISK_DISCARD)
        begin_discard(job, plan->sector);
    add_maps(batch, job, segments);
}

static int16_t try_begin(struct blkio *io, const struct blkring_request *request, struct batch *batch,
                         struct blkjob *job)
{
    const struct blkif_request_segment *segments = request->segments;
    struct blkplan plan;
    int16_t status = blkplan_make(&io->rights, request, &plan);

    if (status == BLKIF_RSP_OKAY && plan.indirect)
        segments = copy_segments(io, request->indirect_grefs[0], plan.nr_segments);
    if (!segments)
        status = BLKIF_RSP_ERROR;
    if (status == BLKIF_RSP_OKAY)
        status = blkplan_check_segments(&io->rights, &plan, segments);
    if (status == BLKIF_RSP_OKAY)
        begin(batch, job, &plan, segments);
    return status;
}

/* A job for @request; there is a free one. */
static struct blkjob *new_job(struct blkio *io, struct blkio_ring *ring, const struct blkring_request *request)
{
    struct blkjob *job = take_first(&io->free);

    io->nr_under_way++;
    ring->order[ring->taken++ % BLKIO_JOBS] = job;
    job->ring = ring;
    job->is_done = false;
    job->id = request->id;
    job->operation = request->operation == BLKIF_OP_INDIRECT ? request->indirect_op : request->operation;
    job->nr_segments = 0;
    return job;
}

/* It is refused at once if it asks for what it may not. */
static void take(struct blkio *io, struct blkio_ring *ring, const struct blkring_request *request, struct batch *batch)
{
    struct blkjob *job = new_job(io, ring, request);
    int16_t status = try_begin(io, request, batch, job);

    if (status != BLKIF_RSP_OKAY)
        finish(job, status);
}

/* May another request be taken, however large it is? */
static bool has_room(const struct blkio *io)
{
    return io->free.first && !io->waiting.first && io->nr_pages + BLKPLAN_SEGMENTS <= BLKIO_PAGES;
}

/* Until there is none, or no room for it, which does not grow here.  1: there may be more; 0; -XEN_EINVAL. */
static int take_from(struct blkio *io, struct blkio_ring *ring, struct batch *batch)
{
    struct blkring_request request;
    int more = 1;

    while (more == 1 && has_room(io)) {
        if (batch->count + BLKPLAN_SEGMENTS > BATCH)
            map_batch(io, batch);
        else if ((more = blkring_take(&ring->ring, &request)) == 1)
            take(io, ring, &request, batch);
    }
    return more;
}

/* The same for each ring: more[]. */
static void take_all(struct blkio *io, int more[BLKIO_RINGS])
{
    static struct batch batch;

    if (has_room(io))
        io->first = (io->first + 1) % io->nr_rings;
    for (unsigned i = 0; i < io->nr_rings; i++) {
        unsigned which = (io->first + i) % io->nr_rings;

        more[which] = take_from(io, &io->rings[which], &batch);
    }
    map_batch(io, &batch);
}

/*
 * ---- A turn.
 */

int blkio_turn(struct blkio *io, unsigned *notify)
{
    int more[BLKIO_RINGS], error = 0;

    io->due = false;
    *notify = answer_ready(io);
    submit_waiting(io);
    take_all(io, more);
    submit_waiting(io);
    *notify |= answer_ready(io);
    for (unsigned i = 0; i < io->nr_rings; i++) {
        if (more[i] < 0)
            error = more[i];
        /* Without room, the next completion is what makes the next turn. */
        else if (more[i] ? has_room(io) : blkring_ask(&io->rings[i].ring))
            go_on(io);
    }
    return error;
}

/* What is in the ring, as far as there are jobs for it.  1: there may be more; 0; -XEN_EINVAL. */
static int refuse_all(struct blkio *io, struct blkio_ring *ring)
{
    struct blkring_request request;
    int more = 1;

    while (io->free.first && (more = blkring_take(&ring->ring, &request)) == 1)
        finish(new_job(io, ring, &request), BLKIF_RSP_ERROR);
    return more;
}

/* A ring that cannot be has nothing more in it. */
bool blkio_stop(struct blkio *io, unsigned *notify)
{
    unsigned nr_rings = io->left ? 0 : io->nr_rings;
    int more[BLKIO_RINGS];

    for (struct blkjob *job; (job = take_first(&io->waiting));)
        finish(job, BLKIF_RSP_ERROR);
    *notify = answer_ready(io);
    for (unsigned i = 0; i < nr_rings; i++)
        more[i] = refuse_all(io, &io->rings[i]);
    *notify |= answer_ready(io);
    for (unsigned i = 0; i < nr_rings; i++) {
        if (more[i] >= 0 && (more[i] ? io->free.first != NULL : blkring_ask(&io->rings[i].ring)))
            work_again();
    }
    return io->nr_under_way == 0;
}

void blkio_leave(struct blkio *io)
{
    io->left = true;
}

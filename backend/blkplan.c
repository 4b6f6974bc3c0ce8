/* SPDX-License-Identifier: MIT */
/* Requests by operation; then what several of them share. */
#include <backend/blkplan.h>

#define LAST_SECTOR (PAGE_SIZE / DISK_SECTOR - 1)

static bool is_within(const struct disk *disk, uint64_t sector, uint64_t count)
{
    return sector <= disk->nr_sectors && count <= disk->nr_sectors - sector;
}

static int16_t make_transfer(const struct blkplan_rights *rights, uint8_t operation, unsigned nr_segments,
                             unsigned most, struct blkplan *plan)
{
    if (operation != BLKIF_OP_READ && rights->read_only)
        return BLKIF_RSP_ERROR;
    if (nr_segments == 0 || nr_segments > most || nr_segments > rights->disk->max_segments)
        return BLKIF_RSP_ERROR;
    plan->operation = operation == BLKIF_OP_READ ? DISK_READ : DISK_WRITE;
    plan->nr_segments = nr_segments;
    return BLKIF_RSP_OKAY;
}

static int16_t make_direct(const struct blkplan_rights *rights, const struct blkring_request *request,
                           struct blkplan *plan)
{
    return make_transfer(rights, request->operation, request->nr_segments, BLKIF_MAX_SEGMENTS_PER_REQUEST, plan);
}

static int16_t make_indirect(const struct blkplan_rights *rights, const struct blkring_request *request,
                             struct blkplan *plan)
{
    if (request->indirect_op != BLKIF_OP_READ && request->indirect_op != BLKIF_OP_WRITE)
        return BLKIF_RSP_ERROR;
    plan->indirect = true;
    return make_transfer(rights, request->indirect_op, request->nr_indirect, BLKPLAN_SEGMENTS, plan);
}

/* Alone, or behind data that it comes with. */
static int16_t make_flush(const struct blkplan_rights *rights, const struct blkring_request *request,
                          struct blkplan *plan)
{
    if (!rights->disk->can_flush)
        return BLKIF_RSP_EOPNOTSUPP;
    if (request->nr_segments) {
        plan->flush_after = true;
        return make_direct(rights, request, plan);
    }
    plan->operation = DISK_FLUSH;
    plan->sector = 0; /* the request's means nothing: Linux writes all ones */
    return BLKIF_RSP_OKAY;
}

static int16_t make_discard(const struct blkplan_rights *rights, const struct blkring_request *request,
                            struct blkplan *plan)
{
    if (!rights->discard || request->discard_flag)
        return BLKIF_RSP_EOPNOTSUPP;
    if (rights->read_only || !request->nr_sectors || !is_within(rights->disk, request->sector, request->nr_sectors))
        return BLKIF_RSP_ERROR;
    plan->operation = DISK_DISCARD;
    plan->nr_sectors = request->nr_sectors;
    return BLKIF_RSP_OKAY;
}

int16_t blkplan_make(const struct blkplan_rights *rights, const struct blkring_request *request, struct blkplan *plan)
{
    *plan = (struct blkplan){.sector = request->sector};
    switch (request->operation) {
    case BLKIF_OP_READ:
    case BLKIF_OP_WRITE:
        return make_direct(rights, request, plan);
    case BLKIF_OP_FLUSH_DISKCACHE:
        return make_flush(rights, request, plan);
    case BLKIF_OP_DISCARD:
        return make_discard(rights, request, plan);
    case BLKIF_OP_INDIRECT:
        return make_indirect(rights, request, plan);
    default:
        return BLKIF_RSP_EOPNOTSUPP; /* also BLKIF_OP_WRITE_BARRIER: feature-barrier is 0 */
    }
}

int16_t blkplan_check_segments(const struct blkplan_rights *rights, const struct blkplan *plan,
                               const struct blkif_request_segment *segments)
{
    uint64_t sectors = 0;

    for (unsigned i = 0; i < plan->nr_segments; i++) {
        if (segments[i].first_sect > segments[i].last_sect || segments[i].last_sect > LAST_SECTOR)
            return BLKIF_RSP_ERROR;
        sectors += (uint64_t)(segments[i].last_sect - segments[i].first_sect) + 1;
    }
    return is_within(rights->disk, plan->sector, sectors) ? BLKIF_RSP_OKAY : BLKIF_RSP_ERROR;
}

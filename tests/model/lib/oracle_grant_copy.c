/* SPDX-License-Identifier: MIT */
/* The oracle on GNTTABOP_copy (abi/grant.h). */
#include <string.h>

#include <abi/grant.h>
#include <abi/mmu.h>
#include <tests/model/lib/oracle_parts.h>

/* One side of a copy. */
struct side {
    struct use use; /* of a frame by its number: only what it is */
    bool by_reference;
    unsigned offset;
};

/* The caller's own frame, which is given with DOMID_SELF alone. */
static int16_t begin_own(const struct oracle *oracle, const struct call *call, struct side *side, unsigned domid,
                         uint64_t mfn)
{
    enum oracle_type type;

    side->use.frame = oracle->state.domains[call->caller].wide ? mfn : (uint32_t)mfn;
    side->use.end = 4096;
    if (domid != DOMID_SELF)
        return GNTST_permission_denied;
    if (!oracle_is_ram(oracle, side->use.frame) || oracle->state.frames[side->use.frame].owner != call->caller)
        return GNTST_bad_page;
    type = oracle_type(oracle, side->use.frame);
    return side->use.write && type != O_NONE && type != O_WRITABLE ? GNTST_general_error : GNTST_okay;
}

/* @word: the reference or frame, and domid | offset << 16. */
static int16_t begin(struct oracle *oracle, const struct call *call, struct side *side, const uint64_t *word)
{
    unsigned domid = word[1] & 0xffff;

    side->offset = word[1] >> 16 & 0xffff;
    side->use.granter = call->caller;
    side->use.ref = (uint32_t)word[0];
    if (!use_find_domain(oracle, domid, &side->use.granter))
        return GNTST_bad_domain;
    if (!side->by_reference)
        return begin_own(oracle, call, side, domid, word[0]);
    return use_begin(oracle, call->caller, &side->use);
}

static void end(struct oracle *oracle, const struct side *side)
{
    if (side->by_reference)
        use_settle(oracle, side->use.granter, side->use.ref);
}

static int16_t move(struct oracle *oracle, const struct side *from, const struct side *to, unsigned length)
{
    uint8_t bytes[4096];
    uint64_t words[512];

    if (from->offset + length > 4096 || to->offset + length > 4096)
        return GNTST_bad_copy_arg;
    if (from->offset < from->use.first || from->offset + length > from->use.end || to->offset < to->use.first ||
        to->offset + length > to->use.end)
        return GNTST_general_error;
    memcpy(bytes, (const uint8_t *)oracle->memory[from->use.frame] + from->offset, length);
    memcpy(words, oracle->memory[to->use.frame], sizeof(words));
    memcpy((uint8_t *)words + to->offset, bytes, length);
    for (unsigned i = 0; i < 512; i++)
        oracle_put(oracle, to->use.frame, i, words[i]);
    return GNTST_okay;
}

static int16_t copy(struct oracle *oracle, const struct call *call, const uint64_t *word)
{
    unsigned length = word[4] & 0xffff, flags = word[4] >> 16 & 0xffff;
    struct side from = {.by_reference = flags & GNTCOPY_source_gref};
    struct side to = {.by_reference = flags & GNTCOPY_dest_gref, .use = {.write = true}};
    unsigned ignored;
    int16_t status;

    if (!use_find_domain(oracle, word[1] & 0xffff, &ignored) || !use_find_domain(oracle, word[3] & 0xffff, &ignored))
        return GNTST_bad_domain;
    status = begin(oracle, call, &from, &word[0]);
    if (status != GNTST_okay)
        return status;
    status = begin(oracle, call, &to, &word[2]);
    if (status == GNTST_okay) {
        status = move(oracle, &from, &to, length);
        end(oracle, &to);
    }
    end(oracle, &from);
    return status;
}

int64_t oracle_grant_copy(struct oracle *oracle, const struct call *call)
{
    return oracle_grant_batch(oracle, call, 5, copy);
}

/* SPDX-License-Identifier: MIT */
/* Grant operations: from steps to structures, and back. */
#include <string.h>

#include <abi/grant.h>
#include <tests/model/lib/perform_parts.h>

union element {
    struct gnttab_map_grant_ref map;
    struct gnttab_unmap_grant_ref unmap; /* and unmap_and_replace: the second address has the same place */
    struct gnttab_copy copy;
    struct compat_gnttab_copy compat_copy;
};
_Static_assert(offsetof(struct gnttab_unmap_grant_ref, dev_bus_addr) ==
                   offsetof(struct gnttab_unmap_and_replace, new_addr),
               "unmap");

static size_t element_size(const struct prepared *call, const struct step *step)
{
    switch (step->kind) {
    case STEP_GRANT_MAP:
        return sizeof(struct gnttab_map_grant_ref);
    case STEP_GRANT_UNMAP:
        return sizeof(struct gnttab_unmap_grant_ref);
    default:
        return call->wide ? sizeof(struct gnttab_copy) : sizeof(struct compat_gnttab_copy);
    }
}

static struct gnttab_copy copy_of(const uint64_t *word)
{
    return (struct gnttab_copy){
        .source = {.u.gmfn = word[0], .domid = (uint16_t)word[1], .offset = (uint16_t)(word[1] >> 16)},
        .dest = {.u.gmfn = word[2], .domid = (uint16_t)word[3], .offset = (uint16_t)(word[3] >> 16)},
        .len = (uint16_t)word[4],
        .flags = (uint16_t)(word[4] >> 16),
        .status = (int16_t)RESULT_BEFORE,
    };
}

static struct compat_gnttab_copy compat_copy_of(const uint64_t *word)
{
    const struct gnttab_copy copy = copy_of(word);

    return (struct compat_gnttab_copy){
        .source = {.u.gmfn = (uint32_t)copy.source.u.gmfn, .domid = copy.source.domid, .offset = copy.source.offset},
        .dest = {.u.gmfn = (uint32_t)copy.dest.u.gmfn, .domid = copy.dest.domid, .offset = copy.dest.offset},
        .len = copy.len,
        .flags = copy.flags,
        .status = copy.status,
    };
}

static union element element_of(const struct prepared *call, const struct step *step, unsigned i)
{
    const uint64_t *word = &step->word[step->kind == STEP_GRANT_COPY ? 5 * i : 3 * i];
    union element element = {.copy = {.len = 0}};

    if (step->kind == STEP_GRANT_MAP)
        element.map = (struct gnttab_map_grant_ref){.host_addr = word[0],
                                                    .flags = (uint32_t)word[1],
                                                    .dom = (uint16_t)(word[1] >> 32),
                                                    .ref = (uint32_t)word[2],
                                                    .status = (int16_t)RESULT_BEFORE,
                                                    .handle = HANDLE_BEFORE,
                                                    .dev_bus_addr = HANDLE_BEFORE};
    else if (step->kind == STEP_GRANT_UNMAP)
        element.unmap = (struct gnttab_unmap_grant_ref){.host_addr = word[0],
                                                        .dev_bus_addr = word[1],
                                                        .handle = (uint32_t)word[2],
                                                        .status = (int16_t)RESULT_BEFORE};
    else if (call->wide)
        element.copy = copy_of(word);
    else
        element.compat_copy = compat_copy_of(word);
    return element;
}

static void prepare_elements(struct prepared *call, const struct step *step)
{
    uint8_t bytes[STEP_GRANTS * sizeof(union element)];
    size_t size = element_size(call, step);

    for (unsigned i = 0; i < step->count; i++) {
        const union element element = element_of(call, step, i);

        memcpy(bytes + i * size, &element, size);
    }
    call->args[0] = GNTTABOP_copy;
    if (step->kind == STEP_GRANT_MAP)
        call->args[0] = GNTTABOP_map_grant_ref;
    if (step->kind == STEP_GRANT_UNMAP)
        call->args[0] = step->sub & 1 ? GNTTABOP_unmap_and_replace : GNTTABOP_unmap_grant_ref;
    call->args[1] = prepared_array(call, step, bytes, step->count, size, AT_ARRAY);
    call->args[2] = step->count;
}

/*
 * ---- What has one structure.
 */

union table_call {
    struct gnttab_setup_table setup;
    struct compat_gnttab_setup_table compat_setup;
    struct gnttab_get_status_frames status;
    struct compat_gnttab_get_status_frames compat_status;
    struct gnttab_query_size query;
    struct gnttab_set_version set_version;
    struct gnttab_get_version get_version;
    struct gnttab_swap_grant_ref swap;
};

static void lay_out_list(const struct prepared *call, const struct step *step, union table_call *all)
{
    uint16_t dom = (uint16_t)step->word[0];
    uint32_t nr_frames = (uint32_t)step->word[1];
    uint64_t list = step->word[3] ? call->area->vaddr[PLACE_NONE] : prepared_vaddr(call, AT_ARRAY);
    int16_t status = (int16_t)RESULT_BEFORE;

    if (step->sub == GNTTABOP_setup_table && call->wide)
        all->setup =
            (struct gnttab_setup_table){.dom = dom, .nr_frames = nr_frames, .status = status, .frame_list = list};
    else if (step->sub == GNTTABOP_setup_table)
        all->compat_setup = (struct compat_gnttab_setup_table){
            .dom = dom, .nr_frames = nr_frames, .status = status, .frame_list = (uint32_t)list};
    else if (call->wide)
        all->status =
            (struct gnttab_get_status_frames){.dom = dom, .nr_frames = nr_frames, .status = status, .frame_list = list};
    else
        all->compat_status = (struct compat_gnttab_get_status_frames){
            .dom = dom, .nr_frames = nr_frames, .status = status, .frame_list = (uint32_t)list};
}

static void prepare_table(struct prepared *call, const struct step *step)
{
    union table_call all = {.setup = {.dom = 0}};
    const uint64_t *word = step->word;

    switch (step->sub) {
    case GNTTABOP_setup_table:
    case GNTTABOP_get_status_frames:
        lay_out_list(call, step, &all);
        break;
    case GNTTABOP_query_size:
        all.query = (struct gnttab_query_size){.dom = (uint16_t)word[0], .status = (int16_t)RESULT_BEFORE};
        break;
    case GNTTABOP_get_version:
        all.get_version = (struct gnttab_get_version){.dom = (uint16_t)word[0]};
        break;
    case GNTTABOP_swap_grant_ref:
        all.swap = (struct gnttab_swap_grant_ref){
            .ref_a = (uint32_t)word[0], .ref_b = (uint32_t)word[1], .status = (int16_t)RESULT_BEFORE};
        break;
    default:
        all.set_version = (struct gnttab_set_version){.version = (uint32_t)word[0]};
        break;
    }
    memcpy(prepared_bytes(call, AT_STRUCTURE), &all,
           step->sub == GNTTABOP_swap_grant_ref ? sizeof(all.swap) : sizeof(all));
    call->args[0] = step->sub;
    call->args[1] =
        step->args == ARGS_GOOD ? prepared_vaddr(call, AT_STRUCTURE) : prepared_bad_address(call, step->args);
    call->args[2] = (uint32_t)word[2];
}

void prepare_grant(struct prepared *call, const struct step *step)
{
    call->number = __HYPERVISOR_grant_table_op;
    if (step->kind == STEP_GRANT_TABLE)
        prepare_table(call, step);
    else
        prepare_elements(call, step);
}

/*
 * ---- What came back.
 */

/* Element @i as it is now, where the guest can see it; else as it was. */
static union element element_now(const struct prepared *call, const struct step *step, unsigned i)
{
    size_t size = element_size(call, step);
    union element element = element_of(call, step, i);
    const uint8_t *array = prepared_bytes(call, AT_ARRAY);

    if (step->args == ARGS_CUT)
        array = call->area->bytes[PLACE_CUT] + PAGE_SIZE - (step->count - 1u) * size;
    if (step->args == ARGS_GOOD || (step->args == ARGS_CUT && i + 1 < step->count))
        memcpy(&element, array + i * size, size);
    return element;
}

static void collect_elements(const struct prepared *call, const struct step *step, uint64_t *out)
{
    for (unsigned i = 0; i < step->count; i++) {
        const union element element = element_now(call, step, i);

        if (step->kind == STEP_GRANT_MAP) {
            out[2 * i] = outcome_result(element.map.status, element.map.handle);
            out[2 * i + 1] = element.map.dev_bus_addr;
        } else if (step->kind == STEP_GRANT_UNMAP) {
            out[i] = outcome_status(element.unmap.status);
        } else {
            out[i] = outcome_status(call->wide ? element.copy.status : element.compat_copy.status);
        }
    }
}

/* The first frames of the list: words, or for statuses always of 64 bits. */
static void collect_list(const struct prepared *call, const struct step *step, uint64_t *out)
{
    size_t size = call->wide || step->sub == GNTTABOP_get_status_frames ? 8 : 4;

    for (unsigned i = 0; i + 2 < STEP_EXTENTS; i++)
        memcpy(&out[2 + i], prepared_bytes(call, AT_ARRAY + i * (unsigned)size), size);
}

static void collect_table(const struct prepared *call, const struct step *step, uint64_t *out)
{
    union table_call all;

    memcpy(&all, prepared_bytes(call, AT_STRUCTURE), sizeof(all));
    switch (step->sub) {
    case GNTTABOP_setup_table:
        out[0] = outcome_status(call->wide ? all.setup.status : all.compat_setup.status);
        collect_list(call, step, out);
        break;
    case GNTTABOP_get_status_frames:
        out[0] = outcome_status(call->wide ? all.status.status : all.compat_status.status);
        collect_list(call, step, out);
        break;
    case GNTTABOP_query_size:
        out[0] = outcome_status(all.query.status);
        out[1] = all.query.nr_frames;
        out[2] = all.query.max_nr_frames;
        break;
    case GNTTABOP_set_version:
        out[1] = all.set_version.version;
        break;
    case GNTTABOP_get_version:
        out[1] = all.get_version.version;
        break;
    case GNTTABOP_swap_grant_ref:
        out[0] = outcome_status(all.swap.status);
        break;
    default:
        break;
    }
}

void collect_grant(const struct prepared *call, const struct step *step, struct outcome *outcome)
{
    if (step->kind == STEP_GRANT_TABLE)
        collect_table(call, step, outcome->extents);
    else
        collect_elements(call, step, outcome->extents);
}

/* As through a mapping of the table, which each guest may have. */
void perform_grant_entry(struct vcpu *vcpu, const struct step *step)
{
    const struct domain_grants *grants = &vcpu->domain->grants;
    const mfn_t *frames = step->sub & 1 ? grants->status_frames : grants->frames;
    unsigned nr_frames = step->sub & 1 ? grants->nr_status_frames : grants->nr_frames;

    for (unsigned i = step->count; i > 0; i--) {
        uint64_t at = step->word[0] + i - 1;

        if (at / 512 < nr_frames)
            sim_frame_entries(sim_current(), frames[at / 512])[at % 512] = step->word[i];
    }
}

/* SPDX-License-Identifier: MIT */
/* From steps to registers and structures, and back. */
#include <string.h>

#include <tests/model/lib/perform_parts.h>

void place_find(struct place_area *area, const struct guest *guest, unsigned vcpu)
{
    for (unsigned i = 0; i < PLACE_PAGES; i++) {
        pfn_t pfn = PFN(guest->scratch.v + (uint64_t)vcpu * PLACE_PAGES + i);

        area->vaddr[i] = guest_vaddr(guest, pfn).v;
        area->mfn[i] = guest_mfn(guest, pfn).v;
        area->bytes[i] = (uint8_t *)sim_frame_entries(guest->sim, MFN(area->mfn[i]));
    }
}

uint64_t prepared_bad_address(const struct prepared *call, unsigned args)
{
    switch (args) {
    case ARGS_HYPERVISOR:
        return call->wide ? UINT64_C(0xffff800000001000) : UINT64_C(0xf5900000);
    case ARGS_NULL:
        return 0;
    default:
        return call->area->vaddr[PLACE_NONE];
    }
}

uint64_t prepared_array(const struct prepared *call, const struct step *step, const void *data, unsigned count,
                        size_t size, unsigned offset)
{
    size_t cut;

    switch (step->args) {
    case ARGS_GOOD:
        memcpy(prepared_bytes(call, offset), data, count * size);
        return prepared_vaddr(call, offset);
    case ARGS_CUT:
        cut = count ? (count - 1) * size : 0;
        memcpy(call->area->bytes[PLACE_CUT] + PAGE_SIZE - cut, data, cut);
        return call->area->vaddr[PLACE_NONE] - cut;
    default:
        return prepared_bad_address(call, step->args);
    }
}

/* The same with numbers of the guest's word size. */
static uint64_t put_words(const struct prepared *call, const struct step *step, const uint64_t *words, unsigned count,
                          unsigned offset)
{
    uint32_t narrow[STEP_WORDS];

    if (call->wide)
        return prepared_array(call, step, words, count, sizeof(words[0]), offset);
    for (unsigned i = 0; i < count; i++)
        narrow[i] = (uint32_t)words[i];
    return prepared_array(call, step, narrow, count, sizeof(narrow[0]), offset);
}

static uint64_t put_done(const struct prepared *call, const struct step *step)
{
    const uint32_t before = DONE_BEFORE;

    memcpy(prepared_bytes(call, AT_DONE), &before, sizeof(before));
    switch (step->done) {
    case DONE_NULL:
        return 0;
    case DONE_BAD:
        return call->area->vaddr[PLACE_NONE] + 8;
    default:
        return prepared_vaddr(call, AT_DONE);
    }
}

/* A bitmap of vCPUs at a place of the kind @args. */
static uint64_t put_mask(const struct prepared *call, const struct step *step, unsigned args)
{
    memcpy(prepared_bytes(call, AT_MASK), &step->mask, sizeof(step->mask));
    if (args == ARGS_GOOD)
        return prepared_vaddr(call, AT_MASK);
    return prepared_bad_address(call, args == ARGS_NULL ? ARGS_UNMAPPED : args);
}

/*
 * ---- Each call's structures.
 */

static void prepare_batch(struct prepared *call, const struct step *step, uint64_t array)
{
    call->args[0] = array;
    call->args[1] = step->count | ((step->sub & 1) ? MMU_UPDATE_PREEMPTED : 0);
    call->args[2] = put_done(call, step);
    call->args[3] = step->foreign;
}

static void prepare_mmu_update(struct prepared *call, const struct step *step)
{
    call->number = __HYPERVISOR_mmu_update;
    prepare_batch(call, step, prepared_array(call, step, step->word, step->count, sizeof(struct mmu_update), AT_ARRAY));
}

static void prepare_mmuext(struct prepared *call, const struct step *step)
{
    struct mmuext_op wide[STEP_WORDS / 3];
    struct compat_mmuext_op narrow[STEP_WORDS / 3];

    for (unsigned i = 0; i < step->count; i++) {
        uint32_t cmd = (uint32_t)step->word[3 * i];
        uint64_t arg2 = step->word[3 * i + 2];

        if (cmd == MMUEXT_TLB_FLUSH_MULTI || cmd == MMUEXT_INVLPG_MULTI)
            arg2 = put_mask(call, step, (unsigned)arg2);
        wide[i] = (struct mmuext_op){.cmd = cmd, .arg1 = {.mfn = step->word[3 * i + 1]}};
        wide[i].arg2.src_mfn = arg2;
        narrow[i] = (struct compat_mmuext_op){.cmd = cmd, .arg1 = {.mfn = (uint32_t)step->word[3 * i + 1]}};
        narrow[i].arg2.src_mfn = (uint32_t)arg2;
    }
    call->number = __HYPERVISOR_mmuext_op;
    prepare_batch(call, step,
                  call->wide ? prepared_array(call, step, wide, step->count, sizeof(wide[0]), AT_ARRAY)
                             : prepared_array(call, step, narrow, step->count, sizeof(narrow[0]), AT_ARRAY));
}

static void prepare_va_mapping(struct prepared *call, const struct step *step)
{
    uint64_t flags = step->word[2];
    unsigned i = 0;

    if (step->word[3])
        flags = (flags & UVMF_FLUSHTYPE_MASK) | put_mask(call, step, step->args);
    call->number =
        step->kind == STEP_VA_MAPPING ? __HYPERVISOR_update_va_mapping : __HYPERVISOR_update_va_mapping_otherdomain;
    call->args[i++] = step->word[0];
    call->args[i++] = call->wide ? step->word[1] : (uint32_t)step->word[1];
    if (!call->wide)
        call->args[i++] = step->word[1] >> 32;
    call->args[i++] = flags;
    call->args[i++] = step->foreign;
}

static void prepare_descriptor(struct prepared *call, const struct step *step)
{
    call->number = __HYPERVISOR_update_descriptor;
    for (unsigned i = 0; i < 2; i++) {
        if (call->wide) {
            call->args[i] = step->word[i];
        } else {
            call->args[2 * i] = (uint32_t)step->word[i];
            call->args[2 * i + 1] = step->word[i] >> 32;
        }
    }
}

static void prepare_traps(struct prepared *call, const struct step *step)
{
    struct trap_info wide[STEP_WORDS / 2 + 1] = {0};
    struct compat_trap_info narrow[STEP_WORDS / 2 + 1] = {0};
    unsigned count = step->count + (step->args == ARGS_GOOD ? 1u : 0u); /* with the end of the list */

    for (unsigned i = 0; i < step->count; i++) {
        uint64_t info = step->word[2 * i];

        wide[i] = (struct trap_info){.vector = (uint8_t)info,
                                     .flags = (uint8_t)(info >> 8),
                                     .cs = (uint16_t)(info >> 16),
                                     .address = step->word[2 * i + 1]};
        narrow[i] = (struct compat_trap_info){wide[i].vector, wide[i].flags, wide[i].cs, (uint32_t)wide[i].address};
    }
    call->number = __HYPERVISOR_set_trap_table;
    call->args[0] = call->wide ? prepared_array(call, step, wide, count, sizeof(wide[0]), AT_ARRAY)
                               : prepared_array(call, step, narrow, count, sizeof(narrow[0]), AT_ARRAY);
}

/* A reservation structure at @offset of the page, in the guest's width. */
static size_t put_reservation(const struct prepared *call, unsigned offset, uint64_t extents, uint64_t count,
                              unsigned order, uint64_t flags, uint32_t domid)
{
    const struct xen_memory_reservation wide = {.extent_start = extents,
                                                .nr_extents = count,
                                                .extent_order = order,
                                                .mem_flags = (uint32_t)flags,
                                                .domid = (uint16_t)domid};
    const struct compat_xen_memory_reservation narrow = {.extent_start = (uint32_t)extents,
                                                         .nr_extents = (uint32_t)count,
                                                         .extent_order = order,
                                                         .mem_flags = (uint32_t)flags,
                                                         .domid = (uint16_t)domid};

    if (call->wide)
        memcpy(prepared_bytes(call, offset), &wide, sizeof(wide));
    else
        memcpy(prepared_bytes(call, offset), &narrow, sizeof(narrow));
    return call->wide ? sizeof(wide) : sizeof(narrow);
}

static bool structure_is_good(const struct step *step)
{
    return step->args == ARGS_GOOD || step->args == ARGS_CUT;
}

static void prepare_memory(struct prepared *call, const struct step *step)
{
    uint64_t array = put_words(call, step, &step->word[2], step->count, AT_ARRAY);
    uint16_t domid = (uint16_t)step->foreign;

    call->number = __HYPERVISOR_memory_op;
    call->args[0] = step->sub;
    call->args[1] =
        structure_is_good(step) ? prepared_vaddr(call, AT_STRUCTURE) : prepared_bad_address(call, step->args);
    if (step->sub == XENMEM_current_reservation || step->sub == XENMEM_maximum_reservation)
        memcpy(prepared_bytes(call, AT_STRUCTURE), &domid, sizeof(domid));
    else
        put_reservation(call, AT_STRUCTURE, array, step->count, (unsigned)step->word[0], step->word[1], step->foreign);
}

static void prepare_exchange(struct prepared *call, const struct step *step)
{
    const struct step good = {.args = ARGS_GOOD};
    unsigned nr_in = (unsigned)step->word[2], nr_out = (unsigned)step->word[3];
    uint64_t in = put_words(call, &good, &step->word[4], nr_in, AT_ARRAY);
    uint64_t out = put_words(call, &good, &step->word[4 + nr_in], nr_out, AT_ARRAY_2);
    size_t size = put_reservation(call, AT_STRUCTURE, in, nr_in, (unsigned)step->word[0], 0, step->foreign);

    put_reservation(call, AT_STRUCTURE + (unsigned)size, out, nr_out, (unsigned)step->word[1], 0, step->foreign);
    memset(prepared_bytes(call, AT_STRUCTURE + 2 * (unsigned)size), 0, sizeof(uint64_t));
    call->number = __HYPERVISOR_memory_op;
    call->args[0] = XENMEM_exchange;
    call->args[1] =
        step->args == ARGS_GOOD ? prepared_vaddr(call, AT_STRUCTURE) : prepared_bad_address(call, step->args);
}

static void prepare(struct prepared *call, const struct step *step)
{
    memset(prepared_bytes(call, 0), 0, PAGE_SIZE);
    switch (step->kind) {
    case STEP_MMU_UPDATE:
        prepare_mmu_update(call, step);
        break;
    case STEP_VA_MAPPING:
    case STEP_VA_OTHER:
        prepare_va_mapping(call, step);
        break;
    case STEP_MMUEXT:
        prepare_mmuext(call, step);
        break;
    case STEP_SET_GDT:
        call->number = __HYPERVISOR_set_gdt;
        call->args[0] = put_words(call, step, &step->word[1], step->count, AT_ARRAY);
        call->args[1] = step->word[0];
        break;
    case STEP_DESCRIPTOR:
        prepare_descriptor(call, step);
        break;
    case STEP_TRAPS:
        prepare_traps(call, step);
        break;
    case STEP_MEMORY:
        prepare_memory(call, step);
        break;
    case STEP_EXCHANGE:
        prepare_exchange(call, step);
        break;
    case STEP_GRANT_MAP:
    case STEP_GRANT_UNMAP:
    case STEP_GRANT_COPY:
    case STEP_GRANT_TABLE:
        prepare_grant(call, step);
        break;
    case STEP_NESTED:
        call->number = __HYPERVISOR_multicall;
        call->args[0] = prepared_vaddr(call, AT_ARRAY);
        break;
    default:
        call->number = (unsigned)step->word[0];
        break;
    }
}

/*
 * ---- What came back.
 */

static void get_words(const struct prepared *call, unsigned offset, uint64_t *words, unsigned count)
{
    for (unsigned i = 0; i < count && i < STEP_EXTENTS; i++) {
        words[i] = 0;
        memcpy(&words[i], prepared_bytes(call, offset + i * (call->wide ? 8 : 4)), call->wide ? 8 : 4);
    }
}

static void collect(const struct prepared *call, const struct step *step, int64_t result, struct outcome *outcome)
{
    size_t size = call->wide ? sizeof(struct xen_memory_reservation) : sizeof(struct compat_xen_memory_reservation);

    *outcome = (struct outcome){.result = result, .done = DONE_BEFORE, .mfn = ORACLE_NO_FRAME};
    if (step->kind == STEP_MMU_UPDATE || step->kind == STEP_MMUEXT)
        memcpy(&outcome->done, prepared_bytes(call, AT_DONE), sizeof(outcome->done));
    if (step->kind == STEP_MEMORY && step->args == ARGS_GOOD)
        get_words(call, AT_ARRAY, outcome->extents, step->count);
    else if (step->kind == STEP_MEMORY)
        memcpy(outcome->extents, &step->word[2], step->count * sizeof(outcome->extents[0]));
    if (step->kind == STEP_MEMORY && step->args == ARGS_CUT && step->count > 1) {
        uint8_t *end = call->area->bytes[PLACE_CUT] + PAGE_SIZE;
        size_t word = call->wide ? 8 : 4;

        for (unsigned i = 0; i + 1 < step->count; i++)
            memcpy(&outcome->extents[i], end - (step->count - 1 - i) * word, word);
    }
    if (step->kind == STEP_EXCHANGE) {
        get_words(call, AT_ARRAY_2, outcome->extents, (unsigned)step->word[3]);
        get_words(call, AT_STRUCTURE + 2 * (unsigned)size, &outcome->seen, 1);
    }
    if (step_is_grant(step))
        collect_grant(call, step, outcome);
}

static int64_t perform_calls(struct vcpu *vcpu, const struct place_area *area, const struct step *steps, size_t count,
                             struct outcome *outcomes)
{
    bool wide = vcpu->domain->width == WIDTH_64;
    uint8_t *list = area->bytes[PLACE_LIST];
    struct prepared calls[8];
    int64_t result;

    for (unsigned i = 0; i < count; i++) {
        calls[i] = (struct prepared){.area = area, .page = i, .wide = wide};
        prepare(&calls[i], &steps[i]);
    }
    if (!step_in_multicall(&steps[0])) {
        collect(&calls[0], &steps[0], engine_hypercall(vcpu, calls[0].number, calls[0].args), &outcomes[0]);
        return 0;
    }
    for (unsigned i = 0; i < count; i++) {
        struct multicall_entry entry = {.op = calls[i].number, .result = 0x5a5a5a5a};
        struct compat_multicall_entry narrow = {.op = calls[i].number, .result = 0x5a5a5a5a};

        for (unsigned j = 0; j < 6; j++) {
            entry.args[j] = calls[i].args[j];
            narrow.args[j] = (uint32_t)calls[i].args[j];
        }
        if (wide)
            memcpy(list + i * sizeof(entry), &entry, sizeof(entry));
        else
            memcpy(list + i * sizeof(narrow), &narrow, sizeof(narrow));
    }
    result = engine_hypercall(vcpu, __HYPERVISOR_multicall, (const uint64_t[6]){area->vaddr[PLACE_LIST], count});
    for (unsigned i = 0; i < count; i++) {
        int64_t each;
        int32_t narrow;

        memcpy(&each, list + i * sizeof(struct multicall_entry) + offsetof(struct multicall_entry, result),
               sizeof(each));
        memcpy(&narrow,
               list + i * sizeof(struct compat_multicall_entry) + offsetof(struct compat_multicall_entry, result),
               sizeof(narrow));
        collect(&calls[i], &steps[i], wide ? each : narrow, &outcomes[i]);
    }
    return result;
}

/*
 * ---- What is not a hypercall.
 */

static void emulate(struct vcpu *vcpu, const struct step *step, struct outcome *outcome)
{
    struct table_write write = {.form = (enum write_form)step->sub,
                                .vaddr = VADDR(step->word[0]),
                                .bytes = (unsigned)step->word[1],
                                .operand = step->word[2],
                                .expected = step->word[3]};

    outcome->result = table_write_emulate(vcpu, &write);
    outcome->seen = write.seen;
}

/* After an access: the frame that the processor now thinks the address leads to. */
static uint64_t reached(const struct vcpu *vcpu, uint64_t vaddr)
{
    mfn_t mfn;

    if (!sim_tlb_holds(sim_current(), vcpu->cpu, VADDR(vaddr), &mfn, NULL))
        sim_fail("an access to %#llx left no translation", (unsigned long long)vaddr);
    return mfn.v;
}

static void store(struct vcpu *vcpu, const struct step *step, struct outcome *outcome)
{
    if (step->sub & 1)
        tlb_flush(vcpu->domain->machine, cpumask_of(vcpu->cpu));
    if (sim_store(vcpu, VADDR(step->word[0]), &step->word[1], sizeof(step->word[1]), NULL))
        outcome->mfn = reached(vcpu, step->word[0]);
}

static void load(struct vcpu *vcpu, const struct step *step, struct outcome *outcome)
{
    if (sim_load(vcpu, VADDR(step->word[0]), &outcome->seen, sizeof(outcome->seen), NULL))
        outcome->mfn = reached(vcpu, step->word[0]);
}

int64_t perform(struct vcpu *vcpu, const struct place_area *area, const struct step *steps, size_t count,
                struct outcome *outcomes)
{
    if (step_is_call(&steps[0]))
        return perform_calls(vcpu, area, steps, count, outcomes);
    outcomes[0] = (struct outcome){.done = DONE_BEFORE, .mfn = ORACLE_NO_FRAME};
    switch (steps[0].kind) {
    case STEP_EMULATE:
        emulate(vcpu, &steps[0], &outcomes[0]);
        break;
    case STEP_LDT_FAULT:
        outcomes[0].result = ldt_fault(vcpu, (unsigned)steps[0].word[0]);
        break;
    case STEP_ENTER_USER:
        outcomes[0].result = vcpu_enter_user(vcpu);
        break;
    case STEP_ENTER_KERNEL:
        vcpu_enter_kernel(vcpu);
        break;
    case STEP_STORE:
        store(vcpu, &steps[0], &outcomes[0]);
        break;
    case STEP_LOAD:
        load(vcpu, &steps[0], &outcomes[0]);
        break;
    case STEP_GRANT_ENTRY:
        perform_grant_entry(vcpu, &steps[0]);
        break;
    case STEP_SPECULATE:
        for (uint64_t i = 0; i < steps[0].word[0] % 64; i++)
            sim_speculate(sim_current());
        break;
    default:
        sim_fail("perform: a step of kind %u", steps[0].kind);
    }
    return 0;
}

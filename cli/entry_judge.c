/* SPDX-License-Identifier: MIT */
/*
 * A machine of two frames, just as much of it as the judge of entries looks at.  Frame 1 stands for the one that an
 * entry names: numbers themselves say nothing to the judge, but for 0 and the highest, which stay.
 */
#include <engine/entry.h>
#include <cli/entry_judge.h>

#define STAND_IN     UINT64_C(0x1000) /* frame 1, in an entry */
#define PHYS_BITS    52u              /* the most that there are: an address of any processor */
#define GUEST_NUMBER 1u

/* What the engine has told port_refused() last. */
static enum refusal_reason reason_told;

void port_refused(const struct refusal *refusal)
{
    reason_told = refusal->reason;
}

static const struct {
    const char *name, *text;
    bool absent, l1tf, is_ram, has_rights, may_map;
    uint16_t flags;
} targets[TARGET_COUNT] = {
    [TARGET_ABSENT] = {"absent", "a processor without the L1TF flaw", .absent = true, .is_ram = true},
    [TARGET_ABSENT_L1TF] = {"absent_l1tf", "one with the flaw, if it names RAM", .absent = true, .l1tf = true,
                            .is_ram = true},
    [TARGET_RAM] = {"ram", "RAM", .is_ram = true},
    [TARGET_RAM_RIGHTS] = {"ram_rights", "RAM, by a guest that has device memory", .is_ram = true, .has_rights = true},
    [TARGET_SHARED_RIGHTS] = {"shared_rights", "a shared frame, by such a guest", .is_ram = true, .has_rights = true,
                              .flags = FRAME_SHARED},
    [TARGET_DEVICE] = {"device", "device memory, by a guest that has it", .has_rights = true, .may_map = true},
    [TARGET_NOTHING] = {"nothing", "no RAM, and not the guest's", .absent = false},
};

bool entry_target_fits(enum entry_target target, unsigned level, uint64_t bits)
{
    return targets[target].absent == !(bits & ENTRY_PRESENT) && (level == 1 || !targets[target].has_rights);
}

const char *entry_target_name(enum entry_target target)
{
    return targets[target].name;
}

const char *entry_target_text(enum entry_target target)
{
    return targets[target].text;
}

static uint64_t stand_in(uint64_t bits)
{
    uint64_t frame = bits & ENTRY_FRAME;

    if (frame == ENTRY_FRAME || (frame == 0 && !(bits & ENTRY_PRESENT)))
        return bits;
    return (bits & ~ENTRY_FRAME) | STAND_IN;
}

void entry_judge(enum width width, unsigned level, uint64_t bits, enum entry_target target, struct judgement *judgement)
{
    struct frame frames[2] = {{.owner = DOMID_IO}, {.owner = GUEST_NUMBER, .flags = targets[target].flags}};
    const struct frame_range range = {MFN(targets[target].may_map ? 1 : 2), MFN(targets[target].may_map ? 1 : 2)};
    struct machine machine = {.frames = frames,
                              .nr_frames = targets[target].is_ram ? ARRAY_SIZE(frames) : 0,
                              .phys_bits = PHYS_BITS,
                              .l1tf = targets[target].l1tf};
    struct domain domain = {.machine = &machine,
                            .id = DOMID(GUEST_NUMBER),
                            .width = width,
                            .iomem = &range,
                            .nr_iomem = targets[target].has_rights ? 1 : 0};
    struct vcpu vcpu = {.domain = &domain};
    const struct op op = {.machine = &machine, .vcpu = &vcpu, .pt_owner = &domain, .pg_owner = &domain};
    struct entry entry;

    judgement->error = entry_decode(&op, level_of(width, (enum frame_type)level), (struct slot){MFN(0), level, 0},
                                    stand_in(bits), &entry);
    judgement->reason = reason_told;
    judgement->stored = (entry.bits & ~ENTRY_FRAME) | (bits & ENTRY_FRAME);
    judgement->needs = entry.type;
}

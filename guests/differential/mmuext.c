/* SPDX-License-Identifier: MIT */
/*
 * mmuext_op: every command, on frames of every kind.  What was done is undone by the opposite command.
 */
#include <abi/layout.h>
#include <guest/hypercall.h>
#include <guest/string.h>
#include <guests/differential/call.h>
#include <guests/differential/groups.h>
#include <guests/differential/mmu_arguments.h>
#include <guests/differential/say.h>
#include <guests/differential/world.h>

#define OPS   3u
#define TIMES 1500u

#define COMMAND(name)              \
    {                              \
#name, MMUEXT_##name, NULL \
    }
static const struct item commands[] = {
    COMMAND(PIN_L1_TABLE),
    COMMAND(PIN_L2_TABLE),
    COMMAND(PIN_L3_TABLE),
    COMMAND(PIN_L4_TABLE),
    COMMAND(UNPIN_TABLE),
    COMMAND(UNPIN_TABLE),
    COMMAND(NEW_BASEPTR),
    COMMAND(NEW_BASEPTR),
    COMMAND(TLB_FLUSH_LOCAL),
    COMMAND(INVLPG_LOCAL),
    COMMAND(TLB_FLUSH_MULTI),
    COMMAND(INVLPG_MULTI),
    COMMAND(TLB_FLUSH_ALL),
    COMMAND(INVLPG_ALL),
    COMMAND(FLUSH_CACHE),
    COMMAND(SET_LDT),
    COMMAND(SET_LDT),
    COMMAND(NEW_USER_BASEPTR),
    COMMAND(NEW_USER_BASEPTR),
    COMMAND(CLEAR_PAGE),
    COMMAND(COPY_PAGE),
    COMMAND(FLUSH_CACHE_GLOBAL),
    COMMAND(MARK_SUPER),
    COMMAND(UNMARK_SUPER),
    {"14", 14, NULL},
    {"21", 21, NULL},
    {"ffffffff", 0xffffffff, NULL},
};
static const struct menu menu_commands = MENU(commands);

/* What the kernel can run on, and what cannot become an L4; any other empty page could, and would be the end. */
#define FRAME(name, id)         \
    {                           \
        name, 0, &world[id].mfn \
    }
static const struct item roots[] = {
    FRAME("root", FRAME_ROOT),
    FRAME("t4", FRAME_T4),
    FRAME("u4", FRAME_U4),
    FRAME("t4", FRAME_T4),
    FRAME("u4", FRAME_U4),
    FRAME("b4", FRAME_B4),
    FRAME("t1", FRAME_T1),
    FRAME("t2", FRAME_T2),
    FRAME("t3", FRAME_T3),
    FRAME("p0", FRAME_P0),
    FRAME("gdt", FRAME_GDT),
    FRAME("v3", FRAME_V3),
    FRAME("shared", FRAME_SHARED),
    FRAME("m2p", FRAME_M2P),
    FRAME("gone", FRAME_GONE),
    FRAME("hole", FRAME_HOLE),
    FRAME("beyond", FRAME_BEYOND),
    FRAME("none", FRAME_NONE),
    VALUE(0),
};
static const struct menu menu_roots = MENU(roots);

static const struct item ldts[] = {
    {"view0", WORLD_BASE, NULL},
    {"view2", WORLD_BASE + 0x2000, NULL},
    {"view2+8", WORLD_BASE + 0x2008, NULL},
    {"nowhere", UINT64_C(0x20000000000), NULL},
    {"noncanon", UINT64_C(0x900000000000), NULL},
    {"hv", HYPERVISOR_VIRT_START, NULL},
    {"hv-end", HYPERVISOR_VIRT_END - PAGE_SIZE, NULL},
    {"low-end", UINT64_C(0x7ffffffff000), NULL},
    {"top", UINT64_C(0xfffffffffffff000), NULL},
    VALUE(0),
};
static const struct menu menu_ldts = MENU(ldts);

static const struct item sizes[] = {VALUE(0), VALUE(1), VALUE(512), VALUE(8192), VALUE(8193), VALUE(0xffffffff)};
static const struct menu menu_sizes = MENU(sizes);

static uint64_t choose_mask(void)
{
    enum pointer_kind kind = choose_number(NR_POINTERS);
    uint64_t address, *mask = pointer_make(PLACE_ARGUMENT, kind, sizeof(*mask), &address);

    *mask = 1;
    pointer_put(PLACE_ARGUMENT);
    say(",%s", pointer_name(kind));
    return address;
}

/* A frame to copy: none whose contents are the hypervisor's, which nobody could tell by name. */
static uint64_t choose_source(void)
{
    const struct item *item = choose_item(&menu_frames);

    if (item->at == &world[FRAME_SHARED].mfn || item->at == &world[FRAME_GRANTS].mfn)
        item = &menu_frames.items[0];
    say("%s", item->name);
    return item_value(item);
}

static void choose_op(struct mmuext_op *op)
{
    static const struct item none[] = {VALUE(0)};
    static const struct menu menu_none = MENU(none);
    const struct menu *first = &menu_frames;
    const struct item *command = choose_item(&menu_commands);

    *op = (struct mmuext_op){.cmd = (uint32_t)command->value};
    say(" %s(", command->name);
    if (op->cmd == MMUEXT_NEW_BASEPTR)
        first = &menu_roots;
    else if (op->cmd == MMUEXT_SET_LDT)
        first = &menu_ldts;
    else if (op->cmd == MMUEXT_NEW_USER_BASEPTR && choose_seldom(6))
        first = &menu_none;
    else if (op->cmd >= MMUEXT_TLB_FLUSH_LOCAL && op->cmd <= MMUEXT_FLUSH_CACHE)
        first = &menu_addresses;
    op->arg1.mfn = choose(NULL, first);
    if (op->cmd == MMUEXT_SET_LDT) {
        say(",");
        op->arg2.nr_ents = (uint32_t)choose(NULL, &menu_sizes);
    } else if (op->cmd == MMUEXT_COPY_PAGE) {
        say(",");
        op->arg2.src_mfn = choose_source();
    } else if (op->cmd == MMUEXT_TLB_FLUSH_MULTI || op->cmd == MMUEXT_INVLPG_MULTI) {
        op->arg2.vcpumask = choose_mask();
    }
    say(")");
}

/* The level that a frame of the world is pinned at. */
static unsigned pinned_level(uint64_t mfn)
{
    for (unsigned level = 1; level <= 4; level++) {
        if (world[FRAME_T1 + level - 1].mfn == mfn)
            return level;
    }
    return world[FRAME_ROOT].mfn == mfn ? 4 : 0;
}

static void undo(const struct mmuext_op *done)
{
    struct mmuext_op op = {.arg1.mfn = done->arg1.mfn};

    switch (done->cmd) {
    case MMUEXT_PIN_L1_TABLE:
    case MMUEXT_PIN_L2_TABLE:
    case MMUEXT_PIN_L3_TABLE:
    case MMUEXT_PIN_L4_TABLE:
        op.cmd = MMUEXT_UNPIN_TABLE;
        break;
    case MMUEXT_UNPIN_TABLE:
        op.cmd = MMUEXT_PIN_L1_TABLE + pinned_level(done->arg1.mfn) - 1;
        break;
    case MMUEXT_NEW_BASEPTR:
        op = (struct mmuext_op){.cmd = MMUEXT_NEW_BASEPTR, .arg1.mfn = world[FRAME_ROOT].mfn};
        break;
    case MMUEXT_NEW_USER_BASEPTR:
        op = (struct mmuext_op){.cmd = MMUEXT_NEW_USER_BASEPTR, .arg1.mfn = 0};
        break;
    case MMUEXT_SET_LDT:
        op = (struct mmuext_op){.cmd = MMUEXT_SET_LDT};
        break;
    default:
        return;
    }
    if (hypercall_mmuext_op(&op, 1, NULL, DOMID_SELF))
        say(" stuck(%u)", op.cmd);
}

/*
 * CLEAR_PAGE and COPY_PAGE may hit what the hypervisor shares with the kernel: it is put back.  Delivery of events is
 * masked there.
 */
static void keep_shared(bool restore)
{
    static const enum frame_id ids[] = {FRAME_SHARED, FRAME_GRANTS};
    static char kept[ARRAY_SIZE(ids)][PAGE_SIZE];

    for (unsigned i = 0; i < ARRAY_SIZE(ids); i++) {
        if (!restore)
            memcpy(kept[i], world[ids[i]].page, PAGE_SIZE);
        else if (memcmp(kept[i], world[ids[i]].page, PAGE_SIZE) != 0)
            memcpy(world[ids[i]].page, kept[i], PAGE_SIZE);
    }
}

static void once(void)
{
    struct mmuext_op ops[OPS], *given;
    enum pointer_kind kind, done;
    uint64_t address, done_address, foreign;
    unsigned count, nr_done;
    long result;

    say_begin("mmuext_op");
    kind = choose_seldom(4) ? pointer_choose() : POINTER_GOOD;
    done = done_choose(&done_address);
    /* Where the number done is not to be had, it must follow from the result. */
    count = done == POINTER_GOOD && choose_seldom(4) ? choose_number(OPS + 1) : 1;
    given = pointer_make(PLACE_LIST, kind, OPS * sizeof(*given), &address);
    if (kind != POINTER_GOOD)
        say(" at=%s", pointer_name(kind));
    for (unsigned i = 0; i < count; i++) {
        choose_op(&ops[i]);
        given[i] = ops[i];
    }
    pointer_put(PLACE_LIST);
    foreign = foreign_choose(false);
    say_calling();
    keep_shared(false);
    result = call(__HYPERVISOR_mmuext_op, address, count, done_address, foreign, 0);
    keep_shared(true);
    say_result(result);
    nr_done = done_say(done);
    if (result == 0)
        nr_done = count;
    for (unsigned i = nr_done < count ? nr_done : count; i-- > 0;)
        undo(&ops[i]);
    world_check();
    say_end();
}

void group_mmuext(void)
{
    for (unsigned i = 0; i < TIMES; i++)
        once();
}

/* SPDX-License-Identifier: MIT */
/* mmu_update: one to three requests on frames of every kind, and on the M2P. */
#include <abi/layout.h>
#include <guest/guest.h>
#include <guest/hypercall.h>
#include <guest/memory.h>
#include <guests/differential/call.h>
#include <guests/differential/groups.h>
#include <guests/differential/mmu_arguments.h>
#include <guests/differential/say.h>
#include <guests/differential/world.h>

#define REQUESTS 3u
#define TIMES    1600u

static const struct item slots[] = {VALUE(0),     VALUE(1),     VALUE(2),     VALUE(3),    VALUE(4),
                                    VALUE(5),     VALUE(7),     VALUE(0x64),  VALUE(0xff), VALUE(0x100),
                                    VALUE(0x10f), VALUE(0x110), VALUE(0x1fe), VALUE(0x1ff)};
static const struct menu menu_slots = MENU(slots);

/* Of the running root: none that maps the kernel. */
static const struct item root_slots[] = {VALUE(2),     VALUE(2),     VALUE(3),     VALUE(0xff),
                                         VALUE(0x100), VALUE(0x104), VALUE(0x10f), VALUE(0x110)};
static const struct menu menu_root_slots = MENU(root_slots);

/* Of frames that hold what the hypervisor looks at: their last bytes. */
static const struct item last_slots[] = {VALUE(0x1ff)};
static const struct menu menu_last_slots = MENU(last_slots);

static const struct item commands[] = {VALUE(0), VALUE(0), VALUE(0), VALUE(0), VALUE(0), VALUE(2),
                                       VALUE(2), VALUE(3), VALUE(1), VALUE(1), VALUE(4), VALUE(7)};
static const struct menu menu_commands = MENU(commands);

struct target {
    const struct frame *frame;
    unsigned slot;
    uint64_t before, m2p;
};

/* Can its entry of the M2P be read?  Elsewhere the M2P may have a hole. */
static bool has_m2p(const struct frame *frame)
{
    return frame->page && frame->mfn != world[FRAME_SHARED].mfn && frame->mfn != world[FRAME_GRANTS].mfn;
}

static void choose_request(struct mmu_update *request, struct target *target)
{
    const struct item *item = choose_item(&menu_frames);
    uint64_t mfn = item_value(item), command;
    const struct menu *menu = &menu_slots;
    static const struct frame nowhere;

    target->frame = world_find(mfn) ? world_find(mfn) : &nowhere;
    if (target->frame == &world[FRAME_ROOT])
        menu = &menu_root_slots;
    else if (target->frame == &world[FRAME_SHARED] || target->frame == &world[FRAME_GRANTS])
        menu = &menu_last_slots;
    target->slot = (unsigned)item_value(choose_item(menu));
    command = item_value(choose_item(&menu_commands));
    say(" %s[%x]:%lx", item->name, target->slot, command);
    request->ptr = mfn << PAGE_SHIFT | target->slot * sizeof(uint64_t) | command;
    request->val = entry_choose("");
    target->before = target->frame->page ? target->frame->page[target->slot] : 0;
    target->m2p = has_m2p(target->frame) ? mfn_to_pfn(MFN(mfn)).v : 0;
}

/* What world_check() does not look at. */
static void check_target(const struct target *target)
{
    const struct frame *frame = target->frame;
    struct mmu_update back = {.ptr = frame->mfn << PAGE_SHIFT | MMU_MACHPHYS_UPDATE, .val = target->m2p};

    if (has_m2p(frame) && mfn_to_pfn(MFN(frame->mfn)).v != target->m2p) {
        say(" m2p(%s)=", frame->name);
        say_entry(mfn_to_pfn(MFN(frame->mfn)).v);
        if (hypercall_mmu_update(&back, 1, NULL, DOMID_SELF))
            say(" stuck");
    }
    if (frame->page && !frame->template && frame->page[target->slot] != target->before) {
        say(" %s[%x]=", frame->name, target->slot);
        say_entry(frame->page[target->slot]);
        frame->page[target->slot] = target->before;
    }
}

static void once(void)
{
    struct target targets[REQUESTS];
    struct mmu_update *requests;
    enum pointer_kind kind, done;
    uint64_t address, done_address, foreign;
    unsigned count;
    long result;

    say_begin("mmu_update");
    kind = choose_seldom(4) ? pointer_choose() : POINTER_GOOD;
    count = choose_seldom(4) ? choose_number(REQUESTS + 1) : 1;
    requests = pointer_make(PLACE_LIST, kind, REQUESTS * sizeof(*requests), &address);
    if (kind != POINTER_GOOD)
        say(" at=%s", pointer_name(kind));
    for (unsigned i = 0; i < count; i++)
        choose_request(&requests[i], &targets[i]);
    pointer_put(PLACE_LIST);
    done = done_choose(&done_address);
    foreign = foreign_choose(true);
    say_calling();
    result = call(__HYPERVISOR_mmu_update, address, count, done_address, foreign, 0);
    say_result(result);
    (void)done_say(done);
    for (unsigned i = count; i-- > 0;)
        check_target(&targets[i]);
    world_check();
    say_end();
}

void group_mmu_update(void)
{
    for (unsigned i = 0; i < TIMES; i++)
        once();
}

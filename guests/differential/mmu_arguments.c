/* SPDX-License-Identifier: MIT */
/*
 * The menus of flags and owners, and what is chosen and said of an entry, a foreign domain, a count of what was done.
 */
#include <abi/mmu.h>
#include <guest/string.h>
#include <guest/table.h>
#include <guests/differential/mmu_arguments.h>
#include <guests/differential/say.h>
#include <guests/differential/world.h>

/* Each flag that has a rule of its own, alone and in company. */
static const struct item flags[] = {
    VALUE(0),
    VALUE(2),
    VALUE(1),
    VALUE(3),
    VALUE(5),
    VALUE(7),
    VALUE(0x61),
    VALUE(0x63),
    VALUE(0x63),
    VALUE(0x67),
    VALUE(0x67),
    VALUE(0x65),
    VALUE(0x1f),
    VALUE(0x6b),
    VALUE(0x73),
    VALUE(0x7f),
    VALUE(0xe1),
    VALUE(0xe7),
    VALUE(0x163),
    VALUE(0x167),
    VALUE(0x1e7),
    VALUE(0x261),
    VALUE(0x467),
    VALUE(0xe67),
    VALUE(0xfff),
    VALUE(0xffe),
    VALUE(0x8000000000000061),
    VALUE(0x8000000000000067),
    VALUE(0x0010000000000067),
    VALUE(0x0010000000000061),
    VALUE(0x0020000000000067),
    VALUE(0x7fe0000000000067),
    VALUE(0xfff0000000000061),
    VALUE(0xfff0000000000ffe),
};
static const struct menu menu_flags = MENU(flags);

uint64_t entry_choose(const char *label)
{
    const struct item *frame = choose_item(&menu_frames);
    uint64_t low = item_value(choose_item(&menu_flags));

    if (choose_seldom(24)) {
        say(" %s=0", label);
        return 0;
    }
    say(" %s=%s.%lx", label, frame->name, low & (PAGE_SIZE - 1));
    if (low >> 52)
        say("/%lx", low >> 52);
    return item_value(frame) << PAGE_SHIFT | low;
}

uint64_t foreign_choose(bool tables)
{
    static const struct item owners[] = {
        VALUE(0),
        VALUE(0),
        VALUE(0),
        VALUE(0),
        {"own", 1, NULL},
        {"self", DOMID_SELF + 1, NULL},
        {"nobody", 1235, NULL},
        {"io", DOMID_IO + 1, NULL},
        {"xen", DOMID_XEN + 1, NULL},
        {"ffff", 0xffff, NULL},
    };
    static const struct menu menu = MENU(owners);
    uint64_t foreign = DOMID_SELF;
    const struct item *owner;

    if (choose_seldom(4))
        foreign = choose("dom", &menu_domains);
    if (tables && choose_seldom(8)) {
        owner = choose_item(&menu);
        say(" of=%s", owner->name);
        foreign |= (owner->value == 1 ? own_domain + 1 : owner->value) << 16;
    }
    return foreign;
}

enum pointer_kind done_choose(uint64_t *address)
{
    enum pointer_kind kind = choose_seldom(3) ? pointer_choose() : POINTER_GOOD;

    (void)pointer_make(PLACE_DONE, kind, sizeof(uint32_t), address);
    pointer_put(PLACE_DONE);
    if (kind != POINTER_GOOD)
        say(" done=%s", pointer_name(kind));
    return kind;
}

unsigned done_say(enum pointer_kind kind)
{
    const uint32_t *done = pointer_memory(PLACE_DONE);

    pointer_get(PLACE_DONE);
    if (kind != POINTER_GOOD || *done == (uint32_t)UNTOUCHED)
        return 0;
    say(" done=%x", *done);
    return *done;
}

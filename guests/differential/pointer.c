/* SPDX-License-Identifier: MIT */
/* The good place and the bad ones, and what the hypervisor finds there. */
#include <abi/layout.h>
#include <guest/guest.h>
#include <guest/string.h>
#include <guest/table.h>
#include <guests/differential/choose.h>
#include <guests/differential/pointer.h>
#include <guests/differential/say.h>

#define UNMAPPED     UINT64_C(0x20000000000)
#define NONCANONICAL UINT64_C(0x900000000000)

static struct {
    char *page;     /* behind it nothing is mapped */
    char *readonly; /* the same page */
    char scratch[PAGE_SIZE];
    char *stored;   /* where the hypervisor finds the argument, NULL if nowhere */
    size_t visible; /* bytes of it that there are */
} places[NR_PLACES];

static const char *const kinds[NR_POINTERS] = {"ok", "null", "ro", "edge", "unmapped", "noncanon", "hv", "wrap"};

void pointer_init(void)
{
    for (unsigned place = 0; place < NR_PLACES; place++) {
        char *pages = pages_alloc(3);

        places[place].page = pages;
        places[place].readonly = pages + 2 * PAGE_SIZE;
        if (table_map((uint64_t)pages + PAGE_SIZE, 0) ||
            table_map((uint64_t)pages + 2 * PAGE_SIZE, pte_make(virt_to_mfn(pages), PTE_READONLY)))
            guest_panic("no place for arguments");
    }
}

enum pointer_kind pointer_choose(void)
{
    return choose_seldom(6) ? choose_number(NR_POINTERS) : POINTER_GOOD;
}

static uint64_t bad_address(enum pointer_kind kind, size_t size)
{
    switch (kind) {
    case POINTER_UNMAPPED:
        return UNMAPPED;
    case POINTER_NONCANONICAL:
        return NONCANONICAL;
    case POINTER_HYPERVISOR:
        return HYPERVISOR_VIRT_END - PAGE_SIZE;
    case POINTER_WRAP:
        return UINT64_C(0) - size / 2;
    default:
        return 0;
    }
}

void *pointer_make(enum place place, enum pointer_kind kind, size_t size, uint64_t *address)
{
    char *page = places[place].page;

    memset(places[place].scratch, UNTOUCHED & 0xff, size);
    places[place].visible = kind == POINTER_EDGE ? size / 2 : size;
    places[place].stored = NULL;
    if (kind == POINTER_GOOD || kind == POINTER_READONLY)
        places[place].stored = page;
    else if (kind == POINTER_EDGE)
        places[place].stored = page + PAGE_SIZE - size / 2;
    if (kind == POINTER_READONLY)
        *address = (uint64_t)places[place].readonly;
    else
        *address = places[place].stored ? (uint64_t)places[place].stored : bad_address(kind, size);
    return places[place].scratch;
}

void pointer_put(enum place place)
{
    if (places[place].stored)
        memcpy(places[place].stored, places[place].scratch, places[place].visible);
}

void pointer_get(enum place place)
{
    if (places[place].stored)
        memcpy(places[place].scratch, places[place].stored, places[place].visible);
}

void *pointer_memory(enum place place)
{
    return places[place].scratch;
}

const char *pointer_name(enum pointer_kind kind)
{
    return kinds[kind];
}

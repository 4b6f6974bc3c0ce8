/* SPDX-License-Identifier: MIT */
/*
 * Places lie one behind the other, each with a head.  The first that is large enough is taken; free neighbours become
 * one when somebody looks for a place.
 */
#include <hv/service/store_account.h>

#define ALIGNMENT 8u

struct place {
    uint32_t size; /* to the next one */
    uint32_t taken;
};
_Static_assert(sizeof(struct place) % ALIGNMENT == 0, "objects are aligned");

static struct place *place_at(struct store_account *account, uint32_t offset)
{
    return (struct place *)(void *)&account->bytes[offset];
}

void store_account_init(struct store_account *account)
{
    *place_at(account, 0) = (struct place){sizeof(account->bytes), 0};
}

/* The free places behind that at @offset become part of it. */
static void join(struct store_account *account, uint32_t offset)
{
    struct place *place = place_at(account, offset);

    while (offset + place->size < sizeof(account->bytes) && !place_at(account, offset + place->size)->taken)
        place->size += place_at(account, offset + place->size)->size;
}

static void *occupy(struct store_account *account, uint32_t offset, uint32_t size)
{
    struct place *place = place_at(account, offset);

    if (place->size > size) {
        *place_at(account, offset + size) = (struct place){place->size - size, 0};
        place->size = size;
    }
    place->taken = 1;
    account->used += size;
    return place + 1;
}

void *store_account_take(struct store_account *account, size_t size)
{
    uint32_t wanted, first = sizeof(account->bytes);

    if (size > sizeof(account->bytes) - sizeof(struct place))
        return NULL;
    wanted = (uint32_t)((sizeof(struct place) + size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT);
    for (uint32_t offset = account->lowest; offset < sizeof(account->bytes);
         offset += place_at(account, offset)->size) {
        if (place_at(account, offset)->taken)
            continue;
        join(account, offset);
        if (offset < first)
            first = offset;
        account->lowest = first;
        if (place_at(account, offset)->size >= wanted)
            return occupy(account, offset, wanted);
    }
    return NULL;
}

void store_account_give(struct store_account *account, void *object)
{
    struct place *place = (struct place *)object - 1;
    uint32_t offset = (uint32_t)((uint8_t *)place - account->bytes);

    place->taken = 0;
    account->used -= place->size;
    if (offset < account->lowest)
        account->lowest = offset;
}

/* SPDX-License-Identifier: MIT */
/* Lists of permissions: their text, and what they say. */
#include <hv/service/store_permissions.h>

bool store_permission_read(struct store_text text, struct store_permission *entry)
{
    uint32_t domid;

    if (text.length < 2 || !store_read_number((struct store_text){text.bytes + 1, text.length - 1}, &domid))
        return false;
    *entry = (struct store_permission){.domid = (uint16_t)domid, .letter = text.bytes[0]};
    return domid < STORE_DOMIDS &&
           (entry->letter == 'n' || entry->letter == 'r' || entry->letter == 'w' || entry->letter == 'b');
}

void store_permissions_write(const struct store_permissions *list, struct store_reply *reply)
{
    for (unsigned i = 0; i < list->count; i++)
        store_reply_number(reply, (struct store_text){&list->entries[i].letter, 1}, list->entries[i].domid);
}

bool store_permissions_own(const struct store_permissions *list, uint32_t instance)
{
    return list->entries[0].instance == instance;
}

bool store_permissions_allow(const struct store_permissions *list, uint32_t instance, char what)
{
    char letter = list->entries[0].letter;

    if (store_permissions_own(list, instance))
        return true;
    for (unsigned i = 1; i < list->count; i++) {
        if (list->entries[i].instance == instance)
            letter = list->entries[i].letter;
    }
    return letter == 'b' || letter == what;
}

bool store_permissions_forget(struct store_permissions *list, uint32_t instance)
{
    uint32_t before = list->count, kept = 1;

    for (unsigned i = 1; i < before; i++) {
        if (list->entries[i].instance != instance)
            list->entries[kept++] = list->entries[i];
    }
    list->count = kept;
    return kept != before;
}

/* SPDX-License-Identifier: MIT */
/* What the lists of permissions of the xenstore's nodes say. */
#include <hv/service/store_parts.h>

/* Of an entry that is good: whom it is for. */
static uint32_t domid_of(struct store_text entry)
{
    uint32_t domid = STORE_DOMIDS;

    if (!store_read_number((struct store_text){entry.bytes + 1, entry.length - 1}, &domid))
        return STORE_DOMIDS; /* names nobody */
    return domid;
}

bool store_permission_is_good(struct store_text text)
{
    return text.length > 1 &&
           (text.bytes[0] == 'n' || text.bytes[0] == 'r' || text.bytes[0] == 'w' || text.bytes[0] == 'b') &&
           domid_of(text) < STORE_DOMIDS;
}

bool store_permissions_own(struct store_text list, unsigned domid)
{
    return list.length > 0 && domid_of(store_next_text(&list)) == domid;
}

bool store_permissions_allow(struct store_text list, unsigned domid, char what)
{
    struct store_text entry;
    char letter;

    if (list.length == 0)
        return false;
    if (store_permissions_own(list, domid))
        return true;
    letter = store_next_text(&list).bytes[0];
    while (list.length > 0) {
        entry = store_next_text(&list);
        if (domid_of(entry) == domid)
            letter = entry.bytes[0];
    }
    return letter == 'b' || letter == what;
}

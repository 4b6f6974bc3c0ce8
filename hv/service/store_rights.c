/* SPDX-License-Identifier: MIT */
/* Who is who in the xenstore: store_rights.h. */
#include <abi/errno.h>
#include <hv/service/store_rights.h>

struct store_session *store_session_of(const struct store *store, unsigned domid)
{
    struct store_session *session = store->sessions;

    while (session && session->domid != domid)
        session = session->next;
    return session;
}

struct store_text store_home(const struct store_session *session)
{
    return store_text(session->home);
}

bool store_session_may(const struct store_session *session, const struct store_permissions *list, char what)
{
    return session->privileged || store_permissions_allow(list, session->instance, what);
}

/*
 * Number 0 as the owner is whoever it was, or the control's; an unprivileged domain that happens to have this number is
 * another one, and inherits nothing from it.
 */
static int find_owner(const struct store_session *session, const struct store_permission *old,
                      struct store_permission *entry)
{
    const struct store_session *owner = store_session_of(session->store, entry->domid);

    entry->instance = old->instance;
    if (entry->domid == old->domid)
        return 0;
    if (!session->privileged)
        return -XEN_EPERM;
    if (!owner && entry->domid != 0)
        return -XEN_EINVAL;
    entry->instance = owner && !owner->privileged ? owner->instance : STORE_CONTROL;
    return 0;
}

int store_rights_read(const struct store_session *session, struct store_text text, const struct store_permissions *old,
                      struct store_permissions *list)
{
    for (list->count = 0; text.length > 0; list->count++) {
        struct store_permission *entry = &list->entries[list->count];
        const struct store_session *named;

        if (list->count == STORE_PERMISSIONS_MAX)
            return -XEN_ENOSPC;
        if (!store_permission_read(store_next_text(&text), entry))
            return -XEN_EINVAL;
        named = store_session_of(session->store, entry->domid);
        if (named)
            entry->instance = named->instance;
    }
    return list->count > 0 ? find_owner(session, &old->entries[0], &list->entries[0]) : -XEN_EINVAL;
}

struct store_permissions store_rights_inherit(const struct store_session *session,
                                              const struct store_permissions *above)
{
    struct store_permissions list = *above;

    if (!session->privileged) {
        list.entries[0].instance = session->instance;
        list.entries[0].domid = (uint16_t)session->domid;
    }
    return list;
}

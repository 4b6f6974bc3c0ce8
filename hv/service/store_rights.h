/* SPDX-License-Identifier: MIT */
/* Who is who in the xenstore: domains, their instances, and lists of permissions that name them. */
#pragma once

#include <hv/service/store_session.h>

/* The session of the domain that has the number @domid now; NULL: there is none. */
struct store_session *store_session_of(const struct store *store, unsigned domid);

/* The domain's own directory. */
struct store_text store_home(const struct store_session *session);

/* Does @list allow the domain to do @what, 'r' or 'w'? */
bool store_session_may(const struct store_session *session, const struct store_permissions *list, char what);

/*
 * Read a list of permissions that the domain gives to a node whose list is @old.  Only a privileged one may give the
 * node to another, who must be there: XSA-352.  An entry for a domain that is not there counts for nobody.
 * -XEN_EINVAL: it is none.  -XEN_ENOSPC: too many entries.  -XEN_EPERM: another owner.
 */
int __must_check store_rights_read(const struct store_session *session, struct store_text text,
                                   const struct store_permissions *old, struct store_permissions *list);

/* The list of a node that the domain makes in one whose list is @above: the same, but it is the domain's own. */
struct store_permissions store_rights_inherit(const struct store_session *session,
                                              const struct store_permissions *above);

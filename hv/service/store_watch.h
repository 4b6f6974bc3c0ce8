/* SPDX-License-Identifier: MIT */
/*
 * The watches of all domains.  A domain hears of a node only if it may read it (XSA-115): by the permissions before the
 * change or after it, and of one that is gone, by its last.
 */
#pragma once

#include <hv/service/store_session.h>

#define STORE_HEAD sizeof(struct xsd_sockmsg)

/* Count as queued the message whose payload of head->len bytes is there already, and put its head before it. */
void store_queue_head(struct store_session *session, const struct xsd_sockmsg *head);

/* The watch of @path, absolute or the name of an event, with @token; NULL: there is none. */
struct store_watch *store_watch_find(struct store_session *session, struct store_text path, struct store_text token);

/*
 * Watch @path; an event is due at once.  @relative: the guest named it relative to its home, and hears of it so.
 * -XEN_E2BIG: the guest has too many, or its account no room.
 */
int __must_check store_watch_add(struct store_session *session, struct store_text path, struct store_text token,
                                 bool relative);
void store_watch_remove(struct store_session *session, struct store_watch *watch);
void store_watch_remove_all(struct store_session *session);

/* @node at @path has changed, and had the permissions @before until then: queue events. */
void store_watch_fire(struct store *store, const struct store_node *node, struct store_text path,
                      const struct store_permissions *before);

/* @node goes, or has just gone, with all below it: the same, for those too who watch what was there. */
void store_watch_fire_removed(struct store *store, struct store_node *node, struct store_text path);

/* @event, such as "@releaseDomain", has happened: privileged domains hear of it. */
void store_watch_fire_event(struct store *store, struct store_text event);

/* Queue the events that did not fit before, as far as there is room. */
void store_watch_send_due(struct store_session *session);

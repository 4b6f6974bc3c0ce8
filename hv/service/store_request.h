/* SPDX-License-Identifier: MIT */
/* The xenstore's requests, one by one: abi/io.h. */
#pragma once

#include <hv/service/store_session.h>

/*
 * Carry out a request, in the transaction that it names.  The reply's payload is put at @reply, which has room for
 * XENSTORE_PAYLOAD_MAX bytes.  An error is one that error_name() of hv/service/store_session.c knows.
 */
int __must_check store_request(struct store_session *session, const struct xsd_sockmsg *head, const char *payload,
                               struct store_reply *reply);

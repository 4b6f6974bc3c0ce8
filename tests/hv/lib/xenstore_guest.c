/* SPDX-License-Identifier: MIT */
/* The guest that asks: xenstore_guest.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <tests/hv/lib/store_audit.h>
#include <tests/hv/lib/xenstore_guest.h>

static uint32_t last_request;
struct message reply;

int xenstore_set_up(void **state)
{
    (void)state;
    host_begin();
    return 0;
}

int xenstore_tear_down(void **state)
{
    (void)state;
    store_audit();
    host_end();
    return 0;
}

void as(unsigned guest)
{
    host = &host_guests[guest];
}

void call_as(unsigned guest, uint32_t type, const char *payload, size_t length)
{
    as(guest);
    call(type, payload, length);
}

void put(const void *from, size_t size)
{
    for (size_t done = 0; done < size;) {
        size_t count = host_put((const char *)from + done, size - done);

        assert_true(count > 0);
        done += count;
        xenstore_run(&host->domain);
    }
}

void take(void *to, size_t size)
{
    for (size_t done = 0; done < size;) {
        size_t count = host_take((char *)to + done, size - done);

        assert_true(count > 0);
        done += count;
        xenstore_run(&host->domain);
    }
}

void receive(void)
{
    take(&reply.head, sizeof(reply.head));
    assert_true(reply.head.len <= XENSTORE_PAYLOAD_MAX);
    take(reply.payload, reply.head.len);
}

static void send_request(uint32_t type, uint32_t transaction, const char *payload, size_t length)
{
    const struct xsd_sockmsg head = {type, ++last_request, transaction, (uint32_t)length};

    put(&head, sizeof(head));
    put(payload, length);
}

void call_in(uint32_t transaction, uint32_t type, const char *payload, size_t length)
{
    send_request(type, transaction, payload, length);
    receive();
    assert_int_equal(reply.head.req_id, last_request);
    assert_int_equal(reply.head.tx_id, transaction);
    if (reply.head.type != XS_ERROR)
        assert_int_equal(reply.head.type, type);
}

void call(uint32_t type, const char *payload, size_t length)
{
    call_in(0, type, payload, length);
}

void assert_reply(const char *text, size_t length)
{
    assert_int_not_equal(reply.head.type, XS_ERROR);
    assert_int_equal(reply.head.len, length);
    assert_memory_equal(reply.payload, text, length);
}

void assert_error(const char *name)
{
    assert_int_equal(reply.head.type, XS_ERROR);
    assert_int_equal(reply.head.len, strlen(name) + 1);
    assert_string_equal(reply.payload, name);
}

void assert_ok(void)
{
    assert_reply(TEXT("OK\0"));
}

void assert_event(const char *text, size_t length)
{
    receive();
    assert_int_equal(reply.head.type, XS_WATCH_EVENT);
    assert_int_equal(reply.head.req_id, 0);
    assert_reply(text, length);
}

void assert_silence(void)
{
    xenstore_run(&host->domain);
    assert_int_equal(host->page.ring.rsp_cons, host->page.ring.rsp_prod);
}

uint32_t start_transaction(void)
{
    call(XS_TRANSACTION_START, TEXT("\0"));
    assert_int_equal(reply.head.type, XS_TRANSACTION_START);
    assert_int_equal(reply.payload[reply.head.len - 1], 0);
    return (uint32_t)strtoul(reply.payload, NULL, 10);
}

/* SPDX-License-Identifier: MIT */
/* Rings in memory of this program, which have references in a row. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include <backend/share.h>
#include <tests/backend/lib/ends.h>
#include <tests/backend/lib/share_front.h>

#define DATA_REF 200u /* of ring n: DATA_REF + 100 * n and on */

unsigned ninep_told[NINEP_RINGS], ninep_refused;
_Alignas(PAGE_SIZE) union ninep_head ninep_heads[NINEP_RINGS];
_Alignas(PAGE_SIZE) uint8_t ninep_data[NINEP_RINGS][PAGE_SIZE << NINEP_ORDER_MAX];

void *ends_find_pages(unsigned domain, const grant_ref_t *refs, unsigned count)
{
    assert_int_equal(domain, NINEP_DOMAIN);
    assert_in_range(count, 1, 1u << NINEP_ORDER_MAX);
    if (ninep_refused && --ninep_refused == 0)
        return NULL;
    for (unsigned i = 0; i < NINEP_RINGS; i++) {
        if (count == 1 && *refs == NINEP_HEAD_REF + i)
            return &ninep_heads[i];
        if (*refs == DATA_REF + 100 * i && refs[count - 1] == *refs + count - 1)
            return ninep_data[i];
    }
    return NULL;
}

bool ends_has_port(unsigned domain, evtchn_port_t port)
{
    assert_int_equal(domain, NINEP_DOMAIN);
    return port >= NINEP_FIRST_PORT && port < NINEP_FIRST_PORT + NINEP_RINGS;
}

void ends_tell(evtchn_port_t port)
{
    ninep_told[port - NINEP_FIRST_PORT]++;
}

void ninep_make_rings(unsigned order)
{
    memset(ninep_heads, 0, sizeof(ninep_heads));
    memset(ninep_data, 0, sizeof(ninep_data));
    for (unsigned i = 0; i < NINEP_RINGS; i++) {
        ninep_heads[i].shared.ring_order = order;
        for (unsigned j = 0; j < 1u << order && j < 256; j++)
            ninep_heads[i].shared.ref[j] = DATA_REF + 100 * i + j;
    }
    memset(ninep_told, 0, sizeof(ninep_told));
}

static uint32_t half(unsigned ring)
{
    return 2048u << ninep_heads[ring].shared.ring_order;
}

void ninep_put_bytes(unsigned ring, const uint8_t *bytes, uint32_t size)
{
    for (uint32_t i = 0; i < size; i++)
        ninep_data[ring][half(ring) + ninep_heads[ring].shared.out_prod++ % half(ring)] = bytes[i];
}

void ninep_ask(unsigned ring, uint8_t kind, uint16_t tag, uint32_t size, unsigned at, uint32_t number)
{
    static uint8_t bytes[SHARE_MESSAGE_MAX];

    memset(bytes, 0, size);
    memcpy(bytes, &size, 4);
    bytes[4] = kind;
    memcpy(bytes + 5, &tag, 2);
    memcpy(bytes + at, &number, at ? 4 : 0);
    ninep_put_bytes(ring, bytes, size);
}

int ninep_get_answer(unsigned ring, uint8_t *kind, uint32_t *number)
{
    const struct xen_9pfs_data_intf *shared = &ninep_heads[ring].shared;
    uint8_t bytes[11];
    uint32_t size;

    for (unsigned i = 0; i < sizeof(bytes); i++)
        bytes[i] = ninep_data[ring][(shared->in_cons + i) % half(ring)];
    *kind = bytes[4];
    memcpy(number, bytes + 7, sizeof(*number));
    return ninep_get_reply(ring, &size);
}

int ninep_get_reply(unsigned ring, uint32_t *size)
{
    struct xen_9pfs_data_intf *shared = &ninep_heads[ring].shared;
    uint8_t header[7];

    if (shared->in_prod == shared->in_cons)
        return -1;
    for (unsigned i = 0; i < 7; i++)
        header[i] = ninep_data[ring][(shared->in_cons + i) % half(ring)];
    memcpy(size, header, 4);
    assert_true(*size <= shared->in_prod - shared->in_cons);
    shared->in_cons += *size;
    return header[5] | header[6] << 8;
}

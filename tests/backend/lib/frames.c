/* SPDX-License-Identifier: MIT */
/* One way to write a frame, one to sum it: neither shares anything with the back end. */
#include <string.h>

#include <tests/backend/lib/draw.h>
#include <tests/backend/lib/frames.h>

static void put16(uint8_t *at, unsigned value)
{
    at[0] = (uint8_t)(value / 256);
    at[1] = (uint8_t)(value % 256);
}

/* The sum of words, the carry added once per word, as the first pages of RFC 1071 have it. */
static unsigned plain_sum(unsigned sum, const uint8_t *bytes, unsigned size)
{
    for (unsigned i = 0; i < size; i++) {
        sum += i % 2 ? bytes[i] : bytes[i] * 256u;
        if (sum > 0xffff)
            sum -= 0xffff;
    }
    return sum;
}

static unsigned pseudo_sum(const struct frame *frame, const uint8_t *bytes, unsigned size)
{
    uint8_t pseudo[40] = {0};
    unsigned addresses = frame->version == 4 ? 8 : 32;

    memcpy(pseudo, bytes + frame->ip + (frame->version == 4 ? 12 : 8), addresses);
    put16(pseudo + addresses, frame->protocol);
    put16(pseudo + addresses + 2, size - frame->transport);
    return plain_sum(0, pseudo, addresses + 4);
}

static unsigned field_of(const struct frame *frame)
{
    return frame->transport + (frame->protocol == 6 ? 16 : 6);
}

static void put_ethernet(struct frame *frame)
{
    unsigned offset = 12;

    draw_bytes(frame->bytes, offset);
    for (unsigned i = 0; i < frame->tags; i++, offset += 4)
        put16(frame->bytes + offset, i == 0 && frame->tags == 2 ? 0x88a8 : 0x8100);
    put16(frame->bytes + offset, frame->version == 4 ? 0x0800 : 0x86dd);
    frame->ip = offset + 2;
}

static void put_ipv4(struct frame *frame)
{
    uint8_t *ip = frame->bytes + frame->ip;
    unsigned words = 5 + draw_below(11);

    draw_bytes(ip, words * 4);
    ip[0] = (uint8_t)(0x40 | words);
    put16(ip + 6, draw_below(2) ? 0x4000 : 0);
    ip[9] = (uint8_t)frame->protocol;
    frame->transport = frame->ip + words * 4;
}

static void put_ipv6(struct frame *frame)
{
    static const uint8_t kinds[] = {0, 60};
    uint8_t *ip = frame->bytes + frame->ip, *next = ip + 6;

    draw_bytes(ip, 40);
    ip[0] = 0x60;
    frame->transport = frame->ip + 40;
    for (unsigned extensions = draw_below(4); extensions--;) {
        unsigned size = draw_below(3);

        *next = DRAW_OF(kinds);
        next = frame->bytes + frame->transport;
        draw_bytes(next, (size + 1) * 8);
        next[1] = (uint8_t)size;
        frame->transport += (size + 1) * 8;
    }
    *next = (uint8_t)frame->protocol;
}

static void put_transport(struct frame *frame)
{
    uint8_t *header = frame->bytes + frame->transport;
    unsigned size = frame->protocol == 6 ? (5 + draw_below(11)) * 4 : 8;

    draw_bytes(header, size);
    if (frame->protocol == 6)
        header[12] = (uint8_t)(size / 4 << 4);
    frame->data = frame->transport + size;
}

void frame_make(struct frame *frame, unsigned version, unsigned protocol, unsigned tags, unsigned size)
{
    memset(frame->bytes, 0, sizeof(frame->bytes));
    frame->version = version;
    frame->protocol = protocol;
    frame->tags = tags;
    put_ethernet(frame);
    if (version == 4)
        put_ipv4(frame);
    else
        put_ipv6(frame);
    put_transport(frame);
    if (size > sizeof(frame->bytes) - frame->data)
        size = sizeof(frame->bytes) - frame->data;
    draw_bytes(frame->bytes + frame->data, size);
    frame->size = frame->data + size;
    if (version == 4) {
        put16(frame->bytes + frame->ip + 2, frame->size - frame->ip);
        put16(frame->bytes + frame->ip + 10, 0);
        put16(frame->bytes + frame->ip + 10,
              ~plain_sum(0, frame->bytes + frame->ip, frame->transport - frame->ip) & 0xffff);
    } else {
        put16(frame->bytes + frame->ip + 4, frame->size - frame->ip - 40);
    }
    put16(frame->bytes + field_of(frame), pseudo_sum(frame, frame->bytes, frame->size));
}

unsigned frame_checksum(const struct frame *frame)
{
    unsigned field = field_of(frame), sum = pseudo_sum(frame, frame->bytes, frame->size);

    sum = plain_sum(sum, frame->bytes + frame->transport, field - frame->transport);
    sum = plain_sum(sum, frame->bytes + field + 2, frame->size - field - 2);
    return sum == 0xffff ? 0xffff : ~sum & 0xffff;
}

bool frame_is_right(const struct frame *like, const uint8_t *bytes, unsigned size)
{
    const uint8_t *ip = bytes + like->ip;
    unsigned sum;

    if (like->version == 4 &&
        (ip[2] * 256u + ip[3] != size - like->ip || plain_sum(0, ip, like->transport - like->ip) != 0xffff))
        return false;
    if (like->version == 6 && ip[4] * 256u + ip[5] != size - like->ip - 40)
        return false;
    sum = pseudo_sum(like, bytes, size);
    return plain_sum(sum, bytes + like->transport, size - like->transport) == 0xffff;
}

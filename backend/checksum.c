/* SPDX-License-Identifier: MIT */
/* Sums over fragments, and what is done with them. */
#include <abi/errno.h>
#include <backend/checksum.h>

#define UDP_CHECKSUM 6u

#define IPV4_ADDRESSES 12u /* where both are in the header, and their size */
#define IPV6_ADDRESSES 8u

static unsigned fold(uint64_t sum)
{
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return (unsigned)sum;
}

static unsigned swap(unsigned sum)
{
    return (sum & 0xff) << 8 | sum >> 8;
}

/* The sum of bytes in a row, as if they began at an even place. */
static unsigned sum_row(const uint8_t *bytes, unsigned size)
{
    uint64_t sum = 0;
    unsigned i = 0;

    for (; i + 1 < size; i += 2)
        sum += get_be16(bytes + i);
    if (i < size)
        sum += (unsigned)bytes[i] << 8;
    return fold(sum);
}

unsigned checksum_sum(const struct packet *packet, unsigned offset, unsigned size)
{
    unsigned sum = 0, done = 0;

    while (done < size) {
        unsigned part = size - done;
        const uint8_t *bytes = packet_at(packet, offset + done, &part);
        unsigned row = sum_row(bytes, part);

        sum = fold((uint64_t)sum + (done % 2 ? swap(row) : row));
        done += part;
    }
    return sum;
}

unsigned checksum_pseudo(const struct packet *packet, const struct headers *headers, unsigned size)
{
    unsigned addresses = headers->version == 4 ? checksum_sum(packet, headers->ip + IPV4_ADDRESSES, 2 * 4)
                                               : checksum_sum(packet, headers->ip + IPV6_ADDRESSES, 2 * 16);

    return fold((uint64_t)addresses + headers->protocol + size);
}

int checksum_locate(struct packet *packet)
{
    struct headers headers;
    int error = headers_find(packet, &headers);

    if (error)
        return error;
    packet->csum_start = (uint16_t)headers.transport;
    packet->csum_offset = headers.protocol == PROTOCOL_TCP ? TCP_CHECKSUM : UDP_CHECKSUM;
    return 0;
}

void checksum_finish(struct packet *packet)
{
    unsigned sum;
    uint8_t field[2];

    if (!packet->checksum_blank)
        return;
    sum = ~checksum_sum(packet, packet->csum_start, packet->size - packet->csum_start) & 0xffff;
    /* In UDP 0 means that there is no checksum; in TCP the other zero is as good (RFC 768, RFC 1071). */
    put_be16(field, sum ? sum : 0xffff);
    (void)!packet_write(packet, packet->csum_start + packet->csum_offset, field, sizeof(field));
    packet->checksum_blank = false;
    packet->checksum_good = true;
}

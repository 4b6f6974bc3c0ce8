/* SPDX-License-Identifier: MIT */
/* Each segment has a copy of the headers with its own lengths, numbers and flags, and its part of the data. */
#include <abi/errno.h>
#include <backend/checksum.h>
#include <backend/segment.h>

#define IPV4_LENGTH   2u
#define IPV4_ID       4u
#define IPV4_CHECKSUM 10u
#define IPV6_LENGTH   4u

#define TCP_SEQUENCE 4u
#define TCP_FLAGS    13u
#define TCP_FIN      0x01u
#define TCP_PSH      0x08u
#define TCP_CWR      0x80u

bool segment_possible(const struct packet *packet)
{
    struct headers headers;

    return packet->gso_size && packet->checksum_blank && !headers_find(packet, &headers) &&
           headers.protocol == PROTOCOL_TCP && headers.version == (packet->gso == PACKET_GSO_TCPV4 ? 4 : 6) &&
           headers.end == packet->size && packet->csum_start == headers.transport &&
           packet->csum_offset == TCP_CHECKSUM && headers.data < headers.end &&
           (headers.end - headers.data + packet->gso_size - 1) / packet->gso_size <= SEGMENTS_MAX;
}

static void put_word(struct packet *packet, unsigned offset, unsigned value)
{
    uint8_t word[2];

    put_be16(word, value);
    (void)!packet_write(packet, offset, word, sizeof(word));
}

/* The length of the IP packet, and with IPv4 its number among the segments and its checksum. */
static void fix_ip(struct packet *segment, const struct headers *headers, unsigned number)
{
    uint8_t id[2];

    if (headers->version == 6) {
        put_word(segment, headers->ip + IPV6_LENGTH, segment->size - headers->ip - IPV6_HEADER);
        return;
    }
    put_word(segment, headers->ip + IPV4_LENGTH, segment->size - headers->ip);
    (void)!packet_read(segment, headers->ip + IPV4_ID, id, sizeof(id));
    put_word(segment, headers->ip + IPV4_ID, get_be16(id) + number);
    put_word(segment, headers->ip + IPV4_CHECKSUM, 0);
    put_word(segment, headers->ip + IPV4_CHECKSUM,
             ~checksum_sum(segment, headers->ip, headers->transport - headers->ip) & 0xffff);
}

/* What each segment has for itself: @offset is where its data begins in the whole. */
static void fix_tcp(struct packet *segment, const struct headers *headers, unsigned offset, bool last)
{
    unsigned size = segment->size - headers->transport;
    uint8_t sequence[4], flags;

    (void)!packet_read(segment, headers->transport + TCP_SEQUENCE, sequence, sizeof(sequence));
    put_be32(sequence, get_be32(sequence) + offset);
    (void)!packet_write(segment, headers->transport + TCP_SEQUENCE, sequence, sizeof(sequence));

    (void)!packet_read(segment, headers->transport + TCP_FLAGS, &flags, sizeof(flags));
    if (offset)
        flags &= (uint8_t)~TCP_CWR;
    if (!last)
        flags &= (uint8_t) ~(TCP_FIN | TCP_PSH);
    (void)!packet_write(segment, headers->transport + TCP_FLAGS, &flags, sizeof(flags));

    put_word(segment, headers->transport + TCP_CHECKSUM, checksum_pseudo(segment, headers, size));
    segment->checksum_blank = true;
    segment->csum_start = (uint16_t)headers->transport;
    segment->csum_offset = TCP_CHECKSUM;
    checksum_finish(segment);
}

/* The segment whose data begins at @offset of the data of @packet; NULL without room. */
static struct packet *make_segment(const struct packet *packet, const struct headers *headers, unsigned offset)
{
    unsigned left = packet->size - headers->data - offset;
    unsigned size = left < packet->gso_size ? left : packet->gso_size;
    struct packet *segment = packet_alloc();

    if (!segment)
        return NULL;
    if (packet_extend(segment, headers->data + size)) {
        packet_free(segment);
        return NULL;
    }
    packet_copy_bytes(segment, 0, packet, 0, headers->data);
    packet_copy_bytes(segment, headers->data, packet, headers->data + offset, size);
    fix_ip(segment, headers, offset / packet->gso_size);
    fix_tcp(segment, headers, offset, size == left);
    return segment;
}

int segment_packet(const struct packet *packet, struct packet **list)
{
    struct headers headers;
    struct packet **end = list;

    *list = NULL;
    if (headers_find(packet, &headers))
        return -XEN_EINVAL;
    for (unsigned offset = 0; headers.data + offset < packet->size; offset += packet->gso_size) {
        *end = make_segment(packet, &headers, offset);
        if (!*end) {
            packet_free_list(*list);
            *list = NULL;
            return -XEN_ENOMEM;
        }
        end = &(*end)->next;
    }
    return 0;
}

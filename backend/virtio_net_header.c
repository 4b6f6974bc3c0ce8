/* SPDX-License-Identifier: MIT */
/* Checksums and segmentation, from a packet's words into virtio's and back. */
#include <backend/virtio_net_header.h>

#define FLAG_NEEDS_CSUM 1u
#define FLAG_DATA_VALID 2u

#define GSO_NONE  0u
#define GSO_TCPV4 1u
#define GSO_TCPV6 4u

#define CHECKSUM_SIZE 2u

/* Where TCP says how long its header is, and in which bits: in words of 4 bytes. */
#define TCP_DATA_OFFSET 12u
#define TCP_HEADER_MIN  20u

/* A hint for the card: all headers of a packet that it is to cut. */
static uint16_t headers_size(const struct packet *packet)
{
    unsigned size = TCP_HEADER_MIN;
    uint8_t byte;

    if (packet_read(packet, packet->csum_start + TCP_DATA_OFFSET, &byte, 1))
        size = (byte >> 4) * 4u;
    return (uint16_t)(packet->csum_start + size);
}

struct virtio_net_header virtio_net_header_of(const struct packet *packet)
{
    struct virtio_net_header header = {.flags = 0};

    if (packet->checksum_blank) {
        header.flags = FLAG_NEEDS_CSUM;
        header.csum_start = packet->csum_start;
        header.csum_offset = packet->csum_offset;
    }
    if (packet->gso != PACKET_GSO_NONE) {
        header.gso_type = packet->gso == PACKET_GSO_TCPV4 ? GSO_TCPV4 : GSO_TCPV6;
        header.gso_size = packet->gso_size;
        header.hdr_len = headers_size(packet);
    }
    return header;
}

static bool apply_gso(const struct virtio_net_header *header, struct packet *packet)
{
    if (header->gso_type == GSO_NONE)
        return true;
    if (header->gso_type != GSO_TCPV4 && header->gso_type != GSO_TCPV6)
        return false;
    packet->gso = header->gso_type == GSO_TCPV4 ? PACKET_GSO_TCPV4 : PACKET_GSO_TCPV6;
    packet->gso_size = header->gso_size;
    return packet->gso_size && packet->checksum_blank;
}

bool virtio_net_header_apply(const struct virtio_net_header *header, struct packet *packet)
{
    if (header->flags & FLAG_NEEDS_CSUM) {
        packet->checksum_blank = true;
        packet->csum_start = header->csum_start;
        packet->csum_offset = header->csum_offset;
        if ((uint32_t)packet->csum_start + packet->csum_offset + CHECKSUM_SIZE > packet->size)
            return false;
    }
    packet->checksum_good = header->flags & FLAG_DATA_VALID;
    return apply_gso(header, packet);
}

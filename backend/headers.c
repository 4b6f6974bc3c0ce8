/* SPDX-License-Identifier: MIT */
/* The walk from header to header: each is copied out and lies within the packet, or the walk ends. */
#include <abi/errno.h>
#include <backend/headers.h>

#define ETHERTYPE_IPV4    0x0800u
#define ETHERTYPE_IPV6    0x86ddu
#define ETHERTYPE_VLAN    0x8100u
#define ETHERTYPE_SERVICE 0x88a8u /* an outer VLAN tag */
#define VLAN_TAG          4u
#define VLAN_TAGS_MAX     2u

#define IPV4_HEADER    20u
#define IPV4_FRAGMENT  0x3fffu /* more fragments, and the offset; not "don't fragment" */
#define EXTENSIONS_MAX 8u

#define TCP_HEADER 20u
#define UDP_HEADER 8u

/* Source and destination, one behind the other. */
#define IPV4_ADDRESSES_AT 12u
#define IPV4_ADDRESSES    8u
#define IPV6_ADDRESSES_AT 8u
#define IPV6_ADDRESSES    32u
#define PORTS             4u

/*
 * Extension headers of IPv6 that change nothing for what follows: hop by hop, destination options (RFC 8200, section
 * 4).  A routing header is none of them: with it the pseudo-header has another address than the header.
 */
static bool is_extension(unsigned protocol)
{
    return protocol == 0 || protocol == 60;
}

static int find_ip(const struct packet *packet, struct headers *headers)
{
    uint8_t type[2];
    unsigned offset = ETHERNET_HEADER - sizeof(type);

    for (unsigned tags = 0; tags <= VLAN_TAGS_MAX; tags++, offset += VLAN_TAG) {
        if (!packet_read(packet, offset, type, sizeof(type)))
            return -XEN_EINVAL;
        headers->ip = offset + (unsigned)sizeof(type);
        switch (get_be16(type)) {
        case ETHERTYPE_IPV4:
            headers->version = 4;
            return 0;
        case ETHERTYPE_IPV6:
            headers->version = 6;
            return 0;
        case ETHERTYPE_VLAN:
        case ETHERTYPE_SERVICE:
            break;
        default:
            return -XEN_EINVAL;
        }
    }
    return -XEN_EINVAL;
}

static int walk_ipv4(const struct packet *packet, struct headers *headers)
{
    uint8_t ip[IPV4_HEADER];
    unsigned size;

    if (!packet_read(packet, headers->ip, ip, sizeof(ip)) || ip[0] >> 4 != 4)
        return -XEN_EINVAL;
    size = (ip[0] & 0xfu) * 4;
    if (size < IPV4_HEADER || get_be16(ip + 6) & IPV4_FRAGMENT)
        return -XEN_EINVAL;
    headers->transport = headers->ip + size;
    headers->end = headers->ip + get_be16(ip + 2);
    headers->protocol = ip[9];
    return 0;
}

static int walk_ipv6(const struct packet *packet, struct headers *headers)
{
    uint8_t ip[IPV6_HEADER], extension[2];

    if (!packet_read(packet, headers->ip, ip, sizeof(ip)) || ip[0] >> 4 != 6)
        return -XEN_EINVAL;
    headers->transport = headers->ip + IPV6_HEADER;
    headers->end = headers->transport + get_be16(ip + 4);
    headers->protocol = ip[6];
    for (unsigned i = 0; is_extension(headers->protocol); i++) {
        if (i == EXTENSIONS_MAX || !packet_read(packet, headers->transport, extension, sizeof(extension)))
            return -XEN_EINVAL;
        headers->protocol = extension[0];
        headers->transport += (extension[1] + 1u) * 8;
    }
    return 0;
}

static int find_data(const struct packet *packet, struct headers *headers)
{
    uint8_t tcp[TCP_HEADER];
    unsigned size = UDP_HEADER;

    if (headers->end > packet->size)
        return -XEN_EINVAL;
    if (headers->protocol == PROTOCOL_TCP) {
        if (!packet_read(packet, headers->transport, tcp, sizeof(tcp)))
            return -XEN_EINVAL;
        size = (tcp[12] >> 4) * 4u;
        if (size < TCP_HEADER)
            return -XEN_EINVAL;
    } else if (headers->protocol != PROTOCOL_UDP) {
        return -XEN_EINVAL;
    }
    headers->data = headers->transport + size;
    return headers->data <= headers->end ? 0 : -XEN_EINVAL;
}

int headers_find(const struct packet *packet, struct headers *headers)
{
    int error = find_ip(packet, headers);

    if (!error)
        error = headers->version == 4 ? walk_ipv4(packet, headers) : walk_ipv6(packet, headers);
    return error ? error : find_data(packet, headers);
}

/* Fowler, Noll and Vo's function, whose lower bits are mixed with the upper ones. */
static uint32_t mix(const uint8_t *bytes, unsigned size)
{
    uint32_t sum = UINT32_C(2166136261);

    for (unsigned i = 0; i < size; i++)
        sum = (sum ^ bytes[i]) * UINT32_C(16777619);
    return sum ^ sum >> 16;
}

uint32_t headers_flow(const struct packet *packet)
{
    uint8_t bytes[IPV6_ADDRESSES + PORTS] = {0};
    struct headers headers;
    unsigned at = 0, size = 2 * MAC_SIZE;

    if (headers_find(packet, &headers) == 0) {
        at = headers.ip + (headers.version == 4 ? IPV4_ADDRESSES_AT : IPV6_ADDRESSES_AT);
        size = headers.version == 4 ? IPV4_ADDRESSES : IPV6_ADDRESSES;
        (void)!packet_read(packet, headers.transport, bytes + IPV6_ADDRESSES, PORTS);
    }
    (void)!packet_read(packet, at, bytes, size);
    return mix(bytes, sizeof(bytes));
}

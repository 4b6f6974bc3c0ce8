/* SPDX-License-Identifier: MIT */
/* The pools of packets and pages, and copying into and out of fragments. */
#include <abi/errno.h>
#include <guest/memory.h>
#include <guest/string.h>
#include <backend/packet.h>

/* A free page holds the address of the next one. */
struct free_page {
    struct free_page *next;
};

static struct packet packets[PACKETS];
static struct packet *free_packets;
static struct free_page *free_pages;
static unsigned nr_free_packets, nr_free_pages;

void packet_init(void)
{
    for (unsigned i = 0; i < PACKETS; i++)
        packet_free(&packets[i]);
    for (unsigned i = 0; i < PACKET_PAGES; i++)
        packet_page_free(page_alloc());
}

struct packet *packet_alloc(void)
{
    struct packet *packet = free_packets;

    if (!packet)
        return NULL;
    free_packets = packet->next;
    nr_free_packets--;
    *packet = (struct packet){0};
    return packet;
}

/* Give back the pages from fragment @first on. */
static void cut(struct packet *packet, unsigned first)
{
    while (packet->nr_fragments > first) {
        struct packet_fragment *last = &packet->fragments[--packet->nr_fragments];

        packet->size -= last->size;
        packet_page_free(last->page);
    }
}

void packet_free(struct packet *packet)
{
    cut(packet, 0);
    packet->next = free_packets;
    free_packets = packet;
    nr_free_packets++;
}

void packet_free_list(struct packet *list)
{
    while (list) {
        struct packet *next = list->next;

        packet_free(list);
        list = next;
    }
}

uint8_t *packet_page_alloc(void)
{
    struct free_page *page = free_pages;

    if (!page)
        return NULL;
    free_pages = page->next;
    nr_free_pages--;
    return (uint8_t *)page;
}

void packet_page_free(uint8_t *page)
{
    struct free_page *freed = (struct free_page *)page;

    freed->next = free_pages;
    free_pages = freed;
    nr_free_pages++;
}

int packet_append(struct packet *packet, uint8_t *page, unsigned offset, unsigned size)
{
    if (packet->nr_fragments == PACKET_FRAGMENTS || size > PACKET_SIZE_MAX - packet->size)
        return -XEN_ENOSPC;
    packet->fragments[packet->nr_fragments++] =
        (struct packet_fragment){.page = page, .offset = (uint16_t)offset, .size = (uint16_t)size};
    packet->size += size;
    return 0;
}

int packet_extend(struct packet *packet, unsigned size)
{
    unsigned before = packet->nr_fragments;

    while (size) {
        unsigned part = size < PAGE_SIZE ? size : PAGE_SIZE;
        uint8_t *page = packet_page_alloc();
        int error = page ? packet_append(packet, page, 0, part) : -XEN_ENOMEM;

        if (error) {
            if (page)
                packet_page_free(page);
            cut(packet, before);
            return error;
        }
        size -= part;
    }
    return 0;
}

uint8_t *packet_at(const struct packet *packet, unsigned offset, unsigned *size)
{
    const struct packet_fragment *fragment = packet->fragments;

    while (offset >= fragment->size)
        offset -= fragment++->size;
    if (*size > fragment->size - offset)
        *size = fragment->size - offset;
    return fragment->page + fragment->offset + offset;
}

static bool holds(const struct packet *packet, unsigned offset, unsigned size)
{
    return offset <= packet->size && size <= packet->size - offset;
}

bool packet_read(const struct packet *packet, unsigned offset, void *to, unsigned size)
{
    uint8_t *bytes = to;

    if (!holds(packet, offset, size))
        return false;
    while (size) {
        unsigned part = size;
        const uint8_t *from = packet_at(packet, offset, &part);

        memcpy(bytes, from, part);
        bytes += part;
        offset += part;
        size -= part;
    }
    return true;
}

bool packet_write(struct packet *packet, unsigned offset, const void *from, unsigned size)
{
    const uint8_t *bytes = from;

    if (!holds(packet, offset, size))
        return false;
    while (size) {
        unsigned part = size;
        uint8_t *to = packet_at(packet, offset, &part);

        memcpy(to, bytes, part);
        bytes += part;
        offset += part;
        size -= part;
    }
    return true;
}

void packet_copy_bytes(struct packet *to, unsigned at, const struct packet *from, unsigned offset, unsigned size)
{
    while (size) {
        unsigned part = size;
        const uint8_t *bytes = packet_at(from, offset, &part);

        (void)!packet_write(to, at, bytes, part);
        at += part;
        offset += part;
        size -= part;
    }
}

static void copy_properties(struct packet *to, const struct packet *from)
{
    to->checksum_blank = from->checksum_blank;
    to->checksum_good = from->checksum_good;
    to->csum_start = from->csum_start;
    to->csum_offset = from->csum_offset;
    to->gso = from->gso;
    to->gso_size = from->gso_size;
}

struct packet *packet_copy(const struct packet *packet)
{
    struct packet *copy = packet_alloc();

    if (!copy)
        return NULL;
    if (packet_extend(copy, packet->size)) {
        packet_free(copy);
        return NULL;
    }
    packet_copy_bytes(copy, 0, packet, 0, packet->size);
    copy_properties(copy, packet);
    return copy;
}

unsigned packet_pages_free(void)
{
    return nr_free_pages;
}

unsigned packet_count_free(void)
{
    return nr_free_packets;
}

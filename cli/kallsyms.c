/* SPDX-License-Identifier: MIT */
/*
 * What scripts/kallsyms.c of Linux writes, by its form.  In order: the tokens, which are words that names are made of,
 * 256 of them, and recognised by those of one digit; the names, each a length and as many tokens, somewhere before
 * them, behind their number; the addresses, before the names or, since 6.4, behind the tokens; all of it.
 *
 * The file may be anything: each look at it is bounded by the blob, and all of them by a budget.
 */
#define _GNU_SOURCE /* memmem */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include <cli/kallsyms.h>

#define TOKENS      256u
#define TOKEN_MAX   128u /* characters */
#define DIGITS      "0\0001\0002\0003\0004\0005\0006\0007\0008\09"
#define NAME_MAX    1024u /* of which the first is the kind; Linux has 512 */
#define NAMES_LEAST 512u
#define NAMES_MAX   (1u << 20)
#define SIZE_MOST   (64u << 20) /* of all, unpacked */
#define MARKED      256u        /* each so manieth name has its place noted */

/* A name has from 2 bytes on, and most have some ten. */
#define NAME_BYTES_LEAST 4u
#define NAME_BYTES_MOST  64u

/* Names that are looked at while the beginning of all is searched for. */
#define BUDGET (UINT64_C(1) << 26)

#define LONG_LENGTH 0x80u /* of a name: seven bits more are in the next byte */

struct names {
    struct blob file;
    struct blob tokens[TOKENS];
    uint64_t tokens_at, index_end; /* in the file: the tokens, and the end of the list of where each is */
    uint64_t count_at, count;
    uint64_t names_at, names_end;
    uint64_t budget;
};

static uint64_t align(uint64_t place, uint64_t to)
{
    return (place + to - 1) & ~(to - 1);
}

static uint32_t read_32(struct blob file, uint64_t place)
{
    uint32_t value;

    return blob_read(file, place, &value, sizeof(value)) ? value : 0;
}

static uint64_t read_64(struct blob file, uint64_t place)
{
    uint64_t value;

    return blob_read(file, place, &value, sizeof(value)) ? value : 0;
}

/*
 * ---- The tokens.
 */

/* The token that ends before the zero in front of @place begins; 0: it cannot be one. */
static uint64_t token_before(struct blob file, uint64_t place)
{
    uint64_t start = place - 1;

    if (place < 2)
        return 0;
    while (start > 0 && file.bytes[start - 1] && place - start <= TOKEN_MAX)
        start--;
    return place - start <= TOKEN_MAX ? start : 0;
}

static bool take_tokens(struct names *names)
{
    uint64_t place = names->tokens_at;

    for (unsigned i = 0; i < TOKENS; i++) {
        names->tokens[i] = blob_until(blob_skip(names->file, place), '\0');
        if (names->tokens[i].size > TOKEN_MAX || place + names->tokens[i].size >= names->file.size)
            return false;
        place += names->tokens[i].size + 1;
    }
    names->index_end = place;
    return true;
}

/* Behind them stands where each of them begins: this is how they are known. */
static bool has_index(struct names *names)
{
    uint64_t place = align(names->index_end, 4);
    uint16_t begin;

    for (unsigned skip = 0; skip < 2; skip++, place += 4) {
        unsigned i = 0;

        while (i < TOKENS && blob_read(names->file, place + i * sizeof(begin), &begin, sizeof(begin)) &&
               names->file.bytes + names->tokens_at + begin == names->tokens[i].bytes)
            i++;
        if (i == TOKENS) {
            names->index_end = place + TOKENS * sizeof(begin);
            return true;
        }
    }
    return false;
}

/* Those of one digit are where the character is. */
static bool find_tokens(struct names *names)
{
    struct blob file = names->file;

    for (uint64_t place = 0; place + sizeof(DIGITS) <= file.size; place++) {
        const uint8_t *found = memmem(file.bytes + place, file.size - place, DIGITS, sizeof(DIGITS));
        uint64_t start;

        if (!found)
            return false;
        start = place = (uint64_t)(found - file.bytes);
        for (unsigned i = 0; i < '0' && start; i++)
            start = token_before(file, start);
        names->tokens_at = start;
        if (start && take_tokens(names) && has_index(names))
            return true;
    }
    return false;
}

/*
 * ---- The names.
 */

/* The tokens of the name at *@place, which becomes the next one's; false: there is none. */
static bool next_name(const struct names *names, uint64_t *place, struct blob *name)
{
    const uint8_t *bytes = names->file.bytes + *place;
    uint64_t left = names->tokens_at - *place, length;

    if (left < 2 || !bytes[0])
        return false;
    length = bytes[0] & LONG_LENGTH ? (bytes[0] & ~LONG_LENGTH) | (uint64_t)bytes[1] << 7 : bytes[0];
    *place += bytes[0] & LONG_LENGTH ? 2 : 1;
    if (length > names->tokens_at - *place || !blob_slice(names->file, *place, length, name))
        return false;
    *place += length;
    return true;
}

/* Are there @names->count names, and behind them where each MARKEDth is? */
static bool are_names(struct names *names)
{
    uint64_t place = names->names_at, markers;
    struct blob name;

    for (uint64_t i = 0; i < names->count; i++) {
        if (!names->budget || !next_name(names, &place, &name))
            return false;
        names->budget--;
    }
    names->names_end = place;
    /* The first of these is 0, the second is not. */
    markers = align(place, 4);
    markers += read_32(names->file, markers + 4) ? 0 : 4;
    place = names->names_at;
    for (uint64_t i = 0; i < names->count; i++) {
        if (i % MARKED == 0 && read_32(names->file, markers + i / MARKED * 4) != place - names->names_at)
            return false;
        (void)next_name(names, &place, &name);
    }
    return true;
}

/* Their number may be followed by as much as makes an even number of words. */
static bool begins_at(struct names *names, uint64_t place)
{
    uint64_t room = names->tokens_at - place;

    names->count_at = place;
    names->count = read_32(names->file, place);
    if (names->count < NAMES_LEAST || names->count > NAMES_MAX || room < names->count * NAME_BYTES_LEAST ||
        room > names->count * NAME_BYTES_MOST)
        return false;
    names->names_at = place + 8;
    if (are_names(names))
        return true;
    names->names_at = place + 4;
    return are_names(names);
}

static bool find_names(struct names *names)
{
    uint64_t furthest = (uint64_t)NAMES_MAX * NAME_BYTES_MOST, place = names->tokens_at & ~UINT64_C(3);
    uint64_t end = place > furthest ? place - furthest : 0;

    names->budget = BUDGET;
    while (place > end && names->budget) {
        place -= 4;
        if (begins_at(names, place))
            return true;
    }
    return false;
}

/*
 * ---- The addresses.
 */

struct addresses {
    struct blob file;
    uint64_t at, base;
    bool are_relative;  /* each to its own place, which lies at @base */
    bool have_absolute; /* those that are not negative are addresses themselves */
};

static uint64_t address_of(const struct addresses *addresses, uint64_t i)
{
    uint32_t offset = read_32(addresses->file, addresses->at + i * 4);
    int64_t extended = (int32_t)offset;

    if (addresses->are_relative)
        return addresses->base + i * 4 + (uint64_t)extended;
    if (addresses->have_absolute)
        return extended < 0 ? addresses->base - 1 - (uint64_t)extended : offset;
    return addresses->base + offset;
}

/* Names are sorted by their addresses: of numbers that mean something else it does not look like that. */
static bool are_addresses(const struct addresses *addresses, const struct kernel *kernel, uint64_t count)
{
    uint64_t previous = 0, end = kernel->virt_base + kernel->end, inside = 0;

    if (addresses->at + count * 4 > addresses->file.size)
        return false;
    for (uint64_t i = 0; i < count; i++) {
        uint64_t address = address_of(addresses, i);

        if (address < previous)
            return false;
        inside += address >= kernel->virt_base + kernel->start && address <= end;
        previous = address;
    }
    return inside > count / 2;
}

static bool try_addresses(struct addresses *addresses, const struct kernel *kernel, uint64_t count)
{
    for (unsigned absolute = 0; absolute < 2; absolute++) {
        addresses->have_absolute = absolute;
        if (are_addresses(addresses, kernel, count))
            return true;
    }
    return false;
}

/* The address that @place of a segment's has. */
static uint64_t address_in(const struct kernel *kernel, const struct kernel_segment *segment, uint64_t place)
{
    return kernel->virt_base + segment->start + place;
}

/* Behind them is what they are relative to; not in those versions where that is their own place. */
static bool find_addresses(const struct names *names, const struct kernel *kernel, const struct kernel_segment *segment,
                           struct addresses *addresses)
{
    uint64_t size = names->count * 4, before = align(size, 8) + 8;

    addresses->file = names->file;
    addresses->are_relative = false;
    if (names->count_at >= before) {
        addresses->at = names->count_at - before;
        addresses->base = read_64(names->file, names->count_at - 8);
        if (try_addresses(addresses, kernel, names->count))
            return true;
    }
    addresses->at = names->index_end;
    for (unsigned skip = 0; skip < 2; skip++, addresses->at += 4) {
        addresses->base = read_64(names->file, align(addresses->at + size, 8));
        addresses->are_relative = false;
        if (try_addresses(addresses, kernel, names->count))
            return true;
        addresses->base = address_in(kernel, segment, addresses->at);
        addresses->are_relative = true;
        addresses->have_absolute = false;
        /* Code comes first, and far before the table. */
        if ((int32_t)read_32(names->file, addresses->at) < 0 && are_addresses(addresses, kernel, names->count))
            return true;
    }
    return false;
}

/*
 * ---- All of it.
 */

/* The characters of @name, the first being its kind, at @to, or only their number. */
static size_t expand(const struct names *names, struct blob name, char *to)
{
    size_t length = 0;

    for (uint64_t i = 0; i < name.size; i++) {
        struct blob token = names->tokens[name.bytes[i]];

        if (to)
            memcpy(to + length, token.bytes, token.size);
        length += token.size;
    }
    return length;
}

/* The characters of all of them, each with one more behind it; 0: one cannot be one, or there are too many. */
static size_t measure(const struct names *names)
{
    uint64_t place = names->names_at;
    struct blob name;
    size_t size = 0;

    for (uint64_t i = 0; i < names->count && next_name(names, &place, &name); i++) {
        size_t length = expand(names, name, NULL);

        if (length < 2 || length > NAME_MAX || size > SIZE_MOST)
            return 0;
        size += length + 1;
    }
    return size;
}

static bool is_function(char kind)
{
    return tolower((unsigned char)kind) == 't' || tolower((unsigned char)kind) == 'w';
}

/* Up to the next that has another address; of several at one the first counts, as Linux itself has it. */
static void take(const struct names *names, const struct addresses *addresses, struct symbols *symbols)
{
    uint64_t place = names->names_at, next = 0, previous = UINT64_MAX;
    char *to = symbols->names;
    struct blob name;

    for (uint64_t i = 0; i < names->count && next_name(names, &place, &name); i++) {
        uint64_t address = address_of(addresses, i);
        size_t length = expand(names, name, to);

        for (next = next > i ? next : i + 1; next < names->count && address_of(addresses, next) == address;)
            next++;
        if (is_function(*to) && address != previous && next < names->count) {
            symbols->list[symbols->count++] = (struct symbol){address, address_of(addresses, next) - address, to + 1};
            previous = address;
        }
        to[length] = '\0';
        to += length + 1;
    }
    symbols->names_size = (size_t)(to - symbols->names);
}

static bool read_segment(const struct kernel *kernel, const struct kernel_segment *segment, struct symbols *symbols)
{
    struct names names = {.file = segment->contents};
    struct addresses addresses;
    size_t size;

    if (!find_tokens(&names) || !find_names(&names) || !find_addresses(&names, kernel, segment, &addresses))
        return false;
    size = measure(&names);
    symbols->names = size ? malloc(size) : NULL;
    symbols->list = symbols->names ? malloc(names.count * sizeof(*symbols->list)) : NULL;
    if (symbols->list)
        take(&names, &addresses, symbols);
    return true;
}

void kallsyms_read(const struct kernel *kernel, struct symbols *symbols)
{
    for (unsigned i = 0; i < kernel->nr_segments; i++) {
        if (kernel->image.width == WIDTH_64 && read_segment(kernel, &kernel->segments[i], symbols))
            return;
    }
}

/* SPDX-License-Identifier: MIT */
/* Plain loops, by words where much is copied: what the compiler calls has to be there in a freestanding program. */
#include <stdint.h>

#include <guest/string.h>

/* Eight bytes of anything, wherever they lie. */
typedef uint64_t word_t __attribute__((may_alias, aligned(1)));

void *memcpy(void *restrict to, const void *restrict from, size_t size)
{
    char *out = to;
    const char *in = from;

    for (; size >= sizeof(word_t); size -= sizeof(word_t), out += sizeof(word_t), in += sizeof(word_t))
        *(word_t *)out = *(const word_t *)in;
    while (size--)
        *out++ = *in++;
    return to;
}

void *memset(void *to, int byte, size_t size)
{
    const word_t word = (uint8_t)byte * UINT64_C(0x0101010101010101);
    char *out = to;

    for (; size >= sizeof(word_t); size -= sizeof(word_t), out += sizeof(word_t))
        *(word_t *)out = word;
    while (size--)
        *out++ = (char)byte;
    return to;
}

void *memmove(void *to, const void *from, size_t size)
{
    char *out = to;
    const char *in = from;

    if (out <= in)
        return memcpy(to, from, size);
    while (size--)
        out[size] = in[size];
    return to;
}

int memcmp(const void *a, const void *b, size_t size)
{
    const unsigned char *left = a, *right = b;

    for (; size; size--, left++, right++) {
        if (*left != *right)
            return *left - *right;
    }
    return 0;
}

size_t strlen(const char *text)
{
    size_t length = 0;

    while (text[length])
        length++;
    return length;
}

int strncmp(const char *a, const char *b, size_t max)
{
    for (; max; max--, a++, b++) {
        if (*a != *b || !*a)
            return (unsigned char)*a - (unsigned char)*b;
    }
    return 0;
}

int strcmp(const char *a, const char *b)
{
    return strncmp(a, b, ~(size_t)0);
}

char *strstr(const char *text, const char *part)
{
    size_t length = strlen(part);

    for (; *text; text++) {
        if (strncmp(text, part, length) == 0)
            return (char *)(size_t)text; /* C's own signature takes the const away */
    }
    return length ? NULL : (char *)(size_t)text;
}

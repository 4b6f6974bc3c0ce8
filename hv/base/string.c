/* SPDX-License-Identifier: MIT */
/*
 * What compilers call without being asked to: C11 7.24.  The build's flags keep them from making such calls out of the
 * loops in here.
 */
#include <hv/base/string.h>

void *memcpy(void *restrict to, const void *restrict from, size_t size)
{
    void *start = to;

    size_t words = size / 8, rest = size % 8;

    __asm__ volatile("rep movsq" : "+D"(to), "+S"(from), "+c"(words) : : "memory");
    __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(rest) : : "memory");
    return start;
}

void *memset(void *to, int byte, size_t size)
{
    void *start = to;

    uint64_t word = (uint8_t)byte * UINT64_C(0x0101010101010101);
    size_t words = size / 8, rest = size % 8;

    __asm__ volatile("rep stosq" : "+D"(to), "+c"(words) : "a"(word) : "memory");
    __asm__ volatile("rep stosb" : "+D"(to), "+c"(rest) : "a"(word) : "memory");
    return start;
}

void *memmove(void *to, const void *from, size_t size)
{
    uint8_t *target = to;
    const uint8_t *source = from;

    if (target <= source || target >= source + size)
        return memcpy(to, from, size);
    for (size_t i = size; i > 0; i--)
        target[i - 1] = source[i - 1];
    return to;
}

int memcmp(const void *a, const void *b, size_t size)
{
    const uint8_t *left = a, *right = b;

    for (size_t i = 0; i < size; i++) {
        if (left[i] != right[i])
            return left[i] < right[i] ? -1 : 1;
    }
    return 0;
}

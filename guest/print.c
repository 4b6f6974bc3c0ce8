/* SPDX-License-Identifier: MIT */
/* The formatter: one conversion after the other into a buffer of limited size. */
#include <stdbool.h>
#include <stdint.h>

#include <guest/console.h>
#include <guest/print.h>
#include <guest/string.h>

struct sink {
    char *next;
    size_t room; /* without the final zero */
};

struct field {
    unsigned width;
    bool left, zeroes;
};

static void put(struct sink *sink, char letter)
{
    if (sink->room) {
        *sink->next++ = letter;
        sink->room--;
    }
}

static void put_padded(struct sink *sink, const char *text, size_t length, struct field field)
{
    size_t padding = field.width > length ? field.width - length : 0;

    for (; padding && !field.left; padding--)
        put(sink, field.zeroes ? '0' : ' ');
    while (length--)
        put(sink, *text++);
    for (; padding; padding--)
        put(sink, ' ');
}

static void put_number(struct sink *sink, uint64_t number, unsigned base, bool negative, struct field field)
{
    char digits[24];
    char *first = digits + sizeof(digits);

    do {
        *--first = "0123456789abcdef"[number % base];
        number /= base;
    } while (number);
    if (negative)
        *--first = '-';
    put_padded(sink, first, (size_t)(digits + sizeof(digits) - first), field);
}

static void put_signed(struct sink *sink, int64_t number, struct field field)
{
    put_number(sink, number < 0 ? 0 - (uint64_t)number : (uint64_t)number, 10, number < 0, field);
}

static const char *parse_field(const char *format, struct field *field)
{
    *field = (struct field){0};
    for (; *format == '-' || *format == '0'; format++)
        *(*format == '-' ? &field->left : &field->zeroes) = true;
    for (; *format >= '0' && *format <= '9'; format++)
        field->width = field->width * 10 + (unsigned)(*format - '0');
    return format;
}

/* An argument of as many bytes as the number of "l" in front of its letter, or a "z", says. */
static uint64_t unsigned_argument(unsigned longs, va_list *args)
{
    switch (longs) {
    case 0:
        return va_arg(*args, unsigned);
    case 1:
        return va_arg(*args, unsigned long);
    default:
        return va_arg(*args, unsigned long long);
    }
}

static int64_t signed_argument(unsigned longs, va_list *args)
{
    switch (longs) {
    case 0:
        return va_arg(*args, int);
    case 1:
        return va_arg(*args, long);
    default:
        return va_arg(*args, long long);
    }
}

/* One conversion; @letter is what stands behind "%", the width and @longs times "l". */
static void convert(struct sink *sink, char letter, unsigned longs, struct field field, va_list *args)
{
    const char *text;
    char one;

    switch (letter) {
    case 's':
        text = va_arg(*args, const char *);
        put_padded(sink, text, strlen(text), field);
        break;
    case 'c':
        one = (char)va_arg(*args, int);
        put_padded(sink, &one, 1, field);
        break;
    case 'd':
        put_signed(sink, signed_argument(longs, args), field);
        break;
    case 'u':
    case 'x':
        put_number(sink, unsigned_argument(longs, args), letter == 'u' ? 10 : 16, false, field);
        break;
    case 'p':
        put_padded(sink, "0x", 2, (struct field){0});
        put_number(sink, (uintptr_t)va_arg(*args, void *), 16, false,
                   (struct field){.width = 2 * sizeof(void *), .zeroes = true});
        break;
    default:
        put(sink, letter);
        break;
    }
}

size_t print_list_to(char *buffer, size_t size, const char *format, va_list args)
{
    struct sink sink = {buffer, size - 1};
    va_list rest;

    va_copy(rest, args);
    for (; *format; format++) {
        struct field field;
        unsigned longs = 0;

        if (*format != '%') {
            put(&sink, *format);
            continue;
        }
        format = parse_field(format + 1, &field);
        for (; *format == 'l' || *format == 'z'; format++)
            longs++; /* a size_t is as wide as a long */
        convert(&sink, *format, longs, field, &rest);
    }
    va_end(rest);
    *sink.next = 0;
    return (size_t)(sink.next - buffer);
}

size_t print_to(char *buffer, size_t size, const char *format, ...)
{
    va_list args;
    size_t length;

    va_start(args, format);
    length = print_list_to(buffer, size, format, args);
    va_end(args);
    return length;
}

void print_list(const char *format, va_list args)
{
    char buffer[512];

    console_write(buffer, print_list_to(buffer, sizeof(buffer), format, args));
}

void print(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    print_list(format, args);
    va_end(args);
}

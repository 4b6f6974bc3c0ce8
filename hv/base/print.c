/* SPDX-License-Identifier: MIT */
/* A small printf: one conversion at a time, straight to the line, which the call has to itself. */
#include <stdbool.h>
#include <stdint.h>

#include <hv/base/print.h>
#include <hv/base/serial.h>

#define DIGITS_MAX 20u /* of 2^64 - 1 in decimal */

struct conversion {
    unsigned width;
    bool zeroes;
    bool wide; /* 64 bits */
};

static void put_padding(const struct conversion *how, unsigned length, char with)
{
    for (unsigned i = length; i < how->width; i++)
        serial_put(with);
}

static void put_string(const struct conversion *how, const char *text)
{
    unsigned length = 0;

    if (!text)
        text = "(null)";
    while (text[length])
        length++;
    put_padding(how, length, ' ');
    while (*text)
        serial_put(*text++);
}

static void put_number(const struct conversion *how, uint64_t value, unsigned base, bool negative)
{
    char digits[DIGITS_MAX];
    unsigned count = 0, length;

    do {
        digits[count++] = "0123456789abcdef"[value % base];
        value /= base;
    } while (value);
    length = count + negative;
    if (!how->zeroes)
        put_padding(how, length, ' ');
    if (negative)
        serial_put('-');
    if (how->zeroes)
        put_padding(how, length, '0');
    while (count)
        serial_put(digits[--count]);
}

static void put_signed(const struct conversion *how, int64_t value)
{
    put_number(how, value < 0 ? -(uint64_t)value : (uint64_t)value, 10, value < 0);
}

/* Read what stands between '%' and its letter; returns where the letter is. */
static const char *read_conversion(const char *format, struct conversion *how)
{
    *how = (struct conversion){0};
    if (*format == '0') {
        how->zeroes = true;
        format++;
    }
    while (*format >= '0' && *format <= '9')
        how->width = how->width * 10 + (unsigned)(*format++ - '0');
    while (*format == 'l') {
        how->wide = true;
        format++;
    }
    return format;
}

static void put_list(const char *format, va_list args)
{
    struct conversion how;

    for (; *format; format++) {
        if (*format != '%') {
            serial_put(*format);
            continue;
        }
        format = read_conversion(format + 1, &how);
        if (*format == 's')
            put_string(&how, va_arg(args, const char *));
        else if (*format == 'c')
            serial_put((char)va_arg(args, int));
        else if (*format == 'd')
            put_signed(&how, how.wide ? va_arg(args, int64_t) : va_arg(args, int));
        else if (*format == 'u' || *format == 'x')
            put_number(&how, how.wide ? va_arg(args, uint64_t) : va_arg(args, unsigned), *format == 'u' ? 10 : 16,
                       false);
        else if (*format == 'p')
            put_number(&how, (uint64_t)va_arg(args, void *), 16, false);
        else if (*format == '\0')
            return;
        else
            serial_put(*format);
    }
}

void print_list(const char *format, va_list args)
{
    serial_begin();
    put_list(format, args);
    serial_end();
}

void print(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    print_list(format, args);
    va_end(args);
}

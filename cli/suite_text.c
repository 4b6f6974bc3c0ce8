/* SPDX-License-Identifier: MIT */
/* Texts that last as long as the program: a list of all of them. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cli/suite.h>

struct text {
    struct text *next;
    char bytes[];
};

static struct text *texts;

char *suite_text(const char *format, ...)
{
    struct text *text;
    va_list arguments;
    int length;

    va_start(arguments, format);
    length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    text = length < 0 ? NULL : malloc(sizeof(*text) + (size_t)length + 1);
    if (!text) {
        say_error("out of memory");
        exit(STATUS_FAILED);
    }
    va_start(arguments, format);
    vsnprintf(text->bytes, (size_t)length + 1, format, arguments);
    va_end(arguments);
    text->next = texts;
    texts = text;
    return text->bytes;
}

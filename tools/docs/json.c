/* SPDX-License-Identifier: MIT */
/* JSON on stdout: commas, indentation, quotes. */
#include <inttypes.h>
#include <stdio.h>

#include <tools/docs/json.h>

static unsigned depth;
static bool is_first = true; /* in the object or array that is open */

static void begin_value(const char *name)
{
    if (depth > 0)
        printf("%s\n%*s", is_first ? "" : ",", (int)depth, "");
    if (name)
        printf("\"%s\": ", name);
    is_first = false;
}

void json_begin(const char *name, char bracket)
{
    begin_value(name);
    putchar(bracket);
    depth++;
    is_first = true;
}

void json_end(char bracket)
{
    depth--;
    printf("\n%*s%c", (int)depth, "", bracket);
    is_first = false;
    if (depth == 0)
        putchar('\n');
}

void json_text(const char *name, const char *text)
{
    begin_value(name);
    putchar('"');
    for (; *text; text++)
        printf(*text == '"' || *text == '\\' ? "\\%c" : "%c", *text);
    putchar('"');
}

void json_number(const char *name, uint64_t number)
{
    begin_value(name);
    printf("%" PRIu64, number);
}

void json_bits(const char *name, uint64_t bits)
{
    begin_value(name);
    printf("\"0x%016" PRIx64 "\"", bits);
}

void json_truth(const char *name, bool truth)
{
    begin_value(name);
    fputs(truth ? "true" : "false", stdout);
}

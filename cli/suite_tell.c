/* SPDX-License-Identifier: MIT */
/* How tests went, for machines to read: lines of the Test Anything Protocol, version 13, and JUnit's XML. */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cli/file.h>
#include <cli/suite.h>

#define LINES_SHOWN 20u /* of what a test has said that has not passed */

/* The last lines. */
static const char *last_lines(const struct bytes *said)
{
    const char *begin = (const char *)said->data, *at = begin + said->size;
    unsigned lines = 0;

    while (at > begin && lines <= LINES_SHOWN) {
        at--;
        if (*at == '\n' && at + 1 < begin + said->size)
            lines += 1;
    }
    return lines > LINES_SHOWN ? at + 1 : begin;
}

/* A text of YAML in double quotes, which no byte can leave. */
static void print_quoted(const char *text)
{
    putchar('"');
    for (; *text; text++) {
        if (*text == '"' || *text == '\\')
            printf("\\%c", *text);
        else if (*text >= ' ' && *text != 0x7f)
            putchar(*text);
        else
            printf("\\x%02x", (unsigned char)*text);
    }
    putchar('"');
}

/* Each byte of its own is text, whatever the guest writes. */
static void print_lines(const char *text)
{
    for (; *text; text += strcspn(text, "\n"), text += *text == '\n') {
        char line[256];

        snprintf(line, sizeof(line), "%.*s", (int)strcspn(text, "\n"), text);
        fputs("    - ", stdout);
        print_quoted(line);
        putchar('\n');
    }
}

void suite_tell(const struct suite_test *test, size_t number)
{
    printf("%sok %zu - %s", test->why ? "not " : "", number, test->name);
    if (test->skip) {
        fputs(" # SKIP ", stdout);
        write_safely(stdout, test->skip);
    }
    putchar('\n');
    if (!test->skip)
        printf("  ---\n  duration_ms: %.0f\n", test->seconds * 1000);
    if (test->why) {
        fputs("  message: ", stdout);
        print_quoted(test->why);
        fputs("\n  said:\n", stdout);
        print_lines(last_lines(test->said));
    }
    if (!test->skip)
        puts("  ...");
    fflush(stdout);
}

/* XML has no way to write most control characters, and takes no byte that is not UTF-8. */
static void put_xml(FILE *to, const char *text)
{
    for (; *text; text++) {
        if (*text == '&' || *text == '<' || *text == '>' || *text == '"')
            fprintf(to, "&#%d;", *text);
        else if ((*text >= ' ' && *text != 0x7f) || *text == '\n' || *text == '\t')
            fputc(*text, to);
        else
            fprintf(to, "\\x%02x", (unsigned char)*text);
    }
}

/* What is missing here, or broke, is no verdict on the test. */
static const char *kind_of(const struct suite_test *test)
{
    switch (test->got) {
    case STATUS_FAILED:
    case STATUS_USAGE:
    case STATUS_HYPERVISOR:
    case STATUS_QEMU:
        return test->got == (int)test->status ? "failure" : "error";
    default:
        return "failure";
    }
}

static void put_case(FILE *to, const struct suite_test *test)
{
    fprintf(to, "  <testcase name=\"%s\" classname=\"paravane\" time=\"%.3f\">\n", test->name, test->seconds);
    if (test->skip) {
        fputs("    <skipped message=\"", to);
        put_xml(to, test->skip);
        fputs("\"/>\n", to);
    }
    if (test->why) {
        fprintf(to, "    <%s message=\"", kind_of(test));
        put_xml(to, test->why);
        fprintf(to, "\"/>\n    <system-out>");
        put_xml(to, (const char *)test->said->data);
        fputs("</system-out>\n", to);
    }
    fputs("  </testcase>\n", to);
}

enum status suite_write_junit(const struct suite *suite, const char *path)
{
    size_t failures = 0, errors = 0, skipped = 0;
    double seconds = 0;
    FILE *to = fopen(path, "we");

    for (size_t i = 0; i < suite->count; i++) {
        const struct suite_test *test = &suite->list[i];

        seconds += test->seconds;
        skipped += test->skip != NULL;
        failures += test->why && !strcmp(kind_of(test), "failure");
        errors += test->why && !strcmp(kind_of(test), "error");
    }
    if (to) {
        fprintf(to,
                "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuite name=\"paravane\" tests=\"%zu\" "
                "failures=\"%zu\" errors=\"%zu\" skipped=\"%zu\" time=\"%.3f\">\n",
                suite->count, failures, errors, skipped, seconds);
        for (size_t i = 0; i < suite->count; i++)
            put_case(to, &suite->list[i]);
        fputs("</testsuite>\n", to);
    }
    if (to && !ferror(to) && !fclose(to))
        return STATUS_GOOD;
    say_error("%s: cannot be written: %s", path, strerror(errno));
    return STATUS_FAILED;
}

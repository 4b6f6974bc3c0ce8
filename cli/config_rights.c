/* SPDX-License-Identifier: MIT */
/* Numbers are hexadecimal as for xl, but for those of lines; the settings have the same lists, an item a line. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include <cli/config_rights.h>

#define FRAME_MAX (1ull << 40)
#define PORT_MAX  0xffffull
#define LINE_MAX  63ull /* hv/kernel/bundle.h */

/* No sign and no space, as strtoull() would have them. */
static bool read_number(const char **text, int base, unsigned long long most, unsigned long long *number)
{
    char *end;

    if (!isxdigit((unsigned char)**text))
        return false;
    *number = strtoull(*text, &end, base);
    if (end == *text || *number > most)
        return false;
    *text = end;
    return true;
}

/* START,COUNT; where the guest would find them is for those that have no page tables of their own. */
static bool read_iomem(const char *text, FILE *settings)
{
    unsigned long long first, count;

    if (!read_number(&text, 16, FRAME_MAX, &first) || *text++ != ',' || !read_number(&text, 16, FRAME_MAX, &count) ||
        count == 0 || *text)
        return false;
    return fprintf(settings, "iomem=%llx,%llx\n", first, count) > 0;
}

static bool read_ioports(const char *text, FILE *settings)
{
    unsigned long long first, last;

    if (!read_number(&text, 16, PORT_MAX, &first))
        return false;
    last = first;
    if (*text == '-') {
        text++;
        if (!read_number(&text, 16, PORT_MAX, &last))
            return false;
    }
    return !*text && first <= last && fprintf(settings, "ioports=%llx-%llx\n", first, last) > 0;
}

static bool read_irq(const char *text, FILE *settings)
{
    unsigned long long line;

    return read_number(&text, 10, LINE_MAX, &line) && !*text && fprintf(settings, "irq=%llu\n", line) > 0;
}

static void read_list(struct config *config, const char *key, bool (*read)(const char *text, FILE *settings),
                      const char *form, FILE *settings)
{
    const char *text;

    for (unsigned i = 0; (text = config_item(config, key, i)); i++) {
        if (!read(text, settings))
            config_complain(config, "%s: %s: not %s", key, text, form);
    }
}

void config_read_rights(struct config *config, struct guest_options *guest)
{
    char *text = NULL;
    size_t size = 0;
    FILE *settings = open_memstream(&text, &size);

    if (!settings) {
        config_complain(config, "out of memory");
        return;
    }
    read_list(config, "iomem", read_iomem, "START,COUNT, frames in hexadecimal", settings);
    read_list(config, "ioports", read_ioports, "FIRST-LAST or one port, in hexadecimal up to ffff", settings);
    read_list(config, "irqs", read_irq, "the number of an interrupt line, up to 63", settings);
    if (fclose(settings))
        config_complain(config, "out of memory");
    guest->rights = size > 0 ? config_keep(text) : NULL;
    free(text);
}

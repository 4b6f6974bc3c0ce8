/* SPDX-License-Identifier: MIT */
/* Words are gathered to a line, which is written when all of a call is known. */
#include <guest/console.h>
#include <guest/errno.h>
#include <guest/guest.h>
#include <guest/print.h>
#include <guest/string.h>
#include <guest/table.h>
#include <guests/differential/say.h>
#include <guests/differential/world.h>

/* Lines of the record start with it; whatever else is on the console does not. */
#define MARK ":"

static char line[1024];
static size_t length;
static const char *current;
static unsigned number, lines;

void say(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    length += print_list_to(line + length, sizeof(line) - length, format, args);
    va_end(args);
}

void say_begin(const char *group)
{
    if (!current || strcmp(current, group) != 0) {
        current = group;
        number = 0;
    }
    length = 0;
    say(MARK "%s %u", group, number++);
}

void say_frame(uint64_t mfn)
{
    const struct frame *frame = world_find(mfn);

    if (frame)
        say("%s", frame->name);
    else
        say("%lx", mfn);
}

void say_entry(uint64_t entry)
{
    const struct frame *frame = world_find((entry & PTE_FRAME) >> PAGE_SHIFT);

    if (!frame) {
        say("%lx", entry);
        return;
    }
    say("%s.%lx", frame->name, entry & (PAGE_SIZE - 1));
    if (entry >> 52)
        say("/%lx", entry >> 52);
}

void say_calling(void)
{
    say(" >");
    if (guest_option("verbose", 0)) /* which call was the last one, where one does not come back */
        print("calling %s\n", line);
}

void say_result(long result)
{
    if (result < 0 && result > -4096) {
        const char *name = errno_name(result);

        if (name[0] == 'E')
            say(" %s", name);
        else
            say(" %ld", result);
    } else {
        say(" %lx", (uint64_t)result);
    }
}

void say_end(void)
{
    say("\n");
    console_write(line, length);
    lines++;
}

unsigned say_lines(void)
{
    return lines;
}

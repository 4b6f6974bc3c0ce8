/* SPDX-License-Identifier: MIT */
#include <guest/console.h>
#include <guest/event.h>
#include <guest/guest.h>
#include <guest/hypercall.h>
#include <guest/memory.h>
#include <guest/native.h>
#include <guest/print.h>
#include <guest/string.h>
#include <guest/table.h>
#include <guest/trap.h>

struct guest guest;

/* The page of the image that gives its address to shared_info. */
static char shared_page[PAGE_SIZE] __attribute__((aligned(4096)));

_Noreturn void guest_start(const struct start_info *start, uint64_t boot_stack_end);

_Noreturn void guest_shutdown(unsigned reason)
{
    struct sched_shutdown shutdown = {.reason = reason};

    if (guest.native)
        native_shutdown(reason);
    console_drain();
    for (;;)
        (void)hypercall_sched_op(SCHEDOP_shutdown, &shutdown);
}

_Noreturn void guest_panic(const char *format, ...)
{
    va_list args;

    print("panic: ");
    va_start(args, format);
    print_list(format, args);
    va_end(args);
    print("\n");
    guest_shutdown(SHUTDOWN_crash);
}

static uint64_t parse_number(const char *text)
{
    unsigned base = strncmp(text, "0x", 2) == 0 ? 16 : 10;
    uint64_t number = 0;

    for (text += base == 16 ? 2 : 0;; text++) {
        if (*text >= '0' && *text <= '9')
            number = number * base + (unsigned)(*text - '0');
        else if (base == 16 && *text >= 'a' && *text <= 'f')
            number = number * base + (unsigned)(*text - 'a') + 10;
        else
            return number;
    }
}

uint64_t guest_option(const char *name, uint64_t otherwise)
{
    size_t length = strlen(name);

    for (const char *word = guest.start->cmd_line; *word;) {
        if (strncmp(word, name, length) == 0 && word[length] == '=')
            return parse_number(word + length + 1);
        while (*word && *word != ' ')
            word++;
        while (*word == ' ')
            word++;
    }
    return otherwise;
}

/* shared_info is a frame of the hypervisor, named by its machine address; nothing maps it yet. */
static void map_shared_info(void)
{
    mfn_t mfn = MFN(guest.start->shared_info >> PAGE_SHIFT);

    if (table_map((uint64_t)shared_page, pte_make(mfn, PTE_KERNEL)))
        guest_panic("shared_info cannot be mapped");
    guest.shared = (struct shared_info *)shared_page;
    guest.vcpu = &guest.shared->vcpu_info[0];
}

_Noreturn void guest_start(const struct start_info *start, uint64_t boot_stack_end)
{
    guest.start = start;
    guest.boot_stack_end = boot_stack_end;
    console_init();
    map_shared_info();
    trap_init();
    event_init();
    memory_init();
    guest_main();
    guest_shutdown(SHUTDOWN_poweroff);
}

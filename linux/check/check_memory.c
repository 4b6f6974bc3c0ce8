/* SPDX-License-Identifier: MIT */
/*
 * Address spaces under change: random mmap, munmap, mprotect and mremap, with a model of what each page must be, and a
 * real access, which may fault, to see whether it is.
 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/check/checks.h>

#define ARENA_PAGES 512u
#define NOT_MAPPED  -1
#define KEPT_KIB    (12u << 10)

struct page {
    int protection; /* PROT_*; NOT_MAPPED */
    unsigned char value;
};

static unsigned char *arena;
static struct page model[ARENA_PAGES];

static sigjmp_buf landing;

static void on_fault(int number)
{
    siglongjmp(landing, number);
}

static void catch_faults(void)
{
    struct sigaction action = {.sa_handler = on_fault};

    sigaction(SIGSEGV, &action, NULL);
    sigaction(SIGBUS, &action, NULL);
}

/* 0: the access worked; else the signal. */
static int try_read(const volatile unsigned char *at, unsigned char *value)
{
    int number = sigsetjmp(landing, 1);

    if (!number)
        *value = *at;
    return number;
}

static int try_write(volatile unsigned char *at, unsigned char value)
{
    int number = sigsetjmp(landing, 1);

    if (!number)
        *at = value;
    return number;
}

static void need_page(size_t index)
{
    struct page *page = &model[index];
    unsigned char *at = arena + index * PAGE + check_random() % PAGE, seen = 0;
    bool may_read = page->protection > 0, may_write = page->protection > 0 && (page->protection & PROT_WRITE);
    int number = try_read(arena + index * PAGE, &seen);

    NEED(!number == may_read, "page %zu: a read gave signal %d, protection %d", index, number, page->protection);
    NEED(number || seen == page->value, "page %zu has %u instead of %u", index, seen, page->value);
    number = try_write(at, 0x5a);
    NEED(!number == may_write, "page %zu: a write gave signal %d, protection %d", index, number, page->protection);
    if (may_write) {
        page->value = (unsigned char)check_random();
        NEED(!try_write(arena + index * PAGE, page->value), "page %zu: a second write failed", index);
    }
}

static void make_arena(void)
{
    arena = mmap(NULL, ARENA_PAGES * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    NEED(arena != MAP_FAILED, "mmap: %s", strerror(errno));
    for (size_t i = 0; i < ARENA_PAGES; i++)
        model[i] = (struct page){PROT_NONE, 0};
    catch_faults();
}

static void set_model(size_t first, size_t count, int protection, bool is_new)
{
    for (size_t i = first; i < first + count; i++) {
        model[i].protection = protection;
        if (is_new)
            model[i].value = 0;
    }
}

static void map_some(size_t first, size_t count, int protection)
{
    void *at = arena + first * PAGE;

    NEED(mmap(at, count * PAGE, protection, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == at, "mmap: %s",
         strerror(errno));
    set_model(first, count, protection, true);
}

static void unmap_some(size_t first, size_t count)
{
    NEED(!munmap(arena + first * PAGE, count * PAGE), "munmap: %s", strerror(errno));
    set_model(first, count, NOT_MAPPED, true);
}

static void protect_some(size_t first, size_t count, int protection)
{
    int result = mprotect(arena + first * PAGE, count * PAGE, protection);

    for (size_t i = first; i < first + count; i++) {
        if (model[i].protection == NOT_MAPPED) {
            NEED(result && errno == ENOMEM, "mprotect over a hole worked");
            /* It has changed what stands before the hole. */
            set_model(first, i - first, protection, false);
            return;
        }
    }
    NEED(!result, "mprotect: %s", strerror(errno));
    set_model(first, count, protection, false);
}

static void storm(unsigned rounds, unsigned protect_share)
{
    static const int protections[] = {PROT_NONE, PROT_READ, PROT_READ | PROT_WRITE, PROT_READ | PROT_WRITE,
                                      PROT_READ | PROT_EXEC};

    make_arena();
    for (unsigned round = 0; round < rounds; round++) {
        size_t first = check_random() % ARENA_PAGES, count = 1 + check_random() % 32;
        int protection = protections[check_random() % NR_OF(protections)];
        unsigned choice = check_random() % 100;

        if (first + count > ARENA_PAGES)
            count = ARENA_PAGES - first;
        if (choice < protect_share)
            protect_some(first, count, protection);
        else if (choice < protect_share + (100 - protect_share) * 2 / 3)
            map_some(first, count, protection);
        else
            unmap_some(first, count);
        for (unsigned i = 0; i < 16; i++)
            need_page(check_random() % ARENA_PAGES);
    }
    for (size_t i = 0; i < ARENA_PAGES; i++)
        need_page(i);
}

void check_map_storm(void)
{
    storm(check_is_short ? 500 : 2500, 20);
}

void check_protect_storm(void)
{
    storm(check_is_short ? 500 : 2500, 90);
}

/* Moves a range that holds its own page numbers to and fro, across the areas of several page tables. */
void check_move(void)
{
    const size_t span = 64u << 20, pages = 700;
    unsigned char *field = mmap(NULL, span, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    unsigned char *at = field;

    NEED(field != MAP_FAILED, "mmap: %s", strerror(errno));
    NEED(!mprotect(at, pages * PAGE, PROT_READ | PROT_WRITE), "mprotect: %s", strerror(errno));
    for (size_t i = 0; i < pages; i++)
        *(size_t *)(void *)(at + i * PAGE) = i;
    for (unsigned round = 0; round < 100; round++) {
        unsigned char *to = field + (check_random() % (span / PAGE - pages)) / 700 * 700 * (size_t)PAGE;

        if (to + pages * PAGE > at && to < at + pages * PAGE)
            continue;
        NEED(mremap(at, pages * PAGE, pages * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, to) == to, "mremap: %s",
             strerror(errno));
        at = to;
        for (size_t i = 0; i < pages; i++)
            NEED(*(size_t *)(void *)(at + i * PAGE) == i, "page %zu has moved wrongly", i);
    }
}

static size_t available_kib(void)
{
    char *line = strstr(check_read_file("/proc/meminfo"), "MemAvailable:");

    NEED(line, "no MemAvailable in /proc/meminfo");
    return strtoul(line + 13, NULL, 10);
}

static uint64_t pattern(size_t index)
{
    return index * 0x9e3779b97f4a7c15u + 0x0123456789abcdefu;
}

/*
 * Every word of nine tenths of what is free is written, then read back, then given back.  A small machine keeps what
 * the kernel wants for itself: it counts that as available, but then rather ends a process.
 */
void check_fill(void)
{
    size_t before = available_kib(), after, kept = before / 10 > KEPT_KIB ? before / 10 : KEPT_KIB, kib, words;
    uint64_t *memory;

    NEED(before > 2 * kept, "only %zu KiB are available", before);
    kib = before - kept;
    words = kib * 1024 / 8;
    memory = mmap(NULL, kib * 1024, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    NEED(memory != MAP_FAILED, "mmap of %zu KiB: %s", kib, strerror(errno));
    for (size_t i = 0; i < words; i++)
        memory[i] = pattern(i);
    for (size_t i = 0; i < words; i++)
        NEED(memory[i] == pattern(i), "word %zu of %zu has %#lx instead of %#lx", i, words, memory[i], pattern(i));
    NEED(!munmap(memory, kib * 1024), "munmap: %s", strerror(errno));
    after = available_kib();
    NEED(after >= before / 10 * 9, "%zu KiB were available before, %zu afterwards", before, after);
    check_remark("%zu MiB", kib >> 10);
}

/* SPDX-License-Identifier: MIT */
/*
 * No processor goes on using a translation that another has taken away.  Threads on all processors read and write the
 * pages of all, while the owner of each takes rights away, exchanges the memory behind it, and forks: all at once.
 *
 *   rights     a page that its owner has made read-only does not change any more, until the owner allows it
 *   memory     each piece of memory that comes behind a page has a number, which grows: nobody sees an older one than
 *              that which the owner has announced
 *   fork       what a child has of its parent's memory does not change, whatever the parent's threads write
 */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/check/checks.h>

#define LOOKS  300u /* how often it is looked for a change */
#define BURST  64u
#define PIECES 64u

static struct {
    uint32_t *guarded, *copied; /* see above: rights, fork */
    uint32_t *window, *pieces;  /* memory: where the readers look, and all pieces in a row */
    uint32_t number;            /* of the last piece */
    _Atomic uint32_t announced;
} pages[PROCESSORS_MAX];

static int memory; /* the file that the pieces of all are in */
static unsigned nr_owners;
static atomic_uint nr_done;

static _Thread_local sigjmp_buf out;
static _Thread_local volatile bool may_fault;

/* Each is one access of the processor's. */
static uint32_t look_at(const volatile uint32_t *place)
{
    return *place;
}

static void write_to(volatile uint32_t *place, uint32_t value)
{
    *place = value;
}

/* Who touches a page at the wrong moment tries others. */
static void give_up(int signal)
{
    if (!may_fault)
        check_fail("signal %d where no page was touched", signal);
    siglongjmp(out, 1);
}

static void *map_pages(size_t count, int flags, int file, off_t at)
{
    void *place = mmap(NULL, count * PAGE, PROT_READ | PROT_WRITE, flags, file, at);

    NEED(place != MAP_FAILED, "mmap: %s", strerror(errno));
    return place;
}

/*
 * ---- The owner's side.
 */

static void take_rights(unsigned me)
{
    uint32_t *page = pages[me].guarded;
    uint32_t seen;

    NEED(!mprotect(page, PAGE, PROT_READ), "mprotect: %s", strerror(errno));
    seen = look_at(page);
    for (unsigned i = 0; i < LOOKS; i++)
        NEED(look_at(page) == seen, "thread %u: a page without the right to write has been written", me);
    NEED(!mprotect(page, PAGE, PROT_READ | PROT_WRITE), "mprotect: %s", strerror(errno));
}

/* Every other time the page is nowhere for a while. */
static void exchange_memory(unsigned me)
{
    uint32_t number = ++pages[me].number, place = number % PIECES;
    void *window = pages[me].window;

    pages[me].pieces[place * PAGE / sizeof(uint32_t)] = number;
    if (number % 2)
        NEED(!mprotect(window, PAGE, PROT_NONE) && !munmap(window, PAGE), "munmap: %s", strerror(errno));
    NEED(mmap(window, PAGE, PROT_READ, MAP_SHARED | MAP_FIXED, memory, (off_t)(me * PIECES + place) * PAGE) == window,
         "mmap: %s", strerror(errno));
    pages[me].announced = number;
}

static void fork_once(unsigned me)
{
    pid_t child = need_fork();

    if (child == 0) {
        uint32_t seen[PROCESSORS_MAX];

        for (unsigned i = 0; i < nr_owners; i++)
            seen[i] = look_at(pages[i].copied);
        for (unsigned look = 0; look < LOOKS; look++) {
            for (unsigned i = 0; i < nr_owners; i++)
                NEED(look_at(pages[i].copied) == seen[i], "the child of thread %u sees what its parent writes", me);
        }
        _exit(0);
    }
    need_child(child);
}

static void own(unsigned me)
{
    unsigned rounds = check_is_short ? 100 : 400;

    for (unsigned round = 0; round < rounds; round++) {
        take_rights(me);
        exchange_memory(me);
        if (round % 8 == me % 8)
            fork_once(me);
    }
    nr_done++;
}

/*
 * ---- The others' side.
 */

static _Thread_local uint32_t written;

static void touch_all(void)
{
    for (unsigned i = 0; i < nr_owners; i++) {
        uint32_t announced = pages[i].announced, seen;

        write_to(pages[i].copied, ++written);
        write_to(pages[i].guarded, written);
        seen = look_at(pages[i].window);
        NEED(seen >= announced, "memory %u of thread %u is still seen, after %u", seen, i, announced);
    }
}

static void touch_until_fault(void)
{
    may_fault = true;
    if (!sigsetjmp(out, 1)) {
        for (unsigned i = 0; i < BURST; i++)
            touch_all();
    }
    may_fault = false;
}

static void *use_in_thread(void *number)
{
    unsigned me = (unsigned)(uintptr_t)number;

    check_move_to(me);
    written = me << 24; /* no two write the same */
    while (nr_done < nr_owners)
        touch_until_fault();
    return NULL;
}

void check_translations(void)
{
    pthread_t users[PROCESSORS_MAX];

    nr_owners = check_processors();
    memory = memfd_create("pieces", 0);
    NEED(memory >= 0 && !ftruncate(memory, (off_t)nr_owners * PIECES * PAGE), "memfd: %s", strerror(errno));
    NEED(signal(SIGSEGV, give_up) != SIG_ERR && signal(SIGBUS, give_up) != SIG_ERR, "signal: %s", strerror(errno));
    for (unsigned i = 0; i < nr_owners; i++) {
        pages[i].guarded = map_pages(1, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        pages[i].copied = map_pages(1, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        pages[i].pieces = map_pages(PIECES, MAP_SHARED, memory, (off_t)(i * PIECES) * PAGE);
        pages[i].window = map_pages(1, MAP_SHARED, memory, (off_t)(i * PIECES) * PAGE);
    }
    for (unsigned i = 0; i < nr_owners; i++)
        NEED(!pthread_create(&users[i], NULL, use_in_thread, (void *)(uintptr_t)i), "pthread_create");
    check_on_each(own);
    for (unsigned i = 0; i < nr_owners; i++)
        NEED(!pthread_join(users[i], NULL), "pthread_join");
}

/* SPDX-License-Identifier: MIT */
/* Processes and threads: address spaces made and dropped, shared pages that part, and how they talk. */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/check/checks.h>

#define COW_PAGES    128u
#define COW_CHILDREN 4u
#define NR_THREADS   4u

void check_fork(void)
{
    unsigned rounds = check_is_short ? 100 : 400;

    for (unsigned i = 0; i < rounds; i++) {
        pid_t child = need_fork();

        if (child == 0)
            _exit(getppid() > 0 ? 0 : 1);
        need_child(child);
    }
    /* A generation in a generation: trees of address spaces at once. */
    for (unsigned depth = 0; depth < 20; depth++) {
        pid_t child = need_fork();

        if (child) {
            need_child(child);
            if (depth)
                _exit(0);
            return;
        }
    }
    _exit(0);
}

void check_exec(void)
{
    unsigned rounds = check_is_short ? 50 : 200;

    for (unsigned i = 0; i < rounds; i++) {
        pid_t child = need_fork();

        if (child == 0) {
            execl("/bin/busybox", "true", (char *)NULL);
            check_fail("exec: %s", strerror(errno));
        }
        need_child(child);
    }
}

static void need_pages(const unsigned char *pages, unsigned char value)
{
    for (size_t at = 0; at < COW_PAGES * (size_t)PAGE; at += 509)
        NEED(pages[at] == (unsigned char)(value + at / PAGE), "page %zu has %u instead of %u", at / PAGE, pages[at],
             (unsigned char)(value + at / PAGE));
}

static void fill_pages(unsigned char *pages, unsigned char value)
{
    for (size_t page = 0; page < COW_PAGES; page++)
        memset(pages + page * PAGE, (unsigned char)(value + page), PAGE);
}

void check_copy_on_write(void)
{
    unsigned char *pages = mmap(NULL, COW_PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    pid_t children[COW_CHILDREN];

    NEED(pages != MAP_FAILED, "mmap: %s", strerror(errno));
    for (unsigned round = 0; round < 20; round++) {
        fill_pages(pages, (unsigned char)round);
        for (unsigned i = 0; i < COW_CHILDREN; i++) {
            children[i] = need_fork();
            if (children[i] == 0) {
                need_pages(pages, (unsigned char)round);
                fill_pages(pages, (unsigned char)(100 + i));
                usleep(1000);
                need_pages(pages, (unsigned char)(100 + i));
                _exit(0);
            }
        }
        need_pages(pages, (unsigned char)round);
        fill_pages(pages, 200);
        for (unsigned i = 0; i < COW_CHILDREN; i++)
            need_child(children[i]);
        need_pages(pages, 200);
    }
}

/* A number goes to and fro, and comes back one larger. */
static void ping_pong(void)
{
    enum { ROUNDS = 2000 };
    int there[2], back[2];
    uint32_t token = 0;
    pid_t child;

    NEED(!pipe(there) && !pipe(back), "pipe: %s", strerror(errno));
    child = need_fork();
    if (child == 0) {
        for (uint32_t i = 0; i < ROUNDS; i++) {
            NEED(read(there[0], &token, sizeof(token)) == (ssize_t)sizeof(token) && token == i, "token %u", token);
            token++;
            NEED(write(back[1], &token, sizeof(token)) == (ssize_t)sizeof(token), "write: %s", strerror(errno));
        }
        _exit(0);
    }
    for (uint32_t i = 0; i < ROUNDS; i++) {
        NEED(write(there[1], &i, sizeof(i)) == (ssize_t)sizeof(i), "write: %s", strerror(errno));
        NEED(read(back[0], &token, sizeof(token)) == (ssize_t)sizeof(token) && token == i + 1, "token %u", token);
    }
    need_child(child);
    close(there[0]);
    close(there[1]);
    close(back[0]);
    close(back[1]);
}

static void stream(void)
{
    enum { WORDS = 4 << 20 };
    static uint32_t block[4096];
    int ends[2];
    uint32_t next = 0;
    pid_t child;

    NEED(!pipe(ends), "pipe: %s", strerror(errno));
    child = need_fork();
    if (child == 0) {
        close(ends[0]);
        while (next < WORDS) {
            for (size_t i = 0; i < NR_OF(block); i++)
                block[i] = next++ * 2654435761u;
            NEED(write(ends[1], block, sizeof(block)) == (ssize_t)sizeof(block), "write: %s", strerror(errno));
        }
        _exit(0);
    }
    close(ends[1]);
    while (next < WORDS) {
        ssize_t size = read(ends[0], block, sizeof(block));

        NEED(size > 0 && size % 4 == 0, "read: %zd", size);
        for (ssize_t i = 0; i < size / 4; i++)
            NEED(block[i] == next++ * 2654435761u, "word %u is wrong", next - 1);
    }
    need_child(child);
    close(ends[0]);
}

void check_pipes(void)
{
    ping_pong();
    stream();
}

static struct {
    pthread_mutex_t lock;
    pthread_cond_t turned;
    unsigned long count;
    unsigned turn;
} shared = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0, 0};

static _Thread_local unsigned own;

static void *work(void *number)
{
    unsigned me = (unsigned)(uintptr_t)number;

    for (unsigned i = 0; i < 20000; i++) {
        pthread_mutex_lock(&shared.lock);
        shared.count++;
        own++;
        pthread_mutex_unlock(&shared.lock);
    }
    for (unsigned i = 0; i < 200; i++) {
        pthread_mutex_lock(&shared.lock);
        while (shared.turn % NR_THREADS != me)
            pthread_cond_wait(&shared.turned, &shared.lock);
        shared.turn++;
        pthread_cond_broadcast(&shared.turned);
        pthread_mutex_unlock(&shared.lock);
    }
    return (void *)(uintptr_t)own;
}

void check_threads(void)
{
    pthread_t threads[NR_THREADS];
    void *result;

    for (unsigned i = 0; i < NR_THREADS; i++)
        NEED(!pthread_create(&threads[i], NULL, work, (void *)(uintptr_t)i), "pthread_create");
    for (unsigned i = 0; i < NR_THREADS; i++) {
        NEED(!pthread_join(threads[i], &result), "pthread_join");
        NEED((uintptr_t)result == 20000, "a thread counted %lu of its own", (unsigned long)(uintptr_t)result);
    }
    NEED(shared.count == NR_THREADS * 20000, "all counted %lu", shared.count);
    NEED(shared.turn == NR_THREADS * 200, "%u turns", shared.turn);
}

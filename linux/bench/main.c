/* SPDX-License-Identifier: MIT */
/*
 * What operations of Linux cost, in ticks of the time-stamp counter: the same program natively, under Xen and under
 * Paravane.  Where QEMU counts instructions as time (-icount shift=0), a tick is an instruction of whatever runs in the
 * machine: program, kernel, hypervisor.
 *
 * What is measured stands between a mark 1 and a mark 2, of which a plugin takes note (tools/count-instructions.c); all
 * of an operation's rounds that count, between a mark 3 and a mark 4.  Prints for each operation "bench NAME MEDIAN
 * LEAST PARTS": the ticks of a part, of which a round has so many.  Then "bench-end".
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE          4096u
#define TOUCH_BYTES   (8u << 20)
#define PROTECT_PAGES 1024u
#define FAULT_PAGES   256u
#define MANY          100u /* short operations go in bunches of so many */
#define FORK_PAGES    1024u
#define REPETITIONS   31u
#define NR_OF(list)   (sizeof(list) / sizeof((list)[0]))

static uint64_t read_tsc(void)
{
    uint32_t low, high;

    __asm__ volatile("lfence; rdtsc; lfence" : "=a"(low), "=d"(high) : : "memory");
    return (uint64_t)high << 32 | low;
}

/* A moment that the plugin notes. */
#define MARK(number) __asm__ volatile(".byte 0x0f, 0x1f, 0x80, %c0, 0x50, 0x56, 0x4d" : : "i"(number) : "memory")

static uint64_t start(void)
{
    MARK(1);
    return read_tsc();
}

/* The ticks since start(), which gave @began. */
static uint64_t stop(uint64_t began)
{
    uint64_t ticks = read_tsc() - began;

    MARK(2);
    return ticks;
}

static void need(bool good, const char *what)
{
    if (!good) {
        printf("bench-failed %s: %s\n", what, strerror(errno));
        exit(1);
    }
}

static char *map_pages(size_t size)
{
    char *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    need(at != MAP_FAILED, "mmap");
    return at;
}

static void touch_pages(char *at, size_t size)
{
    for (size_t offset = 0; offset < size; offset += PAGE)
        *(volatile char *)(at + offset) = 1;
}

/*
 * ---- The operations: each gives the ticks of a round.
 */

static uint64_t bench_null(void)
{
    uint64_t begin = start();

    for (unsigned i = 0; i < MANY; i++)
        syscall(SYS_getppid);
    return stop(begin);
}

static int there[2], back[2];

static void start_echo(void)
{
    char byte;

    need(!pipe(there) && !pipe(back), "pipe");
    if (fork() == 0) {
        close(there[1]);
        while (read(there[0], &byte, 1) == 1)
            need(write(back[1], &byte, 1) == 1, "write");
        _exit(0);
    }
}

static uint64_t bench_pipe(void)
{
    uint64_t begin = start();
    char byte = 1;

    for (unsigned i = 0; i < MANY; i++)
        need(write(there[1], &byte, 1) == 1 && read(back[0], &byte, 1) == 1, "pipe");
    return stop(begin);
}

static void wait_for(pid_t child)
{
    need(child > 0 && waitpid(child, NULL, 0) == child, "fork");
}

static uint64_t time_child(bool does_exec)
{
    uint64_t begin = start();
    pid_t child = fork();

    if (child == 0) {
        if (does_exec)
            execl("/bin/bench", "bench", "exit", (char *)NULL);
        _exit(does_exec);
    }
    wait_for(child);
    return stop(begin);
}

static uint64_t bench_fork(void)
{
    return time_child(false);
}

static uint64_t bench_exec(void)
{
    return time_child(true);
}

/* The parent has written to its pages once: they are shared, and protected, from the first child on. */
static uint64_t time_large_child(bool writes)
{
    static char *at;
    uint64_t begin;
    pid_t child;

    if (!at) {
        at = map_pages(FORK_PAGES * PAGE);
        touch_pages(at, FORK_PAGES * PAGE);
    }
    begin = start();
    child = fork();
    if (child == 0) {
        if (writes)
            touch_pages(at, FORK_PAGES * PAGE);
        _exit(0);
    }
    wait_for(child);
    return stop(begin);
}

static uint64_t bench_fork_large(void)
{
    return time_large_child(false);
}

/* The child writes to each page, which copies it. */
static uint64_t bench_fork_copy(void)
{
    return time_large_child(true);
}

static uint64_t bench_touch(void)
{
    uint64_t begin = start();
    char *at = map_pages(TOUCH_BYTES);

    touch_pages(at, TOUCH_BYTES);
    need(!munmap(at, TOUCH_BYTES), "munmap");
    return stop(begin);
}

/* Of pages whose tables are there already. */
static uint64_t bench_fault(void)
{
    char *at = map_pages(FAULT_PAGES * PAGE);
    uint64_t begin, ticks;

    touch_pages(at, FAULT_PAGES * PAGE);
    need(!madvise(at, FAULT_PAGES * PAGE, MADV_DONTNEED), "madvise");
    begin = start();
    touch_pages(at, FAULT_PAGES * PAGE);
    ticks = stop(begin);
    munmap(at, FAULT_PAGES * PAGE);
    return ticks;
}

static uint64_t bench_file_fault(void)
{
    static int file = -1;
    char *at;
    uint64_t begin, ticks;

    if (file < 0) {
        file = open("/tmp/file", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        need(file >= 0 && !ftruncate(file, FAULT_PAGES * PAGE), "file");
    }
    at = mmap(NULL, FAULT_PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    need(at != MAP_FAILED, "mmap");
    touch_pages(at, FAULT_PAGES * PAGE);
    need(!munmap(at, FAULT_PAGES * PAGE), "munmap");
    at = mmap(NULL, FAULT_PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    need(at != MAP_FAILED, "mmap");
    begin = start();
    touch_pages(at, FAULT_PAGES * PAGE);
    ticks = stop(begin);
    munmap(at, FAULT_PAGES * PAGE);
    return ticks;
}

static uint64_t bench_protect(void)
{
    static char *at;
    uint64_t begin, ticks;

    if (!at) {
        at = map_pages(PROTECT_PAGES * PAGE);
        touch_pages(at, PROTECT_PAGES * PAGE);
    }
    begin = start();
    need(!mprotect(at, PROTECT_PAGES * PAGE, PROT_READ), "mprotect");
    ticks = stop(begin);
    need(!mprotect(at, PROTECT_PAGES * PAGE, PROT_READ | PROT_WRITE), "mprotect");
    touch_pages(at, PROTECT_PAGES * PAGE);
    return ticks;
}

static volatile unsigned signals;

static void on_signal(int number)
{
    (void)number;
    signals++;
}

static uint64_t bench_signal(void)
{
    uint64_t begin;
    pid_t me = getpid();

    signal(SIGUSR1, on_signal);
    begin = start();
    for (unsigned i = 0; i < MANY; i++)
        kill(me, SIGUSR1);
    return stop(begin);
}

static sigjmp_buf before_fault;

static void on_fault(int number)
{
    (void)number;
    signals++;
    siglongjmp(before_fault, 1);
}

/* A store to a page that may only be read, up to where the program goes on behind it. */
static uint64_t bench_fault_signal(void)
{
    static volatile char *at;
    uint64_t begin, ticks;

    if (!at) {
        at = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        need(at != MAP_FAILED && *at == 0, "mmap");
    }
    signal(SIGSEGV, on_fault);
    begin = start();
    for (volatile unsigned i = 0; i < MANY; i++) {
        if (sigsetjmp(before_fault, 1) == 0)
            *at = 1;
    }
    ticks = stop(begin);
    signal(SIGSEGV, SIG_DFL);
    return ticks;
}

static const struct {
    const char *name;
    uint64_t (*run)(void);
    unsigned parts;
} benches[] = {
    {"null-syscall", bench_null, MANY},
    {"pipe-round-trip", bench_pipe, MANY},
    {"fork-exit-wait", bench_fork, 1},
    {"fork-exec", bench_exec, 1},
    {"fork-4M", bench_fork_large, 1},
    {"fork-4M-copy", bench_fork_copy, 1},
    {"mmap-touch-8M", bench_touch, 1},
    {"page-fault", bench_fault, FAULT_PAGES},
    {"file-fault", bench_file_fault, FAULT_PAGES},
    {"mprotect-1024", bench_protect, 1},
    {"signal", bench_signal, MANY},
    {"fault-signal", bench_fault_signal, MANY},
};

static int compare(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;

    return a < b ? -1 : a > b;
}

int main(int count, char **arguments)
{
    uint64_t ticks[REPETITIONS];

    if (count > 1 && !strcmp(arguments[1], "exit"))
        return 0;
    MARK(0);
    start_echo();
    for (size_t i = 0; i < NR_OF(benches); i++) {
        benches[i].run();
        MARK(3);
        for (unsigned round = 0; round < REPETITIONS; round++)
            ticks[round] = benches[i].run() / benches[i].parts;
        MARK(4);
        qsort(ticks, REPETITIONS, sizeof(ticks[0]), compare);
        printf("bench %s %lu %lu %u\n", benches[i].name, ticks[REPETITIONS / 2], ticks[0], benches[i].parts);
    }
    printf("bench-end\n");
    return 0;
}

/* SPDX-License-Identifier: MIT */
/*
 * What a program without any rights can make a processor hand over: QEMU 7.2 lets ring 3 enter virtual-8086 mode by
 * iretl, with any flags and any code segment.  Each combination is the kernel's to deal with; the program only counts
 * them.
 *
 * A child for each instruction and segment goes through the flags, and comes back by its signals' handler.  Others have
 * no handler, so that the kernel ends them.  Prints "not ok" for what must not be, and at the end what it has done.
 */
#include <grp.h>
#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/io.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <asm/prctl.h>

#define NOBODY        65534u
#define LOW_AT        0x10000u /* as low as an ordinary program may map */
#define LOW_END       0xf0000u
#define FRAME_AT      0x28000u
#define SIGNAL_STACK  65536u
#define EXIT_PORT     0xf4
#define NR_OF(list)   (sizeof(list) / sizeof((list)[0]))
#define NR_FLAGS      (1u << NR_OF(flag_bits))
#define NR_FLAGS_LESS 8u       /* IF, IOPL, TF */
#define FLAG_ALWAYS   0x20002u /* VM, and the one that is always set */

static const struct {
    const char *name;
    uint8_t bytes[6];
    bool loops;
} codes[] = {
    {"syscall", {0x0f, 0x05}, false},
    {"ud2", {0x0f, 0x0b}, false},
    {"jmp $", {0xeb, 0xfe}, true},
    {"sysenter", {0x0f, 0x34}, false},
    {"hlt", {0xf4, 0x0f, 0x0b}, false},
    {"int3", {0xcc, 0x0f, 0x0b}, false},
    {"int 0x80", {0xcd, 0x80, 0x0f, 0x0b}, false},
    {"iret", {0xcf, 0x0f, 0x0b}, false},
    {"out 0xf4", {0xe6, EXIT_PORT, 0x0f, 0x0b}, false},
};

/* Also the hypervisor's own, the flat ones, and one where nothing can be. */
static const uint16_t segments[] = {0x1000, 0x1003, 0xe008, 0xe030, 0xe033, 0};

static const uint32_t flag_bits[] = {1u << 9,  3u << 12, 1u << 8,  1u << 14, 1u << 19,
                                     1u << 20, 1u << 18, 1u << 21, 1u << 10};

static struct {
    unsigned combinations, children, killed, bad;
} * counts;

static sigjmp_buf back;
static unsigned long fs_base;

/* edi: flags, esi: code segment. */
void enter(uint32_t flags, uint32_t cs);
__asm__(".text\n"
        "enter: movl $0x28000, %esp\n"
        "movl $0, (%rsp); movl %esi, 4(%rsp); movl %edi, 8(%rsp); movl $0x8000, 12(%rsp); movl $0x2000, 16(%rsp)\n"
        "movl $0, 20(%rsp); movl $0, 24(%rsp); movl $0, 28(%rsp); movl $0, 32(%rsp)\n"
        "iretl\n");
_Static_assert(FRAME_AT == 0x28000, "enter");

/* The way there takes the base of fs away, which the C library needs. */
static void come_back(int number)
{
    long result;

    (void)number;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(SYS_arch_prctl), "D"(ARCH_SET_FS), "S"(fs_base)
                     : "rcx", "r11", "memory");
    siglongjmp(back, 1);
}

static void catch_signals(void)
{
    static const int numbers[] = {SIGSEGV, SIGBUS, SIGILL, SIGTRAP, SIGFPE, SIGSYS};
    const stack_t stack = {.ss_sp = malloc(SIGNAL_STACK), .ss_size = SIGNAL_STACK};
    struct sigaction action = {.sa_handler = come_back, .sa_flags = SA_ONSTACK | SA_NODEFER};

    syscall(SYS_arch_prctl, ARCH_GET_FS, &fs_base);
    sigaltstack(&stack, NULL);
    for (size_t i = 0; i < NR_OF(numbers); i++)
        sigaction(numbers[i], &action, NULL);
}

static uint32_t flags_of(unsigned number)
{
    uint32_t flags = FLAG_ALWAYS;

    for (size_t i = 0; i < NR_OF(flag_bits); i++) {
        if (number >> i & 1)
            flags |= flag_bits[i];
    }
    return flags;
}

static void put_code(unsigned code, uint16_t segment)
{
    if (segment * 16u >= LOW_AT)
        memcpy((void *)(uintptr_t)(segment * 16u), codes[code].bytes, sizeof(codes[code].bytes));
}

/* A port of the machine's, which a program has no right to whatever it has been through. */
static void try_port(void)
{
    volatile bool came_back = true;

    if (sigsetjmp(back, 0) == 0) {
        outb(0x10, EXIT_PORT);
        came_back = false;
    }
    if (!came_back) {
        __atomic_fetch_add(&counts->bad, 1, __ATOMIC_RELAXED);
        printf("not ok: a program writes to a port\n");
    }
}

static _Noreturn void try_flags(unsigned code, uint16_t segment)
{
    unsigned end = codes[code].loops ? NR_FLAGS_LESS : NR_FLAGS;

    catch_signals();
    put_code(code, segment);
    for (volatile unsigned number = 0; number < end; number++) {
        if (sigsetjmp(back, 0) == 0)
            enter(flags_of(number), segment);
        __atomic_fetch_add(&counts->combinations, 1, __ATOMIC_RELAXED);
    }
    try_port();
    fflush(stdout);
    _exit(0);
}

static _Noreturn void die(unsigned code, uint16_t segment, unsigned number)
{
    put_code(code, segment);
    __atomic_fetch_add(&counts->combinations, 1, __ATOMIC_RELAXED);
    enter(flags_of(number), segment);
    _exit(0);
}

/* After it, in the parent: the child is gone, by a signal or not. */
static void end_child(pid_t child)
{
    int status;

    if (child < 0 || waitpid(child, &status, 0) != child) {
        perror("not ok: child");
        exit(1);
    }
    counts->children++;
    counts->killed += WIFSIGNALED(status);
}

static void try_code(unsigned code)
{
    for (size_t i = 0; i < NR_OF(segments); i++) {
        pid_t child = fork();

        if (child == 0)
            try_flags(code, segments[i]);
        end_child(child);
    }
    for (unsigned number = 0; number < NR_FLAGS_LESS; number++) {
        pid_t child = fork();

        if (child == 0)
            die(code, segments[0], number);
        end_child(child);
    }
    printf("frames: %s: %u combinations so far\n", codes[code].name, counts->combinations);
    fflush(stdout);
}

static void *map(void *at, size_t size, int protection, int flags)
{
    void *place = mmap(at, size, protection, flags | MAP_ANONYMOUS, -1, 0);

    if (place == MAP_FAILED) {
        perror("not ok: mmap");
        exit(1);
    }
    return place;
}

int main(void)
{
    if (setgroups(0, NULL) || setgid(NOBODY) || setuid(NOBODY) || iopl(3) == 0) {
        printf("not ok: still somebody\n");
        return 1;
    }
    counts = map(NULL, sizeof(*counts), PROT_READ | PROT_WRITE, MAP_SHARED);
    map((void *)(uintptr_t)LOW_AT, LOW_END - LOW_AT, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_FIXED);
    for (unsigned code = 0; code < NR_OF(codes); code++)
        try_code(code);
    printf("frames: uid %u, %u combinations, %u children, %u of them ended by a signal, %u bad\n", (unsigned)getuid(),
           counts->combinations, counts->children, counts->killed, counts->bad);
    return counts->bad != 0;
}

/* SPDX-License-Identifier: MIT */
/* What is left of segments in 64-bit programs: the bases of fs and gs, the LDT, and the 32-bit system call. */
#include <asm/ldt.h>
#include <asm/prctl.h>
#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/check/checks.h>

#define NR_CHILDREN  6u
#define INT80_GETPID 20

static uint64_t read_gs(void)
{
    uint64_t value;

    __asm__ volatile("mov %%gs:0, %0" : "=r"(value));
    return value;
}

/* Each process has a base of its own, and keeps it across switches. */
void check_bases(void)
{
    pid_t children[NR_CHILDREN];

    for (unsigned i = 0; i < NR_CHILDREN; i++) {
        children[i] = need_fork();
        if (children[i] == 0) {
            uint64_t word = 0x1000 + i;

            for (unsigned round = 0; round < 300; round++) {
                NEED(!syscall(SYS_arch_prctl, ARCH_SET_GS, &word), "arch_prctl: %s", strerror(errno));
                sched_yield();
                NEED(read_gs() == 0x1000 + i, "gs:0 has %#lx", read_gs());
            }
            _exit(0);
        }
    }
    for (unsigned i = 0; i < NR_CHILDREN; i++)
        need_child(children[i]);
}

static void use_ldt(unsigned number)
{
    uint64_t *word = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
    struct user_desc segment = {.entry_number = number, .limit = 0xfff, .seg_32bit = 1, .useable = 1};

    NEED(word != MAP_FAILED, "mmap: %s", strerror(errno));
    *word = 0xabcd0000 + number;
    segment.base_addr = (unsigned)(uintptr_t)word;
    NEED(!syscall(SYS_modify_ldt, 1, &segment, sizeof(segment)), "modify_ldt: %s", strerror(errno));
    __asm__ volatile("mov %0, %%gs" : : "r"(number << 3 | 7));
    for (unsigned round = 0; round < 100; round++) {
        sched_yield();
        NEED(read_gs() == 0xabcd0000 + number, "gs:0 has %#lx", read_gs());
    }
    __asm__ volatile("mov %0, %%gs" : : "r"(0));
}

void check_ldt(void)
{
    pid_t children[NR_CHILDREN];

    for (unsigned i = 0; i < NR_CHILDREN; i++) {
        children[i] = need_fork();
        if (children[i] == 0) {
            use_ldt(i * 600);
            _exit(0);
        }
    }
    for (unsigned i = 0; i < NR_CHILDREN; i++)
        need_child(children[i]);
}

void check_int80(void)
{
    long result;

    for (unsigned round = 0; round < 100; round++) {
        __asm__ volatile("int $0x80" : "=a"(result) : "a"(INT80_GETPID) : "memory", "r8", "r9", "r10", "r11", "cc");
        NEED(result == getpid(), "getpid gave %ld", result);
    }
}

/* SPDX-License-Identifier: MIT */
/* Floating point: many processes, each with values of its own in all registers, and every one keeps them. */
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include <linux/check/checks.h>

#define NR_CHILDREN 8u
#define NR_VECTORS  16u

struct registers {
    _Alignas(32) uint64_t vectors[NR_VECTORS][4];
    long double x87;
    uint32_t mxcsr;
    uint32_t yields; /* while the values are in the registers */
};

/* One for each instruction set: load @V from memory, wait, store @V again. */
#define LOAD(i, V)      "vmovdqu " #i "*32(%[from]), %%ymm" #i "\n"
#define STORE(i, V)     "vmovdqu %%ymm" #i ", " #i "*32(%[to])\n"
#define LOAD_SSE(i, V)  "movdqu " #i "*32(%[from]), %%xmm" #i "\n"
#define STORE_SSE(i, V) "movdqu %%xmm" #i ", " #i "*32(%[to])\n"
#define ALL(M) \
    M(0, )     \
    M(1, ) M(2, ) M(3, ) M(4, ) M(5, ) M(6, ) M(7, ) M(8, ) M(9, ) M(10, ) M(11, ) M(12, ) M(13, ) M(14, ) M(15, )
#define WAIT                    \
    "mov %[yields], %%r12d\n"   \
    "1: mov %[number], %%eax\n" \
    "syscall\n"                 \
    "mov $200, %%ecx\n"         \
    "2: dec %%ecx\n"            \
    "jnz 2b\n"                  \
    "dec %%r12d\n"              \
    "jnz 1b\n"
#define HOLD(LOADS, STORES)                                                                                        \
    __asm__ volatile("fldt %[x87_in]\nldmxcsr %[mxcsr_in]\n" LOADS WAIT STORES                                     \
                     "stmxcsr %[mxcsr_out]\nfstpt %[x87_out]\n"                                                    \
                     : [x87_out] "=m"(to->x87), [mxcsr_out] "=m"(to->mxcsr), "+m"(to->vectors)                     \
                     : [from] "r"(&from->vectors), [to] "r"(&to->vectors), [x87_in] "m"(from->x87),                \
                       [mxcsr_in] "m"(from->mxcsr), [yields] "m"(from->yields), [number] "i"(SYS_sched_yield)      \
                     : "rax", "rcx", "r11", "r12", "cc", "memory", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", \
                       "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15")

__attribute__((noinline, target("avx"))) static void hold_avx(const struct registers *from, struct registers *to)
{
    HOLD(ALL(LOAD), ALL(STORE) "vzeroupper\n");
}

__attribute__((noinline)) static void hold_sse(const struct registers *from, struct registers *to)
{
    HOLD(ALL(LOAD_SSE), ALL(STORE_SSE));
}

static volatile double scratch = 1.5;

/* In the middle of all this: a handler that uses the registers itself. */
static void on_tick(int number)
{
    scratch = scratch * number / 3.25 + (double)(long double)scratch;
    if (scratch > 1e9)
        scratch = 1.5;
}

static void need_kept(unsigned child, bool has_avx)
{
    static struct registers before, after;
    static const uint32_t roundings[] = {0x1f80, 0x3f80, 0x5f80, 0x7f80};

    for (unsigned round = 0; round < (check_is_short ? 30u : 100u); round++) {
        memset(&after, 0, sizeof(after));
        for (unsigned i = 0; i < NR_VECTORS; i++) {
            for (unsigned part = 0; part < 4; part++)
                before.vectors[i][part] = (child + 1) * 0x0101010101010101u * (i + 1) + part + round;
        }
        before.x87 = (long double)child * 1000 + round + 0.125L;
        before.mxcsr = roundings[(child + round) % NR_OF(roundings)];
        before.yields = 12;
        (has_avx ? hold_avx : hold_sse)(&before, &after);
        for (unsigned i = 0; i < NR_VECTORS; i++)
            NEED(!memcmp(before.vectors[i], after.vectors[i], has_avx ? 32 : 16), "register %u of process %u", i,
                 child);
        NEED(before.x87 == after.x87, "st(0) of process %u", child);
        NEED((before.mxcsr & 0xffc0) == (after.mxcsr & 0xffc0), "mxcsr of process %u", child);
    }
}

void check_fpu(void)
{
    struct sigaction action = {.sa_handler = on_tick, .sa_flags = SA_RESTART};
    struct itimerval interval = {{0, 3000}, {0, 3000}};
    bool has_avx = __builtin_cpu_supports("avx");
    pid_t children[NR_CHILDREN];

    for (unsigned i = 0; i < NR_CHILDREN; i++) {
        children[i] = need_fork();
        if (children[i] == 0) {
            sigaction(SIGALRM, &action, NULL);
            setitimer(ITIMER_REAL, &interval, NULL);
            need_kept(i, has_avx);
            _exit(0);
        }
    }
    for (unsigned i = 0; i < NR_CHILDREN; i++)
        need_child(children[i]);
    check_remark("%s", has_avx ? "x87, SSE, AVX" : "x87, SSE");
}

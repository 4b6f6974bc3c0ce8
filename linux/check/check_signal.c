/* SPDX-License-Identifier: MIT */
/* Exceptions that become signals: the right one, with the right code and address, on the right stack. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <ucontext.h>
#include <unistd.h>

#include <linux/check/checks.h>

static sigjmp_buf landing;

static volatile struct {
    int number, code;
    uintptr_t address, instruction, stack;
} seen;

static void on_signal(int number, siginfo_t *info, void *context)
{
    const ucontext_t *state = context;
    int here;

    seen.number = number;
    seen.code = info->si_code;
    seen.address = (uintptr_t)info->si_addr;
    seen.instruction = (uintptr_t)state->uc_mcontext.gregs[REG_RIP];
    seen.stack = (uintptr_t)&here;
    siglongjmp(landing, 1);
}

static void catch_signal(int number, int flags)
{
    struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | flags};

    NEED(!sigaction(number, &action, NULL), "sigaction: %s", strerror(errno));
}

/* The signal that @cause makes; 0: none. */
static int provoke(void (*cause)(void *), void *argument)
{
    seen.number = 0;
    if (!sigsetjmp(landing, 1))
        cause(argument);
    return seen.number;
}

static void do_read(void *at)
{
    (void)*(volatile char *)at;
}

static void do_write(void *at)
{
    *(volatile char *)at = 1;
}

static void do_call(void *at)
{
    ((void (*)(void))at)();
}

/*
 * What is the hypervisor's and what is the kernel's, a program must not see either: one address of each top-level slot.
 * One exception, of which the ABI warns: where VMASST_TYPE_m2p_strict is not offered, a program can read the M2P.
 */
static void check_upper_half(void)
{
    const uintptr_t m2p = 0xffff800000000000u;

    for (unsigned slot = 256; slot < 512; slot++) {
        uintptr_t at = ~0xffffffffffffull | (uintptr_t)slot << 39;

        NEED(provoke(do_write, (void *)at) == SIGSEGV, "a program can write %#lx", at);
        if (provoke(do_read, (void *)at) == SIGSEGV)
            continue;
        NEED(at == m2p, "a program can read %#lx", at);
        check_remark("programs can read the M2P");
    }
}

void check_fault_address(void)
{
    char *pages = mmap(NULL, 3 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    NEED(pages != MAP_FAILED && !munmap(pages + 2 * PAGE, PAGE), "mmap: %s", strerror(errno));
    NEED(!mprotect(pages + PAGE, PAGE, PROT_READ), "mprotect: %s", strerror(errno));
    catch_signal(SIGSEGV, 0);
    for (unsigned i = 0; i < 200; i++) {
        char *at = pages + check_random() % PAGE;

        NEED(provoke(do_read, at) == SIGSEGV && seen.code == SEGV_ACCERR && seen.address == (uintptr_t)at,
             "read of PROT_NONE: signal %d code %d address %#lx", seen.number, seen.code, seen.address);
        at += PAGE;
        NEED(provoke(do_read, at) == 0, "read of PROT_READ: signal %d", seen.number);
        NEED(provoke(do_write, at) == SIGSEGV && seen.code == SEGV_ACCERR && seen.address == (uintptr_t)at,
             "write of PROT_READ: signal %d code %d address %#lx", seen.number, seen.code, seen.address);
        NEED(provoke(do_call, at) == SIGSEGV && seen.address == (uintptr_t)at && seen.instruction == (uintptr_t)at,
             "call of PROT_READ: signal %d address %#lx rip %#lx", seen.number, seen.address, seen.instruction);
        at += PAGE;
        NEED(provoke(do_write, at) == SIGSEGV && seen.code == SEGV_MAPERR && seen.address == (uintptr_t)at,
             "write of nothing: signal %d code %d address %#lx", seen.number, seen.code, seen.address);
    }
    check_upper_half();
    /* Not an address at all: a general protection fault, which has none. */
    NEED(provoke(do_read, (void *)0x8000000000000000u) == SIGSEGV && seen.code == SI_KERNEL && seen.address == 0,
         "not canonical: signal %d code %d address %#lx", seen.number, seen.code, seen.address);
}

/* Goes far deeper than the stack's limit of 8 MiB. */
static void overflow(void *depth)
{
    volatile char block[1024];

    block[0] = 1;
    if ((uintptr_t)depth < (64 << 10))
        overflow((void *)((uintptr_t)depth + 1));
    block[1] = block[0];
}

/* A stack that has run out: only the alternate one can take the signal. */
void check_alternate_stack(void)
{
    static char stack[64 << 10];
    stack_t alternate = {.ss_sp = stack, .ss_size = sizeof(stack)};

    NEED(!sigaltstack(&alternate, NULL), "sigaltstack: %s", strerror(errno));
    catch_signal(SIGSEGV, SA_ONSTACK);
    for (unsigned i = 0; i < 3; i++) {
        NEED(provoke(overflow, NULL) == SIGSEGV, "signal %d", seen.number);
        NEED(seen.stack >= (uintptr_t)stack && seen.stack < (uintptr_t)stack + sizeof(stack), "the handler ran at %#lx",
             seen.stack);
    }
}

static void do_int3(void *unused)
{
    (void)unused;
    __asm__ volatile("int3");
}

static void do_trap_flag(void *unused)
{
    (void)unused;
    __asm__ volatile("lea -128(%%rsp), %%rsp; pushfq; orl $0x100, (%%rsp); popfq; nop; nop; lea 128(%%rsp), %%rsp" ::
                         : "memory", "cc");
}

static void do_undefined(void *unused)
{
    (void)unused;
    __asm__ volatile("ud2");
}

static void do_divide(void *zero)
{
    unsigned high = 0, low = 1;

    __asm__ volatile("divl %2" : "+d"(high), "+a"(low) : "r"((unsigned)(uintptr_t)zero) : "cc");
}

static void do_x87(void *unused)
{
    static const uint16_t control = 0x37b; /* division by zero is not masked */

    (void)unused;
    __asm__ volatile("fninit; fldcw %0; fldz; fld1; fdivp; fwait; fstp %%st(0)" : : "m"(control));
}

static void do_halt(void *unused)
{
    (void)unused;
    __asm__ volatile("hlt");
}

static void do_cli(void *unused)
{
    (void)unused;
    __asm__ volatile("cli");
}

static void do_port(void *unused)
{
    (void)unused;
    __asm__ volatile("outb %%al, $0x80" : : "a"(0));
}

static void do_vector(void *unused)
{
    (void)unused;
    __asm__ volatile("int $0x82"); /* a hypercall, if this were a 32-bit kernel */
}

static void do_control_register(void *unused)
{
    unsigned long value;

    (void)unused;
    __asm__ volatile("mov %%cr3, %0" : "=r"(value));
}

/* Linux sets CR0.AM; emulators may not look at it.  Without a signal the value must be right. */
static void check_alignment(void)
{
    static _Alignas(16) unsigned char bytes[16] = {0, 1, 2, 3, 4};
    volatile unsigned value = 0;

    catch_signal(SIGBUS, 0);
    seen.number = 0;
    if (!sigsetjmp(landing, 1)) {
        unsigned read;

        __asm__ volatile("lea -128(%%rsp), %%rsp; pushfq; orl $0x40000, (%%rsp); popfq\n"
                         "movl 1(%1), %0\n"
                         "pushfq; andl $~0x40000, (%%rsp); popfq; lea 128(%%rsp), %%rsp"
                         : "=&r"(read)
                         : "r"(bytes)
                         : "memory", "cc");
        value = read;
    } else {
        __asm__ volatile("lea -128(%%rsp), %%rsp; pushfq; andl $~0x40000, (%%rsp); popfq; lea 128(%%rsp), %%rsp" ::
                             : "memory", "cc");
    }
    if (seen.number)
        NEED(seen.number == SIGBUS && seen.code == BUS_ADRALN, "alignment: signal %d code %d", seen.number, seen.code);
    else
        NEED(value == 0x04030201, "alignment: read %#x", value);
    check_remark("%s", seen.number ? "alignment is checked" : "this processor does not check alignment");
}

void check_exceptions(void)
{
    static const struct {
        const char *name;
        void (*cause)(void *);
        int number, code; /* SI_KERNEL: no address is told */
    } cases[] = {
        {"int3", do_int3, SIGTRAP, SI_KERNEL},       {"trap flag", do_trap_flag, SIGTRAP, TRAP_TRACE},
        {"ud2", do_undefined, SIGILL, ILL_ILLOPN},   {"div", do_divide, SIGFPE, FPE_INTDIV},
        {"x87", do_x87, SIGFPE, FPE_FLTDIV},         {"hlt", do_halt, SIGSEGV, SI_KERNEL},
        {"cli", do_cli, SIGSEGV, SI_KERNEL},         {"out", do_port, SIGSEGV, SI_KERNEL},
        {"int 0x82", do_vector, SIGSEGV, SI_KERNEL}, {"mov cr3", do_control_register, SIGSEGV, SI_KERNEL},
    };

    for (size_t i = 0; i < NR_OF(cases); i++)
        catch_signal(cases[i].number, 0);
    for (unsigned round = 0; round < 20; round++) {
        for (size_t i = 0; i < NR_OF(cases); i++)
            NEED(provoke(cases[i].cause, NULL) == cases[i].number && seen.code == cases[i].code,
                 "%s: signal %d code %d", cases[i].name, seen.number, seen.code);
    }
    check_alignment();
}

static volatile unsigned long ticks, marks;

static void on_tick(int number)
{
    if (number == SIGALRM)
        ticks++;
    else
        marks++;
}

/* Signals from the timer and from another process, while system calls and computation go on. */
void check_signal_storm(void)
{
    struct sigaction action = {.sa_handler = on_tick, .sa_flags = SA_RESTART};
    struct itimerval interval = {{0, 2000}, {0, 2000}};
    double end;
    pid_t child;

    sigaction(SIGALRM, &action, NULL);
    sigaction(SIGUSR1, &action, NULL);
    child = need_fork();
    if (child == 0) {
        for (unsigned i = 0; i < 300; i++) {
            kill(getppid(), SIGUSR1);
            usleep(1000);
        }
        _exit(0);
    }
    setitimer(ITIMER_REAL, &interval, NULL);
    /* On a loaded host it takes longer until there were enough. */
    end = check_seconds() + 30;
    while (ticks < (check_is_short ? 100 : 400) && check_seconds() < end) {
        volatile unsigned sum = 0;

        for (unsigned i = 0; i < 1000; i++)
            sum += i;
        NEED(sum == 499500, "a sum went wrong");
        getppid();
    }
    memset(&interval, 0, sizeof(interval));
    setitimer(ITIMER_REAL, &interval, NULL);
    need_child(child);
    NEED(ticks >= 100, "only %lu ticks", ticks);
    NEED(marks >= 1, "no signal from the other process");
    check_remark("%lu of the timer, %lu of a process", ticks, marks);
}

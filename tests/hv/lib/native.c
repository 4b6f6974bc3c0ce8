/* SPDX-License-Identifier: MIT */
/* The processor that the test runs on: native.h. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include <cmocka.h>

#include <asm/prctl.h>
#include <tests/hv/lib/native.h>

uint8_t *buffer, *code;
struct registers native_in __attribute__((used)), native_out __attribute__((used));
uint64_t native_stack __attribute__((used));
const uint8_t *native_code __attribute__((used));
void native_run(void);

/* Load all registers, rsp too, and jump to the code, which jumps to native_exit. */
__asm__(".text\n"
        "native_run:\n"
        "    push %rbx; push %rbp; push %r12; push %r13; push %r14; push %r15\n"
        "    mov %rsp, native_stack(%rip)\n"
        "    pushq 128+native_in(%rip); popfq\n"
        "    mov 0+native_in(%rip), %rax; mov 8+native_in(%rip), %rcx; mov 16+native_in(%rip), %rdx\n"
        "    mov 24+native_in(%rip), %rbx; mov 32+native_in(%rip), %rsp; mov 40+native_in(%rip), %rbp\n"
        "    mov 48+native_in(%rip), %rsi; mov 56+native_in(%rip), %rdi; mov 64+native_in(%rip), %r8\n"
        "    mov 72+native_in(%rip), %r9; mov 80+native_in(%rip), %r10; mov 88+native_in(%rip), %r11\n"
        "    mov 96+native_in(%rip), %r12; mov 104+native_in(%rip), %r13; mov 112+native_in(%rip), %r14\n"
        "    mov 120+native_in(%rip), %r15\n"
        "    jmp *native_code(%rip)\n"
        "    .globl native_exit\n"
        "native_exit:\n"
        "    mov %rax, 0+native_out(%rip); mov %rcx, 8+native_out(%rip); mov %rdx, 16+native_out(%rip)\n"
        "    mov %rbx, 24+native_out(%rip); mov %rsp, 32+native_out(%rip); mov %rbp, 40+native_out(%rip)\n"
        "    mov %rsi, 48+native_out(%rip); mov %rdi, 56+native_out(%rip); mov %r8, 64+native_out(%rip)\n"
        "    mov %r9, 72+native_out(%rip); mov %r10, 80+native_out(%rip); mov %r11, 88+native_out(%rip)\n"
        "    mov %r12, 96+native_out(%rip); mov %r13, 104+native_out(%rip); mov %r14, 112+native_out(%rip)\n"
        "    mov %r15, 120+native_out(%rip)\n"
        "    mov native_stack(%rip), %rsp\n"
        "    pushfq; popq 128+native_out(%rip)\n"
        "    cld\n"
        "    pop %r15; pop %r14; pop %r13; pop %r12; pop %rbp; pop %rbx\n"
        "    ret\n");

static volatile sig_atomic_t faults;
volatile uint64_t fault_address;

static void on_fault(int number, siginfo_t *info, void *context)
{
    ucontext_t *where = context;
    const uint8_t *rip = (const uint8_t *)where->uc_mcontext.gregs[REG_RIP];

    if (rip < code || rip >= code + CODE_SIZE) {
        signal(number, SIG_DFL);
        return;
    }
    faults = number == SIGSEGV ? 1 : 2;
    fault_address = (uint64_t)info->si_addr;
    where->uc_mcontext.gregs[REG_RIP] = (greg_t)native_exit;
}

int native_set_up(void **state)
{
    static uint8_t fault_stack[0x20000];
    const stack_t stack = {.ss_sp = fault_stack, .ss_size = sizeof(fault_stack)};

    (void)state;
    buffer = mmap(NULL, BUFFER_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
    code = mmap(NULL, CODE_SIZE, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
    if (buffer == MAP_FAILED || code == MAP_FAILED)
        return -1;
    if (sigaltstack(&stack, NULL) || syscall(SYS_arch_prctl, ARCH_SET_GS, GS_BASE))
        return -1;
    return 0;
}

void native_catch_faults(void)
{
    const struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK};

    assert_int_equal(sigaction(SIGSEGV, &action, NULL), 0);
    assert_int_equal(sigaction(SIGILL, &action, NULL), 0);
    assert_int_equal(sigaction(SIGBUS, &action, NULL), 0); /* a lock across cache lines, or a bad address */
}

int native_try(bool writable)
{
    faults = 0;
    assert_int_equal(mprotect(buffer, BUFFER_SIZE, writable ? PROT_READ | PROT_WRITE : PROT_READ), 0);
    native_code = code;
    native_run();
    return faults;
}

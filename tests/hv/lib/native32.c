/* SPDX-License-Identifier: MIT */
/* Code of compatibility mode in an ordinary 64-bit process: native32.h. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include <cmocka.h>

#include <asm/ldt.h>
#include <tests/hv/lib/native32.h>

#define LINUX_CS64 0x33u
#define LINUX_SS   0x2bu
#define CODE_BYTES 4096u
#define EXIT_AT    (CODE_BYTES - 32)

struct registers32 native32_in __attribute__((used)), native32_out __attribute__((used));
uint64_t native32_stack __attribute__((used));
uint8_t *native32_memory, *native32_code;
volatile uint64_t native32_address;
static volatile sig_atomic_t fault;

void native32_enter(void);
extern const uint8_t native32_exit[];

/* What is on the stack from native32_enter on: only the frame of iretq, which loads another stack pointer. */
__asm__(".text\n"
        "native32_enter:\n"
        "    push %rbx; push %rbp; push %r12; push %r13; push %r14; push %r15\n"
        "    mov %rsp, native32_stack(%rip)\n"
        "    movzwl 42+native32_in(%rip), %eax; push %rax\n"
        "    mov 16+native32_in(%rip), %eax; push %rax\n"
        "    mov 32+native32_in(%rip), %eax; push %rax\n"
        "    movzwl 40+native32_in(%rip), %eax; push %rax\n"
        "    mov 36+native32_in(%rip), %eax; push %rax\n"
        "    mov 44+native32_in(%rip), %ds; mov 46+native32_in(%rip), %es; mov 48+native32_in(%rip), %gs\n"
        "    mov 0+native32_in(%rip), %eax; mov 4+native32_in(%rip), %ecx; mov 8+native32_in(%rip), %edx\n"
        "    mov 12+native32_in(%rip), %ebx; mov 20+native32_in(%rip), %ebp\n"
        "    mov 24+native32_in(%rip), %esi; mov 28+native32_in(%rip), %edi\n"
        "    iretq\n"
        "    .globl native32_exit\n"
        "native32_exit:\n"
        "    mov %eax, 0+native32_out(%rip); mov %ecx, 4+native32_out(%rip); mov %edx, 8+native32_out(%rip)\n"
        "    mov %ebx, 12+native32_out(%rip); mov %esp, 16+native32_out(%rip); mov %ebp, 20+native32_out(%rip)\n"
        "    mov %esi, 24+native32_out(%rip); mov %edi, 28+native32_out(%rip)\n"
        "    mov native32_stack(%rip), %rsp\n"
        "    pushfq; pop %rax; mov %eax, 32+native32_out(%rip)\n"
        "    cld\n"
        "    xor %eax, %eax; mov %eax, %ds; mov %eax, %es; mov %eax, %gs\n"
        "    mov $0x2b, %eax; mov %eax, %ss\n"
        "    pop %r15; pop %r14; pop %r13; pop %r12; pop %rbp; pop %rbx\n"
        "    ret\n");
_Static_assert(offsetof(struct registers32, eflags) == 32 && offsetof(struct registers32, cs) == 40 &&
                   offsetof(struct registers32, gs) == 48,
               "native32_enter");

/* Only code that is not 64-bit may fault. */
static void on_fault(int number, siginfo_t *info, void *context)
{
    greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;

    if ((registers[REG_CSGSFS] & 0xffff) == LINUX_CS64) {
        signal(number, SIG_DFL);
        return;
    }
    fault = (sig_atomic_t)registers[REG_TRAPNO];
    native32_address = (uint64_t)info->si_addr;
    registers[REG_RIP] = (greg_t)native32_exit;
    registers[REG_CSGSFS] = (registers[REG_CSGSFS] & 0xffffffff0000) | LINUX_CS64 | (greg_t)LINUX_SS << 48;
}

void native32_catch_faults(void)
{
    const struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK};

    assert_int_equal(sigaction(SIGSEGV, &action, NULL), 0);
    assert_int_equal(sigaction(SIGILL, &action, NULL), 0);
    assert_int_equal(sigaction(SIGBUS, &action, NULL), 0);
}

void native32_set_descriptor(unsigned entry, uint64_t descriptor)
{
    const struct user_desc wanted = {
        .entry_number = entry,
        .base_addr = (unsigned)((descriptor >> 16 & 0xffffff) | descriptor >> 56 << 24),
        .limit = (unsigned)((descriptor & 0xffff) | (descriptor >> 32 & 0xf0000)),
        .seg_32bit = descriptor >> 54 & 1,
        .contents = descriptor >> 42 & 3,
        .read_exec_only = ~descriptor >> 41 & 1,
        .limit_in_pages = descriptor >> 55 & 1,
        .useable = 1,
    };

    assert_int_equal(syscall(SYS_modify_ldt, 0x11, &wanted, sizeof(wanted)), 0);
}

/* What code jumps to at its end, in 64-bit code itself. */
static void place_way_back(void)
{
    static const uint8_t jump[] = {0xff, 0x25, 0, 0, 0, 0};
    const uint8_t *end = native32_exit;

    memcpy(native32_code + EXIT_AT, jump, sizeof(jump));
    memcpy(native32_code + EXIT_AT + sizeof(jump), &end, sizeof(end));
}

int native32_set_up(void **state)
{
    static uint8_t fault_stack[0x20000];
    const stack_t stack = {.ss_sp = fault_stack, .ss_size = sizeof(fault_stack)};
    const int low = MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT;

    (void)state;
    native32_memory = mmap(NULL, NATIVE32_BYTES, PROT_READ | PROT_WRITE, low, -1, 0);
    native32_code = mmap(NULL, CODE_BYTES, PROT_READ | PROT_WRITE | PROT_EXEC, low, -1, 0);
    if (native32_memory == MAP_FAILED || native32_code == MAP_FAILED || sigaltstack(&stack, NULL))
        return -1;
    place_way_back();
    native32_set_descriptor(NATIVE32_FLAT, UINT64_C(0x00cff3000000ffff));
    return 0;
}

/* A far jump, which needs no segment but its own. */
void native32_place_exit(unsigned length, bool code_is_32)
{
    uint8_t *at = native32_code + length;
    uint32_t offset = (uint32_t)(uintptr_t)(native32_code + EXIT_AT);
    const uint16_t selector = LINUX_CS64;

    if (!code_is_32)
        *at++ = 0x66;
    *at++ = 0xea;
    memcpy(at, &offset, sizeof(offset));
    memcpy(at + sizeof(offset), &selector, sizeof(selector));
}

unsigned native32_run(void)
{
    fault = 0;
    native32_enter();
    return (unsigned)fault;
}

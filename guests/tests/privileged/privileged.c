/* SPDX-License-Identifier: MIT */
/*
 * Privileged instructions of a kernel that runs without privilege: control and debug registers, MSRs, ports, cpuid;
 * and that user mode gets none of them.
 */
#include <abi/context.h>
#include <abi/cpuid.h>
#include <abi/physdev.h>
#include <guest/event.h>
#include <guest/guest.h>
#include <guest/hypercall.h>
#include <guest/print.h>
#include <guest/processor.h>
#include <guest/table.h>
#include <guest/user.h>
#include <guests/tests/lib/snippet.h>
#include <guests/tests/lib/test.h>
#include <guests/tests/privileged/privileged.h>

#define MSR_TSC       0x10u
#define MSR_APIC_BASE 0x1bu
#define MSR_PAT       0x277u
#define MSR_EFER      0xc0000080u
#define MSR_LSTAR     0xc0000082u
#define MSR_NOWHERE   0x12345678u

#define EFER_SCE 0x001u
#define EFER_LME 0x100u
#define EFER_LMA 0x400u
#define EFER_NXE 0x800u

#define CR0_TS  0x8u
#define CR4_DE  0x8u
#define CR4_PAE 0x20u
#define CR4_PGE 0x80u

/* An instruction with its registers, run by trap_try(). */
struct access {
    uint64_t value;
    uint32_t number;
    void (*run)(struct access *access);
};

static void run(void *arg)
{
    struct access *access = arg;

    access->run(access);
}

/* The vector that the access raised, TRAP_NONE for none. */
static unsigned attempt(struct access *access)
{
    struct fault fault;

    (void)trap_try(run, access, &fault);
    return fault.vector;
}

static void do_rdmsr(struct access *access)
{
    uint32_t low, high;

    __asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(access->number));
    access->value = (uint64_t)high << 32 | low;
}

static void do_wrmsr(struct access *access)
{
    __asm__ volatile("wrmsr" ::"c"(access->number), "a"((uint32_t)access->value), "d"((uint32_t)(access->value >> 32)));
}

unsigned rdmsr(uint32_t msr, uint64_t *value)
{
    struct access access = {.number = msr, .run = do_rdmsr};
    unsigned vector = attempt(&access);

    *value = access.value;
    return vector;
}

unsigned wrmsr(uint32_t msr, uint64_t value)
{
    struct access access = {.number = msr, .value = value, .run = do_wrmsr};

    return attempt(&access);
}

void msr_reads(const char *name, uint32_t msr, uint64_t mask, uint64_t want)
{
    uint64_t value = 0;
    unsigned vector = rdmsr(msr, &value);

    test_check(vector == TRAP_NONE && (value & mask) == want, name, "%s, %" PRIx64 ", expected %" PRIx64,
               trap_name(vector), value, want);
}

void msr_refused(const char *name, unsigned vector)
{
    test_check(vector == TRAP_GP, name, "%s", trap_name(vector));
}

/* Shows pte.memory-types, hypercall.emulated. */
static void msrs(void)
{
    uint64_t value;

    msr_reads("rdmsr EFER", MSR_EFER, EFER_LME | EFER_LMA | EFER_NXE | EFER_SCE,
              EFER_LME | EFER_LMA | EFER_NXE | EFER_SCE);
    (void)rdmsr(MSR_EFER, &value);
    test_equal("wrmsr EFER of the same value", wrmsr(MSR_EFER, value), TRAP_NONE);
    msr_reads("rdmsr PAT", MSR_PAT, ~UINT64_C(0), UINT64_C(0x0000050100070406));
    msr_reads("rdmsr APIC_BASE", MSR_APIC_BASE, 0xfffff100, 0xfee00100);
    test_equal("rdmsr TSC", rdmsr(MSR_TSC, &value), TRAP_NONE);
    msr_refused("rdmsr of an MSR that does not exist", rdmsr(MSR_NOWHERE, &value));
    msr_refused("wrmsr of an MSR that does not exist", wrmsr(MSR_NOWHERE, 0));
    (void)wrmsr(MSR_LSTAR, 0x1234); /* dropped or #GP: never believed, or the next call would show it */
    test_check(hypercall_xen_version(0, NULL) > 0, "LSTAR is out of reach", "no calls any more");
}

#define REGISTER_ACCESS(name)                                                            \
    static void read_##name(struct access *access)                                       \
    {                                                                                    \
        uintptr_t value;                                                                 \
                                                                                         \
        __asm__ volatile("mov %%" #name ", %0" : "=r"(value));                           \
        access->value = value;                                                           \
    }                                                                                    \
    static void write_##name(struct access *access)                                      \
    {                                                                                    \
        __asm__ volatile("mov %0, %%" #name ::"r"((uintptr_t)access->value) : "memory"); \
    }
REGISTER_ACCESS(cr0)
REGISTER_ACCESS(cr2)
REGISTER_ACCESS(cr3)
REGISTER_ACCESS(cr4)
REGISTER_ACCESS(dr0)
REGISTER_ACCESS(dr7)

static uint64_t cr_read(const char *name, void (*how)(struct access *))
{
    struct access access = {.run = how};

    test_equal(name, attempt(&access), TRAP_NONE);
    return access.value;
}

static unsigned cr_write(void (*how)(struct access *), uint64_t value)
{
    struct access access = {.value = value, .run = how};

    return attempt(&access);
}

static void do_clts(struct access *access)
{
    (void)access;
    __asm__ volatile("clts");
}

/* Shows fpu_taskswitch.clts, hypercall.emulated. */
static void control_registers(void)
{
    uint64_t cr0 = cr_read("read cr0", read_cr0), cr3, cr4;
    struct access clts = {.run = do_clts};

    test_equal("cr0 shows paging and protection", cr0 & 0x80000001, 0x80000001);
    test_equal("cr0.TS is clear", cr0 & CR0_TS, 0);
    test_equal("set cr0.TS", cr_write(write_cr0, cr0 | CR0_TS), TRAP_NONE);
    test_equal("cr0.TS is set", cr_read("read cr0 again", read_cr0) & CR0_TS, CR0_TS);
    test_equal("clts", attempt(&clts), TRAP_NONE);
    test_equal("cr0.TS is clear after clts", cr_read("read cr0 once more", read_cr0) & CR0_TS, 0);
    msr_refused("turn paging off", cr_write(write_cr0, cr0 & ~UINT64_C(0x80000000)));
    test_equal("write cr2", cr_write(write_cr2, 0x12345678), TRAP_NONE);
    test_equal("cr2 is what was written", cr_read("read cr2", read_cr2), 0x12345678);
    test_equal("cr2 is in vcpu_info", guest.vcpu->arch.cr2, 0x12345678);
    cr3 = cr_read("read cr3", read_cr3);
    test_equal("cr3 is that of the root", cr3, xen_pfn_to_cr3(virt_to_mfn(table_root()).v));
    test_equal("write cr3 with the same", cr_write(write_cr3, cr3), TRAP_NONE);
    msr_refused("write cr3 with a page that is no table", cr_write(write_cr3, xen_pfn_to_cr3(virt_to_mfn(&guest).v)));
    cr4 = cr_read("read cr4", read_cr4);
    test_equal("cr4 shows PAE and not PGE", cr4 & (CR4_PAE | CR4_PGE), CR4_PAE);
    test_equal("write cr4 with the same", cr_write(write_cr4, cr4), TRAP_NONE);
    test_equal("set cr4.DE", cr_write(write_cr4, cr4 | CR4_DE), TRAP_NONE);
    test_equal("cr4.DE is set", cr_read("read cr4 again", read_cr4) & CR4_DE, CR4_DE);
    (void)cr_write(write_cr4, cr4);
    test_equal("turn PAE off: dropped", cr_write(write_cr4, cr4 & ~(uint64_t)CR4_PAE), TRAP_NONE);
    test_equal("PAE is on", cr_read("read cr4 once more", read_cr4) & CR4_PAE, CR4_PAE);
}

#define WATCH_WRITES (sizeof(watched) == 8 ? 0x90402u : 0xd0402u) /* of all its bytes */

static uintptr_t watched;

static void touch(void *arg)
{
    (void)arg;
    WRITE_ONCE(watched, 1);
}

static void debug_registers(void)
{
    struct fault fault;

    test_equal("write dr0", cr_write(write_dr0, (uintptr_t)&watched), TRAP_NONE);
    msr_refused("write dr0 with an address of the hypervisor", cr_write(write_dr0, HYPERVISOR_INSIDE));
    test_equal("dr0 reads as written", cr_read("read dr0", read_dr0), (uintptr_t)&watched);
    test_equal("get_debugreg 0", (uintptr_t)hypercall_get_debugreg(0), (uintptr_t)&watched);
    test_equal("write dr7: watch writes of a word", cr_write(write_dr7, WATCH_WRITES), TRAP_NONE);
    (void)trap_try(touch, NULL, &fault);
    test_equal("the watchpoint raises #DB", fault.vector, TRAP_DB);
    test_equal("dr6 says it was number 0", (uint64_t)hypercall_get_debugreg(6) & 0xf, 1);
    test_equal("clear dr7", cr_write(write_dr7, 0x400), TRAP_NONE);
    test_equal("dr7 reads as written", cr_read("read dr7", read_dr7), 0x400);
    test_result("set_debugreg 7 with GD", hypercall_set_debugreg(7, 0x2400), -1);
    if (sizeof(uintptr_t) > 4)
        test_result("set_debugreg 6 with a high bit", hypercall_set_debugreg(6, ~(uintptr_t)UINT32_MAX), -22);
    test_result("set_debugreg 0, the hypervisor's", hypercall_set_debugreg(0, HYPERVISOR_INSIDE), -1);
    test_result("set_debugreg 8", hypercall_set_debugreg(8, 0), -19);
    test_result("get_debugreg 8", hypercall_get_debugreg(8), -19);
}

static void do_in(struct access *access)
{
    uint8_t value;

    __asm__ volatile("inb %w1, %0" : "=a"(value) : "d"((uint16_t)access->number));
    access->value = value;
}

static void do_out(struct access *access)
{
    __asm__ volatile("outb %0, %w1" ::"a"((uint8_t)access->value), "d"((uint16_t)access->number));
}

static void do_cli(struct access *access)
{
    (void)access;
    __asm__ volatile("cli");
}

static void do_sti(struct access *access)
{
    (void)access;
    __asm__ volatile("sti");
}

/* Shows shared_info.interrupt-flag, physdev_op.iopl, physdev_op.cli, physdev_op.ports, physdev_op.iopl-refused. */
static void ports(void)
{
    struct access in = {.number = 0x2f7, .run = do_in}, out = {.number = 0x2f7, .run = do_out};
    struct access cli = {.run = do_cli}, sti = {.run = do_sti};
    struct physdev_set_iopl iopl = {.iopl = 1};

    msr_refused("inb without IOPL", attempt(&in));
    msr_refused("outb without IOPL", attempt(&out));
    msr_refused("cli without IOPL", attempt(&cli));
    test_result("set_iopl 1", hypercall_physdev_op(PHYSDEVOP_set_iopl, &iopl), 0);
    test_equal("inb with IOPL", attempt(&in), TRAP_NONE);
    test_equal("nobody there: all ones", in.value, 0xff);
    test_equal("outb with IOPL", attempt(&out), TRAP_NONE);
    event_enable();
    test_equal("cli with IOPL", attempt(&cli), TRAP_NONE);
    test_check(event_enabled(), "cli does not mask events", "it does");
    event_disable();
    test_equal("sti with IOPL", attempt(&sti), TRAP_NONE);
    test_check(!event_enabled(), "sti does not unmask events", "it does");
    iopl.iopl = 4;
    test_result("set_iopl 4", hypercall_physdev_op(PHYSDEVOP_set_iopl, &iopl), -22);
    iopl.iopl = 0;
    test_result("set_iopl 0", hypercall_physdev_op(PHYSDEVOP_set_iopl, &iopl), 0);
    msr_refused("inb without IOPL again", attempt(&in));
}

static struct cpuid xen_cpuid(uint32_t leaf)
{
    struct cpuid result;

    __asm__ volatile(XEN_CPUID
                     : "=a"(result.eax), "=b"(result.ebx), "=c"(result.ecx), "=d"(result.edx)
                     : "a"(leaf), "c"(0));
    return result;
}

static void prefixed_nop(void *arg)
{
    (void)arg;
    __asm__ volatile(XEN_EMULATE_PREFIX "nop");
}

/* Shows cpuid.signature, cpuid.prefix, cpuid.prefix-alone. */
static void identification(void)
{
    struct cpuid leaf = xen_cpuid(XEN_CPUID_FIRST_LEAF);
    struct fault fault;

    test_check(leaf.ebx == XEN_CPUID_SIGNATURE_EBX && leaf.ecx == XEN_CPUID_SIGNATURE_ECX &&
                   leaf.edx == XEN_CPUID_SIGNATURE_EDX,
               "prefixed cpuid: the signature", "%x %x %x", leaf.ebx, leaf.ecx, leaf.edx);
    test_check(leaf.eax >= XEN_CPUID_LEAF(2), "prefixed cpuid: the highest leaf", "%x", leaf.eax);
    leaf = xen_cpuid(XEN_CPUID_LEAF(1));
    test_equal("prefixed cpuid: the version", leaf.eax, (uint64_t)hypercall_xen_version(0, NULL));
    leaf = xen_cpuid(1);
    test_equal("leaf 1: no PSE, PGE, MTRR (as domU), VMX", (leaf.edx >> 3 & 1) | (leaf.ecx >> 5 & 1), 0);
    test_equal("leaf 1: hypervisor bit", leaf.ecx >> 31, 1);
    (void)trap_try(prefixed_nop, NULL, &fault);
    test_equal("the prefix before another instruction", fault.vector, TRAP_UD);
}

SNIPPET(user_cr, "", "mov %cr3, %" REGISTER_AX, "");
SNIPPET(user_msr, "movl $0xc0000080, %ecx", "rdmsr", "");
SNIPPET(user_wrmsr, "movl $0xc0000101, %ecx", "wrmsr", "");
SNIPPET(user_in, "", "inb $0x70, %al", "");
SNIPPET(user_cli, "", "cli", "");
SNIPPET(user_clts, "", "clts", "");
SNIPPET(user_dr, "", "mov %dr7, %" REGISTER_AX, "");
SNIPPET(kernel_lgdt, "", "lgdt 0", "");
SNIPPET(kernel_lidt, "", "lidt 0", "");
SNIPPET(kernel_lldt, "xorl %eax, %eax", "lldt %ax", "");
SNIPPET(kernel_lmsw, "", "lmsw %ax", "");
SNIPPET(kernel_invlpg, "", "invlpg 0", "");
SNIPPET(kernel_hlt, "", "hlt", "");
SNIPPET(kernel_ltr, "xorl %eax, %eax", "ltr %ax", "");

static void call(void *code)
{
    ((void (*)(void))code)();
}

/* Shows hypercall.privileged. */
static void refused_everywhere(void)
{
    static const struct {
        const char *name;
        const struct snippet *code;
    } user[] = {{"user: mov from cr3", &user_cr}, {"user: rdmsr", &user_msr},   {"user: wrmsr", &user_wrmsr},
                {"user: in", &user_in},           {"user: cli", &user_cli},     {"user: clts", &user_clts},
                {"user: mov from dr7", &user_dr}, {"user: lgdt", &kernel_lgdt}, {"user: invlpg", &kernel_invlpg}},
      kernel[] = {{"kernel: lgdt", &kernel_lgdt}, {"kernel: lidt", &kernel_lidt},     {"kernel: lldt", &kernel_lldt},
                  {"kernel: lmsw", &kernel_lmsw}, {"kernel: invlpg", &kernel_invlpg}, {"kernel: ltr", &kernel_ltr},
                  {"kernel: hlt", &kernel_hlt}};
    struct regs regs;
    struct fault fault;

    test_need(user_init(), "user mode");
    for (unsigned i = 0; i < ARRAY_SIZE(user); i++) {
        uint64_t base = USER_BASE + i * PAGE_SIZE;

        test_need(user_load(base, user[i].code->begin, user[i].code->end), "user code");
        user_regs_init(&regs, base);
        msr_refused(user[i].name, user_run(&regs));
        test_equal("its rip", regs.rip, base + (uintptr_t)(user[i].code->at - user[i].code->begin));
    }
    for (unsigned i = 0; i < ARRAY_SIZE(kernel); i++) {
        (void)trap_try(call, (void *)(uintptr_t)kernel[i].code->begin, &fault);
        msr_refused(kernel[i].name, fault.vector);
    }
}

void test_main(void)
{
    privileged_bases();
    msrs();
    control_registers();
    debug_registers();
    ports();
    identification();
    refused_everywhere();
}

/* SPDX-License-Identifier: MIT */
/* links: hv/emulate/emulate_privileged.c hv/emulate/emulate_ports.c hv/emulate/emulate_system.c */
/* links: hv/emulate/emulation.c hv/emulate/msr.c */
/* links: hv/emulate/operand.c hv/emulate/alu.c hv/emulate/decode.c hv/emulate/decode_table.c */
/* Privileged instructions, ports, model-specific registers: who may use them, and what the guest finds afterwards. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <abi/vm_assist.h>
#include <engine/access.h>
#include <engine/engine.h>
#include <hv/cpu/entry.h>
#include <hv/domain/vcpu.h>
#include <hv/emulate/cpuid.h>
#include <hv/emulate/emulate.h>
#include <hv/mem/window.h>

/*
 * ---- The guest's memory: three pages, and what the emulation asked of others.
 */

#define PAGE  0x1000u
#define BASE  UINT64_C(0x10000)
#define PAGES 3u

static uint8_t memory[PAGES * PAGE];
static bool readable[PAGES], writable[PAGES];
static struct hv_domain domain;
static struct hv_vcpu vcpu;
static struct cpu_frame frame;
static struct vcpu_info info;
static uint64_t code_descriptor;

static struct {
    unsigned page_faults, exceptions, vector;
    uint64_t address, error;
    uint64_t root, cr4, xcr0, debug[8], fs_base, gs_base, gs_base_inactive;
    bool task_switched, root_refused, cr4_refused;
} seen;

uint64_t window_base(unsigned window)
{
    (void)window;
    return 0;
}

size_t copy_recover(void *to, const void *from, size_t size)
{
    (void)from;
    memcpy(to, &code_descriptor, size);
    return 0;
}

bool access_address_ok(const struct domain *d, uint64_t address)
{
    (void)d;
    return address < UINT64_C(0x800000000000);
}

static bool reach(uint64_t address, size_t size, const bool *allowed)
{
    if (address < BASE || address + size > BASE + sizeof(memory))
        return false;
    return allowed[(address - BASE) / PAGE] && allowed[(address + size - 1 - BASE) / PAGE];
}

bool access_read(struct vcpu *v, void *to, vaddr_t from, size_t size)
{
    (void)v;
    if (!reach(from.v, size, readable))
        return false;
    memcpy(to, memory + (from.v - BASE), size);
    return true;
}

bool access_write(struct vcpu *v, vaddr_t to, const void *from, size_t size)
{
    (void)v;
    if (!reach(to.v, size, writable))
        return false;
    memcpy(memory + (to.v - BASE), from, size);
    return true;
}

void bounce_page_fault(struct hv_vcpu *v, uint64_t address, uint64_t error)
{
    (void)v;
    seen.page_faults++;
    seen.address = address;
    seen.error = error;
}

void bounce_exception(struct hv_vcpu *v, unsigned vector)
{
    (void)v;
    seen.exceptions++;
    seen.vector = vector;
}

int vcpu_set_kernel_root(struct vcpu *v, mfn_t mfn)
{
    (void)v;
    seen.root = mfn.v;
    return seen.root_refused ? -22 : 0;
}

void state_set_fs_base(uint64_t base)
{
    seen.fs_base = base;
}

void state_set_gs_base(uint64_t base)
{
    seen.gs_base = base;
}

void state_set_gs_base_inactive(uint64_t base)
{
    seen.gs_base_inactive = base;
}

uint64_t state_fs_base(void)
{
    return seen.fs_base;
}

uint64_t state_gs_base(void)
{
    return seen.gs_base;
}

uint64_t state_gs_base_inactive(void)
{
    return seen.gs_base_inactive;
}

void state_set_task_switched(struct hv_vcpu *v, bool set)
{
    (void)v;
    seen.task_switched = set;
}

bool state_set_cr4(struct hv_vcpu *v, uint64_t cr4)
{
    (void)v;
    seen.cr4 = cr4;
    return !seen.cr4_refused;
}

int state_set_xcr0(struct hv_vcpu *v, uint64_t xcr0)
{
    (void)v;
    seen.xcr0 = xcr0;
    return xcr0 & 1 ? 0 : -22;
}

uint64_t state_guest_cr4(const struct hv_vcpu *v)
{
    (void)v;
    return 0x12345678;
}

int state_set_debug(struct hv_vcpu *v, unsigned index, uint64_t value)
{
    (void)v;
    if (index > 7)
        return -19;
    seen.debug[index] = value;
    return 0;
}

int state_get_debug(struct hv_vcpu *v, unsigned index, uint64_t *value)
{
    (void)v;
    if (index > 7)
        return -19;
    *value = seen.debug[index];
    return 0;
}

struct cpuid cpuid_guest(const struct hv_vcpu *v, uint32_t leaf, uint32_t subleaf)
{
    (void)v;
    return (struct cpuid){leaf + 1, 0xb0b0b0b0, subleaf + 1, 0xd0d0d0d0};
}

/* A processor with two registers that the guest's list does not have, and EFER. */
bool msr_read_recover(uint32_t msr, uint64_t *value)
{
    if (msr != 0x123 && msr != 0x800 && msr != MSR_EFER)
        return false;
    *value = UINT64_C(0xaaaabbbbccccdddd);
    return true;
}

/*
 * ---- The guest.
 */

#define FLAT_64 UINT64_C(0x00affb000000ffff)
#define FLAT_32 UINT64_C(0x00cffb000000ffff)

#define POISON UINT64_C(0x1111222233334444)

/* A guest's kernel in front of @bytes, all registers poisoned. */
static void place(const char *bytes, size_t count)
{
    memset(&seen, 0, sizeof(seen));
    memset(&domain, 0, sizeof(domain));
    memset(&vcpu, 0, sizeof(vcpu));
    memset(memory, 0x90, sizeof(memory));
    memcpy(memory, bytes, count);
    for (unsigned i = 0; i < PAGES; i++)
        readable[i] = writable[i] = true;
    code_descriptor = FLAT_64;
    frame = (struct cpu_frame){.rip = BASE, .cs = 0xe033, .ss = 0xe02b, .rflags = 0x202 | RFLAGS_RF};
    frame.rax = frame.rbx = frame.rcx = frame.rdx = frame.rsi = frame.rdi = frame.r9 = POISON;
    domain.domain.width = WIDTH_64;
    vcpu.vcpu.domain = &domain.domain;
    vcpu.frame = &frame;
    vcpu.info = &info;
}

#define PLACE(bytes) place(bytes, sizeof(bytes) - 1)

/* It is carried out, and is @length long. */
static void does(unsigned length)
{
    assert_int_equal(emulate_privileged(&vcpu), EMULATE_DONE);
    assert_int_equal(frame.rip, BASE + length);
    assert_int_equal(frame.rflags & RFLAGS_RF, 0);
    assert_int_equal(seen.page_faults + seen.exceptions, 0);
}

/* It is the guest's fault, and nothing has changed. */
static void does_not(void)
{
    struct cpu_frame before = frame;

    assert_int_equal(emulate_privileged(&vcpu), EMULATE_UNKNOWN);
    assert_memory_equal(&frame, &before, sizeof(before));
    assert_int_equal(seen.page_faults + seen.exceptions, 0);
}

static void set_iopl(unsigned level, bool architectural, bool user)
{
    vcpu.state.iopl = (uint64_t)level << 12;
    domain.vm_assist = architectural ? UINT64_C(1) << VMASST_TYPE_architectural_iopl : 0;
    vcpu.vcpu.user_mode = user;
}

/*
 * ---- Ports.
 */

static void test_iopl(void **state)
{
    static const char *const instructions[] = {"\xec", "\xee", "\xfa", "\xfb"};

    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        for (unsigned level = 0; level < 4; level++) {
            for (unsigned architectural = 0; architectural < 2; architectural++) {
                place(instructions[i], 1);
                set_iopl(level, architectural, false);
                if (level >= 1 || architectural)
                    does(1);
                else
                    does_not();
                place(instructions[i], 1);
                set_iopl(level, architectural, true);
                if (level == 3)
                    does(1);
                else
                    does_not();
            }
        }
    }
}

/* A 32-bit guest's kernel is what runs in ring 1. */
static void test_iopl_32(void **state)
{
    (void)state;
    for (unsigned ring = 1; ring < 4; ring++) {
        PLACE("\xec");
        code_descriptor = FLAT_32;
        domain.domain.width = WIDTH_PAE;
        frame.cs = 0xe018 | ring;
        set_iopl(2, false, false);
        if (ring == 1)
            does(1);
        else
            does_not();
    }
}

static void test_in(void **state)
{
    (void)state;
    PLACE("\xec");
    set_iopl(1, false, false);
    does(1);
    assert_int_equal(frame.rax, POISON | 0xff);
    PLACE("\x66\xe5\x70");
    set_iopl(1, false, false);
    does(3);
    assert_int_equal(frame.rax, POISON | 0xffff);
    PLACE("\x48\xed"); /* REX.W does nothing */
    set_iopl(1, false, false);
    does(2);
    assert_int_equal(frame.rax, 0xffffffff);
    PLACE("\xe7\x80");
    set_iopl(1, false, false);
    does(2);
    assert_int_equal(frame.rax, POISON);
}

static void test_ins(void **state)
{
    (void)state;
    PLACE("\xf3\x6d"); /* rep insd */
    set_iopl(3, false, true);
    frame.rdi = BASE + PAGE - 4;
    frame.rcx = 2;
    assert_int_equal(emulate_privileged(&vcpu), EMULATE_DONE);
    assert_true(frame.rip == BASE && frame.rcx == 1 && frame.rdi == BASE + PAGE);
    assert_memory_equal(memory + PAGE - 8, "\x90\x90\x90\x90\xff\xff\xff\xff\x90", 9);
    writable[1] = false;
    assert_int_equal(emulate_privileged(&vcpu), EMULATE_DONE);
    assert_true(frame.rip == BASE && frame.rcx == 1 && seen.page_faults == 1);
    assert_int_equal(seen.address, BASE + PAGE);
    assert_int_equal(seen.error, PAGE_FAULT_WRITE | PAGE_FAULT_PRESENT);
    readable[1] = false;
    assert_int_equal(emulate_privileged(&vcpu), EMULATE_DONE);
    assert_int_equal(seen.error, PAGE_FAULT_WRITE);
    writable[1] = true;
    seen.page_faults = 0;
    does(2);
    assert_int_equal(frame.rcx, 0);
    frame.rip = BASE;
    frame.rdi = 0; /* with nothing to do, no memory is touched */
    does(2);
}

static void test_outs(void **state)
{
    (void)state;
    PLACE("\x65\x66\x6f"); /* outsw of gs:rsi, downwards */
    set_iopl(1, false, false);
    seen.gs_base = BASE;
    frame.rsi = 2 * PAGE;
    frame.rflags |= RFLAGS_DF;
    does(3);
    assert_int_equal(frame.rsi, 2 * PAGE - 2);
    assert_int_equal(frame.rcx, POISON);
    frame.rip = BASE;
    frame.rsi = 4 * PAGE;
    assert_int_equal(emulate_privileged(&vcpu), EMULATE_DONE);
    assert_true(seen.page_faults == 1 && seen.address == BASE + 4 * PAGE && seen.error == 0);
    /* No address at all is the guest's own #GP. */
    seen.page_faults = 0;
    frame.rsi = UINT64_C(1) << 63;
    does_not();
    /* Ring 3 of a 32-bit guest must not reach what only its kernel may. */
    PLACE("\x6f");
    code_descriptor = FLAT_32;
    domain.domain.width = WIDTH_PAE;
    frame.cs = 0xe02b;
    frame.rsi = BASE;
    set_iopl(3, false, false);
    does_not();
}

/*
 * ---- Registers.
 */

static void test_control(void **state)
{
    (void)state;
    PLACE("\x0f\x20\xd0"); /* mov rax, cr2 */
    info.arch.cr2 = 0x123456789abc;
    does(3);
    assert_int_equal(frame.rax, 0x123456789abc);
    PLACE("\x41\x0f\x22\xd1"); /* mov cr2, r9 */
    does(4);
    assert_int_equal(info.arch.cr2, POISON);
    PLACE("\x0f\x20\xdb"); /* mov rbx, cr3 */
    vcpu.vcpu.kernel_root = MFN(0x123456);
    does(3);
    assert_int_equal(frame.rbx, 0x123456000);
    PLACE("\x0f\x22\xdb"); /* mov cr3, rbx */
    frame.rbx = 0x654321fff;
    does(3);
    assert_int_equal(seen.root, 0x654321);
    frame.rip = BASE;
    seen.root_refused = true;
    does_not();
    PLACE("\x0f\x20\xe1"); /* mov rcx, cr4 */
    does(3);
    assert_int_equal(frame.rcx, 0x12345678);
    PLACE("\x0f\x22\xe1");
    does(3);
    assert_int_equal(seen.cr4, POISON);
    frame.rip = BASE;
    seen.cr4_refused = true;
    does_not();
    PLACE("\x0f\x06"); /* clts */
    seen.task_switched = true;
    does(2);
    assert_false(seen.task_switched);
    PLACE("\x44\x0f\x20\xc0"); /* mov rax, cr8 */
    does_not();
}

static void test_control_32(void **state)
{
    (void)state;
    PLACE("\x0f\x20\xdb"); /* mov ebx, cr3 */
    code_descriptor = FLAT_32;
    domain.domain.width = WIDTH_PAE;
    frame.cs = 0xe019;
    vcpu.vcpu.kernel_root = MFN(0x123456);
    does(3);
    assert_int_equal(frame.rbx, 0x23456001);
    memory[1] = 0x22;
    frame.rip = BASE;
    does(3);
    assert_int_equal(seen.root, 0x123456);
}

static void test_debug(void **state)
{
    (void)state;
    PLACE("\x0f\x23\xfa"); /* mov dr7, rdx */
    does(3);
    assert_int_equal(seen.debug[7], POISON);
    memory[1] = 0x21;
    memory[2] = 0xf8; /* mov rax, dr7 */
    frame.rip = BASE;
    does(3);
    assert_int_equal(frame.rax, POISON);
    PLACE("\x44\x0f\x23\xfa"); /* there is no dr15 */
    does_not();
}

static void test_user(void **state)
{
    static const char *const instructions[] = {"\x0f\x20\xd0", "\x0f\x22\xd0", "\x0f\x21\xf8", "\x0f\x23\xf8",
                                               "\x0f\x06",     "\x0f\x32",     "\x0f\x30",     "\x0f\xa2",
                                               "\x0f\x31",     "\x0f\x09",     "\x0f\x01\xd1"};

    (void)state;
    for (unsigned i = 0; i < sizeof(instructions) / sizeof(instructions[0]); i++) {
        place(instructions[i], strlen(instructions[i]));
        set_iopl(3, true, true);
        frame.rcx = 0xc0000100;
        does_not();
    }
}

static void test_others(void **state)
{
    (void)state;
    PLACE("\x0f\xa2");
    frame.rax = UINT64_C(0x500000007);
    frame.rcx = UINT64_C(0x500000003);
    does(2);
    assert_true(frame.rax == 8 && frame.rbx == 0xb0b0b0b0 && frame.rcx == 4 && frame.rdx == 0xd0d0d0d0);
    PLACE("\x0f\x31");
    does(2);
    assert_true(frame.rax >> 32 == 0 && frame.rdx >> 32 == 0 && (frame.rax | frame.rdx));
    PLACE("\x0f\x09");
    does(2);
    PLACE("\x0f\x01\xd1");
    frame.rcx = UINT64_C(1) << 32; /* ecx is 0 */
    frame.rax = 7;
    frame.rdx = 5;
    does(3);
    assert_int_equal(seen.xcr0, UINT64_C(0x500000007));
    frame.rip = BASE;
    frame.rax = 6;
    does_not();
    frame.rax = 7;
    frame.rcx = 1;
    does_not();
    PLACE("\xf4"); /* hlt */
    does_not();
    PLACE("\x0f\x08"); /* invd */
    does_not();
    PLACE("\x0f\x01\xf0"); /* lmsw */
    does_not();
    PLACE("\xf0\x0f\xa2"); /* lock */
    does_not();
}

/*
 * ---- Fetching, stepping, and the two other kinds.
 */

static void test_unreadable(void **state)
{
    (void)state;
    PLACE("");
    memcpy(memory + PAGE - 2, "\x0f\x22\xdb", 3);
    frame.rip = BASE + PAGE - 2;
    readable[1] = false;
    assert_int_equal(emulate_privileged(&vcpu), EMULATE_DONE);
    assert_true(seen.page_faults == 1 && seen.address == BASE + PAGE && seen.error == PAGE_FAULT_FETCH);
    assert_int_equal(frame.rip, BASE + PAGE - 2);
    /* One that ends in front of that page does not need it. */
    PLACE("");
    memcpy(memory + PAGE - 2, "\x0f\x06", 2);
    frame.rip = BASE + PAGE - 2;
    readable[1] = false;
    does(PAGE);
    /* Nor does one that is known to be none of these. */
    PLACE("");
    memory[PAGE - 1] = 0xf4;
    frame.rip = BASE + PAGE - 1;
    readable[1] = false;
    does_not();
}

static void test_step(void **state)
{
    (void)state;
    PLACE("\x0f\x06");
    frame.rflags |= RFLAGS_TF;
    assert_int_equal(emulate_privileged(&vcpu), EMULATE_DONE);
    assert_int_equal(frame.rip, BASE + 2);
    assert_true(seen.exceptions == 1 && seen.vector == VECTOR_DEBUG);
    assert_int_equal(vcpu.state.debug[6], 0x4000);
}

static void test_forced(void **state)
{
    (void)state;
    PLACE("\x0f\x0b\x78\x65\x6e\x0f\xa2");
    vcpu.vcpu.user_mode = true;
    frame.rax = 1;
    assert_int_equal(emulate_forced(&vcpu), EMULATE_DONE);
    assert_true(frame.rip == BASE + 7 && frame.rax == 2);
    PLACE("\x0f\x0b\x78\x65\x6e\x0f\x31");
    assert_int_equal(emulate_forced(&vcpu), EMULATE_UNKNOWN);
    assert_int_equal(frame.rip, BASE);
    PLACE("");
    memcpy(memory + PAGE - 5, "\x0f\x0b\x78\x65\x6e\x0f\xa2", 7);
    frame.rip = BASE + PAGE - 5;
    readable[1] = false;
    assert_int_equal(emulate_forced(&vcpu), EMULATE_DONE);
    assert_true(seen.page_faults == 1 && seen.address == BASE + PAGE && seen.error == PAGE_FAULT_FETCH);
    assert_int_equal(frame.rip, BASE + PAGE - 5);
}

static void test_interrupt(void **state)
{
    unsigned vector = 0;

    (void)state;
    PLACE("\xcd\xfe");
    assert_int_equal(emulate_software_interrupt(&vcpu, &vector), EMULATE_DONE);
    assert_int_equal(vector, 0xfe);
    assert_int_equal(frame.rip, BASE);
    PLACE("\xcc\xfe");
    assert_int_equal(emulate_software_interrupt(&vcpu, &vector), EMULATE_UNKNOWN);
    PLACE("");
    memory[PAGE - 1] = 0xcd;
    frame.rip = BASE + PAGE - 1;
    readable[1] = false;
    assert_int_equal(emulate_software_interrupt(&vcpu, &vector), EMULATE_UNKNOWN);
    assert_int_equal(seen.page_faults, 0);
}

/*
 * ---- Model-specific registers.
 */

static bool reads(uint32_t msr, uint64_t *value)
{
    PLACE("\x0f\x32");
    vcpu.vcpu.traps[VECTOR_PROTECTION].address = 1;
    vcpu.vcpu.id = 1;
    frame.rcx = msr | UINT64_C(1) << 40;
    if (emulate_privileged(&vcpu) != EMULATE_DONE)
        return false;
    *value = frame.rdx << 32 | frame.rax;
    return true;
}

static bool writes(uint32_t msr, uint64_t value)
{
    PLACE("\x0f\x30");
    vcpu.vcpu.id = 1;
    frame.rcx = msr;
    frame.rax = value & 0xffffffff;
    frame.rdx = value >> 32;
    return emulate_privileged(&vcpu) == EMULATE_DONE;
}

static void test_msr_values(void **state)
{
    uint64_t value = 1;

    (void)state;
    assert_true(reads(0x277, &value) && value == UINT64_C(0x0000050100070406));
    assert_true(writes(0x277, value) && !writes(0x277, value + 1));
    assert_true(reads(0x1b, &value) && value == 0xfee00800);
    assert_true(reads(MSR_EFER, &value) && value == UINT64_C(0xaaaabbbbccccdddd));
    assert_true(writes(MSR_EFER, value) && !writes(MSR_EFER, value ^ 1));
    assert_true(reads(0xc0010015, &value) && value == 0);
    assert_true(writes(0xc0010015, 5));
    assert_true(reads(0x140, &value) && value == 0);
    assert_true(writes(0x140, 0) && !writes(0x140, 1));
    assert_false(reads(0x1a0, &value) || writes(0x1a0, 0)); /* this processor has none */
    PLACE("\x0f\x32");
    frame.rcx = 0x1b; /* of the first vCPU */
    does(2);
    assert_int_equal(frame.rax, 0xfee00900);
}

static void test_msr_bases(void **state)
{
    static const uint32_t list[] = {0xc0000100, 0xc0000101, 0xc0000102};

    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        assert_true(writes(list[i], UINT64_C(0xffff900000000000) + i));
        assert_int_equal(i == 0   ? seen.fs_base
                         : i == 1 ? seen.gs_base
                                  : seen.gs_base_inactive,
                         UINT64_C(0xffff900000000000) + i);
        assert_true(writes(list[i], UINT64_C(0x00007fffffffffff)));
        assert_false(writes(list[i], UINT64_C(0x0000800000000000)));
        assert_false(writes(list[i], UINT64_C(0xffff7fffffffffff)));
        assert_int_equal(seen.fs_base | seen.gs_base | seen.gs_base_inactive, 0);
    }
    PLACE("\x0f\x30");
    code_descriptor = FLAT_32;
    domain.domain.width = WIDTH_PAE;
    frame.cs = 0xe019;
    frame.rcx = 0xc0000100;
    does_not();
}

/* No number makes the hypervisor do anything but answer, and none but the bases can be set. */
static void test_msr_sweep(void **state)
{
    static const uint32_t starts[] = {0, 0x40000000, 0xc0000000, 0xc0010000, 0xfffff000};
    uint64_t value;

    (void)state;
    for (unsigned i = 0; i < sizeof(starts) / sizeof(starts[0]); i++) {
        for (uint32_t n = 0; n < 0x1000; n++) {
            uint32_t msr = starts[i] + n;

            if (msr >= 0x800 && msr < 0x900)
                assert_false(reads(msr, &value) || writes(msr, 0));
            if (msr >= 0x40000000 && msr < 0x50000000)
                assert_false(reads(msr, &value) || writes(msr, 0));
        }
    }
    /* Without a handler for #GP: what the processor has reads as 0. */
    PLACE("\x0f\x32");
    frame.rcx = 0x123;
    does(2);
    assert_int_equal(frame.rax | frame.rdx, 0);
    frame.rip = BASE;
    frame.rcx = 0x124;
    does_not();
    assert_false(reads(0x123, &value) || writes(0x123, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_iopl),       cmocka_unit_test(test_iopl_32),    cmocka_unit_test(test_in),
        cmocka_unit_test(test_ins),        cmocka_unit_test(test_outs),       cmocka_unit_test(test_control),
        cmocka_unit_test(test_control_32), cmocka_unit_test(test_debug),      cmocka_unit_test(test_user),
        cmocka_unit_test(test_others),     cmocka_unit_test(test_unreadable), cmocka_unit_test(test_step),
        cmocka_unit_test(test_forced),     cmocka_unit_test(test_interrupt),  cmocka_unit_test(test_msr_values),
        cmocka_unit_test(test_msr_bases),  cmocka_unit_test(test_msr_sweep),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/*
 * Anything at all as an instruction of a 32-bit guest, with any descriptors and registers: whatever becomes of it, the
 * frame is one that such a guest may have, nothing has changed where nothing was carried out, and a program has had
 * nothing read or written that it could not have reached itself.
 */
/* links: hv/emulate/emulate_privileged.c hv/emulate/emulate_ports.c hv/emulate/emulate_system.c */
/* links: hv/emulate/emulate_gate.c hv/emulate/emulate_write.c hv/emulate/emulation.c hv/emulate/segment.c */
/* links: hv/emulate/msr.c hv/emulate/operand.c hv/emulate/alu.c hv/emulate/decode.c hv/emulate/decode_table.c */
/* links: tests/hv/lib/native32.c tests/hv/lib/fake_cpu.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <abi/layout.h>
#include <engine/access.h>
#include <engine/engine.h>
#include <engine/reach.h>
#include <hv/cpu/cpu.h>
#include <hv/cpu/entry.h>
#include <hv/cpu/user_word.h>
#include <hv/device/ports.h>
#include <hv/domain/vcpu.h>
#include <hv/emulate/alu.h>
#include <hv/emulate/cpuid.h>
#include <hv/emulate/emulate_gate.h>
#include <hv/emulate/emulate_privileged.h>
#include <hv/emulate/emulate_write.h>
#include <hv/emulate/segment.h>
#include <hv/mem/window.h>
#include <tests/hv/lib/fake_cpu.h>
#include <tests/hv/lib/native32.h>

#define RUNS        2000000u
#define DESCRIPTORS 16u /* of each table; the GDT has nothing else */
#define STACK_BYTES 256u

static struct hv_domain domain;
static struct hv_vcpu vcpu;
static struct cpu_frame frame;
static struct vcpu_info info;
static uint64_t gdt[DESCRIPTORS], ldt[DESCRIPTORS];
static uint8_t code[INSTRUCTION_BYTES_MAX];
static uint64_t code_at; /* their linear address */
static unsigned ring, exceptions, writes;

static uint64_t random_state = 11;

static uint64_t random_next(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

static unsigned below(unsigned limit)
{
    return (unsigned)((random_next() >> 20) % limit);
}

/*
 * ---- A guest's memory without any: what a page is follows from its number.
 */

static unsigned kind_of(uint64_t page)
{
    return (unsigned)(page * UINT64_C(0x9e3779b97f4a7c15) >> 60);
}

static bool is_mapped(uint64_t page)
{
    return kind_of(page) != 0;
}

static bool is_writable(uint64_t page)
{
    return kind_of(page) > 3;
}

static bool is_open(uint64_t page)
{
    return kind_of(page) > 1 && kind_of(page) & 1;
}

static bool all_pages(uint64_t start, uint64_t size, bool (*is)(uint64_t page))
{
    for (uint64_t page = start / PAGE_SIZE; page <= (start + size - 1) / PAGE_SIZE; page++) {
        if (!is(page))
            return false;
    }
    return true;
}

/* Where the kernel's stack may be written in the program's place. */
static bool on_kernel_stack(uint64_t start, uint64_t size)
{
    unsigned selector = (unsigned)vcpu.bounce.kernel_ss & 0xfff8;
    uint64_t descriptor = 0, end;

    if (!segment_find(&vcpu, selector | (unsigned)(vcpu.bounce.kernel_ss & 4), &descriptor))
        return false;
    end = (uint32_t)(segment_base(descriptor) + vcpu.bounce.kernel_sp);
    return (uint32_t)(end - start) <= STACK_BYTES || !(descriptor & DESCRIPTOR_DEFAULT) || size == 0;
}

/* A single byte tells whether there is a page, which is what the error code of a page fault tells too. */
static void check_access(uint64_t start, uint64_t size, bool written)
{
    assert_true(start + size <= COMPAT_HYPERVISOR_VIRT_START);
    if (ring == 3 && !all_pages(start, size, is_open) && (written || size > 1))
        assert_true(written && on_kernel_stack(start, size));
}

struct cpu_features cpu_features_found;

/* Of 64-bit code alone. */
bool user_word_read(uint64_t from, uint64_t *word)
{
    fail_msg("%lx is read as a word, into %p", from, (void *)word);
    return false;
}

bool port_copy_from_guest(struct vcpu *v, void *to, vaddr_t from, size_t size)
{
    (void)v;
    if (from.v + size > COMPAT_HYPERVISOR_VIRT_START || !all_pages(from.v, size, is_mapped))
        return false;
    check_access(from.v, size, false);
    for (size_t i = 0; i < size; i++) {
        uint64_t offset = from.v + i - code_at;

        ((uint8_t *)to)[i] = offset < sizeof(code) ? code[offset] : (uint8_t)(from.v + i);
    }
    return true;
}

bool port_copy_to_guest(struct vcpu *v, vaddr_t to, const void *from, size_t size)
{
    (void)v, (void)from;
    if (to.v + size > COMPAT_HYPERVISOR_VIRT_START || !all_pages(to.v, size, is_writable))
        return false;
    check_access(to.v, size, true);
    writes++;
    return true;
}

bool reach_by_program(struct vcpu *v, vaddr_t start, uint64_t size)
{
    (void)v;
    return start.v + size <= COMPAT_HYPERVISOR_VIRT_START && all_pages(start.v, size, is_open);
}

int table_write_emulate(struct vcpu *v, struct table_write *write)
{
    (void)v;
    assert_int_equal(ring, 1);
    assert_true(write->vaddr.v <= UINT32_MAX);
    write->seen = alu_truncate(random_next(), write->bytes);
    writes++;
    return below(4) ? 0 : -22;
}

/*
 * ---- The rest of the hypervisor.
 */

uint64_t window_base(unsigned window)
{
    (void)window;
    return 0;
}

size_t copy_recover(void *to, const void *from, size_t size)
{
    uint64_t place = (uint64_t)from, in_ldt = place - (uint64_t)LDT_WINDOW * PAGE_SIZE;

    assert_int_equal(size, 8);
    if (place < sizeof(gdt))
        memcpy(to, &gdt[place / 8], size);
    else if (in_ldt < sizeof(ldt))
        memcpy(to, &ldt[in_ldt / 8], size);
    else
        return size;
    return 0;
}

void bounce_page_fault(struct hv_vcpu *v, uint64_t address, uint64_t error)
{
    (void)v, (void)error;
    assert_true(address < COMPAT_HYPERVISOR_VIRT_START);
    exceptions++;
}

void bounce_exception(struct hv_vcpu *v, unsigned vector)
{
    (void)v;
    assert_int_equal(vector, VECTOR_DEBUG);
    exceptions++;
}

void bounce_exception_error(struct hv_vcpu *v, unsigned vector, uint64_t error)
{
    (void)v, (void)vector;
    assert_true(error <= 0xffff && !(error & 3));
    exceptions++;
}

/* What a register would take: half of the time. */
#define SAYS(type, name, params, value) \
    type name params                    \
    {                                   \
        return value;                   \
    }
SAYS(int, vcpu_set_kernel_root, (struct vcpu * v __attribute__((unused)), mfn_t m __attribute__((unused))),
     below(2) ? 0 : -22)
SAYS(uint64_t, state_fs_base, (void), random_next())
SAYS(uint64_t, state_gs_base, (void), random_next())
SAYS(uint64_t, state_gs_base_inactive, (void), random_next())
SAYS(uint64_t, state_guest_cr4, (const struct hv_vcpu *v __attribute__((unused))), random_next() >> 32)

void state_set_fs_base(uint64_t base)
{
    (void)base;
    fail_msg("a 32-bit guest has no such register");
}

void state_set_gs_base(uint64_t base)
{
    state_set_fs_base(base);
}

void state_set_gs_base_inactive(uint64_t base)
{
    state_set_fs_base(base);
}

void state_set_task_switched(struct hv_vcpu *v, bool set)
{
    v->state.task_switched = set;
}

bool state_set_cr4(struct hv_vcpu *v, uint64_t cr4)
{
    (void)v, (void)cr4;
    return below(2);
}

int state_set_xcr0(struct hv_vcpu *v, uint64_t xcr0)
{
    (void)v, (void)xcr0;
    return below(2) ? 0 : -22;
}

enum debug_verdict state_set_debug(struct hv_vcpu *v, unsigned index, uint64_t value)
{
    (void)v;
    assert_true(index < 16 && value <= UINT32_MAX);
    return below(2) ? DEBUG_DONE : DEBUG_ADDRESS;
}

enum debug_verdict state_get_debug(struct hv_vcpu *v, unsigned index, uint64_t *value)
{
    (void)v, (void)index;
    *value = random_next();
    return below(2) ? DEBUG_DONE : DEBUG_NO_REGISTER;
}

uint32_t ports_read(const struct hv_domain *d, uint16_t port, unsigned bytes)
{
    (void)d, (void)port;
    assert_true(bytes == 1 || bytes == 2 || bytes == 4);
    return (uint32_t)random_next();
}

void ports_write(struct hv_domain *d, uint16_t port, unsigned bytes, uint32_t value)
{
    (void)d, (void)port, (void)value;
    assert_true(bytes == 1 || bytes == 2 || bytes == 4);
}

struct cpuid cpuid_guest(const struct hv_vcpu *v, uint32_t leaf, uint32_t subleaf)
{
    (void)v;
    return (struct cpuid){leaf, subleaf, ~leaf, ~subleaf};
}

bool msr_read_recover(uint32_t msr, uint64_t *value)
{
    *value = random_next();
    return msr & 1;
}

/*
 * ---- The guest.
 */

#define PRESENT_SEGMENT (DESCRIPTOR_PRESENT | DESCRIPTOR_SEGMENT)

/* As the engine lets them be: not present, segments of ring 1 to 3, call gates of DPL 0. */
static uint64_t any_descriptor(void)
{
    uint64_t descriptor = random_next() & ~(DESCRIPTOR_LONG | UINT64_C(0xff) << 40);
    uint64_t privilege = 1 + below(3), type = below(16);

    if (below(8) == 0)
        return descriptor | type << 40;
    if (below(4) == 0)
        return (descriptor & ~UINT64_C(0x1fffff0000)) | UINT64_C(0x8c) << 40 | privilege << 16 |
               (uint64_t)(1 + below(DESCRIPTORS - 1)) << 19 | (uint64_t)below(2) << 18 | (uint64_t)below(32) << 32;
    if (below(2))
        descriptor |= UINT64_C(0xf) << 48 | DESCRIPTOR_GRANULAR | DESCRIPTOR_DEFAULT;
    return descriptor | PRESENT_SEGMENT | privilege << 45 | type << 40;
}

/* Flat code and data of each ring come first. */
static void fill_tables(void)
{
    for (unsigned i = 0; i < DESCRIPTORS; i++) {
        gdt[i] = any_descriptor();
        ldt[i] = any_descriptor();
    }
    for (unsigned i = 1; i < 4; i++) {
        gdt[i] = UINT64_C(0x00cf9b000000ffff) | (uint64_t)i << 45;
        gdt[i + 3] = UINT64_C(0x00cf93000000ffff) | (uint64_t)i << 45;
    }
    vcpu.engine.ldt_entries = below(DESCRIPTORS + 1);
}

/* One that means little, or the flat one at @flat for its ring. */
static unsigned selector_for(unsigned who, unsigned flat)
{
    unsigned entry = below(2) ? flat + who : 1 + below(DESCRIPTORS - 1);

    return entry << 3 | who;
}

static unsigned any_selector(void)
{
    return (1 + below(DESCRIPTORS - 1)) << 3 | below(8);
}

/* What the emulation knows, more often than anything else. */
static void fill_code(void)
{
    static const uint8_t opcodes[] = {0x6c, 0x6d, 0x6e, 0x6f, 0x9a, 0xea, 0xff, 0xcd, 0xe4, 0xed, 0xef,
                                      0xfa, 0x89, 0xa3, 0xa5, 0xab, 0xf7, 0x81, 0x0f, 0x0f, 0x0f, 0x0f};
    static const uint8_t prefixes[] = {0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65, 0x66, 0x67, 0xf0, 0xf3};
    static const uint8_t seconds[] = {0x00, 0x01, 0x06, 0x0b, 0x20, 0x22, 0x21, 0x23, 0x30, 0x32, 0xa2, 0xc7, 0xab};
    unsigned at = 0;

    for (unsigned i = 0; i < sizeof(code); i++)
        code[i] = (uint8_t)random_next();
    while (at < 4 && below(3) == 0)
        code[at++] = prefixes[below(sizeof(prefixes))];
    code[at++] = opcodes[below(sizeof(opcodes))];
    if (code[at - 1] == 0x0f)
        code[at++] = seconds[below(sizeof(seconds))];
    if (below(32) == 0)
        memcpy(code, "\x0f\x0b\x78\x65\x6e\x0f\xa2", 7);
}

static uint32_t any_word(void)
{
    return below(3) ? (uint32_t)random_next() : (uint32_t)random_next() & 0xffff;
}

static void fill_frame(void)
{
    uint64_t *const registers[] = {&frame.rax, &frame.rcx, &frame.rdx, &frame.rbx,
                                   &frame.rsp, &frame.rbp, &frame.rsi, &frame.rdi};

    for (unsigned i = 0; i < ARRAY_SIZE(registers); i++)
        *registers[i] = any_word();
    ring = 1 + below(3);
    frame.rip = any_word();
    frame.cs = selector_for(ring, 0);
    frame.ss = selector_for(ring, 3);
    frame.rflags = RFLAGS_ONE | RFLAGS_IF | (random_next() & RFLAGS_GUEST);
    vcpu.state.iopl = (uint64_t)below(4) << 12;
    vcpu.bounce.kernel_ss = selector_for(1, 3);
    vcpu.bounce.kernel_sp = any_word();
}

/* The bytes lie where the segment leads; if there is none, anywhere. */
static void place_code(void)
{
    uint64_t descriptor = 0;

    (void)segment_find(&vcpu, frame.cs & 0xffff, &descriptor);
    code_at = (uint32_t)(segment_base(descriptor) + frame.rip);
}

/*
 * ---- What must hold.
 */

#define ARITHMETIC UINT64_C(0x8d5)

static void check_frame(const struct cpu_frame *before)
{
    const uint64_t words[] = {frame.rax, frame.rcx, frame.rdx, frame.rbx, frame.rsp, frame.rbp,
                              frame.rsi, frame.rdi, frame.rip, frame.cs,  frame.ss};
    uint64_t may_change = RFLAGS_RF | (ring == 1 ? ARITHMETIC : 0);
    uint64_t descriptor = 0;

    for (unsigned i = 0; i < ARRAY_SIZE(words); i++)
        assert_true(words[i] <= UINT32_MAX);
    assert_int_equal(frame.rflags & ~may_change, before->rflags & ~may_change);
    assert_true((frame.cs & 3) >= 1 && (frame.cs & 3) <= ring);
    if (frame.cs == before->cs)
        return;
    /* Through a gate: to code that has that ring, or conforms. */
    assert_true(segment_find(&vcpu, frame.cs & 0xffff, &descriptor) && segment_allows(descriptor, SEGMENT_EXECUTE));
    assert_true(segment_privilege(descriptor) == (frame.cs & 3) ||
                ((descriptor & DESCRIPTOR_CONFORMING) && (frame.cs & 3) == ring));
    assert_true(segment_holds(descriptor, frame.rip, 1));
}

/* A far call or jump through some entry of a table, which may be a gate. */
static enum emulate_result try_gate(void)
{
    uint64_t descriptor = 0;
    unsigned at;

    (void)segment_find(&vcpu, frame.cs & 0xffff, &descriptor);
    at = descriptor & DESCRIPTOR_DEFAULT ? 5 : 3;
    frame.error = any_selector() & 0xfffc;
    if (below(8)) {
        code[0] = below(2) ? 0x9a : 0xea;
        code[at] = (uint8_t)(frame.error | below(4));
        code[at + 1] = 0;
    }
    return emulate_gate(&vcpu);
}

static enum emulate_result try_interrupt(void)
{
    unsigned vector = 0;

    (void)emulate_software_interrupt(&vcpu, &vector);
    assert_true(vector < 256);
    return EMULATE_UNKNOWN; /* which promises the same */
}

enum {
    WAY_PRIVILEGED,
    WAY_FORCED,
    WAY_GATE,
    WAY_WRITE,
    WAY_INTERRUPT,
    WAYS,
};

static enum emulate_result emulate(unsigned way)
{
    switch (way) {
    case WAY_PRIVILEGED:
        return emulate_short(&vcpu) ? EMULATE_DONE : emulate_privileged(&vcpu);
    case WAY_FORCED:
        return emulate_forced(&vcpu);
    case WAY_GATE:
        return try_gate();
    case WAY_WRITE:
        return emulate_write(&vcpu, code_at + below(64), PAGE_FAULT_PRESENT | PAGE_FAULT_WRITE);
    default:
        return try_interrupt();
    }
}

static void test_random(void **state)
{
    unsigned done[WAYS] = {0}, passed = 0;

    (void)state;
    fake_cpu_reset();
    for (unsigned i = 0; i < RUNS; i++) {
        unsigned way = below(WAYS);
        struct cpu_frame before;
        enum emulate_result result;

        if (i % 16 == 0)
            fill_tables();
        fill_code();
        fill_frame();
        place_code();
        exceptions = writes = 0;
        before = frame;
        result = emulate(way);
        before.error = frame.error;
        if (result == EMULATE_UNKNOWN) {
            assert_memory_equal(&frame, &before, sizeof(frame));
            assert_int_equal(exceptions, 0);
            continue;
        }
        check_frame(&before);
        done[way]++;
        passed += frame.cs != before.cs;
    }
    printf("done, or a fault: %u privileged, %u forced, %u by gates, %u of them to other code, %u writes\n",
           done[WAY_PRIVILEGED], done[WAY_FORCED], done[WAY_GATE], passed, done[WAY_WRITE]);
    assert_true(done[WAY_PRIVILEGED] > 1000 && done[WAY_FORCED] > 100 && done[WAY_GATE] > 1000 && passed > 200);
}

static int set_up(void **state)
{
    if (native32_set_up(state))
        return -1;
    for (unsigned i = 2; i < 5; i++)
        native32_set_descriptor(i, UINT64_C(0x00cff3000000ffff));
    domain.engine.width = WIDTH_PAE;
    domain.engine.writable_tables = true;
    vcpu.engine.domain = &domain.engine;
    vcpu.frame = &frame;
    vcpu.info = &info;
    __asm__ volatile("mov %0, %%ds; mov %1, %%es; mov %2, %%gs"
                     :
                     : "r"(NATIVE32_SELECTOR(2)), "r"(NATIVE32_SELECTOR(3)), "r"(NATIVE32_SELECTOR(4)));
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random),
    };

    return cmocka_run_group_tests(tests, set_up, NULL);
}

/* SPDX-License-Identifier: MIT */
/*
 * The frames that a 32-bit guest's kernel finds, over a guest's memory that is a buffer, and descriptors that the test
 * makes up.  What abi/trap.h, [frame32], and abi/callback.h say of them, word by word.
 */
/* links: hv/domain/bounce.c hv/domain/bounce_narrow.c engine/access.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <abi/layout.h>
#include <abi/segment.h>
#include <abi/trap.h>
#include <abi/vm_assist.h>
#include <engine/engine.h>
#include <hv/domain/bounce_frame.h>
#include <hv/domain/shutdown.h>

#define BUFFER     0x10000u /* where the guest's stacks lie */
#define ESP        (BUFFER + 0x400u)
#define KERNEL_SP  (BUFFER + 0x800u)
#define HANDLER    0xc1000000u
#define RIP        0xc1234567u
#define USER_RIP   0x8048123u
#define OWN_CS     0x61u /* segments of the guest's own */
#define OWN_SS     0x69u
#define LIVE_FLAGS (RFLAGS_ONE | RFLAGS_IF | RFLAGS_CF | RFLAGS_ZF)
#define UPPER      (UINT64_C(0xdeadbeef) << 32) /* what such registers may have above, and nobody looks at */

/* Access rights: present, of ring 1, code that may be read, data that may be written. */
#define CODE 0xcfbb00u
#define DATA 0xcfb300u

static struct hv_domain domain;
static struct hv_vcpu vcpu;
static struct cpu_frame frame;
static struct compat_vcpu_info info;
static uint32_t buffer[1024];
static bool anywhere;
static unsigned crashes, writes;

static struct {
    bool there;
    uint32_t rights, limit;
} own_cs, own_ss;

bool entry_read_segment(uint16_t selector, uint32_t *rights, uint32_t *limit)
{
    bool is_cs = selector == OWN_CS;

    if (selector != OWN_CS && selector != OWN_SS)
        return false;
    if (!(is_cs ? own_cs.there : own_ss.there))
        return false;
    *rights = is_cs ? own_cs.rights : own_ss.rights;
    *limit = is_cs ? own_cs.limit : own_ss.limit;
    return true;
}

bool port_copy_to_guest(struct vcpu *which, vaddr_t to, const void *from, size_t size)
{
    assert_ptr_equal(which, &vcpu.engine);
    if (anywhere) {
        assert_true(to.v + size <= COMPAT_HYPERVISOR_VIRT_START);
        writes++;
        return true;
    }
    if (to.v < BUFFER || to.v > BUFFER + sizeof(buffer) - size)
        return false;
    memcpy((uint8_t *)buffer + (to.v - BUFFER), from, size);
    writes++;
    return true;
}

bool port_copy_from_guest(struct vcpu *which, void *to, vaddr_t from, size_t size)
{
    (void)which;
    (void)to;
    (void)from;
    (void)size;
    return false;
}

void shutdown_crash(struct hv_vcpu *which, const char *format, ...)
{
    assert_ptr_equal(which, &vcpu);
    (void)format;
    crashes++;
}

/* Not asked of a 32-bit guest. */
void bounce_wide(struct hv_vcpu *which, struct callback handler)
{
    (void)which;
    (void)handler;
    fail();
}

void bounce_wide_error(struct hv_vcpu *which, struct callback handler, uint64_t error)
{
    (void)error;
    bounce_wide(which, handler);
}

void bounce_wide_selectors(struct hv_vcpu *which, struct callback handler, const uint64_t selectors[4])
{
    (void)selectors;
    bounce_wide(which, handler);
}

/* In ring @ring, events not masked, in flat segments. */
static void make(unsigned ring)
{
    memset(&domain, 0, sizeof(domain));
    memset(&vcpu, 0, sizeof(vcpu));
    memset(&info, 0, sizeof(info));
    memset(&frame, 0x11, sizeof(frame));
    memset(buffer, 0xee, sizeof(buffer));
    domain.engine.width = WIDTH_PAE;
    vcpu.engine.domain = &domain.engine;
    vcpu.frame = &frame;
    vcpu.info = (struct vcpu_info *)&info;
    vcpu.bounce.kernel_sp = KERNEL_SP;
    vcpu.bounce.kernel_ss = FLAT_RING1_SS;
    frame.rip = UPPER | (ring == 1 ? RIP : USER_RIP);
    frame.cs = ring == 1 ? FLAT_RING1_CS : ring == 2 ? 0x72 : FLAT_RING3_CS;
    frame.ss = ring == 1 ? FLAT_RING1_SS : ring == 2 ? 0x7a : FLAT_RING3_SS;
    frame.rflags = LIVE_FLAGS;
    frame.rsp = UPPER | ESP;
    own_cs.there = own_ss.there = true;
    own_cs.rights = CODE;
    own_ss.rights = DATA;
    own_cs.limit = own_ss.limit = UINT32_MAX;
    anywhere = false;
    crashes = writes = 0;
}

static void set_gate(unsigned vector, uint8_t flags)
{
    vcpu.engine.traps[vector] = (struct trap_gate){HANDLER + vector, FLAT_RING1_CS, flags};
}

static uint32_t word(unsigned i)
{
    assert_in_range(frame.rsp, BUFFER, BUFFER + sizeof(buffer) - 1);
    return buffer[(frame.rsp - BUFFER) / 4 + i];
}

/* The handler runs at @address in flat segments, and finds a frame of @words words below @top, and nothing around. */
static void assert_entered(uint32_t address, uint32_t top, unsigned words)
{
    assert_int_equal(crashes, 0);
    assert_int_equal(writes, 1);
    assert_int_equal(frame.rip, address);
    assert_int_equal(frame.cs, FLAT_RING1_CS);
    assert_int_equal(frame.ss, FLAT_RING1_SS);
    assert_int_equal(frame.rsp, top - words * 4);
    assert_int_equal(word(words), 0xeeeeeeee);
    assert_int_equal(buffer[(frame.rsp - BUFFER) / 4 - 1], 0xeeeeeeee);
}

/* From word @at on: what was interrupted, and its stack if that is another. */
static void assert_interrupted(unsigned at, unsigned ring)
{
    assert_int_equal(word(at), ring == 1 ? RIP : USER_RIP);
    assert_int_equal(word(at + 1), ring == 1 ? FLAT_RING1_CS : ring == 2 ? 0x72 : FLAT_RING3_CS);
    assert_int_equal(word(at + 2), LIVE_FLAGS);
    if (ring == 1)
        return;
    assert_int_equal(word(at + 3), ESP);
    assert_int_equal(word(at + 4), ring == 2 ? 0x7a : FLAT_RING3_SS);
}

/* The kernel is in ring 1; whatever is in another has its own stack.  Shows frame32.words, stack_switch.used. */
static void test_frames(void **state)
{
    (void)state;
    for (unsigned ring = 1; ring <= 3; ring++) {
        unsigned words = ring == 1 ? 3 : 5;
        uint32_t top = ring == 1 ? ESP : KERNEL_SP;

        make(ring);
        set_gate(VECTOR_DIVIDE_ERROR, 0);
        bounce_exception(&vcpu, VECTOR_DIVIDE_ERROR);
        assert_entered(HANDLER, top, words);
        assert_interrupted(0, ring);

        make(ring);
        set_gate(VECTOR_PROTECTION, 0);
        bounce_exception_error(&vcpu, VECTOR_PROTECTION, UPPER | 0xfedc);
        assert_entered(HANDLER + VECTOR_PROTECTION, top, words + 1);
        assert_int_equal(word(0), 0xfedc);
        assert_interrupted(1, ring);
    }
}

/* A stack pointer counts as it is: no rounding.  Shows frame32.stack. */
static void test_alignment(void **state)
{
    (void)state;
    make(1);
    frame.rsp = ESP + 3;
    set_gate(0, 0);
    bounce_exception(&vcpu, 0);
    assert_int_equal(frame.rsp, ESP + 3 - 12);
}

/* Bits 16-23 of cs, and the interrupt flag.  Shows frame32.mask. */
static void test_event_mask(void **state)
{
    (void)state;
    for (unsigned masked = 0; masked < 2; masked++) {
        for (unsigned masks = 0; masks < 2; masks++) {
            make(3);
            info.evtchn_upcall_mask = (uint8_t)masked;
            set_gate(0, (uint8_t)(masks * 4 + 3));
            bounce_exception(&vcpu, 0);
            assert_int_equal(word(1), FLAT_RING3_CS | masked << 16);
            assert_int_equal(word(2) & RFLAGS_IF, masked ? 0 : RFLAGS_IF);
            assert_int_equal(info.evtchn_upcall_mask, masked | masks);
            assert_int_equal(frame.rflags & RFLAGS_IF, RFLAGS_IF);
        }
    }
}

/* Shows frame32.flags, vm_assist.iopl. */
static void test_flags(void **state)
{
    static const uint64_t off[] = {RFLAGS_TF, RFLAGS_RF, RFLAGS_NT, RFLAGS_VM};

    (void)state;
    for (unsigned i = 0; i < sizeof(off) / sizeof(off[0]); i++) {
        make(3);
        frame.rflags |= off[i] | RFLAGS_AC;
        set_gate(0, 0);
        bounce_exception(&vcpu, 0);
        assert_int_equal(frame.rflags, LIVE_FLAGS | RFLAGS_AC);
        assert_int_equal(word(2), LIVE_FLAGS | RFLAGS_AC | off[i]);
    }
    for (unsigned shown = 0; shown < 2; shown++) {
        make(1);
        frame.rflags |= RFLAGS_IOPL;
        vcpu.state.iopl = UINT64_C(1) << 12;
        domain.vm_assist = shown ? UINT64_C(1) << VMASST_TYPE_architectural_iopl : 0;
        set_gate(0, 0);
        bounce_exception(&vcpu, 0);
        assert_int_equal(word(2) & RFLAGS_IOPL, shown ? UINT64_C(1) << 12 : 0);
    }
}

/* Shows callback_op.failsafe-32. */
static void test_failsafe(void **state)
{
    static const uint64_t selectors[4] = {0xd5, 0xe5, 0xf5, 0x65};

    (void)state;
    for (unsigned ring = 1; ring <= 3; ring += 2) {
        make(ring);
        vcpu.bounce.failsafe = (struct callback){HANDLER, true, FLAT_RING1_CS};
        bounce_failsafe(&vcpu, selectors);
        assert_entered(HANDLER, ring == 1 ? ESP : KERNEL_SP, ring == 1 ? 7 : 9);
        for (unsigned i = 0; i < 4; i++)
            assert_int_equal(word(i), selectors[i]);
        assert_interrupted(4, ring);
        assert_int_equal(info.evtchn_upcall_mask, 1);
    }
}

/*
 * ---- Segments.
 */

/* In the segment that the handler was given with, and always in ring 1.  Shows frame32.segments. */
static void test_own_segments(void **state)
{
    (void)state;
    for (unsigned rpl = 0; rpl < 4; rpl++) {
        make(3);
        vcpu.engine.traps[0] = (struct trap_gate){HANDLER, (uint16_t)((OWN_CS & ~3u) | rpl), 0};
        vcpu.bounce.kernel_ss = (OWN_SS & ~3u) | rpl;
        bounce_exception(&vcpu, 0);
        assert_int_equal(crashes, 0);
        assert_int_equal(frame.cs, OWN_CS);
        assert_int_equal(frame.ss, OWN_SS);
    }
    make(1); /* the stack does not change, nor does its segment */
    set_gate(0, 0);
    frame.ss = OWN_SS;
    bounce_exception(&vcpu, 0);
    assert_int_equal(frame.ss, OWN_SS);
}

/* A handler in @cs, with its stack in @ss; then: does it run? */
static void try_segments(uint16_t cs, uint16_t ss)
{
    make(3);
    vcpu.engine.traps[0] = (struct trap_gate){HANDLER, cs, 4};
    vcpu.bounce.kernel_ss = ss;
}

static void expect(bool good)
{
    bounce_exception(&vcpu, 0);
    assert_int_equal(crashes, !good);
    assert_int_equal(writes, good);
    assert_int_equal(info.evtchn_upcall_mask, good);
    assert_int_equal(frame.rip, good ? HANDLER : UPPER | USER_RIP);
}

/* Each byte of access rights: what a return to ring 1 would refuse is refused before.  Shows frame32.bad-segment. */
static void test_rights(void **state)
{
    (void)state;
    for (unsigned byte = 0; byte < 256; byte++) {
        bool is_segment = (byte & 0x90) == 0x90, is_ring1 = (byte & 0x60) == 0x20;
        bool conforms = (byte & 0x6c) == 0x0c; /* of the hypervisor's ring, which no guest's descriptor is */

        try_segments(OWN_CS, FLAT_RING1_SS);
        own_cs.rights = 0xc00000 | byte << 8;
        expect(is_segment && byte & 8 && (is_ring1 || conforms));

        try_segments(FLAT_RING1_CS, OWN_SS);
        own_ss.rights = 0xc00000 | byte << 8;
        expect(is_segment && (byte & 0xa) == 2 && is_ring1);
    }
}

/* Nor can it be 64-bit code, of which there is none, or beyond the limit, or nothing. */
static void test_no_place(void **state)
{
    static const uint16_t nothing[] = {0, 1, 3, 0xe009, FLAT_RING3_CS, FLAT_RING1_DS};

    (void)state;
    try_segments(OWN_CS, FLAT_RING1_SS);
    own_cs.rights |= 1u << 21;
    expect(false);
    try_segments(OWN_CS, FLAT_RING1_SS);
    own_cs.limit = HANDLER;
    expect(true);
    try_segments(OWN_CS, FLAT_RING1_SS);
    own_cs.limit = HANDLER - 1;
    expect(false);
    for (unsigned i = 0; i < sizeof(nothing) / sizeof(nothing[0]); i++) {
        try_segments(nothing[i], FLAT_RING1_SS);
        expect(false);
        try_segments(FLAT_RING1_CS, nothing[i]);
        if (nothing[i] != FLAT_RING1_DS)
            expect(false);
    }
}

/* The longest frame and the shortest, at each place around the edges.  Shows frame32.nowhere. */
static void xsa_215_frames_at_the_edges_of_a_narrow_guest(void **state)
{
    static const uint32_t edges[] = {0, COMPAT_HYPERVISOR_VIRT_START};
    static const uint64_t selectors[4];

    (void)state;
    for (unsigned i = 0; i < 2 * (64 + 64); i++) {
        uint32_t esp = edges[i & 1] + 4 * (i / 2) - 256;

        for (unsigned failsafe = 0; failsafe < 2; failsafe++) {
            uint32_t size = failsafe ? 9 * 4 : 5 * 4, first = esp - size;
            bool good = first + size >= size && first + size <= COMPAT_HYPERVISOR_VIRT_START;

            make(3);
            anywhere = true;
            vcpu.bounce.kernel_sp = esp;
            vcpu.bounce.failsafe = (struct callback){HANDLER, false, FLAT_RING1_CS};
            set_gate(0, 0);
            if (failsafe)
                bounce_failsafe(&vcpu, selectors);
            else
                bounce_exception(&vcpu, 0);
            assert_int_equal(writes, good);
            assert_int_equal(crashes, !good);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_frames),
        cmocka_unit_test(test_alignment),
        cmocka_unit_test(test_event_mask),
        cmocka_unit_test(test_flags),
        cmocka_unit_test(test_failsafe),
        cmocka_unit_test(test_own_segments),
        cmocka_unit_test(test_rights),
        cmocka_unit_test(test_no_place),
        cmocka_unit_test(xsa_215_frames_at_the_edges_of_a_narrow_guest),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

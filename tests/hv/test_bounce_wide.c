/* SPDX-License-Identifier: MIT */
/*
 * The frames that a 64-bit guest's kernel finds, over a guest's memory that is a buffer.  What abi/trap.h
 * and abi/callback.h say of them, word by word; that the processor then takes them is seen by guests/tests/exceptions,
 * events, syscalls and segments.
 */
/* links: hv/domain/bounce.c hv/domain/bounce_wide.c hv/domain/bounce_narrow.c engine/access.c */
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
#include <hv/cpu/cpu.h>
#include <hv/cpu/user_word.h>
#include <hv/domain/shutdown.h>
#include <hv/domain/vcpu.h>

#define BUFFER       UINT64_C(0x10000) /* where the guest's stacks lie */
#define KERNEL_SP    (BUFFER + 0x800)
#define HANDLER      UINT64_C(0xffffffff81000000)
#define RIP          UINT64_C(0xffffffff81234567)
#define USER_RIP     UINT64_C(0x401234)
#define LIVE_FLAGS   (RFLAGS_ONE | RFLAGS_IF | RFLAGS_CF | RFLAGS_ZF)
#define HANDLER_OFF  (RFLAGS_TF | RFLAGS_RF | RFLAGS_NT | RFLAGS_VM | RFLAGS_AC)
#define MASKED_IN_CS (UINT64_C(1) << 32)

struct cpu_features cpu_features_found; /* without SMAP */

static struct hv_domain domain;
static struct hv_vcpu vcpu;
static struct cpu_frame frame;
static struct vcpu_info info;
static uint64_t buffer[512];
static bool buffer_is_gone, anywhere, kernel_entered, gs_swapped;
static unsigned crashes, writes;

bool user_word_write(uint64_t to, uint64_t word)
{
    assert_false(vcpu.engine.user_mode); /* the kernel's tables are to be in use */
    if (anywhere) {
        assert_true(to + 8 <= HYPERVISOR_VIRT_START || to >= HYPERVISOR_VIRT_END);
        writes++;
        return true;
    }
    if (buffer_is_gone || to < BUFFER || to > BUFFER + sizeof(buffer) - 8)
        return false;
    memcpy((uint8_t *)buffer + (to - BUFFER), &word, sizeof(word));
    writes++;
    return true;
}

/* Of 32-bit guests. */
bool port_copy_to_guest(struct vcpu *which, vaddr_t to, const void *from, size_t size)
{
    (void)which;
    (void)to;
    (void)from;
    (void)size;
    return false;
}

bool port_copy_from_guest(struct vcpu *which, void *to, vaddr_t from, size_t size)
{
    (void)which;
    (void)to;
    (void)from;
    (void)size;
    return false;
}

bool entry_read_segment(uint16_t selector, uint32_t *rights, uint32_t *limit)
{
    (void)selector;
    (void)rights;
    (void)limit;
    return false;
}

void vcpu_enter_kernel(struct vcpu *which)
{
    assert_true(which->user_mode);
    which->user_mode = false;
    kernel_entered = true;
}

void state_swap_gs(void)
{
    gs_swapped = !gs_swapped;
}

void shutdown_crash(struct hv_vcpu *which, const char *format, ...)
{
    assert_ptr_equal(which, &vcpu);
    (void)format;
    domain.ended = true;
    crashes++;
}

/* In the kernel, or in a program of it, events not masked. */
static void make(bool user)
{
    memset(&domain, 0, sizeof(domain));
    memset(&vcpu, 0, sizeof(vcpu));
    memset(buffer, 0xee, sizeof(buffer));
    memset(&info, 0, sizeof(info));
    memset(&frame, 0x11, sizeof(frame));
    vcpu.engine.domain = &domain.engine;
    vcpu.engine.user_mode = user;
    vcpu.frame = &frame;
    vcpu.info = &info;
    vcpu.bounce.kernel_sp = KERNEL_SP;
    frame.rcx = 0xc0c0;
    frame.r11 = 0x1111;
    frame.rip = user ? USER_RIP : RIP;
    frame.cs = FLAT_USER_CS64;
    frame.rflags = LIVE_FLAGS;
    frame.rsp = BUFFER + 0x400;
    frame.ss = FLAT_USER_SS64;
    buffer_is_gone = anywhere = kernel_entered = gs_swapped = false;
    crashes = writes = 0;
}

static uint64_t word(unsigned i)
{
    assert_in_range(frame.rsp, BUFFER, BUFFER + sizeof(buffer) - 1);
    return buffer[(frame.rsp - BUFFER) / 8 + i];
}

/* The handler runs at @address, and finds a frame of @words words below @top whose rip is word @rip_at. */
static void assert_entered(uint64_t address, uint64_t top, unsigned words)
{
    assert_int_equal(crashes, 0);
    assert_int_equal(writes, words);
    assert_int_equal(frame.rip, address);
    assert_int_equal(frame.cs, FLAT_KERNEL_CS64);
    assert_int_equal(frame.ss, FLAT_KERNEL_SS64);
    assert_int_equal(frame.rsp, top - words * 8);
    assert_int_equal(frame.rflags & HANDLER_OFF, 0);
    assert_int_equal(word(0), 0xc0c0);
    assert_int_equal(word(1), 0x1111);
    assert_int_equal(buffer[(frame.rsp - BUFFER) / 8 + words], UINT64_C(0xeeeeeeeeeeeeeeee));
    assert_int_equal(buffer[(frame.rsp - BUFFER) / 8 - 1], UINT64_C(0xeeeeeeeeeeeeeeee));
}

static void assert_interrupted(unsigned at, uint64_t rip, uint64_t cs, uint64_t rsp)
{
    assert_int_equal(word(at), rip);
    assert_int_equal(word(at + 1), cs);
    assert_int_equal(word(at + 2), LIVE_FLAGS);
    assert_int_equal(word(at + 3), rsp);
    assert_int_equal(word(at + 4), FLAT_USER_SS64);
}

static void set_gate(unsigned vector, uint8_t flags)
{
    vcpu.engine.traps[vector] = (struct trap_gate){HANDLER + vector, FLAT_KERNEL_CS64, flags};
}

/*
 * ---- Exceptions.
 */

/* Shows frame64.words, frame64.stack-kernel, frame64.cs, frame64.handler. */
static void test_exception_in_kernel(void **state)
{
    (void)state;
    make(false);
    set_gate(VECTOR_INVALID_OPCODE, 0);
    bounce_exception(&vcpu, VECTOR_INVALID_OPCODE);
    assert_entered(HANDLER + VECTOR_INVALID_OPCODE, BUFFER + 0x400, 7);
    assert_interrupted(2, RIP, FLAT_USER_CS64 & ~3u, BUFFER + 0x400);
    assert_false(kernel_entered || gs_swapped);
    assert_int_equal(info.evtchn_upcall_mask, 0);
}

/* Shows frame64.words, frame64.stack-user, frame64.cs, stack_switch.used. */
static void test_exception_in_user(void **state)
{
    (void)state;
    make(true);
    set_gate(VECTOR_DIVIDE_ERROR, 0);
    bounce_exception(&vcpu, VECTOR_DIVIDE_ERROR);
    assert_entered(HANDLER, KERNEL_SP, 7);
    assert_interrupted(2, USER_RIP, FLAT_USER_CS64, BUFFER + 0x400);
    assert_true(kernel_entered && gs_swapped);
}

/* Shows frame64.error-code. */
static void test_error_code(void **state)
{
    (void)state;
    for (unsigned user = 0; user < 2; user++) {
        make(user);
        set_gate(VECTOR_PROTECTION, 0);
        bounce_exception_error(&vcpu, VECTOR_PROTECTION, 0xfedc);
        assert_entered(HANDLER + VECTOR_PROTECTION, user ? KERNEL_SP : BUFFER + 0x400, 8);
        assert_int_equal(word(2), 0xfedc);
        assert_interrupted(3, user ? USER_RIP : RIP, user ? FLAT_USER_CS64 : FLAT_USER_CS64 & ~3u, BUFFER + 0x400);
    }
}

/* Rounded down to 16 before anything is stored, from any stack pointer.  Shows frame64.alignment. */
static void test_alignment(void **state)
{
    (void)state;
    for (unsigned off = 0; off < 32; off++) {
        for (unsigned user = 0; user < 2; user++) {
            make(user);
            frame.rsp += off;
            vcpu.bounce.kernel_sp += off;
            set_gate(0, 0);
            bounce_exception(&vcpu, 0);
            assert_int_equal(frame.rsp, ((user ? KERNEL_SP : BUFFER + 0x400) + off) / 16 * 16 - 7 * 8);
            assert_int_equal(word(5), BUFFER + 0x400 + off);
        }
    }
}

/*
 * Bit 2 of a gate masks events; what was in force is in the frame, in cs and as the interrupt flag.  Shows
 * frame64.mask, frame64.handler-mask.
 */
static void test_event_mask(void **state)
{
    (void)state;
    for (unsigned masked = 0; masked < 2; masked++) {
        for (unsigned masks = 0; masks < 2; masks++) {
            make(false);
            info.evtchn_upcall_mask = (uint8_t)masked;
            set_gate(0, (uint8_t)(masks * 4 + 3));
            bounce_exception(&vcpu, 0);
            assert_int_equal(word(3), (FLAT_USER_CS64 & ~3u) | (masked ? MASKED_IN_CS : 0));
            assert_int_equal(word(4) & RFLAGS_IF, masked ? 0 : RFLAGS_IF);
            assert_int_equal(info.evtchn_upcall_mask, masked | masks);
            assert_int_equal(frame.rflags & RFLAGS_IF, RFLAGS_IF);
        }
    }
}

/*
 * What is no part of a selector is not shown, and does not reach the place of the mask.  Shows frame64.cs,
 * frame64.handler.
 */
static void test_selectors(void **state)
{
    (void)state;
    make(true);
    frame.cs = UINT64_C(0xabcdef0123450033);
    frame.ss = UINT64_C(0xabcdef012345002b);
    set_gate(0, 0);
    bounce_exception(&vcpu, 0);
    assert_int_equal(word(3), 0x33);
    assert_int_equal(word(6), 0x2b);
    assert_int_equal(frame.cs, FLAT_KERNEL_CS64);
    assert_int_equal(frame.ss, FLAT_KERNEL_SS64);
}

/* Shows frame64.iopl, vm_assist.iopl. */
static void test_iopl(void **state)
{
    (void)state;
    for (unsigned shown = 0; shown < 2; shown++) {
        make(false);
        frame.rflags |= RFLAGS_IOPL;
        vcpu.state.iopl = UINT64_C(1) << 12;
        domain.vm_assist = shown ? UINT64_C(1) << VMASST_TYPE_architectural_iopl : 0;
        set_gate(0, 0);
        bounce_exception(&vcpu, 0);
        assert_int_equal(word(4) & RFLAGS_IOPL, shown ? UINT64_C(1) << 12 : 0);
    }
}

/* The handler runs without these flags; the frame has them as they were.  Shows frame64.handler. */
static void test_flags(void **state)
{
    static const uint64_t flags[] = {RFLAGS_TF, RFLAGS_RF, RFLAGS_NT, RFLAGS_VM, RFLAGS_AC};

    (void)state;
    for (unsigned i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
        make(true);
        frame.rflags |= flags[i];
        set_gate(VECTOR_DEBUG, 0);
        bounce_exception(&vcpu, VECTOR_DEBUG);
        assert_int_equal(frame.rflags, LIVE_FLAGS);
    }
}

/* Shows frame64.cr2, frame64.user-bit. */
static void test_page_fault(void **state)
{
    (void)state;
    for (unsigned user = 0; user < 2; user++) {
        for (uint64_t error = 0; error < 32; error++) {
            make(user);
            set_gate(VECTOR_PAGE_FAULT, 0);
            bounce_page_fault(&vcpu, 0x1234567, error);
            assert_entered(HANDLER + VECTOR_PAGE_FAULT, user ? KERNEL_SP : BUFFER + 0x400, 8);
            assert_int_equal(word(2), (error & ~PAGE_FAULT_USER) | (user ? PAGE_FAULT_USER : 0));
            assert_int_equal(info.arch.cr2, 0x1234567);
        }
    }
}

/*
 * ---- Callbacks.
 */

/* Shows callback_op.syscall, callback_op.syscall-direction, callback_op.mask-events. */
static void test_syscall(void **state)
{
    (void)state;
    make(true);
    vcpu.bounce.syscall = (struct callback){HANDLER, true, 0};
    frame.rflags |= RFLAGS_DF;
    bounce_syscall(&vcpu);
    assert_entered(HANDLER, KERNEL_SP, 7);
    assert_int_equal(word(4), LIVE_FLAGS | RFLAGS_DF);
    assert_int_equal(frame.rflags & RFLAGS_DF, 0);
    assert_int_equal(info.evtchn_upcall_mask, 1);
}

/*
 * 32-bit code has a callback of its own; without one of its kind, the instruction is none: rip is at its start.  Shows
 * callback_op.syscall, callback_op.syscall-none.
 */
static void test_syscall_kinds(void **state)
{
    (void)state;
    for (unsigned kind = 0; kind < 2; kind++) {
        make(true);
        frame.cs = kind ? FLAT_USER_CS32 : FLAT_USER_CS64;
        vcpu.bounce.syscall.address = HANDLER + 0x1000;
        vcpu.bounce.syscall32.address = HANDLER + 0x2000;
        bounce_syscall(&vcpu);
        assert_entered(HANDLER + (kind ? 0x2000 : 0x1000), KERNEL_SP, 7);

        make(true);
        frame.cs = kind ? FLAT_USER_CS32 : FLAT_USER_CS64;
        *(kind ? &vcpu.bounce.syscall : &vcpu.bounce.syscall32) = (struct callback){.address = HANDLER};
        set_gate(VECTOR_INVALID_OPCODE, 0);
        bounce_syscall(&vcpu);
        assert_entered(HANDLER + VECTOR_INVALID_OPCODE, KERNEL_SP, 7);
        assert_int_equal(word(2), USER_RIP - 2);
    }
}

/* Shows callback_op.sysenter-none, callback_op.mask-events. */
static void test_sysenter(void **state)
{
    (void)state;
    make(true);
    vcpu.bounce.sysenter = (struct callback){HANDLER + 0x3000, true, 0};
    bounce_sysenter(&vcpu);
    assert_entered(HANDLER + 0x3000, KERNEL_SP, 7);
    assert_interrupted(2, USER_RIP, FLAT_USER_CS64, BUFFER + 0x400);
    assert_int_equal(info.evtchn_upcall_mask, 1);

    make(true);
    set_gate(VECTOR_PROTECTION, 0);
    bounce_sysenter(&vcpu);
    assert_entered(HANDLER + VECTOR_PROTECTION, KERNEL_SP, 8);
    assert_int_equal(word(2), 0);
}

/* Shows callback_op.failsafe. */
static void test_failsafe(void **state)
{
    static const uint64_t selectors[4] = {0xd5, 0xe5, 0xf5, 0x65};

    (void)state;
    make(false);
    vcpu.bounce.failsafe.address = HANDLER;
    bounce_failsafe(&vcpu, selectors);
    assert_entered(HANDLER, BUFFER + 0x400, 11);
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(word(2 + i), selectors[i]);
    assert_interrupted(6, RIP, FLAT_USER_CS64 & ~3u, BUFFER + 0x400);
}

/* Shows callback_op.event, shared_info.upcall. */
static void test_event(void **state)
{
    (void)state;
    make(true);
    vcpu.bounce.event = (struct callback){.address = HANDLER}; /* that it masks events is not the guest's choice */
    bounce_event(&vcpu);
    assert_entered(HANDLER, KERNEL_SP, 7);
    assert_int_equal(info.evtchn_upcall_mask, 1);
}

/*
 * An NMI is asked for, delivered once, and blocks the next one; without a callback it is forgotten.  Shows
 * callback_op.nmi.
 */
static void test_nmi(void **state)
{
    (void)state;
    make(true);
    bounce_request_nmi(&vcpu);
    assert_true(vcpu.bounce.nmi_pending && vcpu.run.attention);
    bounce_nmi(&vcpu);
    assert_false(vcpu.bounce.nmi_pending || vcpu.bounce.nmi_blocked);
    assert_int_equal(frame.rip, USER_RIP);
    assert_int_equal(writes + crashes, 0);

    vcpu.bounce.nmi = (struct callback){.address = HANDLER};
    bounce_request_nmi(&vcpu);
    bounce_nmi(&vcpu);
    assert_entered(HANDLER, KERNEL_SP, 7);
    assert_false(vcpu.bounce.nmi_pending);
    assert_true(vcpu.bounce.nmi_blocked);
}

/*
 * ---- What cannot be delivered is the domain's end, not the hypervisor's, and leaves no half of an entry behind.
 */

/* Shows set_trap_table.no-handler, shared_info.no-callback. */
static void test_no_handler(void **state)
{
    static const uint64_t selectors[4];

    (void)state;
    make(true);
    bounce_exception(&vcpu, VECTOR_DIVIDE_ERROR);
    bounce_exception_error(&vcpu, VECTOR_PROTECTION, 0);
    bounce_page_fault(&vcpu, 0, 0);
    bounce_syscall(&vcpu);
    bounce_sysenter(&vcpu);
    bounce_failsafe(&vcpu, selectors);
    bounce_event(&vcpu);
    assert_int_equal(crashes, 7);
    assert_int_equal(writes, 0);
    assert_false(kernel_entered || gs_swapped);
}

/* Shows stack_switch.bad-stack, frame64.nowhere. */
static void test_no_stack(void **state)
{
    (void)state;
    for (unsigned user = 0; user < 2; user++) {
        make(user);
        buffer_is_gone = true;
        set_gate(0, 4);
        bounce_exception(&vcpu, 0);
        assert_int_equal(crashes, 1);
        assert_int_equal(frame.rip, user ? USER_RIP : RIP);
        assert_int_equal(info.evtchn_upcall_mask, 0);
    }
}

/* The longest frame and the shortest, at each place around the edges: all of it is the guest's, or none is written. */
static void try_edge(uint64_t rsp)
{
    static const uint64_t selectors[4];

    for (unsigned failsafe = 0; failsafe < 2; failsafe++) {
        unsigned size = failsafe ? 11 * 8 : 7 * 8;
        uint64_t first = (rsp & ~UINT64_C(15)) - size, last = first + size - 1;
        bool good = first < last && (last < UINT64_C(0x800000000000) || first >= HYPERVISOR_VIRT_END);

        make(true);
        anywhere = true;
        vcpu.bounce.kernel_sp = rsp;
        vcpu.bounce.failsafe.address = HANDLER;
        set_gate(0, 0);
        if (failsafe)
            bounce_failsafe(&vcpu, selectors);
        else
            bounce_exception(&vcpu, 0);
        assert_int_equal(writes, good ? size / 8 : 0);
        assert_int_equal(crashes, !good);
    }
}

/* Shows frame64.nowhere. */
static void xsa_215_frames_at_the_edges_of_the_hypervisor(void **state)
{
    static const uint64_t edges[] = {0, UINT64_C(0x800000000000), HYPERVISOR_VIRT_START, HYPERVISOR_VIRT_END};

    (void)state;
    for (unsigned i = 0; i < sizeof(edges) / sizeof(edges[0]); i++) {
        for (int64_t off = -256; off <= 256; off += 8)
            try_edge(edges[i] + (uint64_t)off);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exception_in_kernel),
        cmocka_unit_test(test_exception_in_user),
        cmocka_unit_test(test_error_code),
        cmocka_unit_test(test_alignment),
        cmocka_unit_test(test_event_mask),
        cmocka_unit_test(test_selectors),
        cmocka_unit_test(test_iopl),
        cmocka_unit_test(test_flags),
        cmocka_unit_test(test_page_fault),
        cmocka_unit_test(test_syscall),
        cmocka_unit_test(test_syscall_kinds),
        cmocka_unit_test(test_sysenter),
        cmocka_unit_test(test_failsafe),
        cmocka_unit_test(test_event),
        cmocka_unit_test(test_nmi),
        cmocka_unit_test(test_no_handler),
        cmocka_unit_test(test_no_stack),
        cmocka_unit_test(xsa_215_frames_at_the_edges_of_the_hypervisor),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

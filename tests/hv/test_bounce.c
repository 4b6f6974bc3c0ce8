/* SPDX-License-Identifier: MIT */
/*
 * Which handler runs: what hv/domain/bounce.c asks the makers of frames for.  What the frames look like is seen by
 * test_bounce_wide.c and test_bounce_narrow.c, and that the kernel finds them, by guests/tests.
 */
/* links: hv/domain/bounce.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <abi/segment.h>
#include <hv/domain/bounce_frame.h>
#include <hv/domain/shutdown.h>

#define HANDLER UINT64_C(0xc1000000)
#define RIP     UINT64_C(0x401234)

static struct hv_domain domain;
static struct hv_vcpu vcpu;
static struct cpu_frame frame;
static struct vcpu_info info;
static unsigned crashes;

/* What has been asked for last. */
static struct {
    unsigned count;
    char kind; /* '-', 'e'rror, 's'electors */
    enum width width;
    struct callback handler;
    uint64_t error, selector;
} asked;

static void ask(char kind, enum width width, struct callback handler)
{
    asked.count++;
    asked.kind = kind;
    asked.width = width;
    asked.handler = handler;
}

#define MAKERS(name, form)                                                                             \
    void name(struct hv_vcpu *which, struct callback handler)                                          \
    {                                                                                                  \
        assert_ptr_equal(which, &vcpu);                                                                \
        ask('-', form, handler);                                                                       \
    }                                                                                                  \
    void name##_error(struct hv_vcpu *which, struct callback handler, uint64_t error)                  \
    {                                                                                                  \
        assert_ptr_equal(which, &vcpu);                                                                \
        asked.error = error;                                                                           \
        ask('e', form, handler);                                                                       \
    }                                                                                                  \
    void name##_selectors(struct hv_vcpu *which, struct callback handler, const uint64_t selectors[4]) \
    {                                                                                                  \
        assert_ptr_equal(which, &vcpu);                                                                \
        asked.selector = selectors[0];                                                                 \
        ask('s', form, handler);                                                                       \
    }
MAKERS(bounce_wide, WIDTH_64)
MAKERS(bounce_narrow, WIDTH_PAE)

void shutdown_crash(struct hv_vcpu *which, const char *format, ...)
{
    assert_ptr_equal(which, &vcpu);
    (void)format;
    crashes++;
}

static void make(enum width width)
{
    memset(&domain, 0, sizeof(domain));
    memset(&vcpu, 0, sizeof(vcpu));
    memset(&info, 0, sizeof(info));
    memset(&frame, 0, sizeof(frame));
    memset(&asked, 0, sizeof(asked));
    domain.engine.width = width;
    vcpu.engine.domain = &domain.engine;
    vcpu.frame = &frame;
    vcpu.info = &info;
    frame.rip = RIP;
    frame.cs = FLAT_USER_CS64;
    frame.ss = FLAT_USER_SS64;
    frame.rflags = RFLAGS_ONE | RFLAGS_IF | RFLAGS_DF;
    crashes = 0;
}

static void assert_asked(char kind, enum width width, uint64_t address, bool mask_events, uint16_t cs)
{
    assert_int_equal(crashes, 0);
    assert_int_equal(asked.count, 1);
    assert_int_equal(asked.kind, kind);
    assert_int_equal(asked.width, width);
    assert_int_equal(asked.handler.address, address);
    assert_int_equal(asked.handler.mask_events, mask_events);
    assert_int_equal(asked.handler.cs, cs);
}

#define EACH_WIDTH for (enum width width = WIDTH_64; width <= WIDTH_PAE; width++)

/* The gate says where, and whether events are masked: its bit 2. */
static void test_exceptions(void **state)
{
    (void)state;
    EACH_WIDTH
    {
        for (uint8_t flags = 0; flags < 8; flags++) {
            make(width);
            vcpu.engine.traps[6] = (struct trap_gate){HANDLER, 0x61, flags};
            bounce_exception(&vcpu, 6);
            assert_asked('-', width, HANDLER, flags & 4, 0x61);
            asked.count = 0;
            bounce_exception_error(&vcpu, 6, 0x1234);
            assert_asked('e', width, HANDLER, flags & 4, 0x61);
            assert_int_equal(asked.error, 0x1234);
        }
    }
}

/*
 * By the mode of a 64-bit guest, whose rings are one; of a 32-bit one the processor's own bit is right.  CR2 first.
 * Shows frame32.cr2.
 */
static void test_page_fault(void **state)
{
    const struct compat_vcpu_info *compat = (const struct compat_vcpu_info *)&info;

    (void)state;
    EACH_WIDTH
    {
        for (uint64_t error = 0; error < 32; error++) {
            for (unsigned user = 0; user < 2; user++) {
                uint64_t expected = width == WIDTH_PAE ? error : (error & ~PAGE_FAULT_USER) | user * PAGE_FAULT_USER;

                make(width);
                vcpu.engine.user_mode = width == WIDTH_64 && user;
                vcpu.engine.traps[VECTOR_PAGE_FAULT] = (struct trap_gate){HANDLER, 0x61, 0};
                bounce_page_fault(&vcpu, 0x1234567, error);
                assert_asked('e', width, HANDLER, false, 0x61);
                assert_int_equal(asked.error, expected);
                assert_int_equal(frame.error, expected);
                assert_int_equal(width == WIDTH_64 ? info.arch.cr2 : compat->arch.cr2, 0x1234567);
            }
        }
    }
}

static void set_callbacks(uint64_t address)
{
    struct callback *const all[] = {&vcpu.bounce.event,     &vcpu.bounce.failsafe, &vcpu.bounce.syscall,
                                    &vcpu.bounce.syscall32, &vcpu.bounce.sysenter, &vcpu.bounce.nmi};

    for (unsigned i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        *all[i] = (struct callback){address + i, false, (uint16_t)(0x71 + 8 * i)};
}

static void test_callbacks(void **state)
{
    static const uint64_t selectors[4] = {0x5e};

    (void)state;
    EACH_WIDTH
    {
        make(width);
        set_callbacks(HANDLER);
        bounce_event(&vcpu);
        assert_asked('-', width, HANDLER, true, 0x71); /* masked whatever the guest has asked for */
        asked.count = 0;
        bounce_failsafe(&vcpu, selectors);
        assert_asked('s', width, HANDLER + 1, false, 0x79);
        assert_int_equal(asked.selector, 0x5e);
        asked.count = 0;
        bounce_nmi(&vcpu);
        assert_asked('-', width, HANDLER + 5, false, 0x99);
        assert_true(vcpu.bounce.nmi_blocked);
    }
}

/*
 * By the code that the program is in; a 32-bit guest has no other.  The selectors are lost, and said to be flat.  Shows
 * callback_op.syscall-frame-32, callback_op.sysenter-ss.
 */
static void test_syscalls(void **state)
{
    (void)state;
    for (unsigned kind = 0; kind < 3; kind++) {
        make(kind == 2 ? WIDTH_PAE : WIDTH_64);
        set_callbacks(HANDLER);
        frame.cs = kind ? FLAT_USER_CS32 : FLAT_USER_CS64;
        bounce_syscall(&vcpu);
        assert_asked('-', domain.engine.width, HANDLER + (kind ? 3 : 2), false, kind ? 0x89 : 0x81);
        assert_false(frame.rflags & RFLAGS_DF);
        assert_int_equal(frame.cs, kind == 2 ? FLAT_RING3_CS : kind ? FLAT_USER_CS32 : FLAT_USER_CS64);
        assert_int_equal(frame.ss, kind == 2 ? FLAT_RING3_SS : FLAT_USER_SS64);
    }
    EACH_WIDTH
    {
        make(width);
        set_callbacks(HANDLER);
        frame.cs = 3;
        bounce_sysenter(&vcpu);
        assert_asked('-', width, HANDLER + 4, false, 0x91);
        assert_int_equal(frame.cs, 3);
        assert_int_equal(frame.ss, width == WIDTH_64 ? FLAT_USER_SS64 : FLAT_RING3_SS);
    }
}

/* Without a callback the instruction is the program's fault: #UD at its start, #GP. */
static void xsa_8_no_callback_for_the_instruction(void **state)
{
    (void)state;
    EACH_WIDTH
    {
        make(width);
        frame.cs = FLAT_USER_CS32;
        vcpu.engine.traps[VECTOR_INVALID_OPCODE] = (struct trap_gate){HANDLER, 0x61, 4};
        vcpu.engine.traps[VECTOR_PROTECTION] = (struct trap_gate){HANDLER + 1, 0x61, 4};
        bounce_syscall(&vcpu);
        assert_asked('-', width, HANDLER, true, 0x61);
        assert_int_equal(frame.rip, RIP - 2);
        asked.count = 0;
        bounce_sysenter(&vcpu);
        assert_asked('e', width, HANDLER + 1, true, 0x61);
        assert_int_equal(asked.error, 0);
    }
}

static void test_no_handler(void **state)
{
    static const uint64_t selectors[4];

    (void)state;
    EACH_WIDTH
    {
        make(width);
        bounce_exception(&vcpu, 0);
        bounce_exception_error(&vcpu, 13, 0);
        bounce_page_fault(&vcpu, 0, 0);
        bounce_failsafe(&vcpu, selectors);
        bounce_event(&vcpu);
        assert_int_equal(crashes, 5);
        bounce_nmi(&vcpu); /* which is just forgotten */
        assert_int_equal(crashes, 5);
        assert_int_equal(asked.count, 0);
        assert_false(vcpu.bounce.nmi_blocked);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exceptions), cmocka_unit_test(test_page_fault),
        cmocka_unit_test(test_callbacks),  cmocka_unit_test(test_syscalls),
        cmocka_unit_test(test_no_handler), cmocka_unit_test(xsa_8_no_callback_for_the_instruction),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

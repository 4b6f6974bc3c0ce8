/* SPDX-License-Identifier: MIT */
/*
 * What of the processor belongs to a vCPU: hv/domain/state.c on a processor that is made up, but for xsave and what
 * cpuid says of it, which are those of the machine that runs the test.  That no state reaches another vCPU or is lost
 * on the way is seen by guests/tests/fpu and privileged, and by tests/linux.
 *
 * The file is compiled into its test, so that the test can say what the processor offers.
 */
/* links: engine/access.c tests/hv/lib/fake_cpu.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <abi/errno.h>
#include <abi/layout.h>
#include <engine/engine.h>
#include <hv/base/asm.h>
#include <hv/cpu/cpu.h>
#include <hv/domain/state.c>
#include <hv/domain/vcpu.h>
#include <hv/mem/allocate.h>
#include <tests/hv/lib/fake_cpu.h>

#define FS_BASE   0xc0000100u
#define GS_BASE   0xc0000101u
#define GS_OTHER  0xc0000102u
#define FCW_RESET 0x40u

struct cpu cpu_boot;

static struct cpu_features features;

static struct hv_domain domain;
static struct hv_vcpu vcpu;
static bool no_memory, refuses[4];
static unsigned objects, loads;
static size_t area_size;
static uint16_t loaded[4]; /* ds, es, fs, gs */
static uint64_t gs_base_at_load;

const struct cpu_features *cpu_features(void)
{
    return &features;
}

void *allocate(size_t size)
{
    void *object = no_memory ? NULL : aligned_alloc(4096, (size + 4095) / 4096 * 4096);

    if (!object)
        return NULL;
    memset(object, 0, size);
    objects++;
    area_size = size;
    return object;
}

void release(void *object, size_t size)
{
    assert_int_equal(size, area_size);
    objects--;
    free(object);
}

static bool load(unsigned which, uint16_t selector)
{
    loads++;
    loaded[which] = selector;
    gs_base_at_load = *fake_cpu_msr(GS_BASE);
    return !refuses[which];
}

bool entry_load_ds(uint16_t selector)
{
    return load(0, selector);
}

bool entry_load_es(uint16_t selector)
{
    return load(1, selector);
}

bool entry_load_fs(uint16_t selector)
{
    *fake_cpu_msr(FS_BASE) = 0; /* a base goes with its selector: it has to come later */
    return load(2, selector);
}

bool entry_load_gs(uint16_t selector)
{
    bool done = load(3, selector);

    *fake_cpu_msr(GS_BASE) = 0;
    return done;
}

bool port_copy_from_guest(struct vcpu *which, void *to, vaddr_t from, size_t size)
{
    (void)which;
    (void)to;
    (void)from;
    (void)size;
    return false;
}

bool port_copy_to_guest(struct vcpu *which, vaddr_t to, const void *from, size_t size)
{
    (void)which;
    (void)to;
    (void)from;
    (void)size;
    return false;
}

_Noreturn void port_halt(const char *file, int line, const char *condition)
{
    (void)file;
    (void)line;
    (void)condition;
    abort();
}

/* A vCPU that does not run. */
static void make(void)
{
    fake_cpu_reset();
    memset(&cpu_boot, 0, sizeof(cpu_boot));
    memset(&vcpu, 0, sizeof(vcpu));
    memset(refuses, 0, sizeof(refuses));
    no_memory = false;
    features.fsgsbase = true;
    domain.engine.width = WIDTH_64;
    loads = 0;
    vcpu.engine.domain = &domain.engine;
    state_init();
    assert_int_equal(state_create(&vcpu), 0);
}

static void end(void)
{
    state_destroy(&vcpu);
    assert_int_equal(objects, 0);
    assert_null(vcpu.state.extended);
}

static bool has_xsave(void)
{
    return asm_cpuid(1, 0).ecx >> 26 & 1;
}

/*
 * ---- Extended state.
 */

/* Shows startofday.nothing-set. */
static void test_create(void **state)
{
    const uint8_t *area;
    uint64_t word;

    (void)state;
    make();
    area = vcpu.state.extended;
    assert_int_equal(fake_cpu.cr[4] & CR4_OSXSAVE, has_xsave() ? CR4_OSXSAVE : 0);
    assert_int_equal(fake_cpu.xcr0, state_xcr0_offered());
    assert_int_equal(state_xcr0_offered() & ~UINT64_C(0xe7), 0);
    assert_int_equal((uint64_t)area % 64, 0);
    assert_true(area_size >= (has_xsave() ? 576 : 512));
    assert_int_equal(*(const uint16_t *)(const void *)area, FCW_RESET);
    assert_int_equal(*(const uint32_t *)(const void *)(area + 24), 0x1f80);
    memcpy(&word, area_size > 512 ? area + 512 : area + 8, 8);
    assert_int_equal(word, has_xsave() ? 3 : 0);
    assert_int_equal(vcpu.state.xcr0, has_xsave());
    assert_int_equal(vcpu.state.debug[6], 0xffff0ff0);
    assert_int_equal(vcpu.state.debug[7], 0x400);
    end();
    no_memory = true;
    assert_int_equal(state_create(&vcpu), -XEN_ENOMEM);
    assert_int_equal(objects, 0);
}

/* What the processor would not take is refused; of the rest the processor's part is taken, and no more. */
static void test_set_extended(void **state)
{
    uint8_t image[512], *area;

    (void)state;
    make();
    area = vcpu.state.extended;
    for (unsigned bit = 0; bit < 32; bit++) {
        const uint32_t mxcsr = 1u << bit;

        memset(image, 0x5a, sizeof(image));
        memcpy(image + 24, &mxcsr, 4);
        memset(area, 0, 512);
        assert_int_equal(state_set_extended(&vcpu, image), bit < 16);
        assert_int_equal(area[0], bit < 16 ? 0x5a : 0);
        assert_int_equal(area[415], bit < 16 ? 0x5a : 0);
        assert_int_equal(area[416], 0);
    }
    end();
}

/* Saved and loaded, the registers are what they were, whatever the guest had left TS at. */
static void test_extended_moves(void **state)
{
    static const double kept = 1234.5, lost = 7;
    double found;

    (void)state;
    make();
    fake_cpu.cr[0] = CR0_TS | CR0_WP;
    cpu_boot.current = &vcpu;
    __asm__ volatile("movsd %0, %%xmm9" : : "m"(kept) : "xmm9");
    state_save(&vcpu);
    assert_int_equal(fake_cpu.cr[0], CR0_WP); /* or the save would have been a fault */
    __asm__ volatile("movsd %0, %%xmm9" : : "m"(lost) : "xmm9");
    state_load(&vcpu);
    __asm__ volatile("movsd %%xmm9, %0" : "=m"(found));
    assert_true(memcmp(&found, &kept, 8) == 0);
    assert_int_equal(fake_cpu.xcr0, vcpu.state.xcr0);
    end();
}

/* As the manual has it, said in another way. */
static bool xcr0_is_good(uint64_t value)
{
    bool x87 = value & 1, sse = value & 2, avx = value & 4;
    unsigned avx512 = value >> 5 & 7;

    return x87 && !(value & ~state_xcr0_offered()) && (!avx || sse) && (avx512 == 0 || (avx512 == 7 && avx));
}

static void try_xcr0(uint64_t value)
{
    uint64_t before = vcpu.state.xcr0;

    fake_cpu.xcr0 = 99;
    assert_int_equal(state_set_xcr0(&vcpu, value), xcr0_is_good(value) ? 0 : -XEN_EINVAL);
    assert_int_equal(vcpu.state.xcr0, xcr0_is_good(value) ? value : before);
    assert_int_equal(fake_cpu.xcr0, xcr0_is_good(value) ? value : 99);
}

/* On a processor with AVX-512, with AVX, with neither, and without xsave. */
static void test_xcr0(void **state)
{
    static const uint64_t offers[] = {0xe7, 7, 3, 0};
    uint64_t own;

    (void)state;
    make();
    own = extended.xcr0;
    cpu_boot.current = &vcpu;
    for (unsigned i = 0; i < sizeof(offers) / sizeof(offers[0]); i++) {
        extended.xcr0 = offers[i];
        for (uint64_t value = 0; value < 1024; value++)
            try_xcr0(value);
        for (unsigned bit = 10; bit < 64; bit++)
            try_xcr0(1 | UINT64_C(1) << bit);
    }
    extended.xcr0 = own;
    end();
}

/*
 * ---- Segments.
 */

static void test_bases(void **state)
{
    (void)state;
    make();
    state_set_fs_base(0xf5);
    state_set_gs_base(0x65);
    state_set_gs_base_inactive(0x651);
    assert_int_equal(*fake_cpu_msr(FS_BASE), 0xf5);
    assert_int_equal(*fake_cpu_msr(GS_BASE), 0x65);
    assert_int_equal(*fake_cpu_msr(GS_OTHER), 0x651);
    assert_int_equal(state_fs_base(), 0xf5);
    assert_int_equal(state_gs_base(), 0x65);
    assert_int_equal(state_gs_base_inactive(), 0x651);
    state_swap_gs();
    assert_int_equal(state_gs_base(), 0x651);
    end();
}

/* The active base is put aside meanwhile, and comes back. */
static void test_inactive_gs(void **state)
{
    (void)state;
    make();
    for (unsigned refused = 0; refused < 2; refused++) {
        refuses[3] = refused;
        state_set_gs_base(0x65);
        state_set_gs_base_inactive(0x651);
        assert_int_equal(state_load_inactive_gs(0x2b), !refused);
        assert_int_equal(loaded[3], 0x2b);
        assert_int_equal(gs_base_at_load, 0x651);
        assert_int_equal(state_gs_base(), 0x65);
        assert_int_equal(state_gs_base_inactive(), 0);
    }
    end();
}

static void test_save_segments(void **state)
{
    uint16_t ds, es;

    (void)state;
    make();
    state_set_fs_base(0xf5);
    state_set_gs_base(0x65);
    state_set_gs_base_inactive(0x651);
    vcpu.state.ds = vcpu.state.es = 0x7777;
    vcpu.run.arrives = true; /* the processor does not have them yet: what is there is somebody else's */
    state_save(&vcpu);
    assert_int_equal(vcpu.state.ds, 0x7777);
    assert_int_equal(vcpu.state.fs_base, 0);
    vcpu.run.arrives = false;
    state_save(&vcpu);
    __asm__("mov %%ds, %0; mov %%es, %1" : "=r"(ds), "=r"(es));
    assert_int_equal(vcpu.state.ds, ds);
    assert_int_equal(vcpu.state.es, es);
    assert_int_equal(vcpu.state.fs_base, 0xf5);
    assert_int_equal(vcpu.state.gs_base, 0x65);
    assert_int_equal(vcpu.state.gs_base_inactive, 0x651);
    state_set_fs_base(UINT64_C(0x1234900000000000)); /* what no load would take is not kept */
    state_set_gs_base(UINT64_C(0x1234500000000000));
    state_set_gs_base_inactive(UINT64_C(0x43219abcdef00000));
    state_save(&vcpu);
    assert_int_equal(vcpu.state.fs_base, UINT64_C(0xffff900000000000));
    assert_int_equal(vcpu.state.gs_base, UINT64_C(0x0000500000000000));
    assert_int_equal(vcpu.state.gs_base_inactive, UINT64_C(0xffff9abcdef00000));
    end();
}

/*
 * All four are loaded, bases after them, if one is refused too.  Those of a 32-bit guest come with the selectors, and
 * nothing comes after.
 */
static void test_load_segments(void **state)
{
    (void)state;
    for (int i = -2; i < 8; i++) {
        int refused = i >> 1;
        bool wide = i & 1;

        make();
        domain.engine.width = wide ? WIDTH_64 : WIDTH_PAE;
        vcpu.state.ds = 1;
        vcpu.state.es = 2;
        vcpu.state.fs = 3;
        vcpu.state.gs = 4;
        vcpu.state.fs_base = 0xf5;
        vcpu.state.gs_base = 0x65;
        vcpu.state.gs_base_inactive = 0x651;
        if (refused >= 0)
            refuses[refused] = true;
        assert_int_equal(state_load_segments(&vcpu), refused < 0);
        assert_int_equal(loads, 4);
        for (unsigned j = 0; j < 4; j++)
            assert_int_equal(loaded[j], j + 1);
        assert_int_equal(state_fs_base(), wide ? 0xf5 : 0);
        assert_int_equal(state_gs_base(), wide ? 0x65 : 0);
        assert_int_equal(state_gs_base_inactive(), wide ? 0x651 : 0);
        end();
    }
}

static void test_renew_segments(void **state)
{
    (void)state;
    make();
    refuses[2] = true;
    state_set_fs_base(0xf5);
    state_renew_segments(&vcpu);
    assert_int_equal(loads, 4);
    assert_int_equal(state_fs_base(), 0xf5);
    end();
}

static void test_drop_segments(void **state)
{
    (void)state;
    make();
    memset(loaded, 0xff, sizeof(loaded));
    state_drop_segments();
    assert_int_equal(loads, 4);
    assert_int_equal(loaded[0] | loaded[1] | loaded[2] | loaded[3], 0);
    end();
}

/*
 * ---- Control registers: of the vCPU that runs at once, of another when it is switched to.
 */

static void test_task_switched(void **state)
{
    (void)state;
    make();
    fake_cpu.cr[0] = CR0_WP | CR0_PG;
    state_set_task_switched(&vcpu, true);
    assert_int_equal(fake_cpu.cr[0], CR0_WP | CR0_PG);
    state_load(&vcpu);
    assert_int_equal(fake_cpu.cr[0], CR0_WP | CR0_PG | CR0_TS);
    cpu_boot.current = &vcpu;
    state_set_task_switched(&vcpu, false);
    assert_int_equal(fake_cpu.cr[0], CR0_WP | CR0_PG);
    state_set_task_switched(&vcpu, true);
    assert_int_equal(fake_cpu.cr[0], CR0_WP | CR0_PG | CR0_TS);
    end();
}

/*
 * The hypervisor's bits stay as they are, whatever a guest sets; what a guest reads shows none of them.  Shows
 * vcpu_guest_context.cr4.
 */
static void test_cr4(void **state)
{
    const uint64_t own = CR4_SMEP | CR4_SMAP | CR4_UMIP | CR4_PAE | CR4_OSFXSR, real = CR4_TSD | CR4_DE | CR4_FSGSBASE;

    (void)state;
    make();
    for (unsigned bit = 0; bit < 64; bit++) {
        uint64_t asked = UINT64_C(1) << bit;

        if (asked == CR4_OSXSAVE && !has_xsave())
            continue;
        cpu_boot.current = NULL;
        fake_cpu.cr[4] = own;
        assert_true(state_set_cr4(&vcpu, asked));
        assert_int_equal(fake_cpu.cr[4], own);
        assert_int_equal(state_guest_cr4(&vcpu) & (CR4_SMEP | CR4_SMAP | CR4_PAE), CR4_PAE);
        assert_int_equal(state_guest_cr4(&vcpu) & real, asked & real);
        state_load(&vcpu);
        assert_int_equal(fake_cpu.cr[4], own | (asked & real));
        fake_cpu.cr[4] = own;
        cpu_boot.current = &vcpu;
        assert_true(state_set_cr4(&vcpu, asked));
        assert_int_equal(fake_cpu.cr[4], own | (asked & real));
        assert_true(state_set_cr4(&vcpu, 0));
        assert_int_equal(fake_cpu.cr[4], own);
    }
    end();
}

/*
 * Bits of what the processor has not, or not for such a guest, are refused, and nothing has changed.  Shows
 * vcpu_guest_context.cr4-refused.
 */
static void test_cr4_missing(void **state)
{
    (void)state;
    make();
    extended.xcr0 = 0;
    assert_false(state_set_cr4(&vcpu, CR4_OSXSAVE | CR4_TSD));
    assert_int_equal(state_guest_cr4(&vcpu) & (CR4_OSXSAVE | CR4_TSD), 0);
    extended.xcr0 = 3;
    assert_true(state_set_cr4(&vcpu, CR4_OSXSAVE));
    assert_int_equal(state_guest_cr4(&vcpu) & CR4_OSXSAVE, CR4_OSXSAVE);
    for (unsigned i = 1; i < 4; i++) {
        features.fsgsbase = !(i & 1);
        domain.engine.width = i & 2 ? WIDTH_PAE : WIDTH_64;
        assert_true(state_set_cr4(&vcpu, CR4_DE));
        assert_false(state_set_cr4(&vcpu, CR4_TSD | CR4_FSGSBASE));
        assert_int_equal(state_guest_cr4(&vcpu) & (CR4_TSD | CR4_DE | CR4_FSGSBASE), CR4_DE);
    }
    end();
}

/*
 * ---- Debug registers.
 */

static int64_t get_debug(unsigned index)
{
    uint64_t value = 0x5e5e;

    return state_get_debug(&vcpu, index, &value) != DEBUG_DONE ? -1 : (int64_t)value;
}

/* Shows debugreg.address, debugreg.high-bits, debugreg.forbidden, debugreg.get. */
static void test_debug_values(void **state)
{
    (void)state;
    make();
    assert_int_equal(state_set_debug(&vcpu, 0, 0x1234), DEBUG_DONE);
    assert_int_equal(get_debug(0), 0x1234);
    assert_int_equal(state_set_debug(&vcpu, 3, HYPERVISOR_VIRT_START), DEBUG_ADDRESS);
    assert_int_equal(get_debug(3), 0);
    assert_int_equal(state_set_debug(&vcpu, 6, 0), DEBUG_DONE);
    assert_int_equal(get_debug(6), 0xffff0ff0);
    assert_int_equal(state_set_debug(&vcpu, 6, 0xffffffff), DEBUG_DONE);
    assert_int_equal(get_debug(6), 0xffffefff);
    assert_int_equal(state_set_debug(&vcpu, 7, 0xffffffff & ~(UINT64_C(1) << 13) & ~UINT64_C(0xffff0000)), DEBUG_DONE);
    assert_int_equal(get_debug(7), 0x7ff);
    for (unsigned index = 6; index <= 7; index++) {
        assert_int_equal(state_set_debug(&vcpu, index, UINT64_C(1) << 32), DEBUG_HIGH_BITS);
        assert_int_equal(state_set_debug(&vcpu, index, UINT64_C(1) << 63), DEBUG_HIGH_BITS);
    }
    assert_int_equal(state_set_debug(&vcpu, 7, 1u << 13), DEBUG_DETECT);
    assert_int_equal(get_debug(7), 0x7ff);
    end();
}

/*
 * Four and five are other names, or none with CR4.DE; beyond seven there is nothing.  Shows debugreg.names,
 * debugreg.no-register, debugreg.get.
 */
static void test_debug_names(void **state)
{
    (void)state;
    make();
    assert_int_equal(state_set_debug(&vcpu, 5, 0x402), DEBUG_DONE);
    assert_int_equal(get_debug(7), 0x402);
    assert_int_equal(get_debug(5), 0x402);
    assert_int_equal(state_set_debug(&vcpu, 4, 1), DEBUG_DONE);
    assert_int_equal(get_debug(6), 0xffff0ff1);
    assert_int_equal(state_set_debug(&vcpu, 8, 0), DEBUG_NO_REGISTER);
    assert_int_equal(state_set_debug(&vcpu, UINT32_MAX, 0), DEBUG_NO_REGISTER);
    assert_int_equal(get_debug(8), -1);
    assert_true(state_set_cr4(&vcpu, CR4_DE));
    assert_int_equal(state_set_debug(&vcpu, 4, 0), DEBUG_NO_REGISTER);
    assert_int_equal(state_set_debug(&vcpu, 5, 0), DEBUG_NO_REGISTER);
    assert_int_equal(get_debug(5), -1);
    end();
}

/*
 * Breakpoints on ports exist with CR4.DE only, in each of the four places, local or global.  Shows debugreg.forbidden.
 */
static void test_debug_ports(void **state)
{
    (void)state;
    make();
    for (unsigned de = 0; de < 2; de++) {
        assert_true(state_set_cr4(&vcpu, de ? CR4_DE : 0));
        for (unsigned i = 0; i < 8; i++) {
            uint64_t port = UINT64_C(2) << (16 + 4 * (i / 2)), enabled = UINT64_C(1) << i;

            assert_int_equal(state_set_debug(&vcpu, 7, port | enabled), de ? DEBUG_DONE : DEBUG_PORT);
            assert_int_equal(state_set_debug(&vcpu, 7, port), DEBUG_DONE); /* not enabled: it means nothing */
            assert_int_equal(state_set_debug(&vcpu, 7, port << 1 | enabled), DEBUG_DONE);
        }
    }
    end();
}

/*
 * The processor has them while they are on and the vCPU runs; what another has left never stays on.  Shows
 * debugreg.own-vcpu.
 */
static void test_debug_loads(void **state)
{
    (void)state;
    make();
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(state_set_debug(&vcpu, i, 0x1000 + i), DEBUG_DONE);
    assert_int_equal(state_set_debug(&vcpu, 7, 0x403), DEBUG_DONE);
    assert_int_equal(fake_cpu.dr[7], 0);
    cpu_boot.current = &vcpu;
    state_load(&vcpu);
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(fake_cpu.dr[i], 0x1000 + i);
    assert_int_equal(fake_cpu.dr[7], 0x403);
    assert_int_equal(state_set_debug(&vcpu, 7, 0x400), DEBUG_DONE);
    assert_int_equal(fake_cpu.dr[7], 0x400);
    assert_int_equal(state_set_debug(&vcpu, 1, 0x9999), DEBUG_DONE);
    assert_int_equal(fake_cpu.dr[1], 0x1001);
    assert_int_equal(state_set_debug(&vcpu, 7, 0x480), DEBUG_DONE);
    assert_int_equal(fake_cpu.dr[1], 0x9999);
    assert_int_equal(fake_cpu.dr[7], 0x480);
    assert_int_equal(state_set_debug(&vcpu, 7, 0), DEBUG_DONE);
    fake_cpu.dr[7] = 0x4ff;
    state_load(&vcpu);
    assert_int_equal(fake_cpu.dr[7], 0x400);
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_create),         cmocka_unit_test(test_set_extended),
        cmocka_unit_test(test_extended_moves), cmocka_unit_test(test_xcr0),
        cmocka_unit_test(test_bases),          cmocka_unit_test(test_inactive_gs),
        cmocka_unit_test(test_save_segments),  cmocka_unit_test(test_load_segments),
        cmocka_unit_test(test_renew_segments), cmocka_unit_test(test_drop_segments),
        cmocka_unit_test(test_task_switched),  cmocka_unit_test(test_cr4),
        cmocka_unit_test(test_cr4_missing),    cmocka_unit_test(test_debug_values),
        cmocka_unit_test(test_debug_names),    cmocka_unit_test(test_debug_ports),
        cmocka_unit_test(test_debug_loads),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

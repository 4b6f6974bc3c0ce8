/* SPDX-License-Identifier: MIT */
/* What a guest finds at its start: start_info of abi/start.h, registers, and who is at the other end of its rings. */
/* links: hv/build/builder_start.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <abi/errno.h>
#include <abi/start.h>
#include <engine/engine.h>
#include <hv/build/builder_parts.h>
#include <hv/domain/vcpu.h>
#include <hv/service/services.h>

#define BASE UINT64_C(0xffffffff80000000)

#define FRAME(pfn) (0x1000u + 2 * (pfn))
#define INFO       40u
#define STORE      41u
#define CONSOLE    42u
#define RAMDISK    20u

static _Alignas(4096) uint8_t page[4096];
static struct bundle_domain description;
static struct domain_services services;
static struct hv_domain domain;
static struct hv_vcpu vcpu;
static struct cpu_frame frame;
static struct build build;
static char done[128]; /* what was asked of others, in order */
static unsigned steps_left;

static int step(const char *what, uint64_t mfn)
{
    size_t length = strlen(done);

    snprintf(done + length, sizeof(done) - length, "%s %lx; ", what, mfn);
    return steps_left-- == 0 ? -XEN_ENOSPC : 0;
}

mfn_t build_frame(const struct build *which, uint64_t pfn)
{
    assert_ptr_equal(which, &build);
    return MFN(FRAME(pfn));
}

void *port_frame_map(mfn_t mfn)
{
    assert_int_equal(mfn.v, FRAME(INFO));
    return page;
}

int domain_hold_writable(struct domain *which, mfn_t mfn)
{
    assert_ptr_equal(which, &domain.engine);
    return step("hold", mfn.v);
}

int xenstore_create(struct hv_domain *which, mfn_t mfn)
{
    assert_ptr_equal(which, &domain);
    return step("store", mfn.v);
}

int xenstore_introduce(struct hv_domain *which)
{
    assert_ptr_equal(which, &domain);
    return step("introduced", 0);
}

int console_create(struct hv_domain *which, mfn_t mfn)
{
    assert_ptr_equal(which, &domain);
    return step("console", mfn.v);
}

int domain_grants_create(struct domain *which, mfn_t console, mfn_t store)
{
    assert_ptr_equal(which, &domain.engine);
    (void)step("console's", console.v);
    steps_left++; /* one step, in two words */
    return step("store's", store.v);
}

static int set_up(void **state)
{
    (void)state;
    memset(page, 0, sizeof(page));
    memset(&services, 0, sizeof(services));
    memset(&frame, 0, sizeof(frame));
    vcpu = (struct hv_vcpu){.frame = &frame};
    domain = (struct hv_domain){.services = &services, .shared_info_frame = MFN(0x777)};
    domain.vcpus[0] = &vcpu.engine;
    description = (struct bundle_domain){.command_line = "console=hvc0"};
    build = (struct build){
        .description = &description,
        .kernel = {.virt_base = BASE, .entry = BASE + 0x200010},
        .layout =
            {
                .p2m = 30,
                .nr_p2m = 6,
                .start_info = INFO,
                .store = STORE,
                .console = CONSOLE,
                .stack = 49,
                .top = 4,
                .main = {.tables = {0, 46, 45, 44, 43}},
                .nr_main_tables = 6,
            },
        .nr_pages = 3000,
        .domain = &domain,
    };
    done[0] = '\0';
    steps_left = 100;
    return 0;
}

static const struct start_info *make_info(void)
{
    build_start_info(&build);
    return (const struct start_info *)(const void *)page;
}

/* Each ring's frame is held before anybody writes to it, and others hear of the domain when it is complete. */
static void test_services(void **state)
{
    static const char *const steps[] = {
        "hold 1052; ",   "store 1052; ", "hold 1054; ", "console 1054; ", "console's 1054; store's 1052; ",
        "introduced 0; "};
    char expected[128] = "";

    for (unsigned i = 0; i < ARRAY_SIZE(steps); i++) {
        (void)set_up(state);
        strcat(expected, steps[i]);
        steps_left = i;
        assert_int_equal(build_services(&build), -XEN_ENOSPC);
        assert_string_equal(done, expected); /* and nothing behind what has failed */
    }
    (void)set_up(state);
    assert_int_equal(build_services(&build), 0);
    assert_string_equal(done, expected);
}

/* It uses console_io, and brings its own xenstore. */
static void test_services_of_initial(void **state)
{
    char expected[128];

    (void)state;
    domain.initial = true;
    assert_int_equal(build_services(&build), 0);
    snprintf(expected, sizeof(expected), "console's %lx; store's %lx; ", MFN_NONE.v, MFN_NONE.v);
    assert_string_equal(done, expected);
    done[0] = '\0';
    steps_left = 0;
    assert_int_equal(build_services(&build), -XEN_ENOSPC);
}

/* Shows start_info.magic. */
static void test_info(void **state)
{
    const struct start_info *info;

    (void)state;
    services.store.frame = MFN(FRAME(STORE));
    services.store.port = 11;
    services.console.frame = MFN(FRAME(CONSOLE));
    services.console.port = 12;
    info = make_info();
    assert_memory_equal(info->magic, "xen-3.0-x86_64", 15);
    assert_int_equal(info->nr_pages, 3000);
    assert_int_equal(info->shared_info, 0x777000);
    assert_int_equal(info->flags, 0);
    assert_int_equal(info->store_mfn, FRAME(STORE));
    assert_int_equal(info->store_evtchn, 11);
    assert_int_equal(info->console.domU.mfn, FRAME(CONSOLE));
    assert_int_equal(info->console.domU.evtchn, 12);
    assert_int_equal(info->pt_base, BASE + 43 * 4096);
    assert_int_equal(info->nr_pt_frames, 6);
    assert_int_equal(info->mfn_list, BASE + 30 * 4096);
    assert_int_equal(info->mod_start, 0);
    assert_int_equal(info->mod_len, 0);
    assert_string_equal(info->cmd_line, "console=hvc0");
    assert_int_equal(info->first_p2m_pfn, 0);
    assert_int_equal(info->nr_p2m_frames, 0);
    for (unsigned i = sizeof(*info); i < sizeof(page); i++)
        assert_int_equal(page[i], 0);
}

/* As long as it can be, with its zero byte. */
static void test_command_line(void **state)
{
    const struct start_info *info;

    (void)state;
    memset(description.command_line, 'x', sizeof(description.command_line) - 1);
    info = make_info();
    assert_int_equal(strlen(info->cmd_line), MAX_GUEST_CMDLINE - 1);
    assert_int_equal(info->first_p2m_pfn, 0);
}

/*
 * No rings; the description of a screen would lie behind, and there is none.  Shows startofday.initial,
 * start_info.no-channel.
 */
static void test_info_of_initial(void **state)
{
    const struct start_info *info;

    (void)state;
    domain.initial = true;
    info = make_info();
    assert_int_equal(info->flags, 3); /* SIF_PRIVILEGED, SIF_INITDOMAIN */
    assert_int_equal(info->store_mfn, 0);
    assert_int_equal(info->store_evtchn, 0);
    assert_int_equal(info->console.dom0.info_off, 1168);
    assert_int_equal(info->console.dom0.info_size, 0);
}

/*
 * Shows elfnote.mod-start-pfn, startofday.ramdisk-unmapped.
 */
static void test_ramdisk(void **state)
{
    const struct start_info *info;

    (void)state;
    build.layout.ramdisk = RAMDISK;
    build.layout.nr_ramdisk = 3;
    description.ramdisk.size = 9000;
    info = make_info();
    assert_int_equal(info->flags, 0);
    assert_int_equal(info->mod_start, BASE + RAMDISK * 4096);
    assert_int_equal(info->mod_len, 9000);
    (void)set_up(state);
    build.layout.ramdisk = RAMDISK;
    build.layout.nr_ramdisk = 3;
    description.ramdisk.size = 9000;
    build.kernel.ramdisk_unmapped = true;
    domain.initial = true;
    info = make_info();
    assert_int_equal(info->flags, 1 | 2 | 8);
    assert_int_equal(info->mod_start, RAMDISK);
    assert_int_equal(info->mod_len, 9000);
}

/*
 * Where INIT_P2M says; then its pages and the tables for them have no place in the main region.
 * Shows elfnote.init-p2m, startofday.p2m-apart.
 */
static void test_p2m_apart(void **state)
{
    const struct start_info *info;

    (void)state;
    build.layout.apart = (struct layout_region){
        .start = UINT64_C(0x8000000000), .first = 2990, .nr_pages = 6, .nr_tables = {0, 4, 2, 1, 0}};
    info = make_info();
    assert_int_equal(info->mfn_list, UINT64_C(0x8000000000));
    assert_int_equal(info->first_p2m_pfn, 2990);
    assert_int_equal(info->nr_p2m_frames, 6 + 4 + 2 + 1);
}

/*
 * abi/layout.h, "Registers of the first vCPU"; the stack is one page, and what is not named is zero.
 * Shows stack_switch.boot-stack, startofday.registers, startofday.stack-switch, startofday.nothing-set,
 * hypercall.rings, start_info.page.
 */
static void test_vcpu(void **state)
{
    const struct cpu_frame expected = {
        .rip = BASE + 0x200010,
        .cs = 0xe033,
        .rflags = 0x202,
        .rsp = BASE + 50 * 4096,
        .ss = 0xe02b,
        .rsi = BASE + INFO * 4096,
    };

    (void)state;
    build_vcpu(&build);
    assert_memory_equal(&frame, &expected, sizeof(expected));
    assert_true(vcpu.initialised);
    assert_int_equal(vcpu.bounce.kernel_sp, expected.rsp); /* as if stack_switch had been called */
    assert_int_equal(vcpu.bounce.kernel_ss, 0xe02b);
    assert_true(vcpu.bounce.event.address == 0 && vcpu.bounce.failsafe.address == 0 && vcpu.bounce.nmi.address == 0);
    assert_true(vcpu.bounce.syscall.address == 0 && vcpu.bounce.syscall32.address == 0);
    assert_true(vcpu.bounce.sysenter.address == 0 && vcpu.state.iopl == 0 && !vcpu.state.task_switched);
    assert_true(vcpu.state.ds == 0 && vcpu.state.es == 0 && vcpu.state.fs == 0 && vcpu.state.gs == 0);
}

/*
 * ---- 32-bit guests.
 */

#define BASE_32 UINT64_C(0xc0000000)

static void make_narrow(void)
{
    domain.engine.width = WIDTH_PAE;
    build.kernel.image.width = WIDTH_PAE;
    build.kernel.virt_base = BASE_32;
    build.kernel.entry = BASE_32 + 0x200010;
    build.layout.top = 3;
    build.layout.main = (struct layout_region){.tables = {0, 48, 44, 43, 0}};
}

static const struct compat_start_info *make_info_narrow(void)
{
    build_start_info(&build);
    return (const struct compat_start_info *)(const void *)page;
}

/* Everything where abi/start.h has it, and nothing behind.  Shows start_info.magic. */
static void test_info_narrow(void **state)
{
    const struct compat_start_info *info;

    (void)state;
    make_narrow();
    services.store.frame = MFN(FRAME(STORE));
    services.store.port = 11;
    services.console.frame = MFN(FRAME(CONSOLE));
    services.console.port = 12;
    build.layout.ramdisk = RAMDISK;
    build.layout.nr_ramdisk = 3;
    description.ramdisk.size = 9000;
    info = make_info_narrow();
    assert_memory_equal(info->magic, "xen-3.0-x86_32p", 16);
    assert_int_equal(info->nr_pages, 3000);
    assert_int_equal(info->shared_info, 0x777000);
    assert_int_equal(info->flags, 0);
    assert_int_equal(info->store_mfn, FRAME(STORE));
    assert_int_equal(info->store_evtchn, 11);
    assert_int_equal(info->console.domU.mfn, FRAME(CONSOLE));
    assert_int_equal(info->console.domU.evtchn, 12);
    assert_int_equal(info->pt_base, BASE_32 + 43 * 4096);
    assert_int_equal(info->nr_pt_frames, 6);
    assert_int_equal(info->mfn_list, BASE_32 + 30 * 4096);
    assert_int_equal(info->mod_start, BASE_32 + RAMDISK * 4096);
    assert_int_equal(info->mod_len, 9000);
    assert_string_equal(info->cmd_line, "console=hvc0");
    for (unsigned i = offsetof(struct compat_start_info, first_p2m_pfn); i < sizeof(page); i++)
        assert_int_equal(page[i], 0);
}

/* Shows startofday.initial. */
static void test_info_of_initial_narrow(void **state)
{
    const struct compat_start_info *info;

    (void)state;
    make_narrow();
    domain.initial = true;
    build.layout.ramdisk = RAMDISK;
    build.layout.nr_ramdisk = 1;
    build.kernel.ramdisk_unmapped = true;
    info = make_info_narrow();
    assert_int_equal(info->flags, 1 | 2 | 8);
    assert_int_equal(info->store_mfn, 0);
    assert_int_equal(info->console.dom0.info_off, 1112);
    assert_int_equal(info->console.dom0.info_size, 0);
    assert_int_equal(info->mod_start, RAMDISK);
}

/* All segments are the flat ones of ring 1.  Shows startofday.registers, startofday.stack-switch. */
static void test_vcpu_narrow(void **state)
{
    const struct cpu_frame expected = {
        .rip = BASE_32 + 0x200010,
        .cs = 0xe019,
        .rflags = 0x202,
        .rsp = BASE_32 + 50 * 4096,
        .ss = 0xe021,
        .rsi = BASE_32 + INFO * 4096,
    };

    (void)state;
    make_narrow();
    build_vcpu(&build);
    assert_memory_equal(&frame, &expected, sizeof(expected));
    assert_true(vcpu.state.ds == 0xe021 && vcpu.state.es == 0xe021);
    assert_true(vcpu.state.fs == 0xe021 && vcpu.state.gs == 0xe021);
    assert_true(vcpu.initialised && vcpu.bounce.kernel_sp == expected.rsp && vcpu.bounce.kernel_ss == 0xe021);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_services),
        cmocka_unit_test_setup(test_services_of_initial, set_up),
        cmocka_unit_test_setup(test_info, set_up),
        cmocka_unit_test_setup(test_command_line, set_up),
        cmocka_unit_test_setup(test_info_of_initial, set_up),
        cmocka_unit_test_setup(test_ramdisk, set_up),
        cmocka_unit_test_setup(test_p2m_apart, set_up),
        cmocka_unit_test_setup(test_vcpu, set_up),
        cmocka_unit_test_setup(test_info_narrow, set_up),
        cmocka_unit_test_setup(test_info_of_initial_narrow, set_up),
        cmocka_unit_test_setup(test_vcpu_narrow, set_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

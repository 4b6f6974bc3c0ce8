/* SPDX-License-Identifier: MIT */
/* The hypervisor from its first line on the console to the end of the run. */
#include <engine/engine.h>
#include <hv/base/asm.h>
#include <hv/base/exit.h>
#include <hv/base/layout.h>
#include <hv/base/options.h>
#include <hv/base/print.h>
#include <hv/base/serial.h>
#include <hv/base/version.h>
#include <hv/boot/boot.h>
#include <hv/build/builder.h>
#include <hv/build/hv_domain.h>
#include <hv/cpu/cpu.h>
#include <hv/cpu/debug_stack.h>
#include <hv/domain/refusals.h>
#include <hv/domain/shutdown.h>
#include <hv/domain/vcpu.h>
#include <hv/domain/wallclock.h>
#include <hv/kernel/bundle.h>
#include <hv/main.h>
#include <hv/mem/allocate.h>
#include <hv/mem/paging.h>
#include <hv/mem/pool.h>
#include <hv/mem/ram.h>
#include <hv/selftest.h>
#include <hv/service/console.h>
#include <hv/time/apic.h>
#include <hv/time/nmi_watchdog.h>
#include <hv/time/time.h>

#define DOMAINS_MAX 64u
#define NS_PER_US   1000u

static struct boot_info boot_info;
static struct domain *domains[DOMAINS_MAX];
static struct machine machine = {.domains = domains, .nr_domains = DOMAINS_MAX};

static void read_boot_info(uint32_t magic, uint64_t start)
{
    const struct boot_memory early = {(const uint8_t *)IMAGE_BASE, EARLY_END};

    if (boot_parse(&early, magic, start, &boot_info))
        exit_unsupported("%s", boot_info.problem);
    exit_take_proof(boot_info.command_line);
    print("booted by %s: %s\n", boot_info.protocol, boot_info.command_line);
}

static void set_up_memory(bool audit)
{
    uint64_t seed;
    struct ram_options options;

    if (!option_number(boot_info.command_line, "seed", &seed))
        seed = asm_read_tsc();
    options = (struct ram_options){
        .audit = audit,
        .pool_seed = seed ? seed : 1,
    };

    ram_init(&boot_info.ram, boot_info.has_bundle ? boot_info.bundle : (struct range){0}, &options, &machine);
    allocate_init(&machine);
    hv_vcpu_switch(&machine, NULL);
}

/*
 * ---- The guest.
 */

/* With the word `audit`: is every count what a recount says, at this moment? */
static bool audit_passes(const char *when)
{
    struct audit_finding finding = {0};

    if (!ram_audit_counts())
        return true;
    if (audit_machine(&machine, ram_audit_counts(), &finding)) {
        print("audit %s: every count is right\n", when);
        return true;
    }
    print("audit %s: %s, frame %lx: %lx expected, %lx found: this is a bug of the hypervisor\n", when,
          finding.invariant, finding.frame.v, finding.expected, finding.found);
    return false;
}

/* Run one guest to its end: the code to exit with, EXIT_BROKEN or one that may be proved. */
static unsigned run_guest(const struct bundle_domain *description)
{
    uint64_t before = pool_count(), began = time_now();
    const char *problem;
    struct hv_domain *domain = builder_build(&machine, description, &problem);
    unsigned reason, id = description->id;
    bool audited;

    if (!domain) {
        print("domain %u (%s) cannot be built: %s\n", id, description->name, problem);
        return EXIT_REFUSED;
    }
    print("domain %u (%s): built, and its tables validated, in %lu us\n", id, description->name,
          (time_now() - began) / NS_PER_US);
    console_attach(domain);
    sched_start(hv_vcpu_of(domain->vcpus[0]));
    (void)sched_run(&machine); /* it is the only one */
    reason = domain->end_reason;
    print("domain %u (%s) %s\n", id, description->name, shutdown_words(reason));
    audited = audit_passes("before its release");
    if (!hv_domain_release(domain) || pool_count() != before) {
        print("%lu of the frames that were free before it are not free after it: this is a bug of the hypervisor\n",
              before - pool_count());
        return EXIT_BROKEN;
    }
    if (!audit_passes("after it") || !audited)
        return EXIT_BROKEN;
    return shutdown_is_good(reason) ? EXIT_GOOD : EXIT_CRASHED;
}

static _Noreturn void run_bundle(void)
{
    static struct bundle bundle;
    const char *problem;
    const uint8_t *bytes = paging_ram(boot_info.bundle.start);
    unsigned code;

    if (bundle_parse(bytes, boot_info.bundle.end - boot_info.bundle.start, &bundle, &problem)) {
        print("the bundle is damaged: %s\n", problem);
        exit_with(EXIT_USAGE);
    }
    if (bundle.nr_domains != 1) {
        print("the bundle has %u guests, and this version runs one\n", bundle.nr_domains);
        exit_with(EXIT_USAGE);
    }
    code = run_guest(&bundle.domains[0]);
    if (code == EXIT_BROKEN)
        exit_with(code);
    exit_proved(code);
}

_Noreturn void main_start(uint32_t magic, uint64_t start)
{
    const char *line = boot_info.command_line;
    bool selftest;

    serial_init();
    serial_hold_log();
    print("\nParavane %s\n", version);
    cpu_init();
    debug_stack_init();
    read_boot_info(magic, start);
    if (!serial_set_log(option_is_set(line, "log=com2")))
        print("there is no serial line at 0x2f8: messages go to the one at 0x3f8\n");
    if (option_is_set(line, "smap=off"))
        cpu_disable_smap();
    if (option_is_set(line, "explain"))
        refusals_explain();
    selftest = option_is_set(line, "selftest");
    set_up_memory(selftest || option_is_set(line, "audit"));
    if (boot_info.has_bundle)
        print("bundle: %lu bytes at %lx\n", boot_info.bundle.end - boot_info.bundle.start, boot_info.bundle.start);
    selftest_break(line);
    time_init();
    wallclock_init();
    apic_init();
    nmi_watchdog_init();
    selftest_hang(line);
    state_init();
    if (selftest)
        exit_with(selftest_run(&machine) ? EXIT_GOOD : EXIT_SELFTEST);
    if (!boot_info.has_bundle) {
        print("no bundle: load one as the only module (QEMU: -initrd FILE; GRUB: module2 FILE), or say \"selftest\"\n");
        exit_with(EXIT_USAGE);
    }
    run_bundle();
}

/* SPDX-License-Identifier: MIT */
/* The hypervisor from its first line on the console to the end of the run. */
#include <engine/engine.h>
#include <hv/base/asm.h>
#include <hv/base/exit.h>
#include <hv/base/layout.h>
#include <hv/base/options.h>
#include <hv/base/power.h>
#include <hv/base/print.h>
#include <hv/base/serial.h>
#include <hv/base/version.h>
#include <hv/boot/acpi.h>
#include <hv/boot/boot.h>
#include <hv/cpu/cpu.h>
#include <hv/cpu/debug_stack.h>
#include <hv/cpu/exchange.h>
#include <hv/cpu/house.h>
#include <hv/domain/origin.h>
#include <hv/domain/refusals.h>
#include <hv/domain/trace.h>
#include <hv/domain/vcpu.h>
#include <hv/domain/wallclock.h>
#include <hv/guests.h>
#include <hv/kernel/bundle.h>
#include <hv/main.h>
#include <hv/mem/allocate.h>
#include <hv/mem/global_pages.h>
#include <hv/mem/paging.h>
#include <hv/mem/ram.h>
#include <hv/processors.h>
#include <hv/record/record.h>
#include <hv/selftest.h>
#include <hv/service/console.h>
#include <hv/time/apic.h>
#include <hv/time/nmi_watchdog.h>
#include <hv/time/time.h>

#define DOMAINS_MAX 64u

static struct boot_info boot_info;
static struct domain *domains[DOMAINS_MAX];
static struct machine machine = {.domains = domains, .nr_domains = DOMAINS_MAX};

/* Only while booting. */
static const struct boot_memory early_memory = {(const uint8_t *)IMAGE_BASE, EARLY_END};

static void read_boot_info(uint32_t magic, uint64_t start)
{
    if (boot_parse(&early_memory, magic, start, &boot_info))
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

/* Where nothing outlasts a load of cr3, to forget global pages would be for nothing. */
static void choose_global_pages(const char *line)
{
    if (cpu_features()->pge && !option_is_set(line, "global=on") && !global_pages_stay())
        cpu_disable_global_pages();
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
    house_enter(); /* from here on the roof is in it, but while it lets others run */
    code = guests_run(&machine, &bundle);
    processors_tell_waits();
    if (code == EXIT_BROKEN)
        exit_with(code);
    exit_proved(code);
}

/* On a multiplexed line the hypervisor's messages would be nobody's. */
static void choose_lines(const char *line)
{
    bool apart = option_is_set(line, "log=com2"), multiplexed = option_is_set(line, "console=multiplexed");

    if (apart && option_is_set(line, "quiet"))
        serial_keep_log();
    if (!serial_set_log(apart)) {
        print("there is no serial line at 0x2f8 for messages\n");
        apart = false;
    }
    if (multiplexed && apart)
        console_multiplex();
    else if (multiplexed)
        print("console=multiplexed is ignored: it wants messages to have a line of their own, by log=com2\n");
}

/* What becomes of the machine at the end, where it is no QEMU with a device for that. */
static void choose_end(const char *line)
{
    bool always = option_is_set(line, "poweroff");
    struct power power;
    const char *problem;

    if (!always && !option_is_set(line, "poweroff=good"))
        return;
    problem = acpi_find_power(&early_memory, boot_info.rsdp, &power);
    if (problem) {
        print("the machine cannot be powered off: %s\n", problem);
        return;
    }
    power_init(&power);
    exit_set_power_off(always);
}

/* What is said, and noted for that, of calls that are refused. */
static void start_explaining(const char *line)
{
    bool as_json = option_is_set(line, "explain=json");

    if (!as_json && !option_is_set(line, "explain"))
        return;
    refusals_explain(as_json);
    origin_start(&machine);
}

/* So that whoever reads what a guest died of has heard of it. */
static void warn_of_processor(void)
{
    if (exchange_spoils_flags())
        print("processor: cmpxchg16b spoils flags, as under QEMU 7.2: kernels that use it may fail at random. A newer "
              "QEMU, such as 10.0, keeps them\n");
}

/* As many as the command line allows: cpus=N. */
static void start_processors(const char *line)
{
    uint64_t most;

    if (!option_count(line, "cpus", &most) || most == 0 || most > MAX_CPUS)
        most = MAX_CPUS;
    processors_start(&machine, (unsigned)most);
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
    warn_of_processor();
    read_boot_info(magic, start);
    choose_lines(line);
    choose_end(line);
    processors_find(&early_memory, &boot_info);
    if (option_is_set(line, "smap=off"))
        cpu_disable_smap();
    selftest = option_is_set(line, "selftest");
    set_up_memory(selftest || option_is_set(line, "audit"));
    choose_global_pages(line);
    if (boot_info.has_bundle)
        print("bundle: %lu bytes at %lx\n", boot_info.bundle.end - boot_info.bundle.start, boot_info.bundle.start);
    selftest_break(line);
    time_init();
    wallclock_init();
    apic_init();
    nmi_watchdog_init();
    state_init();
    start_explaining(line);
    if (option_is_set(line, "trace") || option_is_set(line, "trace=summary"))
        trace_start(&machine, (struct trace_wanted){option_is_set(line, "trace"), option_is_set(line, "trace-traps")});
    record_start(&machine, line);
    start_processors(line);
    selftest_hang(line);
    if (selftest)
        exit_with(selftest_run(&machine) ? EXIT_GOOD : EXIT_SELFTEST);
    if (!boot_info.has_bundle) {
        print("no bundle: load one as the only module (QEMU: -initrd FILE; GRUB: module2 FILE), or say \"selftest\"\n");
        exit_with(EXIT_USAGE);
    }
    run_bundle();
}

/* SPDX-License-Identifier: MIT */
/* The hypervisor from its first line on the console to the end of the run. */
#include <engine/engine.h>
#include <hv/asm.h>
#include <hv/boot.h>
#include <hv/cpu.h>
#include <hv/exit.h>
#include <hv/layout.h>
#include <hv/main.h>
#include <hv/memory.h>
#include <hv/options.h>
#include <hv/print.h>
#include <hv/selftest.h>
#include <hv/serial.h>
#include <hv/vcpu.h>

#define DOMAINS_MAX 64u

static struct boot_info boot_info;
static struct domain *domains[DOMAINS_MAX];
static struct machine machine = {.domains = domains, .nr_domains = DOMAINS_MAX};

static void read_boot_info(uint32_t magic, uint64_t start)
{
    const struct boot_memory early = {(const uint8_t *)IMAGE_BASE, EARLY_END};

    if (boot_parse(&early, magic, start, &boot_info))
        exit_unsupported("%s", boot_info.problem);
    print("booted by %s: %s\n", boot_info.protocol, boot_info.command_line);
}

static void set_up_memory(bool audit)
{
    uint64_t seed;
    struct memory_options options;

    if (!option_number(boot_info.command_line, "seed", &seed))
        seed = asm_read_tsc();
    options = (struct memory_options){
        .audit = audit,
        .pool_seed = seed | 1,
    };

    memory_init(&boot_info, &options, &machine);
    vcpu_switch(&machine, NULL);
}

_Noreturn void main_start(uint32_t magic, uint64_t start)
{
    const char *line = boot_info.command_line;
    bool selftest;

    serial_init();
    print("\nParavane %s\n", version);
    cpu_init();
    read_boot_info(magic, start);
    if (option_is_set(line, "smap=off"))
        cpu_disable_smap();
    selftest = option_is_set(line, "selftest");
    set_up_memory(selftest);
    if (boot_info.has_bundle)
        print("bundle: %lu bytes at %lx\n", boot_info.bundle.end - boot_info.bundle.start, boot_info.bundle.start);
    selftest_break(line);
    if (selftest)
        exit_with(selftest_run(&machine) ? EXIT_GOOD : EXIT_SELFTEST);
    if (!boot_info.has_bundle) {
        print("no bundle: load one as the only module (QEMU: -initrd FILE; GRUB: module2 FILE), or say \"selftest\"\n");
        exit_with(EXIT_USAGE);
    }
    print("this version runs no guests yet\n");
    exit_with(EXIT_UNSUPPORTED);
}

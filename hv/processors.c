/* SPDX-License-Identifier: MIT */
/*
 * In order: what is known of them; a processor itself, from its first step in C; its start, by the first processor.
 *
 * They are started one after the other.  What both sides wait for is one word, enum stage.
 */
#include <engine/engine.h>
#include <hv/base/asm.h>
#include <hv/base/clock.h>
#include <hv/base/layout.h>
#include <hv/base/print.h>
#include <hv/base/string.h>
#include <hv/boot/acpi_madt.h>
#include <hv/boot/boot.h>
#include <hv/cpu/cpu.h>
#include <hv/cpu/ipi.h>
#include <hv/domain/sched.h>
#include <hv/domain/state.h>
#include <hv/domain/vcpu.h>
#include <hv/head.h>
#include <hv/mem/paging.h>
#include <hv/mem/stack.h>
#include <hv/mem/window.h>
#include <hv/processors.h>
#include <hv/time/apic.h>
#include <hv/time/time.h>
#include <hv/time/tsc_compare.h>

#define REACHED_END UINT64_C(0xa0000) /* what a start-up interrupt reaches, and is memory on a PC */

/* Intel SDM volume 3, 9.4.4.1: from the reset to the first start-up interrupt, and from that to the second. */
#define RESET_NS UINT64_C(10000000)
#define AGAIN_NS UINT64_C(200000)
#define COME_NS  UINT64_C(10000000000) /* until then it has come, however busy the machine's own host is */

#define CPU_ORDER 5u
_Static_assert(sizeof(struct cpu) <= PAGE_SIZE << CPU_ORDER, "struct cpu is taken in one piece");

enum stage {
    STAGE_STARTING,
    STAGE_CLOCK,    /* it has set itself up; clocks are compared */
    STAGE_ODD,      /* or it cannot do what the first can, and halts */
    STAGE_READY,    /* it waits for the word to go on */
    STAGE_GOES_ON,  /* that word */
    STAGE_GIVEN_UP, /* or that it is not wanted any more */
};

static struct processors found;
static const char *problem = "nobody has looked"; /* why none is known; NULL: they are in @found */
static uint64_t page;                             /* the machine address of the first instructions */
static struct machine *machine_of_all;
static unsigned stage;

/*
 * ---- What is known.
 */

/* The last page that there is; 0: there is none. */
static uint64_t find_page(const struct ranges *ram)
{
    for (uint64_t at = REACHED_END - PAGE_SIZE; at > 0; at -= PAGE_SIZE) {
        if (ranges_contain(ram, (struct range){at, at + PAGE_SIZE}))
            return at;
    }
    return 0;
}

void processors_find(const struct boot_memory *memory, const struct boot_info *info)
{
    problem = acpi_find_processors(memory, info->rsdp, &found);
    page = find_page(&info->ram);
    if (!page && !problem)
        problem = "there is no memory below 1 MiB to start them in";
    if (page)
        memcpy((void *)(IMAGE_BASE + page), other_real_mode, (size_t)(other_real_mode_end - other_real_mode));
}

/*
 * ---- A processor itself.
 */

static unsigned stage_now(void)
{
    return __atomic_load_n(&stage, __ATOMIC_ACQUIRE);
}

/* From @seen to @next, unless the other side has gone elsewhere. */
static bool step(unsigned seen, unsigned next)
{
    return __atomic_compare_exchange_n(&stage, &seen, next, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
}

/* The first function on its stack. */
static _Noreturn void arrive(void)
{
    if (!cpu_init_other()) {
        (void)step(STAGE_STARTING, STAGE_ODD);
        asm_halt_forever();
    }
    apic_init_other();
    state_init_other();
    hv_vcpu_switch(machine_of_all, NULL);
    if (!step(STAGE_STARTING, STAGE_CLOCK))
        asm_halt_forever();
    tsc_compare_other();
    if (!step(STAGE_CLOCK, STAGE_READY))
        asm_halt_forever();
    while (stage_now() == STAGE_READY)
        __asm__ volatile("pause");
    sched_run_beside(machine_of_all);
}

/*
 * ---- Its start.
 */

static void wait_ns(uint64_t ns)
{
    uint64_t begin = time_now();

    while (time_now() - begin < ns)
        __asm__ volatile("pause");
}

static bool leaves_stage(unsigned seen, uint64_t ns)
{
    uint64_t begin = time_now();

    while (stage_now() == seen) {
        if (time_now() - begin >= ns)
            return false;
        __asm__ volatile("pause");
    }
    return true;
}

/* A structure for processor @id, with a stack; NULL: there is no memory. */
static struct cpu *make_cpu(struct machine *machine, unsigned id, uint32_t acpi)
{
    struct cpu *cpu;
    mfn_t mfn;

    if (!machine_take(machine, CPU_ORDER, &mfn))
        return NULL;
    if (!stack_create(machine, WINDOW_OF_CPU + id)) {
        machine_give(machine, mfn, CPU_ORDER);
        return NULL;
    }
    cpu = paging_ram(mfn.v << PAGE_SHIFT);
    memset(cpu, 0, sizeof(*cpu));
    cpu->id = id;
    cpu->acpi = acpi;
    cpu->maddr = mfn.v << PAGE_SHIFT;
    return cpu;
}

static void unmake_cpu(struct machine *machine, struct cpu *cpu)
{
    stack_destroy(machine, WINDOW_OF_CPU + cpu->id);
    machine_give(machine, MFN(cpu->maddr >> PAGE_SHIFT), CPU_ORDER);
}

/* Its stack as if something had called arrive(), of which it is the end. */
static uint64_t make_stack(struct cpu *cpu)
{
    struct stack_owner *owner = stack_owner_at(stack_top(WINDOW_OF_CPU + cpu->id));
    uint64_t *words = (uint64_t *)owner - 2;

    *owner = (struct stack_owner){.cpu = cpu};
    words[0] = (uint64_t)arrive;
    words[1] = 0;
    return (uint64_t)words;
}

static void send_start(uint32_t apic)
{
    ipi_send(apic, IPI_INIT);
    wait_ns(RESET_NS);
    ipi_send(apic, IPI_START((uint32_t)(page >> PAGE_SHIFT)));
    if (!leaves_stage(STAGE_STARTING, AGAIN_NS))
        ipi_send(apic, IPI_START((uint32_t)(page >> PAGE_SHIFT)));
}

/* Guests are told of one clock, and the hypervisor has one. */
static const char *compare_clocks(void)
{
    uint64_t off;

    if (tsc_compare_first(COME_NS, &off))
        return "it does not come up";
    if (off == 0)
        return leaves_stage(STAGE_CLOCK, COME_NS) ? NULL : "it does not come up";
    print("a TSC is %lu ticks or more from the first's\n", off);
    return "it has a clock of its own";
}

/* Why the one with the local APIC @apic does not get ready, in words; NULL: it is. */
static const char *start(struct cpu *cpu, uint32_t apic)
{
    tsc_compare_begin();
    __atomic_store_n(&stage, STAGE_STARTING, __ATOMIC_RELEASE);
    __atomic_store_n(&other_stack, make_stack(cpu), __ATOMIC_SEQ_CST);
    send_start(apic);
    if (!leaves_stage(STAGE_STARTING, COME_NS) && step(STAGE_STARTING, STAGE_GIVEN_UP))
        return "it does not come up";
    if (stage_now() == STAGE_ODD)
        return "CPUID tells of it other than of the first";
    return compare_clocks();
}

/*
 * From its reset on it uses nothing of @cpu's, wherever it has been.  Whoever comes takes the stack: one that is too
 * late finds none, or is taken for the next.
 */
static void give_up(struct machine *machine, struct cpu *cpu, uint32_t apic, const char *why)
{
    print("the processor with APIC %u is left alone: %s\n", apic, why);
    __atomic_store_n(&other_stack, 0, __ATOMIC_SEQ_CST);
    ipi_send(apic, IPI_INIT);
    wait_ns(RESET_NS);
    unmake_cpu(machine, cpu);
}

/* Start the one found at @place as processor @id.  False: it does not run. */
static bool bring_up(struct machine *machine, unsigned place, unsigned id)
{
    uint32_t apic = found.apics[place];
    struct cpu *cpu = make_cpu(machine, id, found.uids[place]);
    const char *why;

    if (!cpu) {
        print("the processor with APIC %u is left alone: there is no memory for it\n", apic);
        return false;
    }
    why = start(cpu, apic);
    if (why) {
        give_up(machine, cpu, apic, why);
        return false;
    }
    cpu_set_online(cpu);
    return step(STAGE_READY, STAGE_GOES_ON);
}

/* The first one runs already, wherever it stands in the table. */
static void name_first(struct cpu *first)
{
    for (unsigned i = 0; i < found.count; i++) {
        if (found.apics[i] == first->apic)
            first->acpi = found.uids[i];
    }
}

void processors_start(struct machine *machine, unsigned most)
{
    uint32_t own = cpu_here()->apic;
    unsigned id = 1;

    name_first(cpu_here());
    machine_of_all = machine;
    other_root = paging_root();
    if (problem && most > 1)
        print("one processor runs: %s\n", problem);
    for (unsigned i = 0; !problem && i < found.count && id < most; i++) {
        if (found.apics[i] == own)
            continue;
        if (ipi_reaches(found.apics[i]))
            id += bring_up(machine, i, id);
        else
            print("the processor with APIC %u is left alone: that takes an x2APIC\n", found.apics[i]);
    }
    if (found.left_out && most == MAX_CPUS)
        print("%u processors are left alone: there is room for %u\n", found.left_out, MAX_CPUS);
    machine->tlb.cpus = cpus_online();
    print("processors: %u\n", id);
}

static unsigned long in_us(uint64_t ticks)
{
    return clock_ticks_to_ns(time_read().scale, ticks) / 1000;
}

void processors_tell_waits(void)
{
    const struct cpu *cpu;

    for (unsigned id = 0; cpu_find(1) && (cpu = cpu_find(id)); id++)
        print("processor %u waited for locks %lu times, %lu us, of these %lu halts, %lu us; "
              "for answers %lu times, %lu us, of these %lu halts, %lu us; of %lu requests %lu took a kick\n",
              id, cpu->for_locks.count, in_us(cpu->for_locks.ticks), cpu->for_locks.halts,
              in_us(cpu->for_locks.halts_ticks), cpu->for_answers.count, in_us(cpu->for_answers.ticks),
              cpu->for_answers.halts, in_us(cpu->for_answers.halts_ticks), cpu->requests, cpu->kicked);
}

/* SPDX-License-Identifier: MIT */
/* The machine of frames.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <hv/cpu/cpu.h>
#include <hv/mem/paging.h>
#include <tests/hv/lib/frames.h>

struct cpu cpu_boot;
struct machine machine;
struct frame frames[FRAMES];
_Alignas(4096) uint64_t entries[FRAMES][ENTRIES_PER_TABLE];
struct hv_domain domain;
struct hv_vcpu vcpu;

static uint64_t m2p[FRAMES];
static struct domain *domains[2];

void *paging_ram(uint64_t maddr)
{
    assert_true(maddr < sizeof(entries));
    return (uint8_t *)entries + maddr;
}

void make_type(unsigned frame, enum frame_type type, uint32_t flags, uint32_t count)
{
    frames[frame].type = type_word(type, flags, count);
}

void make_entry(unsigned table, unsigned index, unsigned frame, uint64_t flags)
{
    entries[table][index] = (uint64_t)frame << PAGE_SHIFT | ENTRY_PRESENT | flags;
}

static void make_domain(void)
{
    domain = (struct hv_domain){.engine = {.machine = &machine, .id = DOMID(1), .max_frames = 0x1000}};
    vcpu = (struct hv_vcpu){.engine = {.domain = &domain.engine, .kernel_root = MFN(ROOT), .user_root = MFN_NONE}};
    for (unsigned i = 0; i < GDT_FRAMES; i++)
        vcpu.engine.gdt[i] = MFN_NONE;
    for (unsigned i = 0; i < LDT_FRAMES; i++)
        vcpu.engine.ldt[i] = MFN_NONE;
    domain.vcpus[0] = &vcpu.engine;
    domain.engine.vcpus = domain.vcpus;
    domain.engine.nr_vcpus = 1;
    domains[1] = &domain.engine;
}

int make_frames(void **state)
{
    (void)state;
    memset(entries, 0, sizeof(entries));
    machine = (struct machine){
        .frames = frames, .nr_frames = FRAMES, .m2p = m2p, .domains = domains, .nr_domains = ARRAY_SIZE(domains)};
    make_domain();
    for (unsigned i = 0; i < FRAMES; i++) {
        bool own = i > 0 && i < 9;

        frames[i] = (struct frame){.owner = own       ? 1
                                            : i == 10 ? DOMID_XEN
                                                      : OWNER_NONE,
                                   .refs = own,
                                   .flags = own ? FRAME_ALLOCATED : 0};
        m2p[i] = own ? FIRST_PFN + i : UINT64_MAX;
    }
    make_type(ROOT, TYPE_L4, TYPE_VALIDATED | TYPE_PINNED, 2);
    make_type(L3, TYPE_L3, TYPE_VALIDATED, 1);
    make_type(L2, TYPE_L2, TYPE_VALIDATED, 1);
    make_type(L1, TYPE_L1, TYPE_VALIDATED, 1);
    make_type((unsigned)PAGE.v, TYPE_WRITABLE, 0, 1);
    for (unsigned table = ROOT; table <= L1; table++)
        make_entry(table, SLOT, table + 1, ENTRY_RW);
    return 0;
}

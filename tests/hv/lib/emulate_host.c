/* SPDX-License-Identifier: MIT */
/* The guest in front of an instruction: emulate_host.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <abi/vm_assist.h>
#include <engine/access.h>
#include <engine/engine.h>
#include <engine/reach.h>
#include <hv/cpu/cpu.h>
#include <hv/cpu/entry.h>
#include <hv/cpu/user_word.h>
#include <hv/device/ports.h>
#include <hv/emulate/cpuid.h>
#include <hv/emulate/emulate_privileged.h>
#include <hv/mem/window.h>
#include <tests/hv/lib/emulate_host.h>

struct cpu_features cpu_features_found; /* without SMAP */
uint8_t memory[PAGES * PAGE];
bool readable[PAGES], writable[PAGES], for_programs[PAGES];
bool no_code_words;
struct hv_domain domain;
struct hv_vcpu vcpu;
struct cpu_frame frame;
struct vcpu_info info;
uint64_t gdt[DESCRIPTORS], ldt[DESCRIPTORS], code_descriptor;
struct seen seen;

uint64_t window_base(unsigned window)
{
    (void)window;
    return 0;
}

size_t copy_recover(void *to, const void *from, size_t size)
{
    uint64_t place = (uint64_t)from, in_ldt = place - (uint64_t)LDT_WINDOW * PAGE_SIZE;
    const uint64_t *descriptor = &code_descriptor;

    assert_int_equal(size, sizeof(*descriptor));
    if (place < sizeof(gdt))
        descriptor = &gdt[place / 8];
    else if (in_ldt < sizeof(ldt))
        descriptor = &ldt[in_ldt / 8];
    memcpy(to, descriptor, size);
    return 0;
}

static bool reach(uint64_t address, size_t size, const bool *allowed)
{
    if (address < BASE || address + size > BASE + sizeof(memory))
        return false;
    return allowed[(address - BASE) / PAGE] && allowed[(address + size - 1 - BASE) / PAGE];
}

bool port_copy_from_guest(struct vcpu *v, void *to, vaddr_t from, size_t size)
{
    (void)v;
    if (!reach(from.v, size, readable))
        return false;
    memcpy(to, memory + (from.v - BASE), size);
    return true;
}

bool user_word_read(uint64_t from, uint64_t *word)
{
    return !no_code_words && port_copy_from_guest(&vcpu.engine, word, VADDR(from), sizeof(*word));
}

bool port_copy_to_guest(struct vcpu *v, vaddr_t to, const void *from, size_t size)
{
    (void)v;
    if (!reach(to.v, size, writable))
        return false;
    memcpy(memory + (to.v - BASE), from, size);
    return true;
}

bool reach_by_program(struct vcpu *v, vaddr_t start, uint64_t size)
{
    (void)v;
    return reach(start.v, size, for_programs);
}

void bounce_page_fault(struct hv_vcpu *v, uint64_t address, uint64_t error)
{
    (void)v;
    seen.page_faults++;
    seen.address = address;
    seen.error = error;
}

void bounce_exception(struct hv_vcpu *v, unsigned vector)
{
    (void)v;
    seen.exceptions++;
    seen.vector = vector;
}

void bounce_exception_error(struct hv_vcpu *v, unsigned vector, uint64_t error)
{
    bounce_exception(v, vector);
    seen.error = error;
}

int vcpu_set_kernel_root(struct vcpu *v, mfn_t mfn)
{
    (void)v;
    seen.root = mfn.v;
    return seen.root_refused ? -22 : 0;
}

void state_set_fs_base(uint64_t base)
{
    seen.fs_base = base;
}

void state_set_gs_base(uint64_t base)
{
    seen.gs_base = base;
}

void state_set_gs_base_inactive(uint64_t base)
{
    seen.gs_base_inactive = base;
}

uint64_t state_fs_base(void)
{
    return seen.fs_base;
}

uint64_t state_gs_base(void)
{
    return seen.gs_base;
}

uint64_t state_gs_base_inactive(void)
{
    return seen.gs_base_inactive;
}

void state_set_task_switched(struct hv_vcpu *v, bool set)
{
    (void)v;
    seen.task_switched = set;
}

bool state_set_cr4(struct hv_vcpu *v, uint64_t cr4)
{
    (void)v;
    seen.cr4 = cr4;
    return !seen.cr4_refused;
}

int state_set_xcr0(struct hv_vcpu *v, uint64_t xcr0)
{
    (void)v;
    seen.xcr0 = xcr0;
    return xcr0 & 1 ? 0 : -22;
}

uint64_t state_guest_cr4(const struct hv_vcpu *v)
{
    (void)v;
    return 0x12345678;
}

enum debug_verdict state_set_debug(struct hv_vcpu *v, unsigned index, uint64_t value)
{
    (void)v;
    if (index > 7)
        return DEBUG_NO_REGISTER;
    seen.debug[index] = value;
    return DEBUG_DONE;
}

enum debug_verdict state_get_debug(struct hv_vcpu *v, unsigned index, uint64_t *value)
{
    (void)v;
    if (index > 7)
        return DEBUG_NO_REGISTER;
    *value = seen.debug[index];
    return DEBUG_DONE;
}

uint32_t ports_read(const struct hv_domain *d, uint16_t port, unsigned bytes)
{
    (void)d;
    seen.port = port;
    seen.port_bytes = bytes;
    return seen.port_value;
}

void ports_write(struct hv_domain *d, uint16_t port, unsigned bytes, uint32_t value)
{
    (void)d;
    seen.port = port;
    seen.port_bytes = bytes;
    seen.port_value = value;
}

struct cpuid cpuid_guest(const struct hv_vcpu *v, uint32_t leaf, uint32_t subleaf)
{
    (void)v;
    return (struct cpuid){leaf + 1, 0xb0b0b0b0, subleaf + 1, 0xd0d0d0d0};
}

/* A processor with two registers that the guest's list does not have, and EFER. */
bool msr_read_recover(uint32_t msr, uint64_t *value)
{
    if (msr != 0x123 && msr != 0x800 && msr != MSR_EFER)
        return false;
    *value = UINT64_C(0xaaaabbbbccccdddd);
    return true;
}

void place(const char *bytes, size_t count)
{
    memset(&seen, 0, sizeof(seen));
    seen.port_value = UINT32_MAX;
    memset(&domain, 0, sizeof(domain));
    memset(&vcpu, 0, sizeof(vcpu));
    memset(memory, 0x90, sizeof(memory));
    memcpy(memory, bytes, count);
    for (unsigned i = 0; i < PAGES; i++)
        readable[i] = writable[i] = for_programs[i] = true;
    memset(gdt, 0, sizeof(gdt));
    memset(ldt, 0, sizeof(ldt));
    code_descriptor = FLAT_64;
    frame = (struct cpu_frame){.rip = BASE, .cs = 0xe033, .ss = 0xe02b, .rflags = 0x202 | RFLAGS_RF};
    frame.rax = frame.rbx = frame.rcx = frame.rdx = frame.rsi = frame.rdi = frame.r9 = POISON;
    domain.engine.width = WIDTH_64;
    vcpu.engine.domain = &domain.engine;
    vcpu.frame = &frame;
    vcpu.info = &info;
}

enum emulate_result privileged(void)
{
    return emulate_short(&vcpu) ? EMULATE_DONE : emulate_privileged(&vcpu);
}

void does(unsigned length)
{
    assert_int_equal(privileged(), EMULATE_DONE);
    assert_int_equal(frame.rip, BASE + length);
    assert_int_equal(frame.rflags & RFLAGS_RF, 0);
    assert_int_equal(seen.page_faults + seen.exceptions, 0);
}

void does_not(void)
{
    struct cpu_frame before = frame;

    assert_int_equal(privileged(), EMULATE_UNKNOWN);
    assert_memory_equal(&frame, &before, sizeof(before));
    assert_int_equal(seen.page_faults + seen.exceptions, 0);
}

void set_iopl(unsigned level, bool architectural, bool user)
{
    vcpu.state.iopl = (uint64_t)level << 12;
    domain.vm_assist = architectural ? UINT64_C(1) << VMASST_TYPE_architectural_iopl : 0;
    vcpu.engine.user_mode = user;
}

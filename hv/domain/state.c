/* SPDX-License-Identifier: MIT */
/* In order: the extended state; bases; control registers; debug registers; the switch. */
#include <abi/errno.h>
#include <engine/check.h>
#include <engine/engine.h>
#include <hv/base/asm.h>
#include <hv/base/string.h>
#include <hv/cpu/cpu.h>
#include <hv/cpu/trap.h>
#include <hv/domain/state.h>
#include <hv/domain/vcpu.h>
#include <hv/mem/allocate.h>

/*
 * ---- Extended state: Intel SDM volume 1, chapter 13.
 */

#define LEAF_VERSION  1u
#define LEAF_XSAVE    13u
#define VERSION_XSAVE (1u << 26) /* ecx */
#define XCR0_X87      (UINT64_C(1) << 0)
#define XCR0_SSE      (UINT64_C(1) << 1)
#define XCR0_AVX      (UINT64_C(1) << 2)
#define XCR0_AVX512   (UINT64_C(7) << 5)
#define XCR0_OFFERED  (XCR0_X87 | XCR0_SSE | XCR0_AVX | XCR0_AVX512)
#define FXSAVE_SIZE   512u
#define FXSAVE_FCW    0u /* offsets of the control words: Intel SDM volume 1, table 10-2 */
#define FXSAVE_MXCSR  24u
#define RESET_FCW     0x40u
#define RESET_MXCSR   0x1f80u
#define FXSAVE_USED   416u /* of the legacy area, what the processor reads */
#define MXCSR_DEFINED 0xffffu
#define XSAVE_HEADER  512u /* offset: which parts the area holds */
#define DR6_RESET     UINT64_C(0xffff0ff0)
#define DR7_RESET     UINT64_C(0x00000400)

static struct {
    uint64_t xcr0; /* what guests may enable; 0: no xsave */
    uint32_t size; /* bytes of an area */
} extended;

static void write_xcr0(uint64_t value)
{
    __asm__ volatile("xsetbv" : : "c"(0), "a"((uint32_t)value), "d"((uint32_t)(value >> 32)));
}

/*
 * Where x87 was last, an area holds as an address of 64 bits, or as a selector and an offset of 32, which is what a
 * 32-bit guest has: by the form of the instruction (Intel SDM volume 1, 10.5.1.1).
 */
#define EXTENDED(instruction, vcpu)                                                                                 \
    do {                                                                                                            \
        if (hv_vcpu_is_64bit(vcpu))                                                                                 \
            __asm__ volatile(instruction "64 (%0)" : : "r"((vcpu)->state.extended), "a"(~0u), "d"(~0u) : "memory"); \
        else                                                                                                        \
            __asm__ volatile(instruction " (%0)" : : "r"((vcpu)->state.extended), "a"(~0u), "d"(~0u) : "memory");   \
    } while (0)

static void save_extended(const struct hv_vcpu *vcpu)
{
    if (extended.xcr0) {
        write_xcr0(extended.xcr0);
        EXTENDED("xsave", vcpu);
    } else {
        EXTENDED("fxsave", vcpu);
    }
}

static void load_extended(const struct hv_vcpu *vcpu)
{
    if (extended.xcr0) {
        write_xcr0(extended.xcr0);
        EXTENDED("xrstor", vcpu);
    } else {
        EXTENDED("fxrstor", vcpu);
    }
}

/* What CPUID says of xsave depends on what is enabled, so all that is offered is enabled first. */
void state_init(void)
{
    struct cpuid leaf;

    extended.size = FXSAVE_SIZE;
    if (!(asm_cpuid(LEAF_VERSION, 0).ecx & VERSION_XSAVE))
        return;
    leaf = asm_cpuid(LEAF_XSAVE, 0);
    extended.xcr0 = ((uint64_t)leaf.edx << 32 | leaf.eax) & XCR0_OFFERED;
    state_init_other();
    extended.size = asm_cpuid(LEAF_XSAVE, 0).ebx;
}

void state_init_other(void)
{
    if (extended.xcr0 == 0)
        return;
    asm_write_cr4(asm_read_cr4() | CR4_OSXSAVE);
    write_xcr0(extended.xcr0);
}

uint64_t state_xcr0_offered(void)
{
    return extended.xcr0;
}

static void reset_extended(uint8_t *area)
{
    const uint16_t fcw = RESET_FCW;
    const uint32_t mxcsr = RESET_MXCSR;
    const uint64_t parts = XCR0_X87 | XCR0_SSE;

    memcpy(area + FXSAVE_FCW, &fcw, sizeof(fcw));
    memcpy(area + FXSAVE_MXCSR, &mxcsr, sizeof(mxcsr));
    if (extended.xcr0)
        memcpy(area + XSAVE_HEADER, &parts, sizeof(parts));
}

bool state_set_extended(struct hv_vcpu *vcpu, const void *fxsave)
{
    uint8_t *area = vcpu->state.extended;
    uint32_t mxcsr;

    memcpy(&mxcsr, (const uint8_t *)fxsave + FXSAVE_MXCSR, sizeof(mxcsr));
    if (mxcsr & ~MXCSR_DEFINED)
        return false;
    memcpy(area, fxsave, FXSAVE_USED);
    return true;
}

int state_create(struct hv_vcpu *vcpu)
{
    vcpu->state.extended = allocate(extended.size);
    if (!vcpu->state.extended)
        return -XEN_ENOMEM;
    reset_extended(vcpu->state.extended);
    vcpu->state.xcr0 = extended.xcr0 ? XCR0_X87 : 0;
    vcpu->state.debug[6] = DR6_RESET;
    vcpu->state.debug[7] = DR7_RESET;
    return 0;
}

void state_destroy(struct hv_vcpu *vcpu)
{
    release(vcpu->state.extended, extended.size);
    vcpu->state.extended = NULL;
}

int state_set_xcr0(struct hv_vcpu *vcpu, uint64_t xcr0)
{
    bool avx_alone = (xcr0 & XCR0_AVX) && !(xcr0 & XCR0_SSE);
    uint64_t avx512 = xcr0 & XCR0_AVX512;

    if (!(xcr0 & XCR0_X87) || (xcr0 & ~extended.xcr0) || avx_alone)
        return -XEN_EINVAL;
    if (avx512 && (avx512 != XCR0_AVX512 || !(xcr0 & XCR0_AVX)))
        return -XEN_EINVAL;
    vcpu->state.xcr0 = xcr0;
    write_xcr0(xcr0);
    return 0;
}

/*
 * ---- Bases.
 */

#define MSR_FS_BASE        0xc0000100u
#define MSR_GS_BASE        0xc0000101u
#define MSR_KERNEL_GS_BASE 0xc0000102u

void state_swap_gs(void)
{
    __asm__ volatile("swapgs" : : : "memory");
}

void state_set_fs_base(uint64_t base)
{
    asm_write_msr(MSR_FS_BASE, base);
}

void state_set_gs_base(uint64_t base)
{
    asm_write_msr(MSR_GS_BASE, base);
}

void state_set_gs_base_inactive(uint64_t base)
{
    asm_write_msr(MSR_KERNEL_GS_BASE, base);
}

uint64_t state_fs_base(void)
{
    return asm_read_msr(MSR_FS_BASE);
}

uint64_t state_gs_base(void)
{
    return asm_read_msr(MSR_GS_BASE);
}

uint64_t state_gs_base_inactive(void)
{
    return asm_read_msr(MSR_KERNEL_GS_BASE);
}

/* The selector goes to the side that is not active: the other base is put aside meanwhile. */
bool state_load_inactive_gs(uint16_t selector)
{
    bool loaded;

    state_swap_gs();
    loaded = entry_load_gs(selector);
    state_swap_gs();
    return loaded;
}

/*
 * ---- Control registers.
 */

#define CR4_GUEST_MAY    (CR4_TSD | CR4_DE | CR4_FSGSBASE | CR4_OSXSAVE)
#define CR4_GUEST_ALWAYS (CR4_PAE | CR4_MCE | CR4_OSFXSR | CR4_OSXMMEXCPT)
#define CR4_GUEST_REAL   (CR4_TSD | CR4_DE | CR4_FSGSBASE) /* of these, what the processor has to know */

static bool is_loaded(const struct hv_vcpu *vcpu)
{
    return cpu_here()->current == vcpu;
}

static void load_task_switched(const struct hv_vcpu *vcpu)
{
    asm_write_cr0(vcpu->state.task_switched ? asm_read_cr0() | CR0_TS : asm_read_cr0() & ~CR0_TS);
}

void state_set_task_switched(struct hv_vcpu *vcpu, bool set)
{
    vcpu->state.task_switched = set;
    if (is_loaded(vcpu))
        load_task_switched(vcpu);
}

static void load_cr4(const struct hv_vcpu *vcpu)
{
    asm_write_cr4((asm_read_cr4() & ~CR4_GUEST_REAL) | (vcpu->state.cr4 & CR4_GUEST_REAL));
}

/* Of CR4_GUEST_MAY, what @vcpu's guest is not to find on this processor. */
static uint64_t cr4_missing(const struct hv_vcpu *vcpu)
{
    uint64_t missing = 0;

    if (!extended.xcr0)
        missing |= CR4_OSXSAVE;
    if (!cpu_features()->fsgsbase || !hv_vcpu_is_64bit(vcpu))
        missing |= CR4_FSGSBASE;
    return missing;
}

bool state_set_cr4(struct hv_vcpu *vcpu, uint64_t cr4)
{
    if (cr4 & cr4_missing(vcpu))
        return false;
    vcpu->state.cr4 = cr4 & CR4_GUEST_MAY;
    if (is_loaded(vcpu))
        load_cr4(vcpu);
    return true;
}

uint64_t state_guest_cr4(const struct hv_vcpu *vcpu)
{
    return vcpu->state.cr4 | CR4_GUEST_ALWAYS;
}

/*
 * ---- Debug registers: Intel SDM volume 3, 18.2.
 */

#define DR_ADDRESSES   4u
#define DR6_ALWAYS     DR6_RESET
#define DR6_CHANGEABLE UINT64_C(0x0000e00f)
#define DR7_ALWAYS     DR7_RESET
#define DR7_CHANGEABLE UINT64_C(0xffff03ff)
#define DR7_GD         (UINT64_C(1) << 13)
#define DR7_ENABLES    UINT64_C(0xff)
#define DR7_TYPE_SHIFT 16u
#define DR7_TYPE_IO    2u

static void load_debug(const struct hv_vcpu *vcpu)
{
    const uint64_t *debug = vcpu->state.debug;

    if (!(debug[7] & DR7_ENABLES)) {
        asm_write_dr7(DR7_ALWAYS);
        return;
    }
    asm_write_dr0(debug[0]);
    asm_write_dr1(debug[1]);
    asm_write_dr2(debug[2]);
    asm_write_dr3(debug[3]);
    asm_write_dr7(debug[7]);
}

/* DR4 and DR5 are names of DR6 and DR7 unless CR4.DE says that they are nothing. */
static enum debug_verdict debug_index(const struct hv_vcpu *vcpu, unsigned *index)
{
    if (*index >= ARRAY_SIZE(vcpu->state.debug))
        return DEBUG_NO_REGISTER;
    if (*index != 4 && *index != 5)
        return DEBUG_DONE;
    if (vcpu->state.cr4 & CR4_DE)
        return DEBUG_NO_REGISTER;
    *index += 2;
    return DEBUG_DONE;
}

static enum debug_verdict check_dr7(const struct hv_vcpu *vcpu, uint64_t value)
{
    if (value & DR7_GD)
        return DEBUG_DETECT;
    for (unsigned i = 0; i < DR_ADDRESSES; i++) {
        bool enabled = value >> 2 * i & 3;
        unsigned type = value >> (DR7_TYPE_SHIFT + 4 * i) & 3;

        if (enabled && type == DR7_TYPE_IO && !(vcpu->state.cr4 & CR4_DE))
            return DEBUG_PORT;
    }
    return DEBUG_DONE;
}

enum debug_verdict state_set_debug(struct hv_vcpu *vcpu, unsigned index, uint64_t value)
{
    enum debug_verdict verdict = debug_index(vcpu, &index);

    if (verdict != DEBUG_DONE)
        return verdict;
    if (index < DR_ADDRESSES) {
        if (!access_address_ok(vcpu->engine.domain, value))
            return DEBUG_ADDRESS;
    } else if (value >> 32) {
        return DEBUG_HIGH_BITS;
    } else if (index == 6) {
        value = (value & DR6_CHANGEABLE) | DR6_ALWAYS;
    } else {
        verdict = check_dr7(vcpu, value);
        if (verdict != DEBUG_DONE)
            return verdict;
        value = (value & DR7_CHANGEABLE) | DR7_ALWAYS;
    }
    vcpu->state.debug[index] = value;
    if (is_loaded(vcpu))
        load_debug(vcpu);
    return DEBUG_DONE;
}

enum debug_verdict state_get_debug(struct hv_vcpu *vcpu, unsigned index, uint64_t *value)
{
    enum debug_verdict verdict = debug_index(vcpu, &index);

    if (verdict == DEBUG_DONE)
        *value = vcpu->state.debug[index];
    return verdict;
}

/*
 * ---- The switch.
 */

static void read_selectors(struct vcpu_state *state)
{
    __asm__ volatile("mov %%ds, %0; mov %%es, %1; mov %%fs, %2; mov %%gs, %3"
                     : "=r"(state->ds), "=r"(state->es), "=r"(state->fs), "=r"(state->gs));
}

#define NOT_ADDRESS_BITS 16u

/* A processor that emulates wrfsbase may take what is no address, and refuse it when it is to be loaded again. */
static uint64_t canonical(uint64_t base)
{
    return (uint64_t)((int64_t)(base << NOT_ADDRESS_BITS) >> NOT_ADDRESS_BITS);
}

static void save_segments(struct vcpu_state *state)
{
    read_selectors(state);
    state->fs_base = canonical(state_fs_base());
    state->gs_base = canonical(state_gs_base());
    state->gs_base_inactive = canonical(state_gs_base_inactive());
}

void state_save(struct hv_vcpu *vcpu)
{
    struct vcpu_state *state = &vcpu->state;

    if (!vcpu->run.arrives)
        save_segments(state);
    asm_write_cr0(asm_read_cr0() & ~CR0_TS);
    save_extended(vcpu);
}

/* All four are loaded before a failure is reported: a failed one is null. */
static bool load_selectors(const struct vcpu_state *state)
{
    bool ds = entry_load_ds(state->ds), es = entry_load_es(state->es);
    bool fs = entry_load_fs(state->fs), gs = entry_load_gs(state->gs);

    return ds && es && fs && gs;
}

void state_load(struct hv_vcpu *vcpu)
{
    struct vcpu_state *state = &vcpu->state;

    asm_write_cr0(asm_read_cr0() & ~CR0_TS);
    load_extended(vcpu);
    if (extended.xcr0)
        write_xcr0(state->xcr0);
    load_cr4(vcpu);
    load_debug(vcpu);
    load_task_switched(vcpu);
}

/*
 * The bases are loaded behind the selectors, each by its value: a load of a selector, a null one too, sets the base or
 * leaves that of another vCPU, and with CR4.FSGSBASE any base can go with any selector.  For a 32-bit guest a base is
 * its selector's, and what another vCPU has left behind a null one is out of reach.
 */
bool state_load_segments(const struct hv_vcpu *vcpu)
{
    const struct vcpu_state *state = &vcpu->state;
    bool loaded = load_selectors(state);

    if (!hv_vcpu_is_64bit(vcpu))
        return loaded;
    state_set_fs_base(state->fs_base);
    state_set_gs_base(state->gs_base);
    state_set_gs_base_inactive(state->gs_base_inactive);
    return loaded;
}

void state_renew_segments(const struct hv_vcpu *vcpu)
{
    struct vcpu_state now;
    bool loaded;

    save_segments(&now);
    loaded = load_selectors(&now);
    (void)loaded;
    if (!hv_vcpu_is_64bit(vcpu))
        return;
    state_set_fs_base(now.fs_base);
    state_set_gs_base(now.gs_base);
}

void state_drop_segments(void)
{
    const struct vcpu_state none = {0};
    bool loaded = load_selectors(&none);

    CHECK(loaded); /* null selectors always do */
}

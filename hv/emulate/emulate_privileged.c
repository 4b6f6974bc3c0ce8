/* SPDX-License-Identifier: MIT */
/*
 * Instructions of ring 0 in the guest's kernel, and those that depend on the I/O privilege level.  An
 * instruction that is not in the table, or that the guest may not use so, is the guest's fault.
 */
#include <abi/context.h>
#include <abi/vm_assist.h>
#include <engine/access.h>
#include <engine/engine.h>
#include <hv/base/asm.h>
#include <hv/base/string.h>
#include <hv/domain/vcpu.h>
#include <hv/emulate/code_word.h>
#include <hv/emulate/cpuid.h>
#include <hv/emulate/emulate_privileged.h>
#include <hv/emulate/emulation.h>
#include <hv/emulate/operand.h>

/* Carry @emulation's instruction out.  False: emulation->result. */
typedef bool handler(struct emulation *emulation);

/* edx:eax, as rdmsr and its like use them. */
static uint64_t get_pair(const struct cpu_frame *frame)
{
    return frame->rdx << 32 | (uint32_t)frame->rax;
}

static void set_pair(struct cpu_frame *frame, uint64_t value)
{
    frame->rax = (uint32_t)value;
    frame->rdx = value >> 32;
}

static uint32_t get_ecx(const struct cpu_frame *frame)
{
    return (uint32_t)frame->rcx;
}

/*
 * ---- Control registers.
 */

/* In vcpu_info, which the guest may write at any moment. */
static uint64_t read_cr2(const struct hv_vcpu *vcpu)
{
    if (!vcpu->info)
        return 0;
    if (hv_vcpu_is_64bit(vcpu))
        return __atomic_load_n(&vcpu->info->arch.cr2, __ATOMIC_RELAXED);
    return __atomic_load_n(&((const struct compat_vcpu_info *)vcpu->info)->arch.cr2, __ATOMIC_RELAXED);
}

static void write_cr2(const struct hv_vcpu *vcpu, uint64_t value)
{
    if (!vcpu->info)
        return;
    if (hv_vcpu_is_64bit(vcpu))
        __atomic_store_n(&vcpu->info->arch.cr2, value, __ATOMIC_RELAXED);
    else
        __atomic_store_n(&((struct compat_vcpu_info *)vcpu->info)->arch.cr2, (uint32_t)value, __ATOMIC_RELAXED);
}

static uint64_t read_cr3(const struct hv_vcpu *vcpu)
{
    uint64_t root = vcpu->engine.kernel_root.v;

    return hv_vcpu_is_64bit(vcpu) ? xen_pfn_to_cr3(root) : compat_xen_pfn_to_cr3(root);
}

/* The low bits of a 64-bit guest's value are flags of caching and of PCIDs, which it does not have. */
static bool write_cr3(struct hv_vcpu *vcpu, uint64_t value)
{
    uint64_t root = hv_vcpu_is_64bit(vcpu) ? xen_cr3_to_pfn(value) : compat_xen_cr3_to_pfn(value);

    return vcpu_set_kernel_root(&vcpu->engine, MFN(root)) == 0;
}

static bool do_read_cr(struct emulation *emulation)
{
    struct hv_vcpu *vcpu = emulation->vcpu;
    uint64_t value;

    switch (emulation->instruction.control) {
    case 0:
        value = emulation_cr0(vcpu);
        break;
    case 2:
        value = read_cr2(vcpu);
        break;
    case 3:
        value = read_cr3(vcpu);
        break;
    case 4:
        value = state_guest_cr4(vcpu);
        break;
    default:
        return false;
    }
    operand_set(vcpu->frame, &emulation->instruction, value);
    return true;
}

static bool do_write_cr(struct emulation *emulation)
{
    struct hv_vcpu *vcpu = emulation->vcpu;
    uint64_t value = operand_get(vcpu->frame, &emulation->instruction);

    switch (emulation->instruction.control) {
    case 0:
        if ((value ^ emulation_cr0(vcpu)) & ~CR0_TS)
            return false;
        state_set_task_switched(vcpu, value & CR0_TS);
        return true;
    case 2:
        write_cr2(vcpu, value);
        return true;
    case 3:
        return write_cr3(vcpu, value);
    case 4:
        return state_set_cr4(vcpu, value);
    }
    return false;
}

static bool do_clts(struct emulation *emulation)
{
    state_set_task_switched(emulation->vcpu, false);
    return true;
}

static bool do_xsetbv(struct emulation *emulation)
{
    struct hv_vcpu *vcpu = emulation->vcpu;

    return get_ecx(vcpu->frame) == 0 && state_set_xcr0(vcpu, get_pair(vcpu->frame)) == 0;
}

/*
 * ---- Debug registers.
 */

static bool do_read_dr(struct emulation *emulation)
{
    uint64_t value;

    if (state_get_debug(emulation->vcpu, emulation->instruction.control, &value) != DEBUG_DONE)
        return false;
    operand_set(emulation->vcpu->frame, &emulation->instruction, value);
    return true;
}

static bool do_write_dr(struct emulation *emulation)
{
    const struct instruction *instruction = &emulation->instruction;

    return state_set_debug(emulation->vcpu, instruction->control, operand_get(emulation->vcpu->frame, instruction)) ==
           DEBUG_DONE;
}

/*
 * ---- The rest.
 */

static bool read_msr(struct hv_vcpu *vcpu)
{
    uint64_t value;

    if (!msr_read(vcpu, get_ecx(vcpu->frame), &value))
        return false;
    set_pair(vcpu->frame, value);
    return true;
}

static bool write_msr(struct hv_vcpu *vcpu)
{
    return msr_write(vcpu, get_ecx(vcpu->frame), get_pair(vcpu->frame));
}

static bool do_rdmsr(struct emulation *emulation)
{
    return read_msr(emulation->vcpu);
}

static bool do_wrmsr(struct emulation *emulation)
{
    return write_msr(emulation->vcpu);
}

static bool do_cpuid(struct emulation *emulation)
{
    struct cpu_frame *frame = emulation->vcpu->frame;
    struct cpuid leaf;

    leaf = cpuid_guest(emulation->vcpu, (uint32_t)operand_get_register(frame, OPERAND_RAX, 4), get_ecx(frame));
    operand_set_register(frame, OPERAND_RAX, 4, leaf.eax);
    operand_set_register(frame, OPERAND_RBX, 4, leaf.ebx);
    operand_set_register(frame, OPERAND_RCX, 4, leaf.ecx);
    operand_set_register(frame, OPERAND_RDX, 4, leaf.edx);
    return true;
}

/* It traps if the guest has set CR4.TSD. */
static bool do_rdtsc(struct emulation *emulation)
{
    set_pair(emulation->vcpu->frame, asm_read_tsc());
    return true;
}

/* wbinvd of a guest without devices; cli and sti, which never change evtchn_upcall_mask. */
static bool do_nothing(struct emulation *emulation)
{
    (void)emulation;
    return true;
}

/*
 * ---- Who may.
 */

#define IOPL_STEP UINT64_C(0x1000)

enum right {
    RIGHT_KERNEL,
    RIGHT_IOPL,
};

static const struct privileged {
    handler *run; /* NULL: not an instruction of this kind */
    enum right right;
} table[OPERATION_COUNT] = {
    [OPERATION_IN] = {emulation_port, RIGHT_IOPL},       [OPERATION_OUT] = {emulation_port, RIGHT_IOPL},
    [OPERATION_INS] = {emulation_port, RIGHT_IOPL},      [OPERATION_OUTS] = {emulation_port, RIGHT_IOPL},
    [OPERATION_READ_CR] = {do_read_cr, RIGHT_KERNEL},    [OPERATION_WRITE_CR] = {do_write_cr, RIGHT_KERNEL},
    [OPERATION_READ_DR] = {do_read_dr, RIGHT_KERNEL},    [OPERATION_WRITE_DR] = {do_write_dr, RIGHT_KERNEL},
    [OPERATION_CLTS] = {do_clts, RIGHT_KERNEL},          [OPERATION_RDMSR] = {do_rdmsr, RIGHT_KERNEL},
    [OPERATION_WRMSR] = {do_wrmsr, RIGHT_KERNEL},        [OPERATION_CPUID] = {do_cpuid, RIGHT_KERNEL},
    [OPERATION_RDTSC] = {do_rdtsc, RIGHT_KERNEL},        [OPERATION_WBINVD] = {do_nothing, RIGHT_KERNEL},
    [OPERATION_XSETBV] = {do_xsetbv, RIGHT_KERNEL},      [OPERATION_CLI] = {do_nothing, RIGHT_IOPL},
    [OPERATION_STI] = {do_nothing, RIGHT_IOPL},          [OPERATION_SGDT] = {emulation_system, RIGHT_KERNEL},
    [OPERATION_SIDT] = {emulation_system, RIGHT_KERNEL}, [OPERATION_SLDT] = {emulation_system, RIGHT_KERNEL},
    [OPERATION_STR] = {emulation_system, RIGHT_KERNEL},  [OPERATION_SMSW] = {emulation_system, RIGHT_KERNEL},
};

static bool has_iopl(const struct hv_vcpu *vcpu)
{
    bool architectural = hv_domain_assists(hv_vcpu_domain(vcpu), VMASST_TYPE_architectural_iopl);
    unsigned ring = emulation_in_kernel(vcpu) ? (architectural ? 0 : 1) : 3;

    return ring <= (vcpu->state.iopl & RFLAGS_IOPL) / IOPL_STEP;
}

static bool may(const struct hv_vcpu *vcpu, enum right right)
{
    return right == RIGHT_KERNEL ? emulation_in_kernel(vcpu) : has_iopl(vcpu);
}

/*
 * ---- The short ways of 64-bit code, known by a word of it: a kernel's rdmsr and wrmsr without prefixes, of which
 * Linux needs one at each change of process; and ports in a domain that has none.  Whatever else is at rip goes the
 * long way, which reads it anew.
 */

#define CODE_WRMSR     0x300fu /* the two bytes as a number */
#define CODE_RDMSR     0x320fu
#define PREFIX_16_BITS 0x66u
#define OPCODE_PORT    0xe4u /* of eight, by these bits; in al, imm8 has none of them */
#define PORT_IN_DX     0x08u
#define PORT_OUT       0x02u
#define PORT_WIDE      0x01u

static bool run_port(struct hv_vcpu *vcpu, uint64_t code)
{
    unsigned length = 1, bytes = 1;

    if ((code & 0xff) == PREFIX_16_BITS) {
        code >>= 8;
        length++;
    }
    if ((code & 0xff & ~(PORT_IN_DX | PORT_OUT | PORT_WIDE)) != OPCODE_PORT || hv_vcpu_domain(vcpu)->devices ||
        !has_iopl(vcpu))
        return false;
    if (code & PORT_WIDE)
        bytes = length == 1 ? 4 : 2;
    if (!(code & PORT_IN_DX))
        length++;
    if (!(code & PORT_OUT))
        operand_set_register(vcpu->frame, OPERAND_RAX, bytes, UINT64_MAX);
    code_word_pass(vcpu, length);
    return true;
}

bool emulate_short(struct hv_vcpu *vcpu)
{
    uint64_t code;
    bool writes;

    if (!code_word_read(vcpu, &code))
        return false;
    writes = (uint16_t)code == CODE_WRMSR;
    if (!writes && (uint16_t)code != CODE_RDMSR)
        return run_port(vcpu, code);
    if (!emulation_in_kernel(vcpu) || !(writes ? write_msr(vcpu) : read_msr(vcpu)))
        return false;
    code_word_pass(vcpu, 2);
    return true;
}

enum emulate_result emulate_privileged(struct hv_vcpu *vcpu)
{
    const struct privileged *entry;
    struct emulation emulation;

    if (!emulation_begin(&emulation, vcpu))
        return emulation.result;
    entry = &table[emulation.instruction.operation];
    if (!entry->run || !may(vcpu, entry->right) || !entry->run(&emulation))
        return emulation.result;
    emulation_finish(&emulation);
    return EMULATE_DONE;
}

/*
 * ---- Traps of other kinds that ask for something.
 */

#define OPCODE_INT 0xcdu

/* By the two bytes themselves: with prefixes in front, which no guest uses, it is an ordinary #GP. */
enum emulate_result emulate_software_interrupt(struct hv_vcpu *vcpu, unsigned *vector)
{
    struct emulation emulation;
    uint8_t opcode, number;

    if (!emulation_open(&emulation, vcpu) || !emulation_get_code(&emulation, 0, &opcode, 1) || opcode != OPCODE_INT ||
        !emulation_get_code(&emulation, 1, &number, 1))
        return EMULATE_UNKNOWN;
    *vector = number;
    return EMULATE_DONE;
}

/* XEN_EMULATE_PREFIX and cpuid. */
static const uint8_t forced[] = {0x0f, 0x0b, 0x78, 0x65, 0x6e, 0x0f, 0xa2};

/* One by one where not all of them can be read: other bytes end it, and a page that is missing before them faults. */
static bool is_forced(struct emulation *emulation)
{
    uint8_t bytes[sizeof(forced)];

    if (emulation_get_code(emulation, 0, bytes, sizeof(bytes)))
        return memcmp(bytes, forced, sizeof(forced)) == 0;
    for (unsigned i = 0; i < sizeof(forced); i++) {
        if (!emulation_get_code(emulation, i, bytes, 1)) {
            emulation_fault_code(emulation, i);
            return false;
        }
        if (bytes[0] != forced[i])
            return false;
    }
    return true;
}

/*
 * The same as a word, with a byte besides: what nearly every #UD of 64-bit code is not.  Where the word cannot be read
 * at once, nothing is certain.
 */
#define FORCED_WORD UINT64_C(0xa20f6e65780b0f)
#define FORCED_MASK UINT64_C(0xffffffffffffff)

static bool is_certainly_not_forced(const struct hv_vcpu *vcpu)
{
    uint64_t word;

    return code_word_read(vcpu, &word) && (word & FORCED_MASK) != FORCED_WORD;
}

/* In either mode. */
enum emulate_result emulate_forced(struct hv_vcpu *vcpu)
{
    struct emulation emulation;

    if (is_certainly_not_forced(vcpu))
        return EMULATE_UNKNOWN;
    if (!emulation_open(&emulation, vcpu))
        return EMULATE_UNKNOWN;
    if (!is_forced(&emulation))
        return emulation.result;
    emulation.instruction.length = sizeof(forced);
    (void)do_cpuid(&emulation);
    emulation_finish(&emulation);
    return EMULATE_DONE;
}

/* SPDX-License-Identifier: MIT */
/*
 * How a guest finds out, without a call, that it runs on such a hypervisor: the cpuid leaves, and the prefix
 * that makes cpuid a request to the hypervisor.
 */
#ifndef ABI_CPUID_H
#define ABI_CPUID_H

/*
 * `incontents 480 cpuid The hypervisor's cpuid leaves
 * `
 * ` leaf + 0: eax the highest leaf, ebx, ecx and edx the signature "XenVMMXenVMM", enum cpuid_signature
 * `           {signature}
 * ` leaf + 1: eax the version: major in bits 16-31, minor in bits 0-15 {version}
 * ` leaf + 2: eax the number of hypercall pages, ebx the MSR by which a guest without [elfnote] would ask for
 * `           one, ecx XEN_CPUID_FEAT1_* of enum cpuid_bits {pages}
 * ` leaf + 3: the TSC; subleaf 0: eax bit 0 set if it is emulated, bit 1 if it runs at one rate, always; ebx the
 * `           mode, 2 where it is never emulated; ecx its rate in kHz {tsc}
 * ` leaf + 4: nothing for PV guests {nothing}
 * ` leaf + 5: ebx bits 0-7 the number of machine address bits {address-bits}
 * `
 * ` The first leaf is XEN_CPUID_FIRST_LEAF of enum cpuid_leaf, or a multiple of 0x100 above it where another
 * ` hypervisor shows its own leaves first.
 * `
 * ` cpuid does not trap for a PV guest on every processor.  A kernel that wants the hypervisor's answer puts
 * ` XEN_EMULATE_PREFIX, of enum emulate_prefix, in front of the instruction: five bytes, ud2 and the letters
 * ` "xen".  The hypervisor then emulates the cpuid behind them. {prefix}
 * ` In front of any other instruction the prefix is an ordinary #UD. {prefix-alone}
 */
/* ` enum cpuid_leaf { */
#define XEN_CPUID_FIRST_LEAF                            0x40000000
#define XEN_CPUID_LEAF(n)                               (XEN_CPUID_FIRST_LEAF + (n))
#define XEN_CPUID_MAX_NUM_LEAVES                        5
/* ` } */

/* ` enum cpuid_signature { */
#define XEN_CPUID_SIGNATURE_EBX                         0x566e6558
#define XEN_CPUID_SIGNATURE_ECX                         0x65584d4d
#define XEN_CPUID_SIGNATURE_EDX                         0x4d4d566e
/* ` } */

/* ` enum cpuid_bits { */
#define XEN_CPUID_FEAT1_MMU_PT_UPDATE_PRESERVE_AD       (1U << 0) /* leaf 2, ecx */
#define XEN_CPUID_MACHINE_ADDRESS_WIDTH_MASK            (0xffU << 0) /* leaf 5, ebx */
/* ` } */

/*
 * The prefix as assembler text, and the prefixed instruction.
 */
/* ` enum emulate_prefix { */
#define XEN_EMULATE_PREFIX                              ".byte 0x0f,0x0b,0x78,0x65,0x6e ; "
#define XEN_CPUID                                       XEN_EMULATE_PREFIX "cpuid"
/* ` } */

#endif /* ABI_CPUID_H */

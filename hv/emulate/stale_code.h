/* SPDX-License-Identifier: MIT */
/*
 * A breakpoint that is in memory no more.
 *
 * Kernels change their code under the eyes of other processors: a breakpoint goes over the first byte, and once the
 * others have been written, the new first byte over the breakpoint.  Who has run into that meanwhile finds it gone, and
 * goes back.  QEMU 7.2, where it emulates several processors (TCG), may have one of them translate the breakpoint while
 * another one removes it, and keep the translation: from then on every processor runs into it again and again, until
 * somebody writes there.  Linux stops so, with all its vCPUs, where it switches on a branch that idle ones go through.
 *
 * So where the processor is QEMU's, a breakpoint that is not in memory has its byte written anew, as it is: then QEMU
 * looks there again.  Elsewhere, and of all other instructions, nothing is known to be wrong.
 */
#pragma once

struct hv_vcpu;

/* @vcpu has met a breakpoint, and is behind it. */
void stale_code_renew(struct hv_vcpu *vcpu);

/* SPDX-License-Identifier: MIT */
/*
 * The playground: a hosted machine with one guest, which a page in a browser tells what to do.
 *
 * What is marked EXPORT is called from there.  Numbers of 64 bits are BigInts there; what is said goes by print() into
 * one text, which play_text() finds: the state of the machine as JSON, or a refusal in words.  An instance of the
 * module makes one machine, and its memory, copied, is all that there is of that: so the page goes back a step.
 */
#pragma once

#include <tests/support/guest.h>

#define EXPORT(name) __attribute__((export_name(#name)))

struct play {
    struct sim *sim;
    struct guest *guest;
    struct vcpu *vcpu;
    uint64_t nr_refusals; /* those that have been explained */
    uint32_t nr_calls;    /* hypercalls, the one under way included */
};

extern struct play play;

/* ---- What is said (playground/said.c). */

void said_clear(void);

/* ---- The page's side.  Results of calls are what a guest finds in its register. */

/* Make the machine, for a guest of 64 bits or (@narrow) of 32.  Once. */
void play_begin(int narrow, int linear);

/* What has been said since the last call of any of these; why the machine has failed, "": it has not. */
const char *play_text(void);
const char *play_failure(void);

/* Say the state of all frames and of the processor, or the entries of a frame, and who refers to it, as JSON. */
void play_state(void);
void play_frame(uint32_t mfn);

/* Hypercalls.  A refusal is said in words. */
int32_t play_mmu_update(uint64_t ptr, uint64_t val);
int32_t play_va_mapping(uint64_t vaddr, uint64_t entry, uint32_t flags);
int32_t play_mmuext(uint32_t command, uint64_t arg1, uint64_t arg2);
int32_t play_set_gdt(uint64_t mfn, uint32_t entries);
int32_t play_descriptor(uint64_t maddr, uint64_t descriptor);
int32_t play_memory(uint32_t command, uint64_t extent);

/* Instructions of the guest's kernel: 0, 1: done by emulation, or else -1, and the fault is said. */
int32_t play_store(uint64_t vaddr, uint64_t value);
int32_t play_load(uint64_t vaddr);

/* The write emulation of page tables, which a guest asks for with vm_assist. */
void play_assist(int on);

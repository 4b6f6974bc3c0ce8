/* SPDX-License-Identifier: MIT */
/* The machine of the threads, and what each thread does with it. */
#pragma once

#include <pthread.h>

#include <engine/engine.h>

#define FRAMES      2048u
#define RESERVED    16u
#define DOMAINS     3u
#define VCPUS       2u
#define DOMAIN_SIZE 250u
#define DOMAIN_MAX  300u

#define TREE_SIZE 4u /* the tables of a domain's first tree, L1 first, */
#define RETYPED   5u /* and so many frames for do_retype() */

#define BUFFER_BASE UINT64_C(0x10000) /* where each vCPU finds its buffer */
#define BUFFER_SIZE 8192u
#define LIST_OFFSET 4096u

struct parallel {
    struct machine machine;
    uint8_t *ram;
    struct domain domains[DOMAINS], *domain_table[DOMAINS];
    struct vcpu vcpus[DOMAINS][VCPUS], *vcpu_table[DOMAINS][VCPUS];
    mfn_t trees[DOMAINS][TREE_SIZE + RETYPED];
    pthread_mutex_t locks[DOMAINS], pool_lock;
    bool pool[FRAMES];
    unsigned pooled; /* of them */
    unsigned long calls;
    bool destroy; /* domain 2 is destroyed in the middle, while others use its frames */
};

extern struct parallel *parallel;

/* A number below @bound, of this thread's. */
uint64_t random_below(uint64_t bound);

/*
 * A frame of domain @owner that looks like a table of @type, or like anything if that is TYPE_NONE.  A glance without
 * locks, and so not for the sanitizer's eyes: the answer may be wrong by the time it is used.
 */
uint64_t pick_frame(unsigned owner, enum frame_type type);

/* The memory of this thread at BUFFER_BASE, and a hypercall. */
void *call_buffer(void);
int64_t call(struct vcpu *vcpu, unsigned number, uint64_t arg0, uint64_t arg1, uint64_t arg2, uint64_t arg3);

/* Something with a frame of its domain that changes its type often.  0: it succeeded. */
int64_t do_retype(struct vcpu *vcpu);

/* Something with grants.  0: it succeeded. */
int64_t do_grants(struct vcpu *vcpu);

/* At the end: each thing that can be done with grants has been done. */
void check_grants(void);

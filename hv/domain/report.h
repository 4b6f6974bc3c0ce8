/* SPDX-License-Identifier: MIT */
/* What is said of a guest that has come to a bad end, or whose calls are refused, to whoever runs it. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct hv_vcpu;

#define REPORT_CALLS 8u  /* of a vCPU, told */
#define REPORT_SLOTS 16u /* and remembered: the next one to be used is none of those that are told */

struct report_call {
    uint64_t number;
    uint64_t args[6];
    int64_t result;
};

/* What SCHEDOP_poll waits for; it lies on the vCPU's own stack, for as long as that is at it. */
struct report_poll {
    const uint32_t *ports;
    unsigned nr_ports;
};

/* The last calls of a vCPU, but for those that send it elsewhere (iret). */
struct vcpu_report {
    struct report_call calls[REPORT_SLOTS];
    uint64_t nr_calls; /* ever */
    struct report_poll poll;
};

/* The place of the call @number, which has come: its arguments belong there, and are read from there. */
static inline struct report_call *report_begin_call(struct vcpu_report *report, uint64_t number)
{
    struct report_call *call = &report->calls[report->nr_calls % REPORT_SLOTS];

    call->number = number;
    return call;
}

/* @call, the last one that has begun, is done. */
static inline void report_end_call(struct vcpu_report *report, struct report_call *call, int64_t result)
{
    call->result = result;
    report->nr_calls++;
}

/* Print registers, the top of the stack, the last calls and the last refusals of @vcpu, which runs. */
void report_guest(struct hv_vcpu *vcpu);

/* Print the registers of @vcpu, which may run or not, but for those that say where it is, and its last calls. */
void report_vcpu(const struct hv_vcpu *vcpu);

/* Print what may wake @vcpu, which is blocked: ports and timers, or that nothing does. */
void report_wait(const struct hv_vcpu *vcpu);

/*
 * Print of each domain whose guest lives where its vCPUs are and what they wait for, REPORT_WHERE_END being the last
 * line.
 */
#define REPORT_WHERE_END "this is where each guest is"
struct machine;
void report_where(const struct machine *machine);

/* Print a refusal, in a few lines; and what explain() has found out about it, in some more. */
struct noted_refusal;
struct explanation;
void report_refusal(const struct noted_refusal *noted);
void report_explanation(const struct explanation *explanation);

/* The refusal and its explanation as one line for programs. */
void report_json(const struct explanation *explanation);

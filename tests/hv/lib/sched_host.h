/* SPDX-License-Identifier: MIT */
/*
 * A domain for the scheduler, on a processor that is made up: a vCPU's guest is a function that calls the scheduler as
 * hypercalls do.  The rest of the hypervisor tells what it is asked, in order.
 */
#pragma once

#include <setjmp.h>

#include <engine/engine.h>
#include <hv/cpu/cpu.h>
#include <hv/domain/vcpu.h>
#include <tests/hv/lib/fake_cpu.h>
#include <tests/hv/lib/fake_stack.h>

#define VCPUS 3u
#define US    UINT64_C(1000)
#define MS    UINT64_C(1000000)
#define AREA  UINT64_C(0x7000)

extern struct cpu cpu_boot;
extern struct machine machine;
extern struct hv_domain domain, other;
extern struct hv_vcpu vcpus[VCPUS];
extern void (*guests[VCPUS])(struct hv_vcpu *vcpu); /* what each of them does */

extern uint64_t now;
extern bool area_is_gone; /* nothing is mapped at AREA */
extern bool refuses_selectors;
extern jmp_buf *halted; /* set: a broken invariant is expected */

/*
 * What has been told, each with a space behind it: tN, the time of vCPU N was looked after; sN, lN, wN, its state was
 * saved (with a "-" if it had not arrived), loaded, switched to; end.  A guest may add to it.
 */
extern char told[1024];
void __attribute__((format(printf, 1, 2))) tell(const char *format, ...);

extern void (*on_timer)(void);               /* instead of what timer_run() does here: wake the second vCPU */
extern unsigned timers_run, arrivals, ticks; /* timer_run(), state_load_segments(), vcpu_time_set_periodic() */
extern uint64_t period;                      /* of the last of these */
extern unsigned turns_ended;                 /* timer_stop() */
extern unsigned idles;                       /* request_idle_begin() */
extern uint64_t kicked;                      /* processors, bit n for n */
extern struct timer *turn;                   /* the timer that is set, and for when */
extern uint64_t turn_ends;
extern uint8_t area[64]; /* what lies at AREA, the size of what was written there last, and how often that was */
extern size_t area_size;
extern uint64_t area_written;

/* A domain of @count vCPUs, all offline; have all of them run. */
void make(unsigned count, enum width width);
void start_all(void);

/* After make(2): the third vCPU is the only one of @other, and offline. */
void make_other(void);

/* As shutdown_domain() does it. */
void end_domain(struct hv_domain *which);

/* Run it to its end. */
void run(void);

int state_of(unsigned id);

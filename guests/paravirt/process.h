/* SPDX-License-Identifier: MIT */
/*
 * Processes: user mode with an address space, on one processor, switched where they call the kernel.
 */
#pragma once

#include <guest/trap.h>
#include <guests/paravirt/space.h>

#define PROCESSES_MAX 1024u
#define FOREST_PAGES  32u /* data pages of a process of the forest */

enum process_state {
    PROCESS_NONE,
    PROCESS_READY,
    PROCESS_WAITING, /* for a child */
    PROCESS_ENDED,   /* has a status that its parent may ask for, and nothing else */
};

/* Statuses of processes that did not end by themselves. */
#define STATUS_BAD_ACCESS (-1000)
#define STATUS_NO_MEMORY  (-1001)
#define STATUS_KILLED     (-1002)
#define STATUS_EXCEPTION  (-1003)

struct process {
    enum process_state state;
    struct process *parent; /* NULL: the kernel */
    struct space space;
    struct regs regs;
    int64_t status;
    /* Of the forest: what each page should hold, 0 for pages that were never written; and a fill that is under way. */
    uintptr_t signatures[FOREST_PAGES];
    uintptr_t filling, filling_signature; /* page + 1; 0: none */
};
extern struct process processes[PROCESSES_MAX];

/* Take over traps and system calls. */
void process_init(void);

/* A new process at @rip, without parent; NULL: no memory, or no room. */
struct process *process_create(uint64_t rip, uint64_t nr_pages);

/* Run until no process is ready, or process_stop(). */
void process_run(void);

/* Called by a handler: process_run() ends. */
void process_stop(void);

/* End it with @status.  Its children are nobody's then, and vanish when they end. */
void process_end(struct process *process, int64_t status);

/* Called when a process ends, before its space goes: is it to be forgotten at once?  NULL: none is. */
void process_set_end(bool (*hook)(struct process *process));

/* Forget a process that has ended. */
void process_forget(struct process *process);

/* Who answers SYSCALL_NEXT; @regs holds its arguments and takes its results. */
typedef void process_driver(struct process *process, struct regs *regs);
void process_set_driver(process_driver *driver);

/* Who chooses the next process to run: a number, any; NULL: they take turns. */
void process_set_choice(uint64_t (*choice)(void));

/* Switches from one process to another, and faults that were resolved, since the start. */
extern uint64_t process_switches, process_faults;

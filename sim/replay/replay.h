/* SPDX-License-Identifier: MIT */
/*
 * A recording carried out by the engine that is linked here: engine/record.h.
 *
 * This is a hosted machine as small as it can be: RAM, and no processors.  All that the engine asks of it is answered
 * as it was when it was recorded, and all that it does is compared with what it did then.
 *
 *   file.c      a recording read, and a shortened one written
 *   machine.c   machine, domains and vCPUs, as the recording has them
 *   follow.c    where in the recording it is, what comes next, what memory is found
 *   reads.c     guest memory that is read
 *   port.c      engine/port.h
 *   caches.c    what a processor may remember of tables, where flushes are judged
 *   calls.c     the engine called
 *   stray.c     the next operations, altered
 *   tell.c      operations and differences in words
 *   main.c      the command line; operations, one by one
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <engine/engine.h>
#include <engine/record_decode.h>

/* How it ends; the exit status. */
enum replay_end {
    REPLAY_GOOD = 0,
    REPLAY_NO_FILE = 1, /* it cannot be read, or is no recording of this version */
    REPLAY_USAGE = 2,
    REPLAY_DIFFERS = 3, /* the engine does what it did not do, or does not what it did */
    REPLAY_BROKEN = 5,  /* it broke: a CHECK, or the audit */
};

/* An operation that has begun. */
struct operation {
    uint64_t number; /* the first is 1 */
    enum record_call call;
    uint64_t domain, vcpu; /* or RECORD_NONE */
    uint64_t arguments[RECORD_ARGUMENTS_MAX];
    uint64_t entry[3]; /* of a batch: what it has read last */
    uint64_t nested;   /* the call of a multicall that it is at; RECORD_NONE */
    unsigned depth;    /* so many are around it */
    struct operation *outer;
};

/* How often it has been astray, how many operations that were, and how much of them was refused. */
struct stray_counts {
    uint64_t times, operations, refusals;
};

struct replay {
    const char *path;
    struct record_header header;
    struct record_reader reader;
    bool tells;                  /* each operation, in words */
    bool judges;                 /* flushes, and does not compare them */
    bool strays;                 /* and compares nothing any more: stray.c */
    struct operation *operation; /* under way; NULL: none is */
    uint64_t done, nr_refusals;
    struct stray_counts *stray_counts; /* NULL: it has not been astray */
    struct machine machine;
    uint8_t *ram;
    uint64_t *promoted; /* by frame: the operation that has made it a table or a page of descriptors last */
};

extern struct replay replay;

/* ---- file.c: false: it cannot be, and why has been said. */

/* Read @path, unpacked, into memory that stays. */
bool file_read(const char *path, uint8_t **bytes, size_t *size);

/* Write @size bytes that are the beginning of a recording, and an END, packed by zstd, or by xz if @path ends so. */
bool file_write(const char *path, const uint8_t *bytes, size_t size);

/* ---- machine.c */

/* Take in a description of state.  False: the event is none, or makes no sense. */
bool machine_take_in(const struct record_event *event);

/* Is no domain being built or torn down, which the audit would find without a place in the machine? */
bool machine_is_whole(void);

/* The domain and vCPU that an event names; a recording that names others is broken, and that is the end. */
struct domain *machine_domain(uint64_t id);
struct vcpu *machine_vcpu(uint64_t domain, uint64_t vcpu);

/* Contents of the RAM frame @mfn; a recording that names another is broken, and that is the end. */
uint64_t *machine_frame(uint64_t mfn);

/* ---- follow.c */

/* The next event of the operation under way, which has to be a @kind: else that is the end, with what differs. */
struct record_event follow_expect(enum record_kind kind);

/* The same, and it has to have these numbers, as many as its kind has. */
void follow_expect_numbers(enum record_kind kind, const uint64_t *numbers);
#define FOLLOW(kind, ...) follow_expect_numbers(RECORD_##kind, (const uint64_t[]){__VA_ARGS__})

/* A stretch of an operation begins: what memory it finds is put there. */
void follow_begin(void);

/* Memory that is written has been; what the run wrote in return is compared. */
void follow_written(void);

/* Operations within one that has called the machine, until it goes on: what @serial returned. */
int64_t follow_until_back(uint64_t serial);

/* ---- reads.c: what the run has read of guest memory from here on: none; a READ; and those behind that place first. */
void reads_begin(void);
void reads_add(const struct record_event *event);
void reads_pass(size_t at);

/* A read of the replay.  False: it could not be.  What the run did not read is a difference, and the end. */
bool reads_give(void *to, uint64_t from, size_t size);

/*
 * ---- caches.c: with replay.judges.  A processor remembers translations until it is to forget them: all; all that are
 * not global; those of a page.
 */
void caches_flush(void);
void caches_flush_local(void);
void caches_flush_page(uint64_t vaddr);

/* It runs @vcpu from now on; the root of @vcpu is loaded anew, if it runs that. */
void caches_run(struct vcpu *vcpu);
void caches_load(const struct vcpu *vcpu);

/* 2^@order frames from @first on have left the pool. */
void caches_taken(uint64_t first, unsigned order);

/* It walks: before the operation, whose memory is there; and when the operation has read @bytes of the guest. */
void caches_before(const struct operation *operation);
void caches_read(const struct operation *operation, const void *bytes, size_t size);

/* Nothing that it remembers leads where it must not, in the operation under way: else that is the end. */
void caches_check(void);

/* ---- calls.c, main.c */

/* Carry out the operation that @enter begins, and compare how it ends. */
void call_engine(const struct record_event *enter);

/*
 * ---- stray.c: what is altered, in place of being compared, where replay.strays is set; with replay.judges.  From here
 * on, in a process of its own, by chance from @seed: where anything breaks there, that is the end.
 */
void stray_from_here(uint64_t seed);

/* A number below @bound. */
uint64_t stray_below(uint64_t bound);

/* Words that a guest gives, and its arguments. */
void stray_alter(void *bytes, size_t size);
void stray_alter_arguments(struct operation *operation);

/* May the contents of frame @mfn be what the run has found there? */
bool stray_finds(uint64_t mfn);

/* A frame for who takes some; can guest memory be written; is the processor wanted by others? */
bool stray_take(unsigned order, mfn_t end, mfn_t *first);
bool stray_writes(void);
bool stray_is_waited_for(void);

/* ---- main.c: recount every reference; where a count is wrong, that is the end. */
void replay_audit(void);

/* ---- tell.c */

/* What an operation is, in words; static. */
const char *tell_operation(const struct operation *operation);

/* Say what is the matter with the operation under way; or, naming it, with the recording; and end. */
_Noreturn void tell_difference(const char *format, ...) __attribute__((format(printf, 1, 2)));
_Noreturn void tell_end(enum replay_end end, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* List why the operation under way is refused, and which one has made the table that stands in its way. */
void tell_refusal(const struct refusal *refusal);

/* A type of frames; static. */
const char *tell_type(enum frame_type type);

/* What an event says, in words; static. */
const char *tell_event(const struct record_event *event);

/* A kind of event; static. */
const char *tell_kind(enum record_kind kind);

/* The result of an operation, as a call's. */
const char *tell_result(int64_t result, char *to, size_t size);

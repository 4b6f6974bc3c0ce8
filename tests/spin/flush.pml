/* SPDX-License-Identifier: MIT */
/*
 * The clock over TLB flushes (engine/tlb.h) for Spin: two processors, two frames of two domains, every order of their
 * steps.  A step is one access to what processors share without a lock; behind it stands the line of the engine that
 * it is.  What only the lock of a frame's owner lets a processor see goes along with the step before or after it.
 *
 * Both processors operate on both frames.  Translations and dates are each processor's own, and compared one by one, so
 * the model keeps those of processor 0, which both may flush and date: as the one that asks, and as the one asked.
 *
 * The clock is small: a stamp has two bits, and the clock ends after they have gone round.  Nothing else bounds how
 * often anything happens, so a processor that stalls, stalls for as long as the other can do anything at all.
 *
 * The property is I5 of the engine: when a frame is judged as something, and from then on for as long as it is in use
 * as that, no processor holds a translation of another use of it, with which a guest would write a table, or have the
 * processor walk what it writes.
 *
 * A mistake is planted by a macro; tests/spin/run.sh says which there are, and sees that each of them is found.
 */

#define RANGE 4                        /* of a stamp; 2^32 in the engine */
#ifndef LAST
#define LAST  (2 * RANGE)              /* here the clock ends */
#endif

#define NONE     0
#define WRITABLE 1                     /* by an L1 entry */
#define L1       2                     /* a table, by an L2 entry */
#define L2       3                     /* a table, by an L3 entry; frame 0 alone */
#define BIT(use) ((1 << (use)) & ~1)

byte now = 1;                          /* machine->tlb.now, as machine_init() leaves it */
byte flushed;                          /* machine->tlb.flushed[0] */
bool locked[2];                        /* the lock of each frame's owner; while a table begins, that the frame is busy */
byte type[2];                          /* the frame's type: what it is, or was last */
byte stamp[2];                         /* frame->epoch, where it is in no use */
byte entry[2];                         /* in memory: the use of the frame that there is */
byte cached[2];                        /* by frame: the uses that processor 0 has translations of */
byte root;                             /* processor 0 is on a root of the domain that has this frame: */
#define ANYBODY 2
byte runs;                             /* machine->tlb.runs[0]: of which domain it has translations alone */

/*
 * A processor reads entries whenever it likes, speculatively too.  Nothing that the engine does depends on what it has
 * cached, so the worst one is looked at alone: it has cached whatever it could.  The tables of a domain lead to its own
 * frame alone.
 */
#define FILL(frame) if :: frame == root -> cached[frame] = cached[frame] | BIT(entry[frame]) :: else fi
#define FORGET      cached[root] = BIT(entry[root]); cached[1 - root] = 0

/*
 * A load of cr3: translations of pages stay, which may be global all of them; what is cached of tables does not.
 */
#define FORGET_TABLES cached[root] = cached[root] & BIT(WRITABLE) | BIT(entry[root]); \
                      cached[1 - root] = cached[1 - root] & BIT(WRITABLE)

/*
 * tlb_stale(): the clock is read when an operation begins to ask, the date when it compares.
 */
#define LATEST (now - (now + RANGE - stamp[frame]) % RANGE)

#if defined(CLOCK_WRAP)                /* defect 041: as serial numbers as wide as a stamp */
#define IS_STALE ((flushed + 2 * RANGE - stamp[frame]) % RANGE == 0 || \
                  (flushed + 2 * RANGE - stamp[frame]) % RANGE >= RANGE / 2)
#elif defined(COMPARED_PLAINLY)        /* defect 043 */
#define IS_STALE (flushed % RANGE <= stamp[frame])
#elif defined(OFF_BY_ONE)              /* defect 039 */
#define IS_STALE (flushed < ended)
#else
#define IS_STALE (flushed <= ended)
#endif

/*
 * tlb_flush(), and the same for the own processor: load() in root.c.  @at: it is processor 0 that
 * flushes; else it is the other one.
 */
#ifdef COUNTS_FOR_ALL                  /* defect 044 */
#define IS_DATED true
#else
#define IS_DATED at
#endif

#define DATE_BEGIN began = now                                               /* tlb_flush_begin() */
#define FLUSH      if :: at -> FORGET :: else fi                             /* port_tlb_flush() */
#define DATE_END   if :: IS_DATED -> flushed = began :: else fi              /* tlb_flush_end() */

inline flush(own)
{
#if defined(DATED_LATE)                /* defect 040 */
    d_step { at = own; FLUSH };
    DATE_BEGIN;
    d_step { DATE_END; began = 0; at = false }
#elif defined(RECORDED_EARLY)          /* defect 042 */
    d_step { at = own; DATE_BEGIN };
    d_step { DATE_END };
    d_step { FLUSH; began = 0; at = false }
#else
    d_step { at = own; DATE_BEGIN };
    d_step { FLUSH };
    d_step { DATE_END; began = 0; at = false }
#endif
}

/*
 * A change of domains, of processor 0 by itself: hv_vcpu_switch().
 */
#define LOAD root = 1 - root; FORGET_TABLES

inline load()                                                                /* hv_vcpu_load_root() */
{
#if defined(GLOBAL_FIRST)              /* defect 1291: XSA-292 */
    d_step { FORGET };
    d_step { LOAD };
#elif defined(GLOBAL_KEPT)             /* defect 1292 */
    d_step { LOAD };
#else
    d_step { LOAD };                                                         /* asm_write_cr3() */
    d_step { FORGET };                                                       /* asm_flush_global() */
#endif
}

inline change()
{
#if defined(RUNS_UNMARKED)             /* defect 1131 */
    d_step { DATE_BEGIN };
    load();
    d_step { runs = root };
#elif defined(RUNS_MARKED_LATE)        /* defect 1132 */
    d_step { DATE_BEGIN };
    load();
    d_step { runs = ANYBODY };
    d_step { runs = root };
#else
    d_step { DATE_BEGIN };
    d_step { runs = ANYBODY };                                               /* tlb_run_begin() */
    load();
    d_step { runs = root };                                                  /* tlb_run_end() */
#endif
    d_step { flushed = began; began = 0 }                                    /* tlb_flush_end() */
}

/*
 * A change of modes, of processor 0 by itself: port_mode_load().
 */
inline change_mode()
{
#if defined(MODES_DATED)               /* defect 1290 */
    d_step { DATE_BEGIN };
    d_step { FORGET_TABLES };
    d_step { flushed = began; began = 0 };
#else
    d_step { FORGET_TABLES };
#endif
}

/*
 * frame_settle(): is anybody asked to flush?
 */
#define IS_TABLE(use) ((use) >= L1)

#if defined(NOT_TO_TABLE)              /* defect 034 */
#define SETTLES (was != NONE && was != want && was != WRITABLE)
#elif defined(NOT_FROM_TABLE)          /* defect 035 */
#define SETTLES (was != NONE && was != want && want != WRITABLE)
#elif defined(NOT_BETWEEN_LEVELS)      /* defect 036 */
#define SETTLES (was != NONE && was != want && !(IS_TABLE(was) && IS_TABLE(want)))
#else
#define SETTLES (was != NONE && was != want)
#endif

/* Nobody holds a translation of another use: what the contents are judged by stays true. */
#define JUDGE assert((cached[frame] & ~BIT(want)) == 0)

inline publish()
{
    JUDGE;                                                                   /* table_promote(), if not before */
    entry[frame] = want;                                                     /* commit() */
    FILL(frame);
    stamp[frame] = 0;
    locked[frame] = false;                                                   /* op_end() */
    frame = 0;
    want = NONE
}

/* A use begins: promote() and typeref_convert_writable() in typeref.c, then the store of the entry. */
inline begin_use()
{
    atomic {
        if
        :: !locked[0] && entry[0] == NONE -> frame = 0                       /* op_begin() */
        :: !locked[1] && entry[1] == NONE -> frame = 1
        fi;
        if :: want = WRITABLE :: want = L1 :: frame == 0 -> want = L2 fi;
#ifdef BY_NEW_TYPE                     /* defect 037 */
        type[frame] = want; was = type[frame];
#else
        was = type[frame]; type[frame] = want;                               /* type_promote_begin() */
#endif
#ifdef VALIDATED_FIRST                 /* defect 038 */
        JUDGE;
#endif
        if
        :: SETTLES -> was = NONE; locked[frame] = true; ended = LATEST       /* tlb_stale(): load of now */
        :: else -> was = NONE; publish(); goto next
        fi
    }
    atomic {
        if
        :: IS_STALE -> ended = 0                                             /* tlb_stale(): load of flushed */
        :: else -> ended = 0; publish(); goto next
        fi
    }
    atomic {
        if
        :: runs == ANYBODY || runs == frame -> skip                          /* tlb_stale(): load of runs */
        :: else -> publish(); goto next
        fi
    }
    flush(true);
    d_step { publish() }
}

/*
 * A use ends: commit() in update.c, then typeref_put_writable() or typeref_put().  The store may take effect before the
 * tick, but no later; so it does then.
 */
inline end_use(which)
{
#ifdef STAMPED_FIRST                   /* the stamp before the store: XSA-241 */
    d_step {
        !locked[which] && entry[which] != NONE && now < LAST ->
        locked[which] = true; stamp[which] = now % RANGE; now++
    }
    d_step { entry[which] = NONE; locked[which] = false }
#else
    d_step {
        !locked[which] && entry[which] != NONE && now < LAST ->
        entry[which] = NONE; stamp[which] = now % RANGE; now++               /* tlb_stamp() */
    }
#endif
}

proctype processor(byte me)
{
    byte frame, was, want, ended, began;
    bool at;
end:
next:
    do
    :: begin_use()
    :: end_use(0)
    :: end_use(1)
    :: d_step { now < LAST -> now++ }                                        /* the use of another frame ends */
    :: flush(me == 0)                                                        /* a new root: load() in root.c */
    :: me == 0 -> change()
    :: me == 0 -> change_mode()
    od
}

init
{
    atomic { run processor(0); run processor(1) }
}

/* SPDX-License-Identifier: MIT */
/*
 * Until when a processor may still go through a table (engine/tlb.h: tlb_unlink()), for Spin: two roots of one domain, a
 * table of the level below, and one processor of which somebody else may ask flushes.  A root, or both, may lead to the
 * table; a root that is on no processor may be taken apart; and a table to which nothing leads any more may become
 * memory.  Every order of the steps of two who operate, and of the processor's own.
 *
 * A step is one access to what is shared without the domain's lock.  Whoever operates has that lock, and drops it
 * between an entry's replacement and the flush with which the batch ends, as at a preemption point.
 *
 * The property: when the table is judged as memory, and for as long as it is that, the processor has nothing cached by
 * which it would take it for a table.
 *
 * The clock is as that of flush.pml, which is about what a stamp and a date prove; here they are compared as wholes, and
 * the question is which stamp.  A mistake is planted by a macro, as there.
 */

#ifndef LAST
#define LAST 6                         /* here the clock ends */
#endif

byte now = 1;                          /* machine->tlb.now */
byte flushed;                          /* machine->tlb.flushed[], of the processor */
byte unlinked;                         /* domain->unlinked */
byte stamp;                            /* frame->epoch of the table, while it is in no use */
bool locked;                           /* the domain's lock */
bool live[2];                          /* by root: it is a table */
bool leads[2];                         /* by root: its entry leads to the table */
bool memory;                           /* what was the table is in use as memory */
byte root;                             /* what the processor is on: its vCPU's root, by a reference */
bool cached;                           /* the processor may take the frame for a table */

#define LEADS (leads[0] || leads[1])   /* the table's type count is not zero */

/* The processor looks at what its root leads to whenever it likes: it has cached what it could. */
#define FILL   if :: leads[root] -> cached = true :: else fi
#define FORGET cached = leads[root]

/* typeref_put(): the table ceases to be one. */
#if defined(UNSTAMPED)                 /* defect 049 */
#define END_TABLE skip
#else
#define END_TABLE if :: !LEADS -> stamp = unlinked :: else fi
#endif

#define TICK(date) date = now; now++   /* tlb_stamp() */

/* A batch replaces the entry of a live root: update_slot().  Then, or much later, it ends: update_flush(). */
inline unlink(which)
{
#if defined(UNLINKED_FIRST)            /* the tick before the store: XSA-241 */
    d_step { !locked && live[which] && leads[which] && now < LAST -> locked = true; TICK(unlinked) };
    d_step { leads[which] = false; END_TABLE; locked = false };
#elif defined(NOT_UNLINKED)            /* defect 1280 */
    d_step { !locked && live[which] && leads[which] && now < LAST -> leads[which] = false; END_TABLE };
#elif defined(ONLY_THE_LAST)           /* other roots lead to it still */
    d_step {
        !locked && live[which] && leads[which] && now < LAST ->
        leads[which] = false; if :: !LEADS -> TICK(unlinked) :: else fi; END_TABLE
    };
#else
    d_step {
        !locked && live[which] && leads[which] && now < LAST ->
        leads[which] = false; TICK(unlinked); END_TABLE                      /* commit(), tlb_unlink() */
    };
#endif
    flush()
}

/* Of the processor, by anybody: tlb_flush(). */
inline flush()
{
    began = now;                                                             /* tlb_flush_begin() */
    d_step { FORGET };                                                       /* port_tlb_flush() */
    d_step { flushed = began; began = 0 }                                    /* tlb_flush_end() */
}

/* A root that nobody is on is taken apart: unpin_table(), table_demote(). */
inline take_apart(which)
{
#if defined(LEFT_LATE)                 /* root_replace() drops the references of the old root before load() */
    d_step { !locked && live[which] -> live[which] = false; leads[which] = false; END_TABLE }
#else
    d_step { !locked && live[which] && root != which -> live[which] = false; leads[which] = false; END_TABLE }
#endif
}

/* A root becomes one, and leads to the table or not; or an entry is written where there was none. */
inline build(which)
{
    d_step { !locked && !live[which] -> live[which] = true }
}

inline link(which)
{
    d_step { !locked && live[which] && !leads[which] && !memory -> leads[which] = true; FILL }
}

/* Nothing leads to the table: typeref_convert_writable(), under the lock; and the end of that use. */
inline use()
{
    d_step { !locked && !LEADS && !memory -> locked = true };
    if
    :: flushed <= stamp -> flush()                                           /* tlb_settle() */
    :: else
    fi;
    d_step { assert(!cached); memory = true; locked = false }
}

inline end_use()
{
    d_step { memory && !locked -> memory = false }
}

/* The processor goes from one root to the other, under the lock: load(). */
inline change()
{
    d_step { !locked && live[1 - root] -> locked = true; began = now };      /* tlb_flush_begin() */
    d_step { root = 1 - root; FORGET };                                      /* port_root_load() */
    d_step { flushed = began; began = 0; locked = false }                    /* tlb_flush_end_one() */
}

/* The same by a change of modes, which takes no lock and has no date; its root has a reference of the vCPU's. */
inline change_mode()
{
    d_step { live[1 - root] -> root = 1 - root; FORGET }                     /* port_mode_load() */
}

proctype operates(bool is_processor)
{
    byte began;
end:
    do
    :: unlink(0)
    :: unlink(1)
    :: take_apart(0)
    :: take_apart(1)
    :: build(0)
    :: build(1)
    :: link(0)
    :: link(1)
    :: use()
    :: end_use()
    :: flush()
    :: d_step { now < LAST -> now++ }                                        /* the use of another frame ends */
    :: is_processor -> change()
    :: is_processor -> change_mode()
    od
}

/* What is memory is not in a cache of tables, whatever the processor does. */
active proctype always()
{
end:
    do
    :: d_step { memory && cached -> assert(false) }
    od
}

init
{
    d_step { live[0] = true; root = 0 };
    atomic { run operates(true); run operates(false) }
}

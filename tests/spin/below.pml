/* SPDX-License-Identifier: MIT */
/*
 * What unlink.pml says of one table, for two of which one leads to the other: two roots of one domain, the upper table
 * that they may lead to, and the lower one that an entry of that may.  For what the upper one led to stays written in
 * it when it ceases to be a table: a processor that has it cached goes on from there, also while the lower one is being
 * given to it anew, or taken from it, or has become something else.  And a table that becomes one again, of the same
 * level, is not flushed for.  Every order of the steps of one who operates, of another that unlinks and uses meanwhile,
 * and of the processor's own.
 *
 * A step is one access to what is shared without the domain's lock.  Whoever operates has that lock, and drops it at
 * the preemption points of a conversion, and while others flush.  No batch ends with a flush: update_flush() is not for
 * safety, and here nothing rests on it.
 *
 * The property: while either is memory, the processor has nothing cached by which it would take it for a table.
 *
 * What the processor could have cached it has: it looks at what its root leads to whenever it likes.
 */

#ifndef LAST
#define LAST 4                                      /* here the clock ends */
#endif

byte now = 1, flushed, unlinked;                    /* as in unlink.pml */
bool locked;
bool live[2];                                       /* by root: it is a table */
bool leads[2];                                      /* by root: its entry leads to the upper table */
bool updated[2];                                    /* by root: an update that may wait holds it: update_upper() */
byte root;                                          /* what the processor is on */

bool pinned_upper, pinned_lower;
bool entry;                                         /* the upper table's memory has an entry that names the lower */
bool held;                                          /* and that counts: the lower one is in use by it */
bool busy;                                          /* the upper one is under conversion */
bool memory_upper, memory_lower;                    /* it is in use as memory */
bool table_upper, table_lower;                      /* it is in no use, or has been as a table last; else as memory */
byte stamp_upper, stamp_lower;                      /* frame->epoch */
bool cached_upper, cached_lower;                    /* the processor may take it for a table */

#define USED_UPPER (leads[0] || leads[1] || pinned_upper)
#define USED_LOWER (held || pinned_lower)

#define FILL   cached_upper = cached_upper || leads[root]; cached_lower = cached_lower || (cached_upper && entry)
#define FORGET cached_upper = leads[root]; cached_lower = cached_upper && entry

#define LOCK   d_step { !locked -> locked = true }
#define UNLOCK locked = false

#define TICK(date) date = now; now++                /* tlb_stamp() */

/* typeref_put(): the lower one loses the use by the upper one's entry, or its pin. */
#if defined(KEEPS_STAMP)                            /* that of whatever it was before: defect 049 */
#define PUT_LOWER skip
#elif defined(STAMP_OF_UPPER)                       /* that of the table which led to it */
#define PUT_LOWER if :: !USED_LOWER -> stamp_lower = stamp_upper :: else fi
#else
#define PUT_LOWER if :: !USED_LOWER -> stamp_lower = unlinked :: else fi
#endif

/* Of the processor, by anybody: tlb_flush(). */
inline flush()
{
    began = now;
    d_step { FORGET };
    d_step { flushed = began; began = 0 }
}

inline settle(stamp)                                /* tlb_settle() */
{
    if
    :: flushed <= stamp -> flush()
    :: else
    fi
}

/* With the lock, and back with it: the lower one is not memory, and becomes a table unless it is one. */
inline get_lower()
{
    if
    :: !USED_LOWER && !table_lower -> settle(stamp_lower); table_lower = true
    :: else
    fi;
    d_step { held = true }
}

/* typeref_demote(): the last use of the upper one has gone. */
inline end_upper()
{
    if
    :: !USED_UPPER ->
        d_step { busy = true; UNLOCK };
        LOCK;                                       /* op_preempt_point() */
        d_step { if :: held -> held = false; PUT_LOWER :: else fi };
        d_step { UNLOCK };
        LOCK;
        d_step { busy = false; stamp_upper = unlinked }
    :: else
    fi
}

/* promote(): idle -> table, with the lock; or not, where an entry is refused. */
inline promote_upper(done)
{
    done = true;
    d_step { busy = true; UNLOCK };
    if
    :: !table_upper -> settle(stamp_upper)          /* flush_others() */
    :: else
    fi;
    LOCK;
    if
    :: !table_upper -> settle(stamp_upper)
    :: else
    fi;
    if
    :: entry && memory_lower -> done = false
    :: entry && !memory_lower -> get_lower()
    :: else
    fi;
    d_step { table_upper = true; UNLOCK };
    LOCK;
    if
    :: done = false                                 /* another entry is refused */
    :: skip
    fi;
    d_step { if :: !done && held -> held = false; PUT_LOWER :: else fi };
    busy = false
}

#define IDLE_UPPER (!busy && !memory_upper && !USED_UPPER)

inline link(which)
{
    d_step {
        !locked && live[which] && !leads[which] && !busy && !memory_upper -> locked = true; updated[which] = true
    };
    done = true;
    if
    :: IDLE_UPPER -> promote_upper(done)            /* the root stays what it is: the operation holds it */
    :: else
    fi;
    d_step { if :: done -> leads[which] = true; FILL :: else fi; UNLOCK; done = false; updated[which] = false }
}

#if defined(ROOTS_NOT_UNLINKED)                     /* entries that only lead to a table of tables: defect 1280 */
#define UNLINK_UPPER skip
#else
#define UNLINK_UPPER TICK(unlinked)                 /* tlb_unlink() */
#endif

inline unlink(which)
{
    d_step {
        !locked && live[which] && leads[which] && now < LAST -> locked = true; leads[which] = false; UNLINK_UPPER
    };
    end_upper();
    d_step { UNLOCK }
}

inline pin_upper()
{
    d_step { !locked && !pinned_upper && !busy && !memory_upper -> locked = true };
    done = true;
    if
    :: IDLE_UPPER -> promote_upper(done)
    :: else
    fi;
    d_step { pinned_upper = done; UNLOCK; done = false }
}

inline unpin_upper()
{
    d_step { !locked && pinned_upper -> locked = true; pinned_upper = false };
    end_upper();
    d_step { UNLOCK }
}

inline pin_lower()
{
    d_step { !locked && !pinned_lower && !memory_lower -> locked = true };
    if
    :: !USED_LOWER && !table_lower -> settle(stamp_lower); table_lower = true
    :: else
    fi;
    d_step { pinned_lower = true; UNLOCK }
}

inline unpin_lower()
{
    d_step { !locked && pinned_lower -> pinned_lower = false; PUT_LOWER }
}

/* Entries of the upper one, while it is a table: update_slot(). */
inline set_entry()
{
    d_step { !locked && USED_UPPER && !busy && !entry && !memory_lower -> locked = true };
    get_lower();
    d_step { entry = true; FILL; UNLOCK }
}

#if defined(ONLY_ROOTS_UNLINKED)                    /* entries of a root alone */
#define UNLINK_LOWER skip
#else
#define UNLINK_LOWER TICK(unlinked)
#endif

inline clear_entry()
{
    d_step {
        !locked && USED_UPPER && !busy && entry && now < LAST ->
        entry = false; UNLINK_LOWER; held = false; PUT_LOWER
    }
}

/* A root that nobody is on is taken apart, and one becomes one. */
inline take_apart(which)
{
    d_step { !locked && live[which] && root != which && !updated[which] -> locked = true; live[which] = false };
    if
    :: leads[which] -> leads[which] = false; end_upper()
    :: else
    fi;
    d_step { UNLOCK }
}

inline build(which)
{
    d_step { !locked && !live[which] -> live[which] = true }
}

/* typeref_convert_writable(), and the end of that use. */
inline use_upper()
{
    d_step { !locked && IDLE_UPPER -> locked = true };
    if
    :: table_upper -> settle(stamp_upper)
    :: else
    fi;
    d_step { assert(!cached_upper); memory_upper = true; UNLOCK }
}

inline end_use_upper()
{
    d_step { !locked && memory_upper && now < LAST -> memory_upper = false; table_upper = false; TICK(stamp_upper) }
}

inline use_lower()
{
    d_step { !locked && !USED_LOWER && !memory_lower -> locked = true };
    if
    :: table_lower -> settle(stamp_lower)
    :: else
    fi;
    d_step { assert(!cached_lower); memory_lower = true; UNLOCK }
}

inline end_use_lower()
{
    d_step { !locked && memory_lower && now < LAST -> memory_lower = false; table_lower = false; TICK(stamp_lower) }
}

inline change()                                     /* load() */
{
    d_step { !locked && live[1 - root] -> locked = true; began = now };
    d_step { root = 1 - root; FORGET };
    d_step { flushed = began; began = 0; locked = false }
}

inline change_mode()                                /* port_mode_load() */
{
    d_step { live[1 - root] -> root = 1 - root; FORGET }
}

proctype operates()
{
    byte began;
    bool done;
end:
    do
    :: link(0)
    :: link(1)
    :: unlink(0)
    :: unlink(1)
    :: pin_upper()
    :: unpin_upper()
    :: pin_lower()
    :: unpin_lower()
    :: set_entry()
    :: clear_entry()
    :: take_apart(0)
    :: take_apart(1)
    :: build(0)
    :: build(1)
    :: use_upper()
    :: end_use_upper()
    :: use_lower()
    :: end_use_lower()
    :: flush()
    :: d_step { memory_upper -> entry = !entry }    /* the guest writes what it likes */
    :: change()
    od
}

/* Another one beside it, and what a processor does without the lock. */
proctype interferes()
{
    byte began;
end:
    do
    :: unlink(0)
    :: clear_entry()
    :: pin_lower()
    :: unpin_lower()
    :: use_lower()
    :: end_use_lower()
    :: flush()
    :: change_mode()
    od
}

active proctype always()
{
end:
    do
    :: d_step { (memory_upper && cached_upper) || (memory_lower && cached_lower) -> assert(false) }
    od
}

init
{
    d_step { live[0] = true; root = 0 };
    atomic { run operates(); run interferes() }
}

/* SPDX-License-Identifier: MIT */
/*
 * What an update of an entry must do, worked out from the ABI alone (docs of abi/mmu.h, [pte]): no
 * code, no table and no constant of the engine is used here, so that a mistake there cannot excuse
 * itself.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Who owns a frame, from the point of view of the domain whose tables are changed. */
enum owner {
    OWNER_SELF,
    OWNER_OTHER,      /* another domain */
    OWNER_HYPERVISOR, /* RAM that the hypervisor keeps */
    OWNER_POOL,       /* RAM that nobody owns */
    OWNER_DEVICE,     /* not RAM, and within what the machine can address */
    OWNER_NOWHERE,    /* no such address on this machine */
};

/* What a frame is in use as. */
enum use {
    USE_NONE,
    USE_WRITABLE,
    USE_L1,
    USE_L2,
    USE_L3,
    USE_L4,
    USE_L2_TOP,
    USE_SEGDESC,
};

/* The frame that an entry names. */
struct named {
    enum owner owner;
    enum use use;
    bool shared;    /* the hypervisor shares it with its owner */
    bool permitted; /* OWNER_DEVICE: the domain has the right to map it */
    bool below_end; /* there is RAM at higher addresses, or here */
    int inside;     /* USE_NONE: the error of its contents as an L1, -EINVAL as others; or 0 */
    bool links;     /* it is a table, and refers to another of its level */
};

/* Whose frames the caller says that it maps. */
enum naming {
    NAMING_SELF,
    NAMING_OTHER,  /* the other domain, which the caller may control */
    NAMING_DEVICE, /* DOMID_IO */
};

struct question {
    bool pae;
    unsigned level;
    bool top; /* level 2 of a 32-bit guest: the table with the hypervisor's slots */
    unsigned slot;
    bool scan;    /* the entry stands in a table that is validated as a whole */
    bool devices; /* the domain has rights to some device memory */
    bool l1tf;    /* the processor has that flaw */
    bool linear;  /* the domain may have linear tables */
    bool itself;  /* the entry names the table that it stands in */
    bool linked;  /* another table of its level refers to that table */
    enum naming naming;
    uint64_t value;
    struct named named; /* by value */
};

struct answer {
    int error;       /* 0 or a negative errno */
    uint64_t bits;   /* if 0: what stands in the slot afterwards */
    bool refers;     /* the entry holds a reference on the frame that it names */
    enum use needs;  /* and a use of this type, or USE_NONE */
    bool hypervisor; /* if 0: the hypervisor puts an entry of its own there */
};

struct answer expect_entry(const struct question *question);

/* The answer to a write that keeps the accessed and dirty bits of the entry @old. */
struct answer expect_keeping_ad(struct answer answer, uint64_t old);

/*
 * Does @new map the frame of @old with the same rights, so that no reference depends on the change?
 * Both as they stand in the slot.  Then an L1 entry is stored without asking whose the frame is.
 */
bool expect_is_touch_up(uint64_t old, uint64_t new);

/* The use that the child of @question's table must have. */
enum use expect_child(const struct question *question);

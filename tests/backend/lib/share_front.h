/* SPDX-License-Identifier: MIT */
/* A front end with two rings of 9P messages, which the back end reaches by what is in ends.h. */
#pragma once

#include <stdint.h>

#include <abi/9pfs.h>
#include <guest/types.h>

#define NINEP_DOMAIN     7u
#define NINEP_RINGS      2u
#define NINEP_ORDER_MAX  6u
#define NINEP_HEAD_REF   100u /* of ring n: NINEP_HEAD_REF + n */
#define NINEP_FIRST_PORT 20u  /* and NINEP_FIRST_PORT + n */

extern union ninep_head {
    struct xen_9pfs_data_intf shared;
    uint8_t bytes[PAGE_SIZE];
} ninep_heads[NINEP_RINGS];
extern uint8_t ninep_data[NINEP_RINGS][PAGE_SIZE << NINEP_ORDER_MAX];

extern unsigned ninep_told[NINEP_RINGS]; /* how often the back end has raised an event for each ring */
extern unsigned ninep_refused;           /* the nth mapping from now on fails; 0: none does */

/* Two empty rings. */
void ninep_make_rings(unsigned order);

void ninep_put_bytes(unsigned ring, const uint8_t *bytes, uint32_t size);

/* A request of @size bytes, with a tag to know it by; if @at is not 0, there is a number there. */
void ninep_ask(unsigned ring, uint8_t kind, uint16_t tag, uint32_t size, unsigned at, uint32_t number);

/* The next reply's tag, and its size; -1: there is none. */
int ninep_get_reply(unsigned ring, uint32_t *size);

/* The same, with its type, and the number behind the header, if there is one. */
int ninep_get_answer(unsigned ring, uint8_t *kind, uint32_t *number);

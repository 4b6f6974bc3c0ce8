/* SPDX-License-Identifier: MIT */
/*
 * 9P messages (9P2000.L), as far as somebody between client and server has to know them: how large one is, and what
 * sizes it names.
 */
#pragma once

#include <guest/types.h>

#define NINEP_HEADER 7u /* size (4 bytes), type, tag (2): what each message begins with */

/* Types of requests that matter here; that of the reply is the next number, but for an error. */
#define NINEP_TLOPEN   12u
#define NINEP_TLCREATE 14u
#define NINEP_TVERSION 100u
#define NINEP_TATTACH  104u
#define NINEP_TFLUSH   108u
#define NINEP_TWALK    110u
#define NINEP_TCLUNK   120u
#define NINEP_TREMOVE  122u

/* Linux's numbers of errors, which 9P2000.L has. */
#define NINEP_EIO    5u
#define NINEP_ENOENT 2u
#define NINEP_EINVAL 22u
#define NINEP_ESTALE 116u

/* What the message says that its size is.  It has NINEP_HEADER bytes at least, or 4. */
uint32_t ninep_size(const uint8_t *message);

/*
 * See that the request of @size bytes, NINEP_HEADER at least, in private memory, makes no server read behind its end or
 * write a reply of more than *@msize bytes: what it asks for beyond that is made less.  One that begins a session is
 * made to agree on @most bytes at most, and *@msize becomes what it agrees on.
 * 0, or -XEN_EINVAL: it is larger than *@msize, or too short for what it is.
 */
int __must_check ninep_check(uint8_t *request, uint32_t size, uint32_t most, uint32_t *msize);

static inline uint8_t ninep_type(const uint8_t *message)
{
    return message[sizeof(uint32_t)];
}

/* The first number behind the header, which in most requests is a fid. */
uint32_t ninep_fid(const uint8_t *message);

/*
 * Answer a request, of which the header is looked at, without a server: by @error, but for those that end something,
 * which are done.  The reply's size; it has room for NINEP_REFUSAL_MAX.
 */
#define NINEP_REFUSAL_MAX 11u
uint32_t ninep_refuse(const uint8_t *request, uint8_t *reply, uint32_t error);

/*
 * The server has begun anew, and says of a fid from before that there is none, as of a name that is not there, or that
 * it cannot be read from or written to (QEMU): where @request names nothing but a fid, the reply says that it is stale.
 */
void ninep_make_stale(const uint8_t *request, uint32_t size, uint8_t *reply, uint32_t reply_size);

/* SPDX-License-Identifier: MIT */
/*
 * Consoles and the xenstore: console_io, the two ring pages, and the messages of the xenstore.  Everything is
 * the same in both widths.
 */
#ifndef ABI_IO_H
#define ABI_IO_H

#include "types.h"

/*
 * `incontents 600 console_io The hypervisor's console: console_io
 * `
 * ` long
 * ` HYPERVISOR_console_io(enum consoleio_cmd cmd, unsigned int count, char *buffer)
 * `
 * ` @cmd: Read or write.
 * ` @count: Bytes in @buffer.
 * ` @buffer: What to write, or room for what is read.
 * `
 * ` CONSOLEIO_write: gives 0. {write}
 * ` CONSOLEIO_read: gives the number of bytes read, which is 0 if there is no input. {read}
 * `
 * ` Input is announced by VIRQ_CONSOLE.  A hypervisor may refuse domains other than the initial one; Paravane does not.
 * ` A guest takes any error for an answer, and goes on.
 * `
 * ` Errors, in the order of the checks:
 * `   -E2BIG   read: @count does not fit in an int {too-much} {CONSOLE_COUNT}
 * `   -EFAULT  @buffer cannot be read or written {unreadable} {ARGUMENT_FAULT}
 * `   -ENOSYS  unknown command {unknown-command} {NO_COMMAND}
 */
/* ` enum consoleio_cmd { // CONSOLEIO_* => HYPERVISOR_console_io() */
#define CONSOLEIO_write 0
#define CONSOLEIO_read  1
/* ` } */

/*
 * `incontents 610 console_ring The console ring
 * `
 * ` A page of the guest, named by start_info.console.domU, with a ring for each direction.  Indexes count
 * ` bytes from the start of the guest and wrap at 2 to the 32; byte i of a ring is element i modulo its size.
 * ` There are prod - cons bytes in it. {indexes}
 * ` Who changes an index raises an event on the channel. {event}
 * `
 * ` The guest writes in_cons and out_prod, the other end in_prod and out_cons. {writers}
 * ` Indexes of the other end are not to be trusted: a difference above the size of the ring is a fault of the other
 * ` end. {distrust}
 */
typedef uint32_t XENCONS_RING_IDX;

#define MASK_XENCONS_IDX(idx, ring) ((idx) & (sizeof(ring) - 1))

struct xencons_interface {
    char in[1024];  /* to the guest */
    char out[2048]; /* from the guest */
    XENCONS_RING_IDX in_cons;
    XENCONS_RING_IDX in_prod;
    XENCONS_RING_IDX out_cons;
    XENCONS_RING_IDX out_prod;
};

/*
 * `incontents 620 xenstore_ring The xenstore ring and its messages
 * `
 * ` A page of the guest, named by start_info.store_mfn, with a ring for each direction, which works as in
 * ` [console_ring]. {ring}
 * ` In the rings messages follow one another, a struct xsd_sockmsg and len bytes each, with
 * ` no padding; enum xenstore_limits says how long they can be. {messages}
 * `
 * ` The guest sends requests and gets one reply to each, with the same req_id; the type is that of the request,
 * ` or XS_ERROR, whose payload is the name of an error, such as ENOENT, and a zero byte. {replies}
 * ` XS_WATCH_EVENT comes without a request. {events}
 * ` A guest waits for its reply without limit, so whoever serves the ring must answer everything, if only with
 * ` XS_ERROR. {answers}
 */
/* ` enum xenstore_limits { */
#define XENSTORE_RING_SIZE      1024 /* bytes of each ring */
#define XENSTORE_PAYLOAD_MAX    4096 /* bytes behind the head */
#define XENSTORE_ABS_PATH_MAX   3072 /* bytes of a path that starts with a slash */
#define XENSTORE_REL_PATH_MAX   2048 /* bytes of one that is relative to the guest's own directory */
/* ` } */

typedef uint32_t XENSTORE_RING_IDX;

#define MASK_XENSTORE_IDX(idx) ((idx) & (XENSTORE_RING_SIZE - 1))

struct xenstore_domain_interface {
    char req[XENSTORE_RING_SIZE]; /* from the guest */
    char rsp[XENSTORE_RING_SIZE]; /* to the guest */
    XENSTORE_RING_IDX req_cons;
    XENSTORE_RING_IDX req_prod;
    XENSTORE_RING_IDX rsp_cons;
    XENSTORE_RING_IDX rsp_prod;
    uint32_t server_features; /* => enum xenstore_features, written by the server */
    uint32_t connection;      /* => enum xenstore_connection */
    uint32_t error;           /* => enum xenstore_error, written by the server */
};

/* ` enum xenstore_features { */
#define XENSTORE_SERVER_FEATURE_RECONNECTION    1 /* connection is in use */
#define XENSTORE_SERVER_FEATURE_ERROR           2 /* error is in use */
/* ` } */

/* ` enum xenstore_connection { */
#define XENSTORE_CONNECTED      0
#define XENSTORE_RECONNECT      1 /* set by the guest: empty the rings and start again */
/* ` } */

/* ` enum xenstore_error { */
#define XENSTORE_ERROR_NONE     0
#define XENSTORE_ERROR_COMM     1 /* the event channel or the page failed */
#define XENSTORE_ERROR_RINGIDX  2 /* an index that cannot be */
#define XENSTORE_ERROR_PROTO    3 /* a message that cannot be */
/* ` } */

/*
 * The head of a message.
 */
struct xsd_sockmsg {
    uint32_t type;   /* => enum xenstore_type */
    uint32_t req_id; /* chosen by the guest, repeated in the reply */
    uint32_t tx_id;  /* the transaction, 0 for none */
    uint32_t len;    /* bytes that follow */
};

/*
 * ` Payloads are texts, each ended by a zero byte where another follows.
 * `
 * ` A node has permissions, a list of entries such as n1: a letter and the number of a domain.  The domain of the
 * ` first entry owns the node and may do everything; the letter says what those may who are in no later entry:
 * ` n nothing, r read, w write, b both. {permissions}
 * ` A new node copies the list of the node that it is made in, and belongs to the guest that makes it. {inherited}
 * ` To make a node takes the right to write the nearest that is there; to remove one, with all below it, to write
 * ` it. {right-to-write}
 * ` Only the owner sets permissions, 8 at most, and stays the owner: else EPERM. {owner}
 * ` What a guest may not read is EACCES to it, whether it is there or not, and no watch tells of it. {right-to-read}
 * ` When a domain ends, its nodes go wherever they are, and no list names it. {end}
 * ` A guest finds its directory, which is not its own, with its parts data, drivers, feature, attr, error,
 * ` device/suspend/event-channel and, in control, shutdown, sysrq and the features, which are. {home}
 * `
 * ` A guest may have 1000 nodes, 128 watches and 10 transactions, each with 512 changes and nodes looked at: ENOSPC
 * ` beyond, E2BIG for watches. {quotas}
 * ` A value has 2048 bytes at most, a path that it makes 1024 and 64 names. {sizes}
 * ` All of that together has to fit into 256 KiB. {account}
 * ` A transaction fails with EAGAIN if another has changed what it has looked at. {transactions}
 * `
 * ` In short, request -> reply:
 */
/* ` enum xenstore_type { // XS_* => struct xsd_sockmsg */
enum xsd_sockmsg_type {
    XS_CONTROL = 0,              /* command, arguments -> text */
    XS_DIRECTORY = 1,            /* path -> names of its children */
    XS_READ = 2,                 /* path -> value */
    XS_GET_PERMS = 3,            /* path -> permissions */
    XS_WATCH = 4,                /* path, token -> OK; then an XS_WATCH_EVENT at once */
    XS_UNWATCH = 5,              /* path, token -> OK */
    XS_TRANSACTION_START = 6,    /* empty text -> number in decimal */
    XS_TRANSACTION_END = 7,      /* T to commit or F to drop -> OK */
    XS_INTRODUCE = 8,            /* for tools: domain, frame, port -> OK */
    XS_RELEASE = 9,              /* for tools: domain -> OK */
    XS_GET_DOMAIN_PATH = 10,     /* domain -> path */
    XS_WRITE = 11,               /* path, value without a final zero byte -> OK */
    XS_MKDIR = 12,               /* path -> OK */
    XS_RM = 13,                  /* path -> OK */
    XS_SET_PERMS = 14,           /* path, permissions -> OK */
    XS_WATCH_EVENT = 15,         /* path, token; sent by the server */
    XS_ERROR = 16,               /* name of an error; sent by the server */
    XS_IS_DOMAIN_INTRODUCED = 17, /* domain -> T or F */
    XS_RESUME = 18,              /* for tools: domain -> OK */
    XS_SET_TARGET = 19,          /* for tools: domain, target -> OK */
    XS_RESET_WATCHES = 21,       /* empty text -> OK; all watches and transactions end */
    XS_DIRECTORY_PART = 22,      /* path, offset -> generation, some names of children */
    XS_TYPE_COUNT = 23,
    XS_INVALID = 0xffff,
};
/* ` } */

#endif /* ABI_IO_H */

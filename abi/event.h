/* SPDX-License-Identifier: MIT */
/*
 * Event channels: virtual interrupts between domains, between vCPUs, and from the hypervisor.  All
 * structures are the same in both widths.
 */
#ifndef ABI_EVENT_H
#define ABI_EVENT_H

#include "types.h"

/*
 * `incontents 410 event_channel_op Event channels: event_channel_op
 * `
 * ` enum neg_errnoval
 * ` HYPERVISOR_event_channel_op(enum event_channel_cmd cmd, void *arg)
 * `
 * ` enum neg_errnoval
 * ` HYPERVISOR_event_channel_op_compat(struct evtchn_op *op)
 * `
 * ` @cmd: What to do.
 * ` @arg: The structure that goes with the command; the hypervisor stores results in it.
 * ` @op: Command and structure in one, the older form of the call, for the commands up to EVTCHNOP_unmask.
 * `
 * ` How a pending event reaches the guest stands in [shared_info].  A port that is bound is unmasked; binding
 * ` does not change its bits in shared_info.  An event raised on a port where one is pending already is
 * ` merged with it. {merged}
 * ` The lowest number that is free becomes the new port's. {lowest}
 * `
 * ` Errors of all commands, in the order of the checks:
 * `   -ENOSYS  unknown command {unknown-command} {NO_COMMAND}
 * `   -EFAULT  @arg cannot be read or written {unreadable} {ARGUMENT_FAULT}
 * `   -ESRCH   no such domain, or one that is ending {no-domain} {NO_DOMAIN}
 * `   -EPERM   no right to the domain {no-right} {NO_RIGHT}
 * `   -EINVAL  a port number that is out of range or whose use does not fit {bad-port} {PORT_CLOSED PORT_KIND}
 * `
 * ` EVTCHNOP_alloc_unbound: a new port of dom to which remote_dom may bind. {alloc-unbound}
 * ` EVTCHNOP_bind_interdomain: a new port of the caller, connected with an unbound port of another domain (or
 * ` of its own). {bind-interdomain}
 * ` The new port becomes pending at once, so that nothing sent before is missed. {pending-at-once}
 * `   -EBUSY, -ENOMEM, -ENOSPC  no new port, as of all that open one {interdomain-no-port}
 * `            {CHANNELS_CLOSING HYPERVISOR_MEMORY NO_PORT_FREE}
 * `   -EINVAL  the remote port is not waiting for this domain {not-waiting} {PORT_NOT_WAITING}
 * ` EVTCHNOP_bind_virq: a new port for a virtual interrupt.  Each can be bound once; those of a vCPU once per
 * ` vCPU. {bind-virq}
 * `   -EINVAL  no such interrupt, or one of the whole domain with a vcpu other than 0 {no-virq} {NO_VIRQ VIRQ_GLOBAL}
 * `   -ENOENT  no such vCPU {virq-no-vcpu} {NO_VCPU}
 * `   -EEXIST  bound already {virq-bound} {VIRQ_BOUND}
 * ` EVTCHNOP_bind_pirq: a new port for a device interrupt. {bind-pirq}
 * `   -EINVAL  no such interrupt, or the domain has no devices {no-pirq} {PIRQ_RANGE}
 * `   -EPERM   the domain has not mapped it {pirq-unmapped} {PIRQ_UNMAPPED}
 * `   -EEXIST  bound already {pirq-bound} {PIRQ_TAKEN}
 * ` EVTCHNOP_bind_ipi: a new port by which the vCPUs of the domain can wake vcpu. {bind-ipi}
 * `   -ENOENT  no such vCPU {ipi-no-vcpu} {NO_VCPU}
 * ` EVTCHNOP_close: free a port.  The other end, if any, is unbound again. {close}
 * `   -EINVAL  the port is free already {close-free} {PORT_CLOSED}
 * ` EVTCHNOP_send: raise an event at the other end, or at the vCPU of an IPI port. {send}
 * ` Sending on an unbound port has no effect and is no error. {send-unbound}
 * `   -EINVAL  the port is free, or of another kind {send-refused} {PORT_CLOSED PORT_KIND}
 * ` EVTCHNOP_status: what a port is in use as.  There is no port of a number above the highest that the domain has
 * ` ever used. {status}
 * ` EVTCHNOP_bind_vcpu: let another vCPU handle the port. {bind-vcpu}
 * `   -ENOENT  no such vCPU {bind-no-vcpu} {NO_VCPU}
 * `   -EINVAL  no such port, one that is closed, an IPI, or an interrupt of one vCPU {bind-refused}
 * `            {PORT_CLOSED PORT_KIND}
 * ` EVTCHNOP_unmask: clear the port's bit in evtchn_mask, and if an event is pending, raise it.  Nothing happens to a
 * ` port that is closed. {unmask}
 * ` EVTCHNOP_reset: close all ports of a domain, as if none had ever been in use, with bitmaps again. {reset}
 * `   -ESRCH   it, or the caller, is ending {reset-ending} {NO_DOMAIN}
 * `   -EBUSY   it is being reset already {reset-twice} {CHANNELS_CLOSING}
 * ` EVTCHNOP_init_control: change to event words, see below, with the first call, and give a vCPU its control
 * ` block. {init-control}
 * ` Optional: a guest that gets -ENOSYS stays with the bitmaps.  Events that are pending in those are lost.
 * `   -ENOENT  no such vCPU {control-no-vcpu} {NO_VCPU}
 * `   -EINVAL  an offset that is no multiple of 8, or from which the block of 72 bytes reaches over the end of the
 * `            frame {control-refused} {CONTROL_BLOCK}
 * `   -EBUSY   a reset is under way {control-reset} {CHANNELS_CLOSING}
 * `   -EINVAL  the vCPU has one {control-twice} {CONTROL_BLOCK_TWICE}
 * `   -ESRCH   the domain is being torn down {control-dying} {DYING}
 * `   -ENOMEM  the hypervisor holds as many of the domain's frames as it can {control-holds} {HOLDS_EXHAUSTED}
 * `   -EINVAL  no frame of the domain's that may be written {control-frame}
 * `            {NOT_OWNED REFERENCES_EXHAUSTED TYPE_CONFLICT TYPE_UNDER_CONVERSION TYPE_COUNT_EXHAUSTED}
 * `   -ENOMEM  no memory for the first control block of the domain {control-no-memory} {HYPERVISOR_MEMORY}
 * ` EVTCHNOP_expand_array: a frame for 1024 more event words. {expand-array}
 * `   -EBUSY   a reset is under way {array-reset} {CHANNELS_CLOSING}
 * `   -EOPNOTSUPP  before init_control {array-bitmaps} {NO_EVENT_WORDS}
 * `   -ENOSPC  128 frames are there {array-full} {EVENT_ARRAY_FULL}
 * `   -ESRCH   the domain is being torn down {array-dying} {DYING}
 * `   -ENOMEM  the hypervisor holds as many of the domain's frames as it can {array-holds} {HOLDS_EXHAUSTED}
 * `   -EINVAL  no frame of the domain's that may be written {array-refused}
 * `            {NOT_OWNED REFERENCES_EXHAUSTED TYPE_CONFLICT TYPE_UNDER_CONVERSION TYPE_COUNT_EXHAUSTED}
 * ` EVTCHNOP_set_priority: choose the queue of a port, which is 7 when the port is opened. {set-priority}
 * `   -EINVAL  no such port {priority-no-port} {PORT_CLOSED}
 * `   -ENOSYS  before init_control {priority-bitmaps} {NO_EVENT_WORDS}
 * `   -EINVAL  no such priority {priority-refused} {EVENT_PRIORITY}
 * `   -EACCES  the port is closed {priority-closed} {PORT_CLOSED}
 * `
 * ` Errors of all commands that open a port, behind their own, in the order of the checks:
 * `   -EBUSY   the domain is being reset {being-reset} {CHANNELS_CLOSING}
 * `   -ENOMEM  no memory for more ports {no-memory} {HYPERVISOR_MEMORY}
 * `   -ENOSPC  all ports are in use {no-port} {NO_PORT_FREE}
 */
/* ` enum event_channel_cmd { // EVTCHNOP_* => struct evtchn_* */
#define EVTCHNOP_bind_interdomain        0
#define EVTCHNOP_bind_virq               1
#define EVTCHNOP_bind_pirq               2
#define EVTCHNOP_close                   3
#define EVTCHNOP_send                    4
#define EVTCHNOP_status                  5
#define EVTCHNOP_alloc_unbound           6
#define EVTCHNOP_bind_ipi                7
#define EVTCHNOP_bind_vcpu               8
#define EVTCHNOP_unmask                  9
#define EVTCHNOP_reset                  10
#define EVTCHNOP_init_control           11
#define EVTCHNOP_expand_array           12
#define EVTCHNOP_set_priority           13
/* ` } */

struct evtchn_alloc_unbound {
    uint16_t dom;        /* => enum domid */
    uint16_t remote_dom; /* => enum domid */
    evtchn_port_t port;  /* result */
};

struct evtchn_bind_interdomain {
    uint16_t remote_dom; /* => enum domid */
    uint16_t _gap0;
    evtchn_port_t remote_port;
    evtchn_port_t local_port; /* result */
};

struct evtchn_bind_virq {
    uint32_t virq;      /* => enum virq */
    uint32_t vcpu;      /* 0 for an interrupt of the whole domain */
    evtchn_port_t port; /* result */
};

struct evtchn_bind_pirq {
    uint32_t pirq;
    uint32_t flags;     /* => enum bind_pirq_flags */
    evtchn_port_t port; /* result */
};

/* ` enum bind_pirq_flags { */
#define BIND_PIRQ__WILL_SHARE 1 /* the interrupt may be shared with other domains */
/* ` } */

struct evtchn_bind_ipi {
    uint32_t vcpu;
    evtchn_port_t port; /* result */
};

struct evtchn_close {
    evtchn_port_t port;
};

struct evtchn_send {
    evtchn_port_t port;
};

struct evtchn_status {
    uint16_t dom; /* => enum domid */
    uint16_t _gap0;
    evtchn_port_t port;
    uint32_t status; /* result: => enum evtchn_state */
    uint32_t vcpu;   /* result: the vCPU that handles it */
    union {          /* result */
        struct {
            uint16_t dom; /* may bind to it; => enum domid */
        } unbound;
        struct {
            uint16_t dom; /* the other end; => enum domid */
            uint16_t _gap0;
            evtchn_port_t port;
        } interdomain;
        uint32_t pirq;
        uint32_t virq; /* => enum virq */
    } u;
};

/* ` enum evtchn_state { */
#define EVTCHNSTAT_closed               0
#define EVTCHNSTAT_unbound              1
#define EVTCHNSTAT_interdomain          2
#define EVTCHNSTAT_pirq                 3
#define EVTCHNSTAT_virq                 4
#define EVTCHNSTAT_ipi                  5
/* ` } */

struct evtchn_bind_vcpu {
    evtchn_port_t port;
    uint32_t vcpu;
};

struct evtchn_unmask {
    evtchn_port_t port;
};

struct evtchn_reset {
    uint16_t dom; /* => enum domid */
};

struct evtchn_init_control {
    uint64_t control_gfn; /* machine frame of the vCPU's control block */
    uint32_t offset;      /* of the block in it */
    uint32_t vcpu;
    uint8_t link_bits; /* result: width of the link field of an event word */
    uint8_t _pad[7];
};

struct evtchn_expand_array {
    uint64_t array_gfn; /* machine frame for 1024 more event words */
};

struct evtchn_set_priority {
    evtchn_port_t port;
    uint32_t priority; /* 0 (first) to 15; => enum fifo_priority */
};

/*
 * The argument of the older call.
 */
struct evtchn_op {
    uint32_t cmd; /* => enum event_channel_cmd */
    union {
        struct evtchn_alloc_unbound alloc_unbound;
        struct evtchn_bind_interdomain bind_interdomain;
        struct evtchn_bind_virq bind_virq;
        struct evtchn_bind_pirq bind_pirq;
        struct evtchn_bind_ipi bind_ipi;
        struct evtchn_close close;
        struct evtchn_send send;
        struct evtchn_status status;
        struct evtchn_bind_vcpu bind_vcpu;
        struct evtchn_unmask unmask;
    } u;
};

/*
 * ` VIRQ_TIMER, VIRQ_DEBUG, VIRQ_XENOPROF and VIRQ_XENPMU belong to a vCPU, the others to the whole domain,
 * ` most of them to the initial one. {virqs}
 */
/* ` enum virq { */
#define VIRQ_TIMER               0 /* a timer of the vCPU has run out */
#define VIRQ_DEBUG               1 /* somebody asks for a dump of the guest's state */
#define VIRQ_CONSOLE             2 /* input has come to the hypervisor's console */
#define VIRQ_DOM_EXC             3 /* a domain has ended, or otherwise needs attention */
#define VIRQ_TBUF                4 /* trace buffers hold records */
#define VIRQ_DEBUGGER            6 /* a domain has stopped for a debugger */
#define VIRQ_XENOPROF            7 /* a profiler's sample is there */
#define VIRQ_CON_RING            8 /* output has come to the hypervisor's console */
#define VIRQ_PCPU_STATE          9 /* a processor has come or gone */
#define VIRQ_MEM_EVENT          10 /* a memory event awaits an answer */
#define VIRQ_ARGO               11 /* a message has come */
#define VIRQ_ENOMEM             12 /* memory is short */
#define VIRQ_XENPMU             13 /* a performance counter has run over */
#define VIRQ_ARCH_0             16 /* a machine check */
#define NR_VIRQS                24
/* ` } */

/*
 * ` The bitmaps have a bit for each of enum port_numbers: as many as a word of words has.
 */
/* ` enum port_numbers { */
#define EVTCHN_2L_NR_CHANNELS           4096UL
#define COMPAT_EVTCHN_2L_NR_CHANNELS    1024U
/* ` } */

/*
 * ` Event words ("FIFO").  Each port has a word of 32 bits, enum fifo_event_word, in an array; each vCPU has a control
 * ` block, struct evtchn_fifo_control_block, with 16 queues, of which 0 is served first. {words-priorities}
 * ` Queues are lists through the link fields of words.  The hypervisor appends, the guest takes off. {words-order}
 * `
 * ` Raising an event sets the word's bit PENDING.  Unless MASKED or LINKED is set, the hypervisor sets LINKED and
 * ` appends the port to the queue of its priority on its vCPU: if the last word of the queue is LINKED still, the port
 * ` is stored in its link field.  Otherwise the queue is empty: the port is stored in its head, its bit of ready is
 * ` set, and if that was clear evtchn_upcall_pending is set, as in [shared_info]. {words-raise}
 * `
 * ` The handler takes and clears ready.  Of a queue it takes off the word at head: clears LINKED and the link field in
 * ` one atomic operation, and goes on with the port that the link field had named, 0 being the end.  If the word is
 * ` PENDING and not MASKED, the event is handled. {words-handler}
 * `
 * ` To unmask, clear MASKED atomically while BUSY is clear, and if PENDING is set, call EVTCHNOP_unmask. {words-unmask}
 * `
 * ` A port that changes its vCPU or priority, or is closed, stays on the queue where it is until it is taken
 * ` off. {words-stay}
 * ` An event on a port that has no word yet, or whose vCPU has no control block yet, is delivered when it is
 * ` there. {words-late}
 */
/* ` enum fifo_priority { */
#define EVTCHN_FIFO_PRIORITY_MAX        0 /* served first */
#define EVTCHN_FIFO_PRIORITY_DEFAULT    7
#define EVTCHN_FIFO_PRIORITY_MIN       15
#define EVTCHN_FIFO_MAX_QUEUES         16
/* ` } */

/* ` enum fifo_event_word { */
#define EVTCHN_FIFO_PENDING            31 /* bits of an event word; 0 to 16: the link */
#define EVTCHN_FIFO_MASKED             30
#define EVTCHN_FIFO_LINKED             29
#define EVTCHN_FIFO_BUSY               28
#define EVTCHN_FIFO_LINK_BITS          17
#define EVTCHN_FIFO_LINK_MASK          ((1 << EVTCHN_FIFO_LINK_BITS) - 1)

#define EVTCHN_FIFO_NR_CHANNELS        (1 << EVTCHN_FIFO_LINK_BITS)
/* ` } */

struct evtchn_fifo_control_block {
    uint32_t ready; /* bit n: queue n is not empty */
    uint32_t _rsvd;
    uint32_t head[EVTCHN_FIFO_MAX_QUEUES]; /* the port at the beginning of each */
};

#endif /* ABI_EVENT_H */

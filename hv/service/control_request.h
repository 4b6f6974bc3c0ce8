/* SPDX-License-Identifier: MIT */
/* Lines that ask the hypervisor for something, taken apart: hv/service/control.h.  Pure. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <hv/base/blob.h>

enum control_verb {
    CONTROL_LIST,
    CONTROL_POWEROFF,
    CONTROL_REBOOT,
    CONTROL_DESTROY,
    CONTROL_MEMORY,
    CONTROL_VCPUS,
    CONTROL_PLUG,
    CONTROL_UNPLUG,
    CONTROL_REMOVE,
};

struct control_request {
    uint32_t id;
    enum control_verb verb;
    uint32_t domain; /* 0 where the verb takes none, */
    uint64_t amount; /* and so is this */
};

/* @line is "ID VERB [DOMAIN [AMOUNT]]", as many decimal numbers as the verb takes.  False: it is not. */
bool __attribute__((warn_unused_result)) control_request_parse(struct blob line, struct control_request *request);

/* SPDX-License-Identifier: MIT */
/*
 * Lines between a run and a command that speaks to it.  Who connects is greeted with "run PID", a line "name NAME" for
 * each guest, and "end"; or with "busy" and nothing else, where there is no room for it.  Then it may ask, once at a
 * time: VERB [NAME [AMOUNT | DEVICE]], the verbs being those below; DEVICE is a name of cli/device_place.h.  Answers:
 *
 *   guest NUMBER NAME STATE VCPUS KIB MOST RUN RESTARTS   of list, which ends by ok: hv/service/control.h
 *   devices NUMBER +NAME -NAME ...   of list behind it, where it has some: + is plugged in, - is not
 *   ok WORDS       done, of unplug when the guest has let go; or the guest has been asked; of console: bytes of its
 *                  console follow, both ways, and no lines
 *   no WORDS       refused
 *   ended WORDS    after the ok of poweroff, reboot and destroy: the guest's end, in the hypervisor's words
 *
 * What the hypervisor answers, in its log, is taken apart here as well.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <cli/device_place.h>
#include <cli/options.h>

#define ASK_LINE_MAX 127u

/* Of a line of devices, behind the number. */
#define DEVICES_TEXT_MAX (DEVICES_MAX * (DEVICE_NAME_MAX + 2))

enum ask_verb {
    ASK_LIST,
    ASK_CONSOLE,
    ASK_POWEROFF,
    ASK_REBOOT,
    ASK_DESTROY,
    ASK_MEMORY,
    ASK_VCPUS,
    ASK_PLUG,
    ASK_UNPLUG,
    ASK_REMOVE
};

struct ask {
    enum ask_verb verb;
    char name[GUEST_NAME_MAX + 1]; /* empty: the verb takes none */
    uint64_t amount; /* 0 where the verb takes none; KiB, vCPUs; the place of a device, for the hypervisor */
    char device[DEVICE_NAME_MAX + 1];
};

/* False: it is no such line. */
bool ask_parse(const char *line, struct ask *ask);

/* The line, without its end.  For the hypervisor, the guest being @number: false if it is not asked that. */
void ask_print(const struct ask *ask, char line[ASK_LINE_MAX + 1]);
bool ask_print_request(const struct ask *ask, unsigned id, unsigned number, char line[ASK_LINE_MAX + 1]);

enum answer_kind { ANSWER_GUEST, ANSWER_OUT, ANSWER_OK, ANSWER_NO };

struct answer {
    uint32_t id;
    enum answer_kind kind;
    const char *line; /* in @line of answer_parse(), from the kind on */
};

/* A line of the hypervisor's log; false: it is no answer. */
bool answer_parse(const char *line, struct answer *answer);

/* A line of the list. */
struct guest_line {
    unsigned number, vcpus, restarts;
    char name[GUEST_NAME_MAX + 1], state[16];
    unsigned long long memory_kib, most_kib, run_us;
};

bool guest_line_parse(const char *line, struct guest_line *guest);

/* What stands behind the number in a line of devices; NULL: it is none. */
const char *devices_line_parse(const char *line, unsigned *number);

/* SPDX-License-Identifier: MIT */
/* Exit statuses, signals and the hypervisor's last words, and what is made of them. */
#include <string.h>

#include <cli/ending.h>

/* The debug-exit device makes twice the hypervisor's code plus one of it; hv/base/exit.h has the codes. */
static const struct meaning {
    int exit_status;
    enum status status;
    bool is_guests; /* the end of the guest, which the hypervisor has to confirm */
    const char *text;
} meanings[] = {
    {0, STATUS_QEMU, false, "QEMU ended before the guest did: the machine was reset, or somebody has ended QEMU"},
    {1, STATUS_QEMU, false, "QEMU failed; its message is above"},
    {33, STATUS_GOOD, true, "the guest powered off or rebooted"},
    {35, STATUS_HYPERVISOR, false, "the hypervisor's self-test failed"},
    {37, STATUS_HYPERVISOR, false,
     "the hypervisor could not use its command line or the bundle; do hypervisor and command belong to the same "
     "version?"},
    {39, STATUS_HYPERVISOR, false, "the hypervisor cannot run on this machine, or not yet do what was asked"},
    {41, STATUS_HYPERVISOR, false, "the hypervisor broke: this is a bug; please report it with the messages above"},
    {43, STATUS_CRASHED, true, "the guest crashed"},
    {45, STATUS_REFUSED, true, "the guest was refused"},
    {47, STATUS_DESTROYED, true, "the guest was destroyed"},
};

static const struct meaning *find_meaning(int exit_status)
{
    static const struct meaning unknown = {-1, STATUS_QEMU, false,
                                           "QEMU ended with a status that the hypervisor does not use"};

    for (size_t i = 0; i < sizeof(meanings) / sizeof(meanings[0]); i++) {
        if (meanings[i].exit_status == exit_status)
            return &meanings[i];
    }
    return &unknown;
}

/* Does it take what the hypervisor has said to understand it? */
static bool is_puzzling(const struct meaning *meaning)
{
    return meaning->status != STATUS_GOOD && meaning->status != STATUS_DESTROYED;
}

/* The hypervisor's own words about the domain are more exact: powered off, wants to reboot, its last vCPU went down. */
static const char *own_words(const struct log *log, const char *otherwise)
{
    char start[LOG_DOMAIN_LENGTH];
    const char *line;

    log_domain(log->guest, start);
    line = log_last_end(log, start);
    return line && !strstr(line, ") crashed") ? line : otherwise;
}

static bool is_one(const struct ending *ending)
{
    return !ending->outcomes->count;
}

static const char *all_of(const struct ending *ending)
{
    return is_one(ending) ? "the guest has" : "all guests have";
}

/* The proof holds: these are the hypervisor's words. */
static void tell_guests_end(const struct ending *ending, const struct meaning *meaning)
{
    if (!is_one(ending))
        outcomes_tell(ending->outcomes);
    else if (!is_puzzling(meaning))
        say("%s%s", own_words(ending->hypervisor, meaning->text),
            outcome_reason(own_words(ending->hypervisor, meaning->text)));
    else if (meaning->status == STATUS_CRASHED)
        say_error("%s", own_words(ending->hypervisor, meaning->text));
    else
        say_error("%s", meaning->text);
    for (unsigned i = 0; i < ending->options->nr_guests && meaning->status == STATUS_CRASHED; i++)
        clue_tell(&ending->clues[i], &ending->options->guests[i]);
}

/* What to do about QEMU's last words, where they do not say; empty where nothing is known. */
static const char *advice_on(const char *words)
{
    static const char tap[] =
        "; a tap that is yours is made by root, `ip tuntap add NAME mode tap user YOU`, and named by "
        "--net tap,ifname=NAME";
    static const struct {
        const char *part, *advice;
    } known[] = {
        {"Could not set up host forwarding rule", "; is the port of this machine in use, or one for root alone?"},
        {"could not open /dev/net/tun", tap},
        {"could not configure /dev/net/tun", tap},
    };

    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (strstr(words, known[i].part))
            return known[i].advice;
    }
    return "";
}

/* The guest has come to a good end, and was started for the sake of a command. */
static enum status tell_command(const struct ending *ending)
{
    if (ending->errand->is_done) {
        say("the command ended with status %u", ending->errand->status);
        return (enum status)ending->errand->status;
    }
    log_show(ending->hypervisor);
    say_error("the guest ended before the command did, or could not say how that ended");
    return STATUS_CRASHED;
}

/* Where the hypervisor has confirmed its end and then reset the machine, it is the one that its code stands for. */
static int exit_status_of(const struct ending *ending)
{
    return ending->proof->is_given && !ending->result.code ? proof_status(ending->proof) : ending->result.code;
}

static enum status tell_exit(const struct ending *ending)
{
    int exit_status = exit_status_of(ending);
    const struct meaning *meaning = find_meaning(exit_status);

    if (is_puzzling(meaning))
        log_show(ending->hypervisor);
    if (meaning->is_guests && !proof_holds(ending->proof, exit_status)) {
        log_show(ending->hypervisor);
        say_error(
            "QEMU's exit status %d means: %s; but the hypervisor has not confirmed it. Something else has written "
            "to the exit port: do not believe what the guest says of its end, and report this as a bug, unless "
            "hypervisor and command belong to different versions",
            exit_status, meaning->text);
        return STATUS_HYPERVISOR;
    }
    if (exit_status == 1 && !ending->qemu->nr_lines) {
        say_error("%s failed without a word (exit status 1): is it QEMU? PARAVANE_QEMU names the program",
                  qemu_program());
        return meaning->status;
    }
    if (meaning->is_guests)
        tell_guests_end(ending, meaning);
    else
        say_error("%s (QEMU's exit status %d)%s", meaning->text, exit_status,
                  exit_status == 1 ? advice_on(log_last(ending->qemu)) : "");
    if (meaning->status == STATUS_GOOD && ending->options->command)
        return tell_command(ending);
    return meaning->status;
}

/* A signal from within QEMU comes with last words, of an assertion that failed say. */
static enum status tell_signal(const struct ending *ending)
{
    log_show(ending->hypervisor);
    if (ending->qemu->nr_lines)
        say_error("QEMU has died of a signal: %s; its last words: %s", strsignal(ending->result.code),
                  log_last(ending->qemu));
    else
        say_error("QEMU was ended by a signal from elsewhere: %s", strsignal(ending->result.code));
    return STATUS_QEMU;
}

static enum status tell_timeout(const struct ending *ending)
{
    log_show(ending->hypervisor);
    if (is_one(ending))
        say_error("out of time: the guest was still %s after %u seconds",
                  log_is_building(ending->hypervisor) ? "being built" : "running", ending->timeout_seconds);
    else
        say_error("out of time after %u seconds", ending->timeout_seconds);
    outcomes_tell(ending->outcomes);
    return STATUS_TIMEOUT;
}

static enum status tell_left(const struct ending *ending)
{
    log_show_from(ending->hypervisor, ending->result.asked_at);
    say("left; %s been ended", all_of(ending));
    outcomes_tell(ending->outcomes);
    return STATUS_LEFT;
}

enum status ending_tell(const struct ending *ending)
{
    switch (ending->result.end) {
    case SESSION_EXITED:
        return tell_exit(ending);
    case SESSION_KILLED:
        return tell_signal(ending);
    case SESSION_TIMEOUT:
        return tell_timeout(ending);
    case SESSION_LEFT:
        return tell_left(ending);
    case SESSION_INTERRUPTED:
        say("interrupted: %s been ended", all_of(ending));
        return STATUS_FAILED;
    case SESSION_OUTPUT_LOST:
        say_error("%s cannot be written: %s; %s been ended", ending->result.lost, strerror(ending->result.code),
                  all_of(ending));
        return STATUS_FAILED;
    case SESSION_NOT_STARTED:
        say_error("%s could not be started: %s; install qemu-system-x86, or name the program in PARAVANE_QEMU",
                  qemu_program(), strerror(ending->result.code));
        return STATUS_QEMU;
    }
    return STATUS_FAILED;
}

/* SPDX-License-Identifier: MIT */
/*
 * Runs the checks and counts them.  Usage: check [short|clock|processors]; the kernel's command line has it as
 * "=short".  The clock alone is for a run whose time is the host's; processors is for machines that have several.
 */
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/check/checks.h>

#define LIMIT_SECONDS 240u

bool check_is_short;

/* Where a check, whichever process of it, leaves its reason. */
static struct report {
    bool has_failed;
    char failure[200], remark[200];
} * report;

/* What there is to run: all, less, the clock alone, or less and what takes several processors; and where a check is. */
enum selection { FULL = 1, SHORT = 2, CLOCK = 4, PROCESSORS = 8, ALWAYS = FULL | SHORT | PROCESSORS };

static const struct {
    const char *name;
    void (*run)(void);
    unsigned selections;
} checks[] = {
    {"uname", check_uname, ALWAYS},
    {"cpuinfo", check_cpuinfo, ALWAYS},
    {"sys-hypervisor", check_hypervisor, ALWAYS},
    {"kernel-threads", check_kernel_threads, ALWAYS},
    {"timer-interrupts", check_timer_interrupts, ALWAYS},
    {"processors", check_all_online, ALWAYS},
    {"fork", check_fork, ALWAYS},
    {"exec", check_exec, ALWAYS},
    {"copy-on-write", check_copy_on_write, ALWAYS},
    {"pipes", check_pipes, ALWAYS},
    {"threads", check_threads, ALWAYS},
    {"mmap-storm", check_map_storm, ALWAYS},
    {"mprotect-storm", check_protect_storm, ALWAYS},
    {"mremap", check_move, ALWAYS},
    {"fault-address", check_fault_address, ALWAYS},
    {"alternate-stack", check_alternate_stack, ALWAYS},
    {"exceptions", check_exceptions, ALWAYS},
    {"signal-storm", check_signal_storm, ALWAYS},
    {"segment-bases", check_bases, ALWAYS},
    {"ldt", check_ldt, ALWAYS},
    {"int80", check_int80, ALWAYS},
    {"fpu", check_fpu, ALWAYS},
    {"single-step", check_single_step, ALWAYS},
    {"hardware-breakpoints", check_breakpoints, ALWAYS},
    {"clock-monotonic", check_monotonic, ALWAYS | CLOCK},
    {"clock-without-calls", check_clock_by_itself, ALWAYS | CLOCK},
    {"sleep", check_sleep, ALWAYS},
    {"host-clock", check_host_clock, FULL | CLOCK},
    {"clock-everywhere", check_clock_everywhere, ALWAYS},
    {"futexes", check_futexes, ALWAYS},
    {"signals-everywhere", check_signals_everywhere, ALWAYS},
    {"translations", check_translations, ALWAYS},
    {"hotplug", check_hotplug, PROCESSORS},
    {"module", check_module, ALWAYS},
    {"tmpfs", check_tmpfs, ALWAYS},
    {"memory-90-percent", check_fill, ALWAYS},
    /* Last: after all that the others did. */
    {"dmesg", check_dmesg, ALWAYS},
};

void check_fail(const char *format, ...)
{
    va_list values;

    va_start(values, format);
    if (!__atomic_exchange_n(&report->has_failed, true, __ATOMIC_SEQ_CST))
        vsnprintf(report->failure, sizeof(report->failure), format, values);
    va_end(values);
    _exit(1);
}

void check_remark(const char *format, ...)
{
    va_list values;

    va_start(values, format);
    vsnprintf(report->remark, sizeof(report->remark), format, values);
    va_end(values);
}

pid_t need_fork(void)
{
    pid_t child = fork();

    NEED(child >= 0, "fork: %s", strerror(errno));
    return child;
}

static void describe_end(int status, char *text, size_t size)
{
    if (WIFSIGNALED(status))
        snprintf(text, size, "killed by signal %d (%s)", WTERMSIG(status), strsignal(WTERMSIG(status)));
    else
        snprintf(text, size, "exit status %d", WEXITSTATUS(status));
}

void need_child(pid_t child)
{
    char text[80];
    int status;

    NEED(waitpid(child, &status, 0) == child, "waitpid: %s", strerror(errno));
    describe_end(status, text, sizeof(text));
    NEED(status == 0, "a child ended: %s", text);
}

uint32_t check_random(void)
{
    static uint64_t state = 0x9e3779b97f4a7c15u;

    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (uint32_t)(state >> 32);
}

char *check_read_file(const char *path)
{
    static char text[1 << 18];
    FILE *from = fopen(path, "r");
    size_t size;

    NEED(from, "%s: %s", path, strerror(errno));
    size = fread(text, 1, sizeof(text) - 1, from);
    text[size] = '\0';
    fclose(from);
    return text;
}

/* True: the check passed. */
static bool perform(const char *name, void (*run)(void))
{
    pid_t child;
    int status;

    memset(report, 0, sizeof(*report));
    fflush(stdout);
    child = fork();
    if (child == 0) {
        setpgid(0, 0);
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        alarm(LIMIT_SECONDS);
        run();
        fflush(stdout);
        _exit(0);
    }
    if (child < 0 || waitpid(child, &status, 0) != child) {
        printf("not ok %s: no process for it: %s\n", name, strerror(errno));
        return false;
    }
    /* What a check left behind does not outlive it. */
    kill(-child, SIGKILL);
    if (status && !report->has_failed)
        describe_end(status, report->failure, sizeof(report->failure));
    if (status || report->has_failed)
        printf("not ok %s: %s\n", name, report->failure);
    else
        printf("ok %s%s%s\n", name, report->remark[0] ? ": " : "", report->remark);
    return !status && !report->has_failed;
}

/* True: @word, of the command line of a shell or of the kernel, says what to run. */
static bool parse_selection(const char *word, enum selection *selection)
{
    static const struct {
        const char *word;
        enum selection selection;
    } words[] = {{"short", SHORT}, {"clock", CLOCK}, {"processors", PROCESSORS}};

    word += word[0] == '=';
    for (size_t i = 0; i < NR_OF(words); i++) {
        *selection = words[i].selection;
        if (!strcmp(word, words[i].word))
            return true;
    }
    return false;
}

int main(int count, char **arguments)
{
    unsigned passed = 0, failed = 0;
    enum selection selection = FULL;

    /* Each line in one piece, where the output is a log. */
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (count > 1 && !parse_selection(arguments[1], &selection)) {
        printf("usage: check [short|clock|processors]\n");
        return 1;
    }
    check_is_short = selection != FULL;
    report = mmap(NULL, sizeof(*report), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (report == MAP_FAILED) {
        printf("not ok self-check: mmap: %s\n", strerror(errno));
        return 1;
    }
    for (size_t i = 0; i < NR_OF(checks); i++) {
        if (!(checks[i].selections & selection))
            continue;
        if (perform(checks[i].name, checks[i].run))
            passed++;
        else
            failed++;
    }
    printf("self-check: %u passed, %u failed\n", passed, failed);
    return failed ? 1 : 0;
}

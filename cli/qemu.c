/* SPDX-License-Identifier: MIT */
/* The command line of QEMU put together, and what is asked of its version. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cli/file.h>
#include <cli/qemu.h>

#define DEFAULT_PROGRAM "qemu-system-x86_64"

/* Before this version QEMU emulates SMAP wrongly for guests in ring 3 that run on user pages. */
#define SMAP_WORKS_MAJOR 9u
#define SMAP_WORKS_MINOR 1u

/*
 * Memory for the hypervisor: a fixed part, what each further guest costs, and a share for what it keeps of a frame.  A
 * guest can make it keep 2 MiB of event channels and 1 MiB of grants; what is there for it at once takes less than half
 * a MiB.  Where that is not left, the greedy take it from who reboots.
 */
#define HYPERVISOR_MIB  16u
#define FURTHER_MIB     4u
#define TRACE_MIB       16u /* hv/domain/trace.c */
#define EXPLAIN_PART    64u /* hv/domain/origin.c: 24 bytes a frame, in as many frames as are a power of two */
#define RECORDER_MIB    24u
#define HYPERVISOR_PART 100u

/* With as many places for devices as there can be: cli/devices.c. */
#define MICROVM "microvm,ioapic2=on"

const char *qemu_program(void)
{
    const char *program = getenv("PARAVANE_QEMU");

    return program && *program ? program : DEFAULT_PROGRAM;
}

/* The first line that `QEMU --version` prints; empty if there is none. */
static void read_version_line(char *line, size_t size)
{
    int ends[2];
    pid_t child;
    FILE *from;

    line[0] = '\0';
    if (pipe(ends))
        return;
    child = fork();
    if (child == 0) {
        close(STDIN_FILENO);
        open("/dev/null", O_RDONLY);
        dup2(ends[1], STDOUT_FILENO);
        close(ends[0]);
        close(ends[1]);
        execlp(qemu_program(), qemu_program(), "--version", (char *)NULL);
        _exit(127);
    }
    close(ends[1]);
    from = fdopen(ends[0], "r");
    if (from) {
        if (!fgets(line, (int)size, from))
            line[0] = '\0';
        fclose(from);
    }
    if (child > 0)
        waitpid(child, NULL, 0);
}

static bool smap_works(void)
{
    static const char start[] = "QEMU emulator version ";
    char line[128];
    unsigned major, minor;

    read_version_line(line, sizeof(line));
    if (strncmp(line, start, strlen(start)) || sscanf(line + strlen(start), "%u.%u", &major, &minor) != 2)
        return false;
    return major > SMAP_WORKS_MAJOR || (major == SMAP_WORKS_MAJOR && minor >= SMAP_WORKS_MINOR);
}

static void add(struct qemu_command *command, const char *option, const char *value)
{
    command->arguments[command->count++] = option;
    if (value)
        command->arguments[command->count++] = value;
}

uint64_t qemu_memory_mib(const struct qemu_request *request)
{
    const struct run_options *options = request->options;
    uint64_t bundle_mib = (request->bundle_size + MIB - 1) / MIB, guests_mib = 0;

    for (unsigned i = 0; i < options->nr_guests; i++)
        guests_mib += (options->guests[i].most_kib + 1023) >> 10;
    if (request->traces)
        guests_mib += TRACE_MIB;
    if (options->explain)
        guests_mib += guests_mib / EXPLAIN_PART + 1;
    if (options_have_devices(options))
        guests_mib += (BACKEND_KIB >> 10) + FURTHER_MIB;
    return guests_mib + HYPERVISOR_MIB + (options->nr_guests - 1) * FURTHER_MIB + guests_mib / HYPERVISOR_PART + 1 +
           bundle_mib + (options_record(options) ? RECORDER_MIB : 0);
}

/* Is it said to QEMU itself how much there is, or where it comes from? */
static bool is_memory_overruled(const struct run_options *options)
{
    for (unsigned i = 0; i < options->nr_qemu_arguments; i++) {
        if (!strcmp(options->qemu_arguments[i], "-m") || !strncmp(options->qemu_arguments[i], "-mem", strlen("-mem")))
            return true;
    }
    return false;
}

enum status qemu_check_memory(const struct qemu_request *request)
{
    uint64_t wanted_mib = qemu_memory_mib(request);
    struct sysinfo machine = {0};
    void *memory;

    if (is_memory_overruled(request->options))
        return STATUS_GOOD;
    memory = mmap(NULL, wanted_mib * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory != MAP_FAILED) {
        munmap(memory, wanted_mib * MIB);
        return STATUS_GOOD;
    }
    sysinfo(&machine);
    say_error("%llu MiB are more than a program can have here, of the %llu MiB of this machine; say less by --memory",
              (unsigned long long)wanted_mib, (unsigned long long)machine.totalram * machine.mem_unit / MIB);
    return STATUS_FAILED;
}

/*
 * More than this machine has would wait for each other: so many are there only where they are asked for.  What is
 * recorded has one order, which one processor has.
 */
static unsigned processors(const struct run_options *options)
{
    unsigned useful = options_useful_processors(options), here = (unsigned)get_nprocs();
    unsigned taken = useful < here ? useful : here, pinned = options_for_pins(options);

    if (options->processors)
        return options->processors;
    if (options_record(options))
        return 1;
    return taken > pinned ? taken : pinned;
}

/* One is what QEMU makes without a word. */
static void add_processors(struct qemu_command *command, unsigned count)
{
    snprintf(command->processors, sizeof(command->processors), "%u", count);
    if (count > 1)
        add(command, "-smp", command->processors);
}

/* Whoever reaches the port has the guests' memory: it is none of another machine's. */
static void add_gdb(struct qemu_command *command, unsigned port)
{
    if (!port)
        return;
    snprintf(command->gdb, sizeof(command->gdb), "tcp:127.0.0.1:%u", port);
    add(command, "-S", NULL);
    add(command, "-gdb", command->gdb);
}

/* Memory that somebody else has as well is a file. */
static void add_machine(struct qemu_command *command, const struct qemu_request *request)
{
    const char *machine = options_have_pci(request->options) ? request->options->machine : MICROVM;

    snprintf(command->machine, sizeof(command->machine), "%s%s", machine, request->memory ? ",memory-backend=ram" : "");
    add(command, "-machine", command->machine);
    if (!request->memory)
        return;
    snprintf(command->memory_file, sizeof(command->memory_file),
             "memory-backend-file,id=ram,share=on,mem-path=%s,size=%s", request->memory, command->memory);
    add(command, "-object", command->memory_file);
}

void qemu_compose(const struct qemu_request *request, struct qemu_command *command)
{
    const struct run_options *options = request->options;

    command->count = command->nr_owned = 0;
    snprintf(command->cpu, sizeof(command->cpu), "max%s", smap_works() ? "" : ",-smap");
    snprintf(command->memory, sizeof(command->memory), "%lluM", (unsigned long long)qemu_memory_mib(request));
    snprintf(command->words, sizeof(command->words), "log=com2 proof=%s%s%s%s%s%s%s%s%s", request->proof,
             !request->traces       ? ""
             : request->traces_deep ? " trace"
                                    : " trace=summary",
             request->traces_traps ? " trace-traps" : "", request->records ? " record cpus=1" : "",
             options_have_consoles(options) ? " console=multiplexed" : "",
             options->explains_as_json ? " explain=json"
             : options->explain        ? " explain"
                                       : "",
             options->audit ? " audit" : "", options->seed ? " seed=" : "", options->seed ? options->seed : "");
    for (char *letter = command->words; *letter; letter++)
        *letter = *letter >= 'A' && *letter <= 'F' ? (char)(*letter | 0x20) : *letter;
    snprintf(command->log, sizeof(command->log), "socket,id=log,fd=%d", request->log_fd);

    add(command, qemu_program(), NULL);
    add(command, "-nodefaults", NULL);
    add(command, "-no-user-config", NULL);
    add(command, "-display", "none");
    add(command, "-no-reboot", NULL);
    add_machine(command, request);
    add(command, "-cpu", command->cpu);
    add(command, "-m", command->memory);
    add_processors(command, processors(options));
    add(command, "-device", "isa-debug-exit,iobase=0xf4,iosize=0x04");
    add(command, "-chardev", "stdio,id=console,signal=off");
    add(command, "-serial", "chardev:console");
    add(command, "-chardev", command->log);
    add(command, "-device", "isa-serial,chardev=log,iobase=0x2f8,irq=3");
    add(command, "-kernel", request->hypervisor);
    add(command, "-initrd", request->bundle);
    add(command, "-append", command->words);
    qemu_add_devices(options, command);
    add_gdb(command, options->gdb_port);
    for (unsigned i = 0; i < options->nr_qemu_arguments; i++)
        add(command, options->qemu_arguments[i], NULL);
    command->arguments[command->count] = NULL;
}

void qemu_compose_booting(const struct run_options *options, uint64_t memory_mib, const char *path, const char *device,
                          const char *format, struct qemu_command *command)
{
    command->count = command->nr_owned = 0;
    snprintf(command->cpu, sizeof(command->cpu), "max%s", smap_works() ? "" : ",-smap");
    snprintf(command->memory, sizeof(command->memory), "%lluM", (unsigned long long)memory_mib);
    add(command, qemu_program(), NULL);
    add(command, "-nodefaults", NULL);
    add(command, "-display", "none");
    add(command, "-machine", options->machine);
    add(command, "-cpu", command->cpu);
    add(command, "-m", command->memory);
    add_processors(command, options_useful_processors(options));
    add(command, "-serial", "stdio");
    qemu_add_medium(path, device, format, command);
    qemu_add_devices(options, command);
    command->arguments[command->count] = NULL;
}

void qemu_show(FILE *to, const char *start, const struct qemu_command *command)
{
    fputs(start, to);
    for (unsigned i = 0; i < command->count; i++) {
        if (i)
            fputc(' ', to);
        write_quoted(to, command->arguments[i]);
    }
    fputc('\n', to);
}

/* SPDX-License-Identifier: MIT */
/*
 * The first process of `paravane run KERNEL -- COMMAND`: makes the places that programs expect, runs the command,
 * leaves its exit status in the xenstore, where the hypervisor looks for it when the guest has ended, and powers off.
 *
 * The command is in /paravane/command: what the console is to be, the program's file, and its arguments from its name
 * on, each with a zero byte behind it.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <abi/io.h>

#define COMMAND       "/paravane/command"
#define STATUS_NODE   "data/paravane-status"
#define ARGUMENTS_MAX 256u
#define COMMAND_MAX   65536u
#define NOT_RUNNABLE  126 /* as shells have it */
#define NOT_FOUND     127
#define BY_SIGNAL     128

static const struct {
    const char *what, *where, *type;
} mounts[] = {
    {"proc", "/proc", "proc"}, {"sys", "/sys", "sysfs"}, {"dev", "/dev", "devtmpfs"},  {"pts", "/dev/pts", "devpts"},
    {"tmp", "/tmp", "tmpfs"},  {"run", "/run", "tmpfs"}, {"shm", "/dev/shm", "tmpfs"},
};

/* What is there already, or is not in this kernel, is no reason to give up. */
static void make_places(void)
{
    for (size_t i = 0; i < sizeof(mounts) / sizeof(mounts[0]); i++) {
        mkdir(mounts[i].where, 0755);
        mount(mounts[i].what, mounts[i].where, mounts[i].type, 0, NULL);
    }
}

static int is_module(const struct dirent *entry)
{
    size_t length = strlen(entry->d_name);

    return length > 3 && !strcmp(entry->d_name + length - 3, ".ko");
}

/* Those of the ramdisk, in the order of their names. */
static void load_modules(void)
{
    struct dirent **entries;
    int count = scandir("/modules", &entries, is_module, alphasort);

    for (int i = 0; i < count; i++) {
        char path[sizeof("/modules/") + sizeof(entries[i]->d_name)];
        int file;

        snprintf(path, sizeof(path), "/modules/%s", entries[i]->d_name);
        file = open(path, O_RDONLY | O_CLOEXEC);
        if (file < 0 || syscall(SYS_finit_module, file, "", 0))
            fprintf(stderr, "paravane: %s: %s\n", path, strerror(errno));
        close(file);
    }
}

/* A console that nobody sits at hands over what is written as it is, and shows nothing that it is sent. */
static void set_console(bool raw)
{
    struct termios settings;

    if (!raw || tcgetattr(STDIN_FILENO, &settings))
        return;
    settings.c_oflag &= ~(tcflag_t)OPOST;
    settings.c_lflag &= ~(tcflag_t)ECHO;
    settings.c_iflag &= ~(tcflag_t)ICRNL;
    tcsetattr(STDIN_FILENO, TCSANOW, &settings);
}

/* Fill in what the console is to be, and the file and the arguments, which end with NULL.  False: there are none. */
static bool read_command(const char **console, char *arguments[ARGUMENTS_MAX + 1])
{
    static char text[COMMAND_MAX + 1];
    int file = open(COMMAND, O_RDONLY | O_CLOEXEC);
    ssize_t size = file < 0 ? -1 : read(file, text, COMMAND_MAX);
    unsigned count = 0;

    close(file);
    *console = text;
    for (char *at = text + strlen(text) + 1; at < text + size && count < ARGUMENTS_MAX; at += strlen(at) + 1)
        arguments[count++] = at;
    arguments[count] = NULL;
    return count >= 2;
}

/* A program that came along without a ramdisk has nothing around it. */
static int tell_failure(const char *file)
{
    int error = errno;
    bool lacks_libraries = error == ENOENT && !access(file, X_OK);

    fprintf(stderr, "paravane: %s: %s\n", file,
            lacks_libraries ? "it needs shared libraries or an interpreter; link it statically, or give the guest a "
                              "--ramdisk that has them"
                            : strerror(error));
    return error == ENOENT && !lacks_libraries ? NOT_FOUND : NOT_RUNNABLE;
}

static _Noreturn void become(const char *file, char *const arguments[])
{
    setsid();
    ioctl(STDIN_FILENO, TIOCSCTTY, 0);
    setenv("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", 1);
    setenv("HOME", "/root", 1);
    execvp(file, arguments);
    _exit(tell_failure(file));
}

/* The first process has all that others leave behind. */
static unsigned run(char *const arguments[])
{
    pid_t child = fork(), ended;
    int status = 0;

    if (child == 0)
        become(arguments[0], arguments + 1);
    if (child < 0)
        return NOT_RUNNABLE;
    do {
        ended = wait(&status);
    } while (ended != child && (ended >= 0 || errno == EINTR));
    return WIFSIGNALED(status) ? BY_SIGNAL + (unsigned)WTERMSIG(status) : (unsigned)WEXITSTATUS(status);
}

/* One request on the wire, and what comes back: nothing else speaks through this descriptor. */
static bool leave_status(unsigned status)
{
    struct {
        struct xsd_sockmsg header;
        char payload[64];
    } message = {.header = {.type = XS_WRITE}}, answer;
    int store = open("/dev/xen/xenbus", O_RDWR | O_CLOEXEC);
    int length = snprintf(message.payload, sizeof(message.payload), "%s%c%u", STATUS_NODE, '\0', status);
    bool is_left;

    message.header.len = (uint32_t)length;
    is_left =
        store >= 0 &&
        write(store, &message, sizeof(message.header) + (size_t)length) == (ssize_t)sizeof(message.header) + length &&
        read(store, &answer, sizeof(answer)) >= (ssize_t)sizeof(answer.header) && answer.header.type == XS_WRITE;
    close(store);
    return is_left;
}

/* What the kernel says as it goes down is no output of the command's. */
static void silence_kernel(void)
{
    int file = open("/proc/sys/kernel/printk", O_WRONLY | O_CLOEXEC);

    if (write(file, "0\n", 2) != 2)
        fprintf(stderr, "paravane: the kernel's messages cannot be silenced: %s\n", strerror(errno));
    close(file);
}

int main(void)
{
    static char *arguments[ARGUMENTS_MAX + 1];
    const char *console;
    unsigned status = NOT_RUNNABLE;

    make_places();
    load_modules();
    if (read_command(&console, arguments)) {
        set_console(!strcmp(console, "raw"));
        status = run(arguments);
    }
    tcdrain(STDOUT_FILENO);
    if (!leave_status(status))
        fprintf(stderr, "paravane: /dev/xen/xenbus: the exit status %u cannot be left there: %s\n", status,
                strerror(errno));
    sync();
    silence_kernel();
    reboot(RB_POWER_OFF);
    return 1;
}

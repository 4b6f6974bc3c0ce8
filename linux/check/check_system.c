/* SPDX-License-Identifier: MIT */
/* What the kernel says about itself and its machine, and that its own parts work: threads, timer, modules, files. */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/klog.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <linux/check/checks.h>

#define DISK_KIB 2048u

void check_uname(void)
{
    struct utsname name;

    NEED(!uname(&name), "uname: %s", strerror(errno));
    NEED(!strcmp(name.sysname, "Linux") && !strcmp(name.machine, "x86_64"), "%s %s", name.sysname, name.machine);
    NEED(strstr(name.version, "Debian"), "not Debian's: %s", name.version);
    check_remark("%s", name.release);
}

static bool has_word(const char *line, const char *word)
{
    size_t length = strlen(word);

    for (const char *at = line; (at = strstr(at, word)); at += length) {
        if (at > line && isspace((unsigned char)at[-1]) && (!at[length] || isspace((unsigned char)at[length])))
            return true;
    }
    return false;
}

void check_cpuinfo(void)
{
    static const char *const wanted[] = {"fpu",  "tsc",     "cx8", "cmov", "fxsr",
                                         "sse2", "syscall", "nx",  "lm",   "hypervisor"};
    /* What a PV guest cannot use: it would fail, or worse. */
    static const char *const unwanted[] = {"vmx", "svm", "smap", "smep", "pcid", "mtrr"};
    char *text = check_read_file("/proc/cpuinfo");
    char *mhz = strstr(text, "cpu MHz"), *flags = strstr(text, "\nflags");

    NEED(!strncmp(text, "processor\t: 0\n", 14), "the first processor is not number 0");
    NEED(mhz && strchr(mhz, ':') && atof(strchr(mhz, ':') + 1) > 1, "no sane clock rate");
    NEED(flags, "no flags");
    *strchr(flags + 1, '\n') = '\0';
    for (size_t i = 0; i < NR_OF(wanted); i++)
        NEED(has_word(flags, wanted[i]), "the flag %s is missing", wanted[i]);
    for (size_t i = 0; i < NR_OF(unwanted); i++)
        NEED(!has_word(flags, unwanted[i]), "the flag %s is there", unwanted[i]);
}

void check_hypervisor(void)
{
    char *text = check_read_file("/sys/hypervisor/type");

    NEED(!strcmp(text, "xen\n"), "type is %s", text);
    text = check_read_file("/sys/hypervisor/version/major");
    NEED(atoi(text) >= 4, "major version %s", text);
    text = check_read_file("/sys/hypervisor/properties/capabilities");
    NEED(strstr(text, "xen-3.0-x86_64"), "capabilities: %s", text);
}

/* Is the process @pid a child of kthreadd?  Its name goes to @name. */
static bool is_kernel_thread(const char *pid, char name[64])
{
    char path[64], *end;
    char *text;

    snprintf(path, sizeof(path), "/proc/%.20s/stat", pid);
    if (access(path, R_OK))
        return false;
    text = check_read_file(path);
    end = strrchr(text, ')');
    if (!end || !strchr(text, '('))
        return false;
    snprintf(name, 64, "%.*s", (int)(end - strchr(text, '(') - 1), strchr(text, '(') + 1);
    return atoi(end + 4) == 2;
}

void check_kernel_threads(void)
{
    static const char *const wanted[] = {"ksoftirqd/0", "kswapd0", "kworker/0"};
    bool is_seen[NR_OF(wanted)] = {false};
    unsigned count = 0;
    char name[64];
    DIR *directory = opendir("/proc");
    const struct dirent *entry;

    NEED(directory, "/proc: %s", strerror(errno));
    NEED(!strcmp(check_read_file("/proc/2/comm"), "kthreadd\n"), "process 2 is not kthreadd");
    while ((entry = readdir(directory))) {
        if (!isdigit((unsigned char)entry->d_name[0]) || !is_kernel_thread(entry->d_name, name))
            continue;
        count++;
        for (size_t i = 0; i < NR_OF(wanted); i++)
            is_seen[i] |= !strncmp(name, wanted[i], strlen(wanted[i]));
    }
    closedir(directory);
    for (size_t i = 0; i < NR_OF(wanted); i++)
        NEED(is_seen[i], "no thread %s", wanted[i]);
    NEED(count >= 10, "only %u threads", count);
    check_remark("%u of them", count);
}

static void use_disk(int disk)
{
    static uint32_t out[1 << 16], in[1 << 16];

    for (unsigned round = 0; round < 4; round++) {
        for (size_t i = 0; i < NR_OF(out); i++)
            out[i] = check_random();
        NEED(pwrite(disk, out, sizeof(out), round * (off_t)sizeof(out)) == (ssize_t)sizeof(out), "write: %s",
             strerror(errno));
        NEED(!fsync(disk), "fsync: %s", strerror(errno));
        NEED(!posix_fadvise(disk, 0, 0, POSIX_FADV_DONTNEED), "fadvise");
        NEED(pread(disk, in, sizeof(in), round * (off_t)sizeof(in)) == (ssize_t)sizeof(in), "read: %s",
             strerror(errno));
        NEED(!memcmp(in, out, sizeof(in)), "the disk lost data");
    }
}

/* The kernel's module brd makes disks out of memory. */
void check_module(void)
{
    char parameters[64];
    int file = open("/module.ko", O_RDONLY | O_CLOEXEC), disk;

    NEED(file >= 0, "/module.ko: %s", strerror(errno));
    snprintf(parameters, sizeof(parameters), "rd_nr=1 rd_size=%u", DISK_KIB);
    NEED(!syscall(SYS_finit_module, file, parameters, 0), "loading: %s", strerror(errno));
    close(file);
    NEED(strstr(check_read_file("/proc/modules"), "brd "), "not in /proc/modules");
    disk = open("/dev/ram0", O_RDWR | O_CLOEXEC);
    NEED(disk >= 0, "/dev/ram0: %s", strerror(errno));
    use_disk(disk);
    close(disk);
    NEED(!syscall(SYS_delete_module, "brd", O_NONBLOCK), "unloading: %s", strerror(errno));
    NEED(!strstr(check_read_file("/proc/modules"), "brd "), "still in /proc/modules");
}

void check_tmpfs(void)
{
    static char out[64 << 10], in[64 << 10];
    char path[64];

    for (unsigned i = 0; i < 64; i++) {
        FILE *file;

        snprintf(path, sizeof(path), "/tmp/file%u", i);
        for (size_t at = 0; at < sizeof(out); at++)
            out[at] = (char)(at * 7 + i);
        NEED((file = fopen(path, "w")), "%s: %s", path, strerror(errno));
        NEED(fwrite(out, sizeof(out), 1, file) == 1 && !fclose(file), "writing %s", path);
    }
    for (unsigned i = 0; i < 64; i++) {
        FILE *file;

        snprintf(path, sizeof(path), "/tmp/file%u", i);
        for (size_t at = 0; at < sizeof(out); at++)
            out[at] = (char)(at * 7 + i);
        NEED((file = fopen(path, "r")), "%s: %s", path, strerror(errno));
        NEED(fread(in, sizeof(in), 1, file) == 1 && !memcmp(in, out, sizeof(in)), "%s reads wrong", path);
        fclose(file);
        NEED(!unlink(path), "unlink: %s", strerror(errno));
    }
}

/* A kernel that found something wrong says so with one of these. */
void check_dmesg(void)
{
    static const char *const signs[] = {
        "WARNING:",         "BUG:",           "BUG ",        "Oops",      "Call Trace", "general protection fault",
        "unable to handle", "invalid opcode", "soft lockup", "rcu_sched", "rcu: INFO"};
    static char text[1 << 20];
    int size = klogctl(3 /* read all */, text, sizeof(text) - 1);

    NEED(size > 0, "klogctl: %s", strerror(errno));
    text[size] = '\0';
    for (size_t i = 0; i < NR_OF(signs); i++) {
        char *found = strstr(text, signs[i]), *begin = found;

        while (begin && begin > text && begin[-1] != '\n')
            begin--;
        NEED(!found, "%.*s", (int)strcspn(begin, "\n"), begin);
    }
}

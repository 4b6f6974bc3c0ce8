/* SPDX-License-Identifier: MIT */
/*
 * In order: the directory; listening; connecting.  Sockets are reached through the open directory, whose owner and mode
 * have been seen: so nobody can put another one in its place, and its path may be of any length.
 */
#define _GNU_SOURCE /* O_PATH */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cli/run_place.h>

#define NAME            "run-%d"
#define NAME_MAX_LENGTH 32
#define WAITING         16 /* who has connected, and not been accepted */
#define ATTEMPTS        10 /* another run may just be removing the directory */

/* ---- The directory. */

static bool is_own_directory(const char *path)
{
    struct stat about;

    return path && *path == '/' && !stat(path, &about) && S_ISDIR(about.st_mode) && about.st_uid == geteuid();
}

static void find_directory(char path[PATH_MAX])
{
    const char *runtime = getenv("XDG_RUNTIME_DIR"), *temporary = getenv("TMPDIR");

    if (is_own_directory(runtime))
        snprintf(path, PATH_MAX, "%s/paravane", runtime);
    else
        snprintf(path, PATH_MAX, "%s/paravane-%u", temporary && *temporary ? temporary : "/tmp", geteuid());
}

/* -1: @why is empty if there is none. */
static int open_directory(const char *path, char why[RUN_PLACE_WHY_MAX])
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    struct stat about;

    why[0] = '\0';
    if (fd < 0 && errno == ENOENT)
        return -1;
    if (fd < 0 || fstat(fd, &about)) {
        snprintf(why, RUN_PLACE_WHY_MAX, "%s: %s", path,
                 errno == ENOTDIR || errno == ELOOP ? "something else than a directory is there" : strerror(errno));
    } else if (about.st_uid != geteuid() || (about.st_mode & (S_IRWXG | S_IRWXO))) {
        snprintf(why, RUN_PLACE_WHY_MAX, "%s: it is not yours alone (mode 0700): remove it, or set XDG_RUNTIME_DIR",
                 path);
    } else {
        return fd;
    }
    if (fd >= 0)
        close(fd);
    return -1;
}

static struct sockaddr_un address_of(int directory, const char *name)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/%.*s", directory, NAME_MAX_LENGTH, name);
    return address;
}

/* ---- Listening. */

/* Under its name it is found only when somebody listens: until then it would be taken for one that was left behind. */
static bool listen_in(struct run_place *place, int directory)
{
    char name[NAME_MAX_LENGTH], hidden[NAME_MAX_LENGTH + 1];
    struct sockaddr_un address;

    snprintf(name, sizeof(name), NAME, (int)getpid());
    snprintf(hidden, sizeof(hidden), ".%s", name);
    address = address_of(directory, hidden);
    unlinkat(directory, hidden, 0);
    place->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (place->listener >= 0 && !bind(place->listener, (struct sockaddr *)&address, sizeof(address)) &&
        !listen(place->listener, WAITING) && !renameat(directory, hidden, directory, name))
        return true;
    return false;
}

bool run_place_listen(struct run_place *place, char why[RUN_PLACE_WHY_MAX])
{
    place->listener = -1;
    find_directory(place->directory);
    for (unsigned i = 0; i < ATTEMPTS; i++) {
        bool is_made = !mkdir(place->directory, S_IRWXU) || errno == EEXIST;
        int error = errno, directory = open_directory(place->directory, why);
        bool listens;

        if (directory < 0 && (*why || !is_made)) {
            if (!*why)
                snprintf(why, RUN_PLACE_WHY_MAX, "%s: %s", place->directory, strerror(error));
            return false;
        }
        listens = directory >= 0 && listen_in(place, directory);
        snprintf(why, RUN_PLACE_WHY_MAX, "%s: no socket can be made there: %s", place->directory, strerror(errno));
        if (directory >= 0)
            close(directory);
        if (listens)
            return true;
        if (place->listener >= 0)
            close(place->listener);
        place->listener = -1;
    }
    return false;
}

void run_place_close(struct run_place *place)
{
    char name[NAME_MAX_LENGTH], why[RUN_PLACE_WHY_MAX];
    int directory;

    if (place->listener < 0)
        return;
    close(place->listener);
    place->listener = -1;
    directory = open_directory(place->directory, why);
    if (directory < 0)
        return;
    snprintf(name, sizeof(name), NAME, (int)getpid());
    unlinkat(directory, name, 0);
    close(directory);
    rmdir(place->directory);
}

/* ---- Connecting. */

/* -1: it is no socket of a run that listens. */
static int connect_with(int directory, const char *name)
{
    struct sockaddr_un address = address_of(directory, name);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd < 0 || !connect(fd, (struct sockaddr *)&address, sizeof(address)))
        return fd;
    if (errno == ECONNREFUSED)
        unlinkat(directory, name, 0);
    close(fd);
    return -1;
}

/* "run-PID", a socket. */
static bool is_run(int directory, const char *name, int *pid)
{
    char proper[NAME_MAX_LENGTH];
    struct stat about;

    if (sscanf(name, NAME, pid) != 1 || *pid <= 0)
        return false;
    snprintf(proper, sizeof(proper), NAME, *pid);
    return !strcmp(name, proper) && !fstatat(directory, name, &about, AT_SYMLINK_NOFOLLOW) && S_ISSOCK(about.st_mode);
}

static int connect_all(int directory, DIR *entries, struct run_peer peers[RUN_PLACES_MAX])
{
    const struct dirent *entry;
    int count = 0;

    while (count < (int)RUN_PLACES_MAX && (entry = readdir(entries))) {
        int pid;

        if (!is_run(directory, entry->d_name, &pid))
            continue;
        peers[count] = (struct run_peer){.fd = connect_with(directory, entry->d_name), .pid = pid};
        count += peers[count].fd >= 0;
    }
    return count;
}

static int compare(const void *a, const void *b)
{
    const struct run_peer *one = a, *other = b;

    return (one->pid > other->pid) - (one->pid < other->pid);
}

int run_place_connect(struct run_peer peers[RUN_PLACES_MAX], char why[RUN_PLACE_WHY_MAX])
{
    char path[PATH_MAX];
    int directory, count;
    DIR *entries;

    find_directory(path);
    directory = open_directory(path, why);
    if (directory < 0)
        return *why ? -1 : 0;
    entries = fdopendir(directory);
    if (!entries) {
        snprintf(why, RUN_PLACE_WHY_MAX, "%s: %s", path, strerror(errno));
        close(directory);
        return -1;
    }
    count = connect_all(directory, entries, peers);
    closedir(entries);
    qsort(peers, (size_t)count, sizeof(peers[0]), compare);
    return count;
}

/* SPDX-License-Identifier: MIT */
/* The child's side of the start, ours, and how it comes to us that exec() has failed. */
#define _GNU_SOURCE /* pipe2, F_SETPIPE_SZ */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cli/child.h>

#define ROOM (1 << 20) /* bytes; what Linux lets anybody have */

enum { PIPE_IN, PIPE_OUT, PIPE_ERROR, PIPE_STARTED, NR_PIPES };

/* In the child.  What goes wrong is told through the last pipe, which exec() closes. */
_Noreturn static void become(const struct child_program *program, int pipes[NR_PIPES][2], pid_t parent)
{
    union {
        const char *const *given;
        char *const *taken; /* exec() changes nothing */
    } arguments = {program->arguments};
    int error;

    /* If this program is killed without a chance to clean up, the other goes as well. */
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(127);
    dup2(pipes[PIPE_IN][0], STDIN_FILENO);
    dup2(pipes[PIPE_OUT][1], STDOUT_FILENO);
    dup2(pipes[PIPE_ERROR][1], STDERR_FILENO);
    fcntl(program->kept_fd, F_SETFD, 0);
    signal(SIGPIPE, SIG_DFL);
    sigprocmask(SIG_SETMASK, program->mask, NULL);
    execvp(arguments.taken[0], arguments.taken);
    error = errno;
    if (write(pipes[PIPE_STARTED][1], &error, sizeof(error)) != (ssize_t)sizeof(error))
        _exit(126);
    _exit(127);
}

static void close_pipes(int pipes[NR_PIPES][2])
{
    for (unsigned i = 0; i < NR_PIPES; i++) {
        for (unsigned end = 0; end < 2; end++) {
            if (pipes[i][end] >= 0)
                close(pipes[i][end]);
            pipes[i][end] = -1;
        }
    }
}

static int take(int pipes[NR_PIPES][2], unsigned which, unsigned end)
{
    int fd = pipes[which][end];

    pipes[which][end] = -1;
    return fd;
}

static int make_pipes(int pipes[NR_PIPES][2])
{
    for (unsigned i = 0; i < NR_PIPES; i++) {
        if (pipe2(pipes[i], O_CLOEXEC))
            return -errno;
    }
    /*
     * A serial line does not wait: what a guest writes while this program, or whoever reads its output, does not come
     * to read it is lost once the pipe is full.  A smaller pipe is no reason to give up.
     */
    fcntl(pipes[PIPE_OUT][1], F_SETPIPE_SZ, ROOM);
    return 0;
}

/* With all pipes, of which those that go on are taken out. */
static int start(const struct child_program *program, int pipes[NR_PIPES][2], struct child *child)
{
    pid_t parent = getpid();
    int error;

    child->pid = fork();
    if (child->pid == 0)
        become(program, pipes, parent);
    if (child->pid < 0)
        return -errno;
    close(take(pipes, PIPE_STARTED, 1));
    if (read(pipes[PIPE_STARTED][0], &error, sizeof(error)) == (ssize_t)sizeof(error)) {
        waitpid(child->pid, NULL, 0);
        return -error;
    }
    child->in = take(pipes, PIPE_IN, 1);
    child->out = take(pipes, PIPE_OUT, 0);
    child->error = take(pipes, PIPE_ERROR, 0);
    fcntl(child->out, F_SETFL, fcntl(child->out, F_GETFL) | O_NONBLOCK);
    fcntl(child->error, F_SETFL, fcntl(child->error, F_GETFL) | O_NONBLOCK);
    return 0;
}

int child_start(const struct child_program *program, struct child *child)
{
    int pipes[NR_PIPES][2] = {{-1, -1}, {-1, -1}, {-1, -1}, {-1, -1}};
    int error = make_pipes(pipes);

    if (!error)
        error = start(program, pipes, child);
    close_pipes(pipes);
    close(program->kept_fd);
    return error;
}

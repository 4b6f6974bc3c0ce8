/* SPDX-License-Identifier: MIT */
/* Raw mode taken and given back, and the keys behind Ctrl-A. */
#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include <cli/terminal.h>

#define CTRL_A '\1'

void terminal_open(struct terminal *terminal)
{
    *terminal = (struct terminal){.fd = -1};
    terminal->is_there = isatty(STDIN_FILENO) == 1 && tcgetattr(STDIN_FILENO, &terminal->settings) == 0;
    if (terminal->is_there)
        terminal->fd = STDIN_FILENO;
}

/* A terminal that is not the one that controls us has no jobs. */
bool terminal_is_in_front(const struct terminal *terminal)
{
    pid_t front = terminal->is_there ? tcgetpgrp(STDIN_FILENO) : -1;

    return terminal->is_there && (front < 0 || front == getpgrp());
}

/* From the background that would stop us, even to put things back. */
static void set(const struct termios *settings)
{
    void (*before)(int) = signal(SIGTTOU, SIG_IGN);

    tcsetattr(STDIN_FILENO, TCSANOW, settings);
    signal(SIGTTOU, before);
}

void terminal_take(struct terminal *terminal)
{
    struct termios raw = terminal->settings;

    if (!terminal_is_in_front(terminal))
        return;
    raw.c_iflag &= ~(tcflag_t)(IGNBRK | BRKINT | PARMRK | ISTRIP | INLCR | IGNCR | ICRNL | IXON);
    /* Output stays as it is: messages of ours come in between. */
    raw.c_lflag &= ~(tcflag_t)(ECHO | ECHONL | ICANON | IEXTEN | ISIG);
    raw.c_cflag = (raw.c_cflag & ~(tcflag_t)(CSIZE | PARENB)) | CS8;
    raw.c_cc[VMIN] = 1;
    raw.c_cc[VTIME] = 0;
    set(&raw);
    terminal->is_ours = true;
}

void terminal_give_back(struct terminal *terminal)
{
    /* Otherwise whoever is in front has put things as it wants them. */
    if (terminal->is_ours && terminal_is_in_front(terminal))
        set(&terminal->settings);
    terminal->is_ours = false;
}

/* What is wished for by the key behind Ctrl-A. */
static enum terminal_wish wish_of(struct terminal *terminal, char key)
{
    if (key >= '0' && key <= '9') {
        terminal->place = key == '0' ? 9 : (unsigned)(key - '1');
        return TERMINAL_GUEST;
    }
    switch (key) {
    case 'x':
    case 'X':
        return TERMINAL_LEAVE;
    case 'h':
    case '?':
        return TERMINAL_HELP;
    case 'n':
        return TERMINAL_NEXT;
    case 'l':
        return TERMINAL_LIST;
    default:
        return TERMINAL_NOTHING;
    }
}

/* One key; false: it is not for the guest. */
static bool take_key(struct terminal *terminal, char *typed, enum terminal_wish *wish)
{
    char key = *typed;

    if (!terminal->is_behind) {
        terminal->is_behind = key == CTRL_A;
        return key != CTRL_A;
    }
    terminal->is_behind = false;
    *wish = wish_of(terminal, key);
    *typed = CTRL_A;
    return key == CTRL_A || key == 'a';
}

void terminal_read(struct terminal *terminal)
{
    ssize_t got = read(terminal->fd, terminal->typed, sizeof(terminal->typed));

    if (got == 0 || (got < 0 && errno != EINTR && errno != EAGAIN))
        terminal->fd = -1;
    terminal->begin = 0;
    terminal->end = got > 0 ? (size_t)got : 0;
}

bool terminal_has_keys(const struct terminal *terminal)
{
    return terminal->begin < terminal->end;
}

enum terminal_wish terminal_take_keys(struct terminal *terminal, char keys[TERMINAL_ROOM], size_t *count)
{
    enum terminal_wish wish = TERMINAL_NOTHING;

    *count = 0;
    while (terminal_has_keys(terminal) && wish == TERMINAL_NOTHING) {
        char key = terminal->typed[terminal->begin++];

        if (take_key(terminal, &key, &wish))
            keys[(*count)++] = key;
    }
    return wish;
}

/* SPDX-License-Identifier: MIT */
/*
 * The guest's end of what tests/machine/bench.py measures of a network, and the marks between which it counts.
 *
 *   traffic send|receive|ask PORT COUNT     COUNT bytes there, or from there, or COUNT questions of one byte each that
 *                                           are answered by one; prints "traffic NANOSECONDS"
 *   traffic mark                            a moment that tools/count-instructions.c notes
 *
 * The other end listens on the host, which the guest sees as 10.0.2.2.  It is told by one line what is to come.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define HOST 0x0a000202u /* QEMU's address in its user network */

static char buffer[128 << 10];

static void need(bool good, const char *what)
{
    if (!good) {
        printf("traffic: %s: %s\n", what, strerror(errno));
        exit(1);
    }
}

static uint64_t now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

static int connect_host(uint16_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(HOST)};
    int to = socket(AF_INET, SOCK_STREAM, 0), on = 1;

    need(to >= 0, "socket");
    need(connect(to, (struct sockaddr *)&address, sizeof(address)) == 0, "connect");
    need(setsockopt(to, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) == 0, "TCP_NODELAY");
    return to;
}

/* All has arrived when the other end says so. */
static void do_send(int to, uint64_t bytes)
{
    for (uint64_t done = 0; done < bytes;) {
        size_t part = bytes - done < sizeof(buffer) ? bytes - done : sizeof(buffer);
        ssize_t sent = send(to, buffer, part, 0);

        need(sent > 0, "send");
        done += (uint64_t)sent;
    }
    need(recv(to, buffer, 1, 0) == 1, "the answer");
}

static void do_receive(int from, uint64_t bytes)
{
    for (uint64_t done = 0; done < bytes;) {
        ssize_t came = recv(from, buffer, sizeof(buffer), 0);

        need(came > 0, "receive");
        done += (uint64_t)came;
    }
}

static void do_ask(int peer, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        need(send(peer, "?", 1, 0) == 1, "ask");
        need(recv(peer, buffer, 1, 0) == 1, "the answer");
    }
}

static void mark(void)
{
    __asm__ volatile(".byte 0x0f, 0x1f, 0x80, 0, 0x50, 0x56, 0x4d" : : : "memory"); /* number 0 */
}

static const struct way {
    const char *name;
    void (*run)(int socket, uint64_t count);
} ways[] = {{"send", do_send}, {"receive", do_receive}, {"ask", do_ask}};

static void run(const struct way *way, const char *port, const char *number)
{
    uint64_t count = strtoull(number, NULL, 10), begin;
    int socket = connect_host((uint16_t)atoi(port));

    need(dprintf(socket, "%s %s\n", way->name, number) > 0, "begin");
    begin = now();
    way->run(socket, count);
    printf("traffic %llu\n", (unsigned long long)(now() - begin));
}

int main(int count, char **arguments)
{
    if (count == 2 && !strcmp(arguments[1], "mark")) {
        mark();
        return 0;
    }
    for (size_t i = 0; count == 4 && i < sizeof(ways) / sizeof(ways[0]); i++) {
        if (!strcmp(arguments[1], ways[i].name)) {
            run(&ways[i], arguments[2], arguments[3]);
            return 0;
        }
    }
    fprintf(stderr, "usage: traffic send|receive|ask PORT COUNT, traffic mark\n");
    return 2;
}

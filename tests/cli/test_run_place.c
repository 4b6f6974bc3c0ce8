/* SPDX-License-Identifier: MIT */
/* Where runs are found: the directory that is trusted, those that are not, and what a run leaves there. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include <cli/run_place.h>

static char root[64], directory[PATH_MAX], why[RUN_PLACE_WHY_MAX];
static struct run_peer peers[RUN_PLACES_MAX];
static struct run_place place;

static int begin(void **state)
{
    (void)state;
    strcpy(root, "/tmp/paravane-test.XXXXXX");
    if (!mkdtemp(root) || unsetenv("XDG_RUNTIME_DIR") || setenv("TMPDIR", root, 1))
        return -1;
    snprintf(directory, sizeof(directory), "%s/paravane-%u", root, geteuid());
    return 0;
}

/* Nothing is left. */
static int end(void **state)
{
    (void)state;
    return rmdir(root);
}

static int count(void)
{
    int found = run_place_connect(peers, why);

    for (int i = 0; i < found; i++)
        close(peers[i].fd);
    return found;
}

static void test_found(void **state)
{
    struct stat about;

    (void)state;
    assert_int_equal(count(), 0);
    assert_true(run_place_listen(&place, why));
    assert_int_equal(stat(directory, &about), 0);
    assert_int_equal(about.st_mode & 07777, 0700);
    assert_int_equal(count(), 1);
    assert_int_equal(peers[0].pid, getpid());
    run_place_close(&place);
    assert_int_equal(count(), 0);
    assert_int_equal(access(directory, F_OK), -1);
}

static void test_runtime_directory(void **state)
{
    char path[PATH_MAX + 16];

    (void)state;
    assert_int_equal(setenv("XDG_RUNTIME_DIR", root, 1), 0);
    assert_true(run_place_listen(&place, why));
    snprintf(path, sizeof(path), "%s/paravane", root);
    assert_string_equal(place.directory, path);
    assert_int_equal(count(), 1);
    /* Another one's, a missing one or a relative one: as if it were not set. */
    assert_int_equal(setenv("XDG_RUNTIME_DIR", geteuid() ? "/" : "/nowhere", 1), 0);
    assert_int_equal(count(), 0);
    assert_int_equal(setenv("XDG_RUNTIME_DIR", ".", 1), 0);
    assert_int_equal(count(), 0);
    run_place_close(&place);
}

/* Paths are longer than the name of a socket may be. */
static void test_long_path(void **state)
{
    char path[PATH_MAX];

    (void)state;
    snprintf(path, sizeof(path), "%s/%0120u", root, 0);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(setenv("TMPDIR", path, 1), 0);
    assert_true(run_place_listen(&place, why));
    assert_int_equal(count(), 1);
    run_place_close(&place);
    assert_int_equal(rmdir(path), 0);
}

/* The socket of a run that was killed is removed by whoever looks; that of one that lives is not. */
static void test_killed(void **state)
{
    int ready[2];
    char byte, name[PATH_MAX + 16];
    pid_t child;

    (void)state;
    assert_int_equal(pipe(ready), 0);
    assert_true(run_place_listen(&place, why));
    child = fork();
    if (child == 0) {
        struct run_place own;
        bool listens = run_place_listen(&own, why);

        if (write(ready[1], &listens, 1) == 1)
            pause();
        _exit(1);
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    assert_int_equal(byte, 1);
    assert_int_equal(count(), 2);
    kill(child, SIGKILL);
    assert_int_equal(waitpid(child, NULL, 0), child);
    snprintf(name, sizeof(name), "%s/run-%d", directory, (int)child);
    assert_int_equal(access(name, F_OK), 0);
    assert_int_equal(count(), 1);
    assert_int_equal(peers[0].pid, getpid());
    assert_int_equal(access(name, F_OK), -1);
    run_place_close(&place);
    close(ready[0]);
    close(ready[1]);
}

static void assert_refused(const char *words)
{
    assert_false(run_place_listen(&place, why));
    assert_non_null(strstr(why, words));
    assert_int_equal(place.listener, -1);
    assert_int_equal(count(), -1);
    assert_non_null(strstr(why, words));
    run_place_close(&place);
}

static void test_not_private(void **state)
{
    (void)state;
    assert_int_equal(mkdir(directory, 0700), 0);
    assert_int_equal(chmod(directory, 0710), 0);
    assert_refused("not yours alone");
    assert_int_equal(chmod(directory, 0701), 0);
    assert_refused("not yours alone");
    assert_int_equal(rmdir(directory), 0);
    if (geteuid() != 0)
        return;
    assert_int_equal(mkdir(directory, 0700), 0);
    assert_int_equal(chown(directory, 65534, 65534), 0);
    assert_refused("not yours alone");
    assert_int_equal(rmdir(directory), 0);
}

static void test_no_directory(void **state)
{
    FILE *file;

    (void)state;
    assert_int_equal(symlink(root, directory), 0);
    assert_refused("something else than a directory");
    assert_int_equal(unlink(directory), 0);
    file = fopen(directory, "w");
    assert_non_null(file);
    fclose(file);
    assert_refused("something else than a directory");
    assert_int_equal(unlink(directory), 0);
    assert_int_equal(setenv("TMPDIR", "/nowhere", 1), 0);
    assert_false(run_place_listen(&place, why));
    assert_non_null(strstr(why, "/nowhere/paravane-"));
    assert_int_equal(count(), 0);
}

/* What else is there is left alone. */
static void test_others(void **state)
{
    static const char *const names[] = {"run-", "run-x", "run-01", "run-1x", "note", "run--1", "run-1", "run-0"};
    char path[PATH_MAX + 16];

    (void)state;
    assert_true(run_place_listen(&place, why));
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        snprintf(path, sizeof(path), "%s/%s", directory, names[i]);
        fclose(fopen(path, "w"));
    }
    assert_int_equal(count(), 1);
    run_place_close(&place);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        snprintf(path, sizeof(path), "%s/%s", directory, names[i]);
        assert_int_equal(unlink(path), 0);
    }
    assert_int_equal(rmdir(directory), 0);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_found),       TEST(test_runtime_directory), TEST(test_long_path), TEST(test_killed),
        TEST(test_not_private), TEST(test_no_directory),      TEST(test_others),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

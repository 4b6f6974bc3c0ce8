/* SPDX-License-Identifier: MIT */
/* The lines that are printed, and the recipes in the order of the article. */
#include <guest/errno.h>
#include <guest/print.h>
#include <guest/processor.h>
#include <guest/trap.h>
#include <guests/tests/lib/test.h>
#include <guests/tests/recipes/recipes.h>

void part(const char *name)
{
    test_note("[%s]", name);
}

void gives(const char *what, long result, long want)
{
    char line[128];

    (void)print_to(line, sizeof(line), "%s: %s%s", what, result < 0 ? "-" : "", errno_name(result));
    (void)test_result(line, result, want);
}

void raises(const char *what, void (*function)(void *arg), void *arg, unsigned want)
{
    char line[128];
    struct fault fault;

    (void)trap_try(function, arg, &fault);
    (void)print_to(line, sizeof(line), "%s: %s", what, fault.vector == TRAP_NONE ? "done" : trap_name(fault.vector));
    (void)test_equal(line, fault.vector, want);
}

void store(void *arg)
{
    uint64_t *place = arg;

    WRITE_ONCE(*place, READ_ONCE(*place));
}

void test_main(void)
{
    recipe_frames();
    recipe_tree();
    recipe_fork();
    recipe_update();
    recipe_segments();
    recipe_trap();
}

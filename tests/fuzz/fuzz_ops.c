/* SPDX-License-Identifier: MIT */
/*
 * Steps drawn from a fuzzer's bytes, against the oracle: results, state, audit, and the rule of the
 * TLBs after each of them.  The first two bytes choose the machine and the schedule.
 *
 * PARAVANE_FUZZ_CORPUS=DIR makes the program write the corpus of tests/fuzz/corpus to DIR instead;
 * to be done again when drawing has changed.
 */
#include <stdlib.h>

#include <tests/fuzz/lib/input.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    const char *directory = getenv("PARAVANE_FUZZ_CORPUS");

    (void)argc;
    (void)argv;
    if (directory)
        exit(corpus_write(directory) ? 0 : 1);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct model_stats stats;
    struct model_config config;
    struct step_list list = {NULL, 0, 0};
    struct run run = {.at = 0};

    if (!input_run(data, size, &config, &list, &stats, &run)) {
        fprintf(stderr, "step %zu of %zu: %s\n\n", run.at, list.count, run.message);
        replay_write(stderr, &config, &list, run.message);
        abort();
    }
    list_free(&list);
    return 0;
}

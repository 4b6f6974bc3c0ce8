/* SPDX-License-Identifier: MIT */
/* What a fuzzer's input means, and inputs to begin with. */
#pragma once

#include <tests/model/lib/model_run.h>

/* Run the steps that @data makes.  False: they failed, @run says how; @list are the steps. */
bool input_run(const uint8_t *data, size_t size, struct model_config *config, struct step_list *list,
               struct model_stats *stats, struct run *run);

/*
 * Write inputs to @directory, each as short as a random one can be that shows what its name says: a
 * kind of step accepted, a reason of refusal met.  False: a file could not be written.
 */
bool corpus_write(const char *directory);

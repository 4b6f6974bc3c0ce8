/* SPDX-License-Identifier: MIT */
/* From bytes to a machine and its steps. */
#include <tests/fuzz/lib/input.h>

#define HEADER     2u
#define STEPS_MOST 60u

bool input_run(const uint8_t *data, size_t size, struct model_config *config, struct step_list *list,
               struct model_stats *stats, struct run *run)
{
    static const enum sim_preemption schedules[] = {SIM_PREEMPT_NEVER, SIM_PREEMPT_RANDOM, SIM_PREEMPT_ALWAYS,
                                                    SIM_PREEMPT_RANDOM};
    struct bytes bytes = {.data = data, .size = size, .at = HEADER};

    if (size <= HEADER)
        return true;
    *config = (struct model_config){
        .seed = data[0] % 32,
        .preemption = schedules[data[1] % 4],
        .preempt_per_256 = 60,
        .speculate_per_256 = data[1] & 4 ? 4 : 0,
        .meddle = data[1] & 8,
        .concurrent_per_256 = data[1] & 16 ? 80 : 0,
    };
    return run_drawn(config, &bytes, STEPS_MOST, list, stats, run);
}

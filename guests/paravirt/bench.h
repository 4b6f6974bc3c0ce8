/* SPDX-License-Identifier: MIT */
/* Measurements of the kernel by itself. */
#pragma once

/*
 * Measure, and print lines "figure NAME COLUMN NUMBER".  A tick is one of the TSC: under `qemu -icount
 * shift=0,sleep=off` an executed instruction, the hypervisor's included; elsewhere time.
 */
void bench_run(void);

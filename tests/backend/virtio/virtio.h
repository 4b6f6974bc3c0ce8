/* SPDX-License-Identifier: MIT */
/* The back end's drivers under the hypervisor, with QEMU's devices. */
#pragma once

void test_disks(void);
void test_cards(void);
void test_shares(void);

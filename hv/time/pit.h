/* SPDX-License-Identifier: MIT */
/* The interval timer that all PCs have: Intel 8254.  Its channel 0 is the only one in use. */
#pragma once

#include <stdint.h>

#define PIT_HZ       UINT64_C(1193182)
#define PIT_CHANNEL0 0x40
#define PIT_COMMAND  0x43

/* Commands: channel 0, both bytes of the count... */
#define PIT_ONE_SHOT 0x30 /* ...mode 0: down from the count, the output rises at its end */
#define PIT_RATE     0x34 /* ...mode 2: again and again; the output falls for one tick each time, and rises */

#define PIT_READ_BACK 0xc2 /* status and count of channel 0, both of this moment */

#define PIT_STATUS_OUTPUT  (1u << 7)
#define PIT_STATUS_LOADING (1u << 6)

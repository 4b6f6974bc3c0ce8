/* SPDX-License-Identifier: MIT */
/*
 * Guests with a device, and the back end domain that serves them: what the hypervisor writes into the xenstore for both
 * (docs/devices.md), and that each may end at any time.  The device is a page of the guest's, in which either end
 * writes a word.  tests/several/run.sh starts them.
 *
 *   role=server [delay=MS]          serve all devices of type "test"; look at them so much later
 *   role=server idle=1              look at nothing
 *   role=server crash=1             crash at once
 *   role=client lives=N             use the device; reboot with it, but for the Nth time, and then power off
 *   role=client lives=N end=crash   crash then
 *   role=client kill=1              have the server crash in the middle of it, and use the device once more
 *   role=client again=1             use the device, wait until the server has crashed, and use it once more
 *   role=server keep=1              never give a page back
 *   role=client early=1             use the device; reboot with it in the first ten seconds
 *   role=client alone=1             the server does not look
 *   role=client none=1              there is no server any more
 */
#pragma once

#include <guest/types.h>

#define DEVICE_TYPE "test"
#define DEVICE_ID   7u

#define WORD_OF_CLIENT UINT64_C(0x636c69656e74)
#define WORD_OF_SERVER UINT64_C(0x736572766572)

/* XenbusState. */
enum {
    STATE_NONE = 0,
    STATE_INITIALISING = 1,
    STATE_INIT_WAIT = 2,
    STATE_INITIALISED = 3,
    STATE_CONNECTED = 4,
    STATE_MAX = 8,
};

/* Is @word on the command line? */
bool served_option(const char *word);

_Noreturn void be_server(void);
void be_client(void);

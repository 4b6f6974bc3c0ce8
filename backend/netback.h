/* SPDX-License-Identifier: MIT */
/* The network back end: interfaces of guests as ports of switches. */
#pragma once

/*
 * Serve devices of the type vif.  Before xenbus_init(); packet_init() and nic_init() come first.
 *
 * Of its own directory it reads `bridge`, the name of the switch; `uplink`, the address of the card that the switch
 * reaches; and `rate`, as rate.h has it, a limit on what the guest sends.
 */
void netback_init(void);

/* SPDX-License-Identifier: MIT */
/* The machine's power button: who presses it means the guests. */
#pragma once

struct machine;

/* If it has been pressed, ask each guest to power off, by control/shutdown; called every few milliseconds. */
void power_button_poll(const struct machine *machine);

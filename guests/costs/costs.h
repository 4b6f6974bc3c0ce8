/* SPDX-License-Identifier: MIT */
/* The measurements of this kernel that are not calls. */
#pragma once

/*
 * What the ways into a 64-bit guest's kernel and back cost the hypervisor alone: a line for each, "way NAME: COUNT".
 * @rounds measurements each.
 */
void ways_measure(unsigned rounds);

/* SPDX-License-Identifier: MIT */
/* What makes the image startable by a PVH loader, the only way it is meant to be started. */
#include <guests/paravirt/pvh.S>

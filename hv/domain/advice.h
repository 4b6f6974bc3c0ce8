/* SPDX-License-Identifier: MIT */
/* What a guest does instead of what was refused. */
#pragma once

#include <engine/refuse.h>

/* In whole sentences, static; NULL if there is nothing to say. */
const char *advice_for(enum refusal_reason reason);

/* SPDX-License-Identifier: MIT */
/*
 * CHECK: going on would be unsafe; on in every build.  ASSERT: help for the programmer; debug builds only.
 * Nothing that a guest does reaches either.
 */
#pragma once

#include <engine/port.h>

#define CHECK(condition) ((condition) ? (void)0 : port_halt(__FILE__, __LINE__, #condition))

#if defined(ENGINE_DEBUG)
#define ASSERT(condition) CHECK(condition)
#else
#define ASSERT(condition) ((void)sizeof(condition))
#endif

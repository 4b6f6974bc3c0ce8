/* SPDX-License-Identifier: MIT */
/* Descriptors: Intel SDM volume 3, 3.4.5 and 5.8.3. */
#pragma once

#define CODE16    UINT64_C(0x00009b000000ffff)
#define CODE32    UINT64_C(0x00cf9b000000ffff)
#define CODE64    UINT64_C(0x00af9b000000ffff)
#define DATA16    UINT64_C(0x000093000000ffff)
#define DATA32    UINT64_C(0x00cf93000000ffff)
#define DPL(n)    ((uint64_t)(n) << 45)
#define TYPE(n)   ((uint64_t)(n) << 40)
#define BASE(n)   ((uint64_t)(n) << 16)
#define LIMIT(n)  ((uint64_t)(n))
#define PRESENT   (UINT64_C(1) << 47)
#define BIG       (UINT64_C(1) << 54)
#define CALL_GATE UINT64_C(0x00008c0000000000)
#define WORDS(n)  ((uint64_t)(n) << 32) /* of parameters */

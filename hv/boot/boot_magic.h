/* SPDX-License-Identifier: MIT */
/* What tells the boot protocols apart; usable from assembly. */
#ifndef HV_BOOT_MAGIC_H
#define HV_BOOT_MAGIC_H

#define MB1_HEADER_MAGIC 0x1badb002
#define MB1_MAGIC        0x2badb002 /* in eax at entry */
#define MB2_HEADER_MAGIC 0xe85250d6
#define MB2_MAGIC        0x36d76289 /* in eax at entry */
#define PVH_MAGIC        0x336ec578 /* in the structure that ebx points to */

#endif /* HV_BOOT_MAGIC_H */

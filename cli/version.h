/* SPDX-License-Identifier: MIT */
#ifndef CLI_VERSION_H
#define CLI_VERSION_H

/* As git describes the sources; the build makes it. */
extern const char version[];

#endif /* CLI_VERSION_H */

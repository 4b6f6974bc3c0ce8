/* SPDX-License-Identifier: MIT */
/* Names of keys in a configuration file that look like mistakes. */
#pragma once

#include <stddef.h>

/*
 * Say of each name in the file's @text, which libxlutil has taken, that is one letter from a key's, which key may have
 * been meant: the library does not tell what keys there are, and a file for xl may have any.
 */
void config_tell_mistyped(const char *path, const char *text, size_t size);

/* SPDX-License-Identifier: MIT */
/* In place of the hypervisor's header: the guest's memory is what the program says. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

bool user_word_write(uint64_t to, uint64_t word);
bool user_word_read(uint64_t from, uint64_t *word);
bool user_copy(void *to, const void *from, size_t size);

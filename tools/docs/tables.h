/* SPDX-License-Identifier: MIT */
/*
 * What the code's own tables say, as JSON for the generator of the documentation.  Nothing is copied here: bits are
 * tried on the engine's judge of entries, transitions on its functions, addresses are the constants of the headers.
 */
#pragma once

/* Each prints one member of the object that is open. */
void tables_print_entries(void);
void tables_print_pat(void);
void tables_print_types(void);
void tables_print_layout(void);

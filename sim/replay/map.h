/* SPDX-License-Identifier: MIT */
/*
 * What a map shows, gathered while a recording is carried out: when each frame has got another owner, another type or a
 * pin; and all tables with their entries at one moment, which is the end, or the last before a domain is taken down.
 */
#pragma once

#include <stdio.h>

#include <engine/record_decode.h>

/*
 * @enter begins an operation, and it has been carried out; outside all others.  @is_end_wanted: the moment is the end,
 * whatever is taken down before.
 */
void map_before(const struct record_event *enter, bool is_end_wanted);
void map_after(const struct record_event *enter);

/* Write all of it to @to as JSON, in the form that map/page/data.js reads; nothing is gathered any more. */
void map_write(FILE *to);

/* ---- map_page.c */

/* Write the page @path, which is @page with the map of what has been gathered in it.  False: why not has been said. */
bool map_write_page(const char *path, const char *page);

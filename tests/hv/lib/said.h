/* SPDX-License-Identifier: MIT */
/* hv/base/print.h for hosted tests: what is printed is kept, by the C library's idea of a format. */
#pragma once

extern char said[8192]; /* all of it; a test that begins anew sets said[0] to 0 */

/* The test fails unless @text is in what was said; unless it is not. */
void assert_said(const char *text);
void assert_unsaid(const char *text);

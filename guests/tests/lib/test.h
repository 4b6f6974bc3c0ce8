/* SPDX-License-Identifier: MIT */
/*
 * The frame of a test kernel: it says "ok NAME" or "not ok NAME: why" for each thing tried, then "verdict: ..." and
 * powers off.  success: something was tried and all of it held; failure: something did not hold; skip: there is nothing
 * to try here; error: the test itself could not go on.
 *
 * The tests are for Xen, too, as ordinary domains: what it does otherwise, or cannot do right in QEMU 7, they leave out
 * there or expect as it is, by test_under_xen().
 */
#pragma once

#include <guest/types.h>

/* The test's own part. */
void test_main(void);

void test_ok(const char *name);
__attribute__((format(printf, 2, 3))) void test_not_ok(const char *name, const char *format, ...);

/* "ok" if @holds; else "not ok" with the text.  Returns @holds. */
__attribute__((format(printf, 3, 4))) bool test_check(bool holds, const char *name, const char *format, ...);

/* "ok" if @got is @want; the numbers are told in hexadecimal, or as results of calls. */
bool test_equal(const char *name, uint64_t got, uint64_t want);
bool test_result(const char *name, long got, long want);

/* End the test here. */
_Noreturn __attribute__((format(printf, 1, 2))) void test_skip(const char *format, ...);
_Noreturn __attribute__((format(printf, 1, 2))) void test_error(const char *format, ...);

/* A line for people. */
__attribute__((format(printf, 1, 2))) void test_note(const char *format, ...);

/* Is this Xen, and not Paravane? */
bool test_under_xen(void);

/* The guest's own number, as another domain would say it. */
uint16_t test_own_number(void);

/* What must work for the test to make sense: an error is "verdict: error". */
void test_need(int error, const char *what);

/* SPDX-License-Identifier: Apache-2.0 */
/* test_clock.c - time as a number and as text. */
#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "util/clock.h"
#include "util/err.h"

START_TEST(the_real_clock_tells_the_time_of_day_plus_its_offset)
{
	int64_t before = (int64_t)time(NULL) * 1000 - 1000, now = cs_now_ms(&cs_clock_real);

	ck_assert_int_ge(now, before);
	ck_assert_int_lt(now, before + 60000);
	cs_clock_real.offset_ms = 6 * CS_HOUR_MS;
	ck_assert_int_ge(cs_now_ms(&cs_clock_real), now + 6 * CS_HOUR_MS);
	ck_assert_int_lt(cs_now_ms(&cs_clock_real), now + 6 * CS_HOUR_MS + 60000);
}
END_TEST

START_TEST(a_fixed_clock_stands_until_it_is_set)
{
	struct cs_clock c;

	cs_clock_init_fixed(&c, 1000, 1);
	ck_assert_int_eq(cs_now_ms(&c), 1000);
	ck_assert_int_eq(cs_now_ms(&c), 1000);
	cs_clock_set(&c, 5000);
	ck_assert_int_eq(cs_now_ms(&c), 5000);
}
END_TEST

START_TEST(equal_seeds_give_equal_randomness)
{
	struct cs_clock a, b, other;

	cs_clock_init_fixed(&a, 1, 77);
	cs_clock_init_fixed(&b, 1, 77);
	cs_clock_init_fixed(&other, 1, 78);
	for (int i = 0; i < 10; i++) {
		uint64_t x = a.random(&a);

		ck_assert(x == b.random(&b));
		ck_assert(x != other.random(&other));
	}
	ck_assert(cs_clock_real.random(&cs_clock_real) != cs_clock_real.random(&cs_clock_real));
}
END_TEST

START_TEST(jitter_covers_its_range_evenly_and_never_leaves_it)
{
	int64_t count[21] = { 0 }, j;
	struct cs_clock c;

	cs_clock_init_fixed(&c, 1, 5);
	for (int i = 0; i < 21000; i++) {
		j = cs_clock_jitter(&c, 10);
		if (j < -10 || j > 10)
			ck_abort_msg("%lld", (long long)j);
		count[j + 10]++;
	}
	for (int i = 0; i < 21; i++) {
		ck_assert_int_gt(count[i], 850);
		ck_assert_int_lt(count[i], 1150);
	}
	ck_assert_int_eq(cs_clock_jitter(&c, 0), 0);
	ck_assert_int_eq(cs_clock_jitter(&c, -5), 0);
	j = cs_clock_jitter(&c, INT64_MAX);
	ck_assert_int_gt(j, INT64_MIN);
}
END_TEST

START_TEST(the_monotonic_clock_does_not_go_back)
{
	int64_t a = cs_mono_us(), b = cs_mono_us();

	ck_assert_int_gt(a, 0);
	ck_assert_int_ge(b, a);
}
END_TEST

/* ---- RFC 3339 */

static const struct {
	const char *text;
	int64_t ms;
	const char *again; /* as we write it; NULL: the same */
} good[] = {
	{ "1970-01-01T00:00:00Z", 0, NULL },
	{ "2026-05-26T14:32:00.123Z", 1779805920123, NULL },
	{ "2026-05-26T14:32:00Z", 1779805920000, NULL },
	/* the examples of RFC 3339, section 5.8 */
	{ "1985-04-12T23:20:50.52Z", 482196050520, "1985-04-12T23:20:50.520Z" },
	{ "1996-12-19T16:39:57-08:00", 851042397000, "1996-12-20T00:39:57Z" },
	{ "1990-12-31T23:59:60Z", 662687999000, "1990-12-31T23:59:59Z" },
	{ "1990-12-31T15:59:60-08:00", 662687999000, "1990-12-31T23:59:59Z" },
	{ "1937-01-01T12:00:27.87+00:20", -1041337172130, "1937-01-01T11:40:27.870Z" },
	{ "1969-12-31T23:59:59.999Z", -1, NULL },
	{ "2000-02-29T00:00:00Z", 951782400000, NULL },
	{ "2024-02-29T23:59:59Z", 1709251199000, NULL },
	{ "2024-12-31T23:59:59.9999999999Z", 1735689599999, "2024-12-31T23:59:59.999Z" },
	{ "2026-05-26t14:32:00z", 1779805920000, "2026-05-26T14:32:00Z" },
	{ "2026-05-26T14:32:00-00:00", 1779805920000, "2026-05-26T14:32:00Z" },
	{ "2026-05-26T14:32:00+23:59", 1779719580000, "2026-05-25T14:33:00Z" },
	{ "0000-01-01T00:00:00Z", -62167219200000, NULL },
	{ "0000-02-29T00:00:00Z", -62162121600000, NULL },
	{ "9999-12-31T23:59:59.999Z", 253402300799999, NULL },
};

START_TEST(a_good_time_is_read_and_written)
{
	char out[CS_TIME_TEXT];
	bool zone = false;
	int64_t ms = 0;

	ck_assert_int_eq(cs_time_parse(good[_i].text, strlen(good[_i].text), true, &ms, &zone), 0);
	ck_assert_int_eq(ms, good[_i].ms);
	ck_assert(zone);
	ck_assert_str_eq(cs_time_format(ms, out), good[_i].again != NULL ? good[_i].again : good[_i].text);
}
END_TEST

static const char *const bad[] = {
	"",
	"2026",
	"2026-05-26",
	"2026-05-26T14:32Z",
	"2026-05-26 14:32:00Z",
	"2026-05-26T14:32:00",      /* with the zone required */
	"2026-05-26T14:32:00 Z",
	"2026-05-26T14:32:00Z ",
	" 2026-05-26T14:32:00Z",
	"2026-05-26T14:32:00Zjunk",
	"2026-05-26T14:32:00.Z",
	"2026-05-26T14:32:00,5Z",
	"2026-05-26T14:32:00.5",
	"2026-05-26T14:32:00+",
	"2026-05-26T14:32:00+01",
	"2026-05-26T14:32:00+0100",
	"2026-05-26T14:32:00+24:00",
	"2026-05-26T14:32:00+01:60",
	"2026-05-26T14:32:00+01:0",
	"2026-13-01T00:00:00Z",
	"2026-00-01T00:00:00Z",
	"2026-01-00T00:00:00Z",
	"2026-01-32T00:00:00Z",
	"2026-04-31T00:00:00Z",
	"2026-02-29T00:00:00Z",
	"2100-02-29T00:00:00Z",
	"2026-01-01T24:00:00Z",
	"2026-01-01T00:60:00Z",
	"2026-01-01T00:00:61Z",
	"2026-1-1T00:00:00Z",
	"02026-01-01T00:00:00Z",
	"-026-01-01T00:00:00Z",
	"+026-01-01T00:00:00Z",
	"2026-01-01T0x:00:00Z",
	"2026/01/01T00:00:00Z",
	"2026-W22-2T14:32:00Z",
	"20260526T143200Z",
};

START_TEST(a_bad_time_is_refused)
{
	int64_t ms = 17;
	bool zone;

	ck_assert_int_eq(cs_time_parse(bad[_i], strlen(bad[_i]), true, &ms, &zone), CS_EINVAL);
	ck_assert_int_eq(ms, 17);
}
END_TEST

START_TEST(every_prefix_of_a_time_is_refused_without_reading_on)
{
	static const char text[] = "1996-12-19T16:39:57.25-08:00";
	int64_t ms;

	for (size_t n = 0; n < sizeof(text) - 1; n++) {
		char *exact = malloc(n > 0 ? n : 1); /* so that a sanitizer sees one byte too far */

		memcpy(exact, text, n);
		ck_assert_int_eq(cs_time_parse(exact, n, true, &ms, NULL), CS_EINVAL);
		free(exact);
	}
}
END_TEST

START_TEST(a_local_time_is_read_when_no_zone_is_required)
{
	bool zone = true;
	int64_t ms;

	ck_assert_int_eq(cs_time_parse("2026-05-26T14:32:00", 19, false, &ms, &zone), 0);
	ck_assert_int_eq(ms, 1779805920000);
	ck_assert(!zone);
	ck_assert_int_eq(cs_time_parse("2026-05-26T14:32:00.25", 22, false, &ms, NULL), 0);
	ck_assert_int_eq(ms, 1779805920250);
	ck_assert_int_eq(cs_time_parse("2026-05-26T14:32:00+02:00", 25, false, &ms, &zone), 0);
	ck_assert_int_eq(ms, 1779805920000 - 2 * CS_HOUR_MS);
	ck_assert(zone);
	ck_assert_int_eq(cs_time_parse("2026-05-26T14:32:00x", 20, false, &ms, &zone), CS_EINVAL);
}
END_TEST

START_TEST(every_day_of_the_calendar_agrees_with_libc)
{
	char out[CS_TIME_TEXT], expected[80];
	int64_t again;

	for (int64_t day = -719528; day < 2932897; day += 37) {
		time_t t = (time_t)(day * 86400 + 3661);
		struct tm tm;

		gmtime_r(&t, &tm);
		snprintf(expected, sizeof(expected), "%04d-%02d-%02dT%02d:%02d:%02dZ", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour,
		         tm.tm_min, tm.tm_sec);
		cs_time_format((int64_t)t * 1000, out);
		if (strcmp(out, expected) != 0 || cs_time_parse(out, strlen(out), true, &again, NULL) != 0 || again != (int64_t)t * 1000)
			ck_abort_msg("%s is told as %s", expected, out);
	}
}
END_TEST

START_TEST(what_the_form_cannot_hold_becomes_the_nearest)
{
	char out[CS_TIME_TEXT];

	ck_assert_str_eq(cs_time_format(CS_NEVER, out), "9999-12-31T23:59:59.999Z");
	ck_assert_str_eq(cs_time_format(INT64_MIN, out), "0000-01-01T00:00:00Z");
}
END_TEST

static const struct {
	int64_t ms;
	const char *text;
} durations[] = {
	{ 0, "0 s" },
	{ 250, "250 ms" },
	{ 1999, "1 s" },
	{ 90 * CS_SECOND_MS, "90 s" },
	{ 2 * CS_MINUTE_MS, "2 m" },
	{ 12 * CS_MINUTE_MS, "12 m" },
	{ 90 * CS_MINUTE_MS, "90 m" },
	{ 6 * CS_HOUR_MS, "6 h" },
	{ 2 * CS_DAY_MS - 1, "47 h" },
	{ 3 * CS_DAY_MS, "3 d" },
	{ -90 * CS_SECOND_MS, "-90 s" },
	{ CS_NEVER, "never" },
	{ INT64_MIN, "-106751991167 d" },
};

START_TEST(durations_read_well)
{
	char out[CS_TIME_TEXT];

	ck_assert_str_eq(cs_duration_text(durations[_i].ms, out), durations[_i].text);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("clock");
	TCase *t = tcase_create("clock");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_test(t, the_real_clock_tells_the_time_of_day_plus_its_offset);
	tcase_add_test(t, a_fixed_clock_stands_until_it_is_set);
	tcase_add_test(t, equal_seeds_give_equal_randomness);
	tcase_add_test(t, jitter_covers_its_range_evenly_and_never_leaves_it);
	tcase_add_test(t, the_monotonic_clock_does_not_go_back);
	tcase_add_loop_test(t, a_good_time_is_read_and_written, 0, (int)CS_ARRAY_LEN(good));
	tcase_add_loop_test(t, a_bad_time_is_refused, 0, (int)CS_ARRAY_LEN(bad));
	tcase_add_test(t, every_prefix_of_a_time_is_refused_without_reading_on);
	tcase_add_test(t, a_local_time_is_read_when_no_zone_is_required);
	tcase_add_test(t, every_day_of_the_calendar_agrees_with_libc);
	tcase_add_test(t, what_the_form_cannot_hold_becomes_the_nearest);
	tcase_add_loop_test(t, durations_read_well, 0, (int)CS_ARRAY_LEN(durations));
	suite_add_tcase(s, t);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? 0 : 1;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"
#include <locale.h>
#include <time.h>
#include "util/clock.h"

static struct cs_arena mem;

static void
setup(void)
{
	setlocale(LC_CTYPE, "C.UTF-8");
	setenv("TZ", "America/New_York", 1);
	tzset();
	cs_arena_init(&mem);
}

static void
teardown(void)
{
	cs_arena_fini(&mem);
}

START_TEST(terminal_sequences_of_strangers_are_defused)
{
	ck_assert_str_eq(cs_ctl_clean(&mem, "a\033[2Jb"), "a\xef\xbf\xbd[2Jb");
	ck_assert_str_eq(cs_ctl_clean(&mem, "x\r\ny\tz"), "x  y z");
	ck_assert_str_eq(cs_ctl_clean(&mem, "\x7f\xc2\x9b"), "\xef\xbf\xbd\xef\xbf\xbd"); /* DEL, CSI of C1 */
	ck_assert_str_eq(cs_ctl_clean(&mem, "\xe2\x80\xae!"), "\xef\xbf\xbd!"); /* right-to-left override */
	ck_assert_str_eq(cs_ctl_clean(&mem, "\xff\xc3"), "\xef\xbf\xbd\xef\xbf\xbd");         /* not UTF-8 */
	ck_assert_str_eq(cs_ctl_clean(&mem, "\xed\xa0\x80"),
			 "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"); /* a surrogate */
	ck_assert_str_eq(cs_ctl_clean(&mem, "Jos\xc3\xa9 \xe2\x82\xac \xf0\x9f\x94\xa5"),
			 "Jos\xc3\xa9 \xe2\x82\xac \xf0\x9f\x94\xa5");
	ck_assert_str_eq(cs_ctl_clean(&mem, NULL), "");
}
END_TEST

START_TEST(columns_are_counted_in_characters)
{
	ck_assert_int_eq(cs_ctl_columns("abc"), 3);
	ck_assert_int_eq(cs_ctl_columns("Jos\xc3\xa9"), 4);
	ck_assert_int_eq((int)cs_ctl_cut("Jos\xc3\xa9x", 4), 5);
	ck_assert_int_eq((int)cs_ctl_cut("Jos\xc3\xa9x", 3), 3);
	ck_assert_int_eq((int)cs_ctl_cut("ab", 10), 2);
	ck_assert_int_eq((int)cs_ctl_cut("ab", 0), 0);
}
END_TEST

START_TEST(times_are_local_with_the_age)
{
	int64_t ms = 1779805920123; /* 2026-05-26T14:32:00.123Z */

	ck_assert_str_eq(cs_ctl_time(&mem, ms), "2026-05-26 10:32:00");
	ck_assert_str_eq(cs_ctl_clock(&mem, ms), "10:32:00.123");
	ck_assert_str_eq(cs_ctl_when(&mem, ms, ms + 5 * CS_MINUTE_MS), "2026-05-26 10:32:00 (5 m ago)");
	ck_assert_str_eq(cs_ctl_when(&mem, ms, ms - 28 * CS_SECOND_MS), "2026-05-26 10:32:00 (in 28 s)");
	ck_assert_str_eq(cs_ctl_when(&mem, 0, ms), "");
	ck_assert_str_eq(cs_ctl_time(&mem, 0), "");
	ck_assert_str_eq(cs_ctl_span(&mem, ms, ms - 1), "0 s");
	ck_assert_str_eq(cs_ctl_span(&mem, 0, ms), "");
}
END_TEST

START_TEST(a_person_says_a_time_in_many_ways)
{
	int64_t now = 1779805920000, ms;

	ck_assert_int_eq(cs_ctl_read_time("2026-05-26T14:32:00Z", now, -1, &ms), 0);
	ck_assert_int_eq(ms, now);
	ck_assert_int_eq(cs_ctl_read_time("2026-05-26 10:32", now, -1, &ms), 0);
	ck_assert_int_eq(ms, now);
	ck_assert_int_eq(cs_ctl_read_time("2026-05-26", now, -1, &ms), 0);
	ck_assert_int_eq(ms, now - 10 * CS_HOUR_MS - 32 * CS_MINUTE_MS);
	ck_assert_int_eq(cs_ctl_read_time("2h", now, -1, &ms), 0);
	ck_assert_int_eq(ms, now - 2 * CS_HOUR_MS);
	ck_assert_int_eq(cs_ctl_read_time("90 d", now, 1, &ms), 0);
	ck_assert_int_eq(ms, now + 90 * CS_DAY_MS);
	ck_assert_int_eq(cs_ctl_read_time("yesterday", now, -1, &ms), CS_EINVAL);
	ck_assert_int_eq(cs_ctl_read_time("2h30", now, -1, &ms), CS_EINVAL);
	ck_assert_int_eq(cs_ctl_read_time("-2h", now, -1, &ms), CS_EINVAL);
	ck_assert_int_eq(cs_ctl_read_time("", now, -1, &ms), CS_EINVAL);
}
END_TEST

START_TEST(paint_is_for_terminals_only)
{
	struct cs_ctl plain = { .colour = false }, painted = { .colour = true };

	ck_assert_str_eq(cs_ctl_paint(&plain, CS_PAINT_BAD), "");
	ck_assert_str_eq(cs_ctl_unpaint(&plain, CS_PAINT_BAD), "");
	ck_assert_str_ne(cs_ctl_paint(&painted, CS_PAINT_BAD), "");
	ck_assert_str_ne(cs_ctl_unpaint(&painted, CS_PAINT_BAD), "");
	ck_assert_str_eq(cs_ctl_paint(&painted, CS_PAINT_NONE), "");
	ck_assert_str_eq(cs_ctl_unpaint(&painted, CS_PAINT_NONE), "");
}
END_TEST

START_TEST(members_of_answers_are_read_whatever_they_are)
{
	json_object *o = json("{'a': '2026-05-26T14:32:00Z', 'b': 17, 'c': null, 'd': 'x', 'list': [1,2]}");

	ck_assert_int_eq(cs_ctl_json_time(o, "a"), 1779805920000);
	ck_assert_int_eq(cs_ctl_json_time(o, "b"), 17);
	ck_assert_int_eq(cs_ctl_json_time(o, "c"), 0);
	ck_assert_int_eq(cs_ctl_json_time(o, "d"), 0);
	ck_assert_int_eq(cs_ctl_json_time(o, "e"), 0);
	ck_assert_uint_eq(cs_ctl_json_count(cs_json_get(o, "list")), 2);
	ck_assert_uint_eq(cs_ctl_json_count(cs_json_get(o, "a")), 0);
	ck_assert_uint_eq(cs_ctl_json_count(NULL), 0);
	ck_assert_str_eq(cs_ctl_json_text(&mem, o, "d"), "x");
	ck_assert_str_eq(cs_ctl_json_text(&mem, o, "c"), "");
	json_object_put(o);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("ctl/text");
	TCase *t = tcase_create("text");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, terminal_sequences_of_strangers_are_defused);
	tcase_add_test(t, columns_are_counted_in_characters);
	tcase_add_test(t, times_are_local_with_the_age);
	tcase_add_test(t, a_person_says_a_time_in_many_ways);
	tcase_add_test(t, paint_is_for_terminals_only);
	tcase_add_test(t, members_of_answers_are_read_whatever_they_are);
	suite_add_tcase(s, t);
	return run_suite(s);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_zone.c - offsets against the C library's, the days on which clocks change, names and files that are none.
 */
#include "config.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
#include "fixture.h"
#include "lead/zone.h"
#include "util/clock.h"

static int64_t
ms(const char *text)
{
	int64_t t;

	ck_assert_int_eq(cs_time_parse(text, strlen(text), false, &t, NULL), 0);
	return t;
}

#define SAME(zone, local, utc)                                                                                           \
	do {                                                                                                             \
		int64_t out = 0;                                                                                         \
		ck_assert_int_eq(cs_zone_to_utc(zone, ms(local), &out), 0);                                              \
		ck_assert_int_eq(out, ms(utc));                                                                          \
	} while (0)

static struct cs_zone *
zone_file(const char *name, uint8_t *bytes, size_t cap, size_t *n)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), CS_ZONE_DIR "/%s", name);
	f = fopen(path, "rb");
	ck_assert_ptr_nonnull(f);
	*n = fread(bytes, 1, cap, f);
	fclose(f);
	return cs_zone_parse(bytes, *n);
}

START_TEST(local_times_become_utc)
{
	SAME("America/New_York", "2026-01-15T08:00:00", "2026-01-15T13:00:00Z");
	SAME("America/New_York", "2026-05-27T08:00:00", "2026-05-27T12:00:00Z");
	SAME("America/New_York", "2026-05-27T08:00:00.250", "2026-05-27T12:00:00.250Z");
	SAME("America/Phoenix", "2026-07-01T08:00:00", "2026-07-01T15:00:00Z");
	SAME("Asia/Kathmandu", "2026-05-27T08:00:00", "2026-05-27T02:15:00Z");
	SAME("Pacific/Kiritimati", "2026-01-01T00:00:00", "2025-12-31T10:00:00Z");
	SAME("UTC", "1969-12-31T23:59:59.999", "1969-12-31T23:59:59.999Z");
	SAME("Etc/GMT+5", "2026-05-27T08:00:00", "2026-05-27T13:00:00Z");
}
END_TEST

START_TEST(a_skipped_time_is_moved_forward_by_what_was_skipped)
{
	SAME("America/New_York", "2026-03-08T01:59:59", "2026-03-08T06:59:59Z");
	SAME("America/New_York", "2026-03-08T02:00:00", "2026-03-08T07:00:00Z"); /* 03:00 there */
	SAME("America/New_York", "2026-03-08T02:30:00", "2026-03-08T07:30:00Z");
	SAME("America/New_York", "2026-03-08T03:00:00", "2026-03-08T07:00:00Z");
	SAME("Australia/Lord_Howe", "2026-10-04T02:15:00", "2026-10-03T15:45:00Z"); /* half an hour */
	SAME("Pacific/Apia", "2011-12-30T12:00:00", "2011-12-30T22:00:00Z"); /* a whole day */
}
END_TEST

START_TEST(a_time_that_happens_twice_means_the_first)
{
	SAME("America/New_York", "2026-11-01T00:59:59", "2026-11-01T04:59:59Z");
	SAME("America/New_York", "2026-11-01T01:30:00", "2026-11-01T05:30:00Z");
	SAME("America/New_York", "2026-11-01T02:00:00", "2026-11-01T07:00:00Z");
	SAME("Europe/Dublin", "2026-10-25T01:30:00", "2026-10-25T00:30:00Z");
	SAME("Australia/Sydney", "2026-04-05T02:30:00", "2026-04-04T15:30:00Z");
}
END_TEST

START_TEST(the_rule_behind_the_last_transition_goes_on_for_ever)
{
	SAME("America/New_York", "2090-07-01T08:00:00", "2090-07-01T12:00:00Z");
	SAME("America/New_York", "2090-03-12T02:30:00", "2090-03-12T07:30:00Z");
	SAME("America/New_York", "2090-11-05T01:30:00", "2090-11-05T05:30:00Z");
	SAME("Australia/Sydney", "2091-01-01T00:00:00", "2090-12-31T13:00:00Z");
	SAME("Europe/Dublin", "2090-07-01T08:00:00", "2090-07-01T07:00:00Z");
	SAME("America/New_York", "9999-12-31T00:00:00", "9999-12-31T05:00:00Z");
}
END_TEST

START_TEST(offsets_are_those_of_the_c_library)
{
	static const char *const names[] = {
		"America/New_York", "America/Chicago", "America/Denver", "America/Los_Angeles", "America/Phoenix",
		"America/Anchorage", "America/Adak", "Pacific/Honolulu", "America/Puerto_Rico", "America/Toronto",
		"America/St_Johns", "America/Sao_Paulo", "America/Santiago", "America/Nuuk", "Europe/London", "Europe/Dublin",
		"Europe/Berlin", "Africa/Casablanca", "Africa/Cairo", "Asia/Gaza", "Asia/Jerusalem", "Asia/Tehran",
		"Asia/Kolkata", "Asia/Kathmandu", "Asia/Tokyo", "Australia/Lord_Howe", "Australia/Sydney", "Pacific/Chatham",
		"Pacific/Apia", "Antarctica/Troll", "Etc/GMT-14", "UTC", "EST5EDT",
	};
	static uint8_t bytes[65536];

	for (size_t i = 0; i < CS_ARRAY_LEN(names); i++) {
		char tz[64];
		size_t n;
		struct cs_zone *z = zone_file(names[i], bytes, sizeof(bytes), &n);

		ck_assert_msg(z != NULL, "%s", names[i]);
		snprintf(tz, sizeof(tz), ":%s", names[i]);
		setenv("TZ", tz, 1);
		tzset();
		for (int64_t t = -2000000000; t < 4200000000; t += 86400 * 3 + 3571) {
			time_t c = (time_t)t;
			struct tm tm;

			localtime_r(&c, &tm);
			if (cs_zone_offset_s(z, t) != tm.tm_gmtoff)
				ck_abort_msg("%s at %lld: %lld, not %ld", names[i], (long long)t, (long long)cs_zone_offset_s(z, t), tm.tm_gmtoff);
		}
		cs_zone_free(z);
	}
}
END_TEST

/* The smallest file: no transitions, one type, and the footer given. */
static struct cs_zone *
footer_zone(const char *footer)
{
	uint8_t file[256] = { 0 }, *p = file;

	for (int block = 0; block < 2; block++) {
		memcpy(p, "TZif2", 5);
		p[39] = 1; /* types */
		p[43] = 4; /* characters */
		p += 44 + 6;
		memcpy(p, "XXX", 4);
		p += 4;
	}
	p += sprintf((char *)p, "\n%s\n", footer);
	return cs_zone_parse(file, (size_t)(p - file));
}

START_TEST(every_form_of_a_posix_rule_is_read)
{
	static const struct {
		const char *rule, *utc;
		int64_t offset_s;
	} good[] = {
		{ "<-03>3", "2026-01-01T00:00:00Z", -10800 },
		{ "IST-5:30", "2026-01-01T00:00:00Z", 19800 },
		{ "XXX12:34:56", "2026-01-01T00:00:00Z", -45296 },
		{ "EST5EDT,M3.2.0,M11.1.0", "2026-03-08T06:59:59Z", -18000 },
		{ "EST5EDT,M3.2.0,M11.1.0", "2026-03-08T07:00:00Z", -14400 },
		{ "EST5EDT,M3.2.0,M11.1.0", "2026-11-01T05:59:59Z", -14400 },
		{ "EST5EDT,M3.2.0,M11.1.0", "2026-11-01T06:00:00Z", -18000 },
		{ "AEST-10AEDT,M10.1.0,M4.1.0/3", "2026-01-01T00:00:00Z", 39600 },
		{ "AEST-10AEDT,M10.1.0,M4.1.0/3", "2026-07-01T00:00:00Z", 36000 },
		{ "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0", "2026-01-01T00:00:00Z", 39600 },
		{ "IST-1GMT0,M10.5.0,M3.5.0/1", "2026-07-01T00:00:00Z", 3600 },
		{ "IST-1GMT0,M10.5.0,M3.5.0/1", "2026-01-01T00:00:00Z", 0 },
		{ "<-02>2<-01>,M3.5.0/-1,M10.5.0/0", "2026-03-29T00:59:59Z", -7200 },
		{ "<-02>2<-01>,M3.5.0/-1,M10.5.0/0", "2026-03-29T01:00:00Z", -3600 },
		{ "AAA0BBB,J60/0,J300/0", "2024-03-01T00:00:00Z", 3600 }, /* J60 is 1 March, leap year or not */
		{ "AAA0BBB,J60/0,J300/0", "2024-02-29T23:59:59Z", 0 },
		{ "AAA0BBB,59/0,299/0", "2024-02-29T00:00:00Z", 3600 }, /* 59 is 29 February in a leap year */
		{ "AAA0BBB,59/0,299/0", "2023-02-28T23:59:59Z", 0 },
		{ "EET-2EEST,M3.4.4/50,M10.4.4/50", "2026-03-27T23:59:59Z", 7200 },
		{ "EET-2EEST,M3.4.4/50,M10.4.4/50", "2026-03-28T00:00:00Z", 10800 },
		{ "", "2026-01-01T00:00:00Z", 0 },
	};

	for (size_t i = 0; i < CS_ARRAY_LEN(good); i++) {
		struct cs_zone *z = footer_zone(good[i].rule);

		ck_assert_msg(z != NULL, "%s", good[i].rule);
		ck_assert_msg(cs_zone_offset_s(z, ms(good[i].utc) / 1000) == good[i].offset_s, "%s at %s: %lld", good[i].rule,
		              good[i].utc, (long long)cs_zone_offset_s(z, ms(good[i].utc) / 1000));
		cs_zone_free(z);
	}
}
END_TEST

START_TEST(a_posix_rule_that_is_none_is_refused)
{
	static const char *const bad[] = {
		"5", "EST", "EST5EDT", "EST5EDT,M3.2.0", "EST5EDT,M13.2.0,M11.1.0", "EST5EDT,M3.6.0,M11.1.0",
		"EST5EDT,M3.2.7,M11.1.0", "EST5EDT,M3.2.0,M11.1.0x", "EST5EDT,J0,J5", "EST5EDT,366,5", "<EST5", "EST168",
		"EST5:60", "EST5EDT,M3.2.0/168,M11.1.0", "EST99999999999999999999",
	};

	for (size_t i = 0; i < CS_ARRAY_LEN(bad); i++)
		ck_assert_msg(footer_zone(bad[i]) == NULL, "%s", bad[i]);
}
END_TEST

START_TEST(a_file_that_is_cut_or_spoilt_is_refused_or_read_within_its_bounds)
{
	static uint8_t bytes[65536];
	struct cs_zone *z;
	size_t n;

	cs_zone_free(zone_file("America/New_York", bytes, sizeof(bytes), &n));
	for (size_t cut = 0; cut < n; cut++) {
		uint8_t *exact = cs_xmalloc(cut);

		memcpy(exact, bytes, cut);
		if ((z = cs_zone_parse(exact, cut)) != NULL)
			ck_abort_msg("%zu of %zu bytes were a zone", cut, n);
		free(exact);
	}
	for (size_t i = 0; i < n; i++) {
		bytes[i] ^= 0xff;
		z = cs_zone_parse(bytes, n);
		if (z != NULL)
			cs_zone_local_to_utc_s(z, 1779883200);
		cs_zone_free(z);
		bytes[i] ^= 0xff;
	}
}
END_TEST

START_TEST(names_that_lead_out_of_the_folder_are_refused)
{
	static const char *const bad[] = {
		"", "/", "/etc/passwd", "../../../etc/passwd", "America/../../passwd", "America/New_York/", "America//New_York",
		".", "America/.", "America\nNew_York", "America New_York", "Am\xc3\xa9rica", "a.tab",
		"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
	};
	int64_t out = 4;

	for (size_t i = 0; i < CS_ARRAY_LEN(bad); i++) {
		ck_assert_msg(cs_zone_name_check(bad[i]) == CS_EINVAL, "%s", bad[i]);
		ck_assert_int_eq(cs_zone_to_utc(bad[i], 0, &out), CS_EINVAL);
	}
	ck_assert_int_eq(cs_zone_name_check("America/Argentina/Buenos_Aires"), 0);
	ck_assert_int_eq(cs_zone_name_check("Etc/GMT+5"), 0);
	ck_assert_int_eq(out, 4);
}
END_TEST

START_TEST(unknown_names_folders_and_other_files_are_no_zones)
{
	int64_t out = 4;
	char name[32];

	ck_assert_int_eq(cs_zone_to_utc("America", 0, &out), CS_ENOTFOUND);
	ck_assert_int_eq(cs_zone_to_utc("leapseconds", 0, &out), CS_ENOTFOUND);
	ck_assert_int_eq(cs_zone_to_utc("right/America/New_York", 0, &out), CS_ENOTFOUND);
	for (int i = 0; i < 200; i++) { /* more than are remembered */
		snprintf(name, sizeof(name), "Nowhere/City_%d", i);
		ck_assert_int_eq(cs_zone_to_utc(name, 0, &out), CS_ENOTFOUND);
	}
	ck_assert_int_eq(out, 4);
	ck_assert_int_eq(cs_zone_to_utc("Europe/Paris", 0, &out), 0);
	ck_assert_int_eq(out, -3600000);
}
END_TEST

START_TEST(neither_tz_nor_the_working_folder_matters)
{
	setenv("TZ", "Asia/Tokyo", 1);
	setenv("TZDIR", "/nonexistent", 1);
	tzset();
	ck_assert_int_eq(chdir("/"), 0);
	SAME("America/New_York", "2026-01-15T08:00:00", "2026-01-15T13:00:00Z");
}
END_TEST

static void *
ask(void *ok)
{
	static const char *const names[] = { "America/New_York", "Asia/Tokyo", "Europe/Berlin", "Nowhere/City" };

	for (int i = 0; i < 400; i++) {
		int64_t out = 0;
		int rc = cs_zone_to_utc(names[i % 4], 1779883200000, &out);

		if (rc != (i % 4 == 3 ? CS_ENOTFOUND : 0))
			*(bool *)ok = false;
	}
	return NULL;
}

START_TEST(any_thread_may_ask)
{
	bool ok[4] = { true, true, true, true };
	pthread_t t[4];

	for (int i = 0; i < 4; i++)
		ck_assert_int_eq(pthread_create(&t[i], NULL, ask, &ok[i]), 0);
	for (int i = 0; i < 4; i++) {
		pthread_join(t[i], NULL);
		ck_assert(ok[i]);
	}
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {
		local_times_become_utc,
		a_skipped_time_is_moved_forward_by_what_was_skipped,
		a_time_that_happens_twice_means_the_first,
		the_rule_behind_the_last_transition_goes_on_for_ever,
		offsets_are_those_of_the_c_library,
		every_form_of_a_posix_rule_is_read,
		a_posix_rule_that_is_none_is_refused,
		a_file_that_is_cut_or_spoilt_is_refused_or_read_within_its_bounds,
		names_that_lead_out_of_the_folder_are_refused,
		unknown_names_folders_and_other_files_are_no_zones,
		neither_tz_nor_the_working_folder_matters,
		any_thread_may_ask,
	};

	if (access(CS_ZONE_DIR "/America/New_York", R_OK) != 0) {
		printf("skipped: no time zones in " CS_ZONE_DIR " (tzdata)\n");
		return 77;
	}
	return run_tests("zone", tests, CS_ARRAY_LEN(tests));
}

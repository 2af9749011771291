/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_hash.c - when two leads are the same, and when two callers are.
 *
 * The hashes are stored, so they are pinned: the values here were made by a program in another language.
 */
#include "config.h"

#include <math.h>
#include <stdlib.h>
#include "fixture.h"
#include "lead/hash.h"
#include "util/text.h"

static bool
same(struct cs_lead_doc *a, struct cs_lead_doc *b)
{
	bool equal = memcmp(a->content_hash, b->content_hash, 32) == 0;

	ck_assert_int_lt(a->worst, CS_FAULT_ENVELOPE);
	ck_assert_int_lt(b->worst, CS_FAULT_ENVELOPE);
	cs_lead_doc_free(a);
	cs_lead_doc_free(b);
	return equal;
}

START_TEST(the_hashes_and_keys_of_the_sample_never_change)
{
	CS_CLEANUP(cs_buf_fini) struct cs_buf b = CS_BUF_INIT(0);
	struct cs_lead_doc *d = read_lead(sample_lead());

	cs_hex_add(&b, d->content_hash, 32);
	ck_assert_str_eq(b.ptr, "03e06132352d728b1564ae3f4992532f0a2614a06485044897d0016ee9b852e9");
	ck_assert_uint_eq(d->phone_key, 0xc857974cb3884daa);
	ck_assert_uint_eq(d->email_key, 0x10ef04a5a1acd81d);
	cs_lead_doc_free(d);
}
END_TEST

/* Made by csrelay itself when it still hashed json-c's objects. */
static const struct {
	const char *rest, *call, *hash;
} pinned[] = {
	{ "", NULL,
	  "72e8b11a75187a9e02cf969e0c7858506deb184756dba7497156e005202e7a70" },
	{ ",\"x\":[0,-0,-0.0,1,-1,1.0,1e2,12e-1,0.87,-0.1,1e-7,5e-324,1.7976931348623157e308]", NULL,
	  "679be99b2e9e38facd00b67cf4b8e9a55219c9af87eb076b55d7b4745ca3e73f" },
	{ ",\"x\":[9007199254740991,9007199254740992.0,9007199254740993,999999999999999999,1000000000000000000,-999999999999999999]", NULL,
	  "372d3015ef64c3580627a5c888796a5943fd5b87872c8019a9c224a981d89cee" },
	{ ",\"x\":[9223372036854775807,-9223372036854775808,9223372036854775808,"
	  "18446744073709551615,18446744073709551616,-9223372036854775809]", NULL,
	  "c0ad9cd289b35610b1b01a59dd8710b562239b2bffbeadedbe3788cf4df19cfe" },
	{ ",\"x\":[123456.789,0.1234567890123456789,100000000000000000000,1e21,12345678.0,0.00001,0.0001234,99999999999999990000.5]", NULL,
	  "dce0ec63c28bb3b5352efea6765446ab2fb2f822d0319bad9f95e36f79a59f84" },
	{ ",\"\":{},\"x\":{\"b\":[],\"a\":{\"\":null},\"aa\":true,\"a\\\"\":false,\"\\\\\":\"\\\\\\\"\"}", NULL,
	  "e9e7302897760f159acf48d181d246d1df40ea51db9050cf9f3f68fc798757d5" },
	{ ",\"abcdefgh\":1,\"abcdefghi\":2,\"abcdefg\":3,\"abcdefgha\":4,\"abcdefgz\":5,\"\\u00e9\":6,\"z\":7,\"~\":8,\"\\u0001\":9", NULL,
	  "fb16d3bff24b3ec710698ed11613ccaa5441661447c5926f6a05717038785e19" },
	{ ",\"x\":\"\\u00e9\\n\\t\\u0001\\/ \xf0\x9f\x98\x80 'quoted' \x7f\"", NULL,
	  "b8ed2140d8f13b418cf1beb8353c0e33847fcf8572f101963375bf71807435df" },
	{ ",\"call2\":{\"recording_url\":\"https://h/a?b\"}",
	  "{\"call_id\":\"c\",\"direction\":\"inbound\",\"recording_url\":\"https://h/a?\\\"b\",\"transcript_url\":\"?\",\"x\":\"a?b\"}",
	  "198d12b3c42f1da0763a49e6be2314ba8392b222684e82b92c5a1a63eda666e1" },
	{ "", "{\"call_id\":\"c\",\"direction\":\"inbound\",\"recording_url\":[\"a?b\"],\"transcript_url\":7}",
	  "2c0c21851a089a4adc9878ed8db58ebfed2445126323531b808f80bae5fc1348" },
	{ "", "\"c?d\"",
	  "4e8a51cbb741c48e0282943a196fec1d868b71379a2f53e7e6f022425b981265" },
};

START_TEST(the_hashes_of_what_is_rare_never_change_either)
{
	for (size_t i = 0; i < CS_ARRAY_LEN(pinned); i++) {
		CS_CLEANUP(cs_buf_fini) struct cs_buf b = CS_BUF_INIT(0);
		struct cs_lead_doc *d = READ(.rest = pinned[i].rest, .call = pinned[i].call);

		ck_assert_int_lt(d->worst, CS_FAULT_ENVELOPE);
		cs_hex_add(&b, d->content_hash, 32);
		ck_assert_msg(strcmp(b.ptr, pinned[i].hash) == 0, "%zu: %s", i, b.ptr);
		cs_lead_doc_free(d);
	}
}
END_TEST

static void
expect_as_printf(double d)
{
	char text[CS_LEAD_NUMBER_TEXT + 1] = "", expected[64];

	text[cs_lead_number_text(d, text)] = '\0';
	snprintf(expected, sizeof(expected), "%.17g", d);
	ck_assert_str_eq(text, expected);
}

/* Up to a thousand steps around each power of ten and of two, and what scores are. */
START_TEST(fractions_are_written_as_printf_writes_them)
{
	static const double places[] = { 0.00005, 0.0001, 0.001, 0.01, 0.1, 0.5, 0.25, 0.125, 0.0625, 0.75, 0x1p-10, 0x1p-13, 0.87, 0.3 };

	for (size_t i = 0; i < CS_ARRAY_LEN(places); i++) {
		double up = places[i], down = places[i];

		for (int k = 0; k < 1000; k++) {
			expect_as_printf(up);
			expect_as_printf(down);
			up = nextafter(up, 1);
			down = nextafter(down, 0);
		}
	}
	for (int i = 1; i < 10000; i++) {
		expect_as_printf(i / 10000.0);
		expect_as_printf(i + 0.5);
		expect_as_printf((2 * i + 1) * 0x1p-14);
	}
}
END_TEST

START_TEST(order_spaces_and_the_form_of_numbers_do_not_matter)
{
	ck_assert(same(READ(.rest = ",\"x\":{\"b\":1,\"a\":[1.5,100]}"), READ(.rest = ", \"x\" : {\"a\":[15e-1,1e2], \"b\":1.0}")));
	ck_assert(same(READ(.rest = ",\"x\":\"\\u00e9\\/\""), READ(.rest = ",\"x\":\"\xc3\xa9/\"")));
	ck_assert(same(READ(.rest = ",\"x\":0"), READ(.rest = ",\"x\":-0.0")));
	ck_assert(same(READ(.rest = ",\"x\":-7"), READ(.rest = ",\"x\":-7.0")));
}
END_TEST

START_TEST(the_timestamp_of_a_repeat_does_not_matter)
{
	ck_assert(same(READ(.time = "2026-05-26T14:32:00Z"), READ(.time = "2026-05-26T14:40:00Z")));
}
END_TEST

START_TEST(the_case_of_the_event_id_does_not_matter)
{
	ck_assert(same(READ(.id = TEST_ID), READ(.id = "3F0C2C1E-6A0D-4D0E-9A41-5B8F0A2B9D11")));
}
END_TEST

#define CALL(recording, transcript)                                                                                      \
	"{\"call_id\":\"c\",\"direction\":\"inbound\",\"recording_url\":\"" recording "\",\"transcript_url\":\"" transcript "\"}"

START_TEST(only_the_query_of_a_pre_signed_url_does_not_matter)
{
	ck_assert(same(READ(.call = CALL("https://h/a?sig=1", "https://h/b?x")), READ(.call = CALL("https://h/a?sig=2", "https://h/b"))));
	ck_assert(!same(READ(.call = CALL("https://h/a?sig=1", "https://h/b")), READ(.call = CALL("https://h/c?sig=1", "https://h/b"))));
	ck_assert(!same(READ(.rest = ",\"recording_url\":\"https://h/a?1\""), READ(.rest = ",\"recording_url\":\"https://h/a?2\"")));
}
END_TEST

START_TEST(every_other_difference_matters)
{
	ck_assert(!same(READ(.id = NULL), READ(.contact = "{\"phone\":\"+13055550183\"}")));
	ck_assert(!same(READ(.id = NULL), READ(.rest = ",\"x\":null")));
	ck_assert(!same(READ(.rest = ",\"x\":null"), READ(.rest = ",\"x\":false")));
	ck_assert(!same(READ(.rest = ",\"x\":true"), READ(.rest = ",\"x\":\"t\"")));
	ck_assert(!same(READ(.rest = ",\"x\":1"), READ(.rest = ",\"x\":\"1\"")));
	ck_assert(!same(READ(.rest = ",\"x\":1"), READ(.rest = ",\"x\":-1")));
	ck_assert(!same(READ(.rest = ",\"x\":[1,2]"), READ(.rest = ",\"x\":[2,1]")));
	ck_assert(!same(READ(.rest = ",\"x\":[12]"), READ(.rest = ",\"x\":[1,2]")));
	ck_assert(!same(READ(.rest = ",\"x\":{\"a\":{}}"), READ(.rest = ",\"x\":{\"a\":[]}")));
	ck_assert(!same(READ(.rest = ",\"x\":\"a\\\",\\\"b\""), READ(.rest = ",\"x\":\"a\",\"b\":\"\"")));
	ck_assert(!same(READ(.rest = ",\"x\":\"\\\\\""), READ(.rest = ",\"x\":\"\\\"\"")));
	ck_assert(!same(READ(.rest = ",\"x\":9007199254740993"), READ(.rest = ",\"x\":9007199254740992")));
	ck_assert(!same(READ(.rest = ",\"x\":18446744073709551615"), READ(.rest = ",\"x\":-1")));
	ck_assert(!same(READ(.rest = ",\"x\":0.1"), READ(.rest = ",\"x\":0.10000000000000002")));
}
END_TEST

/* Forty members: beyond what is sorted on the stack. Long text: beyond the window. */
START_TEST(large_objects_and_texts_are_hashed_in_order_too)
{
	CS_CLEANUP(cs_buf_fini) struct cs_buf up = CS_BUF_INIT(0);
	CS_CLEANUP(cs_buf_fini) struct cs_buf down = CS_BUF_INIT(0);

	for (int i = 0; i < 40; i++) {
		cs_buf_printf(&up, ",\"k%02d\":\"%0*d\"", i, 100 * i + 1, i);
		cs_buf_printf(&down, ",\"k%02d\":\"%0*d\"", 39 - i, 100 * (39 - i) + 1, 39 - i);
	}
	ck_assert_uint_gt(up.len, 32768);
	ck_assert(same(read_changed((struct test_lead){ .rest = up.ptr }), read_changed((struct test_lead){ .rest = down.ptr })));
	strstr(down.ptr, "\"k39\":\"")[7] = '1';
	ck_assert(!same(read_changed((struct test_lead){ .rest = up.ptr }), read_changed((struct test_lead){ .rest = down.ptr })));
}
END_TEST

/* With an escape in it a text goes byte by byte, without one as a whole. */
START_TEST(a_text_is_the_same_wherever_the_window_ends)
{
	char plain[4300], escaped[4300];

	for (int n = 3600; n < 4200; n++) {
		snprintf(plain, sizeof(plain), ",\"x\":\"%0*d\"", n, 7);
		snprintf(escaped, sizeof(escaped), ",\"x\":\"\\u0030%0*d\"", n - 1, 7);
		ck_assert(same(READ(.rest = plain), READ(.rest = escaped)));
	}
}
END_TEST

START_TEST(a_caller_is_known_by_digits_and_by_address_in_any_case)
{
	struct cs_lead_doc *a = READ(.contact = "{\"phone\":\"+13055550182\",\"email\":\"Maria@Example.COM\"}");
	uint64_t phone = a->phone_key, email = a->email_key;

	cs_lead_doc_free(a);
	a = READ(.contact = "{\"phone\":\"+13055550182\",\"email\":\"maria@example.com\"}");
	ck_assert_uint_eq(a->phone_key, phone);
	ck_assert_uint_eq(a->email_key, email);
	cs_lead_doc_free(a);
	a = READ(.contact = "{\"phone\":\"+13055550183\"}");
	ck_assert_uint_ne(a->phone_key, phone);
	ck_assert_uint_eq(a->email_key, 0);
	cs_lead_doc_free(a);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {
		the_hashes_and_keys_of_the_sample_never_change,
		the_hashes_of_what_is_rare_never_change_either,
		fractions_are_written_as_printf_writes_them,
		order_spaces_and_the_form_of_numbers_do_not_matter,
		the_timestamp_of_a_repeat_does_not_matter,
		the_case_of_the_event_id_does_not_matter,
		only_the_query_of_a_pre_signed_url_does_not_matter,
		every_other_difference_matters,
		large_objects_and_texts_are_hashed_in_order_too,
		a_text_is_the_same_wherever_the_window_ends,
		a_caller_is_known_by_digits_and_by_address_in_any_case,
	};

	return run_tests("hash", tests, CS_ARRAY_LEN(tests));
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_hash.c - when two leads are the same, and when two callers are.
 *
 * The hashes are stored, so they are pinned: the values here were made by a program in another language.
 */
#include "config.h"

#include <stdlib.h>
#include "fixture.h"
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
		order_spaces_and_the_form_of_numbers_do_not_matter,
		the_timestamp_of_a_repeat_does_not_matter,
		the_case_of_the_event_id_does_not_matter,
		only_the_query_of_a_pre_signed_url_does_not_matter,
		every_other_difference_matters,
		large_objects_and_texts_are_hashed_in_order_too,
		a_caller_is_known_by_digits_and_by_address_in_any_case,
	};

	return run_tests("hash", tests, CS_ARRAY_LEN(tests));
}

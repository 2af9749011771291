/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_lead.c - the view, the faults' texts, and what comes after reading. Which value of which field is a fault of which
 * class is held by tests/contract/test_lead_schema.py over its corpus.
 */
#include "config.h"

#include <stdlib.h>
#include "fixture.h"
#include "lead/rules.h"
#include "util/clock.h"
#include "util/text.h"

START_TEST(the_sample_is_read_into_every_field_of_the_view)
{
	const char *text = sample_lead();
	struct cs_lead_doc *d = read_lead(text);
	const struct cs_lead *v = &d->view;

	ck_assert_int_eq(d->worst, CS_FAULT_NONE);
	ck_assert_uint_eq(d->n_faults, 0);
	ck_assert_str_eq(v->schema_version, "1.0");
	ck_assert_str_eq(v->event, "lead.qualified");
	ck_assert_str_eq(v->event_id, "7d1f4f0e-3c55-4b0e-9a7e-2f6f0a9c1b11");
	ck_assert_str_eq(v->timestamp_utc, "2026-05-26T14:32:00Z");
	ck_assert_int_eq(v->timestamp_ms, 1779805920000);
	ck_assert_int_eq(v->received_ms, TEST_NOW_MS);
	ck_assert_str_eq(v->account, "acct_xyz");
	ck_assert_str_eq(v->call->call_id, "call_abc123");
	ck_assert_str_eq(v->call->direction, "inbound");
	ck_assert_int_eq(v->call->has_duration, 1);
	ck_assert_int_eq(v->call->duration_s, 142);
	ck_assert_str_eq(v->call->started_at, "2026-05-26T14:29:38Z");
	ck_assert_str_eq(v->call->ended_at, "2026-05-26T14:32:00Z");
	ck_assert_str_eq(v->call->recording_url, "https://storage.callsetter.ai/recordings/call_abc123.mp3");
	ck_assert_str_eq(v->call->transcript_url, "https://storage.callsetter.ai/transcripts/call_abc123.txt");
	ck_assert_str_eq(v->call->transcript_summary, "No heat. Furnace 12 years old. Wants same-week appointment.");
	ck_assert_str_eq(v->contact->first_name, "Maria");
	ck_assert_str_eq(v->contact->last_name, "Gonzalez");
	ck_assert_str_eq(v->contact->phone, "+13055550182");
	ck_assert_str_eq(v->contact->email, "maria@example.com");
	ck_assert_str_eq(v->contact->address->street, "1420 NW 7th Ave");
	ck_assert_str_eq(v->contact->address->city, "Miami");
	ck_assert_str_eq(v->contact->address->state, "FL");
	ck_assert_str_eq(v->contact->address->zip, "33136");
	ck_assert_str_eq(v->contact->address->country, "US");
	ck_assert_str_eq(v->request->service_type, "HVAC");
	ck_assert_str_eq(v->request->sub_type, "heating_repair");
	ck_assert_str_eq(v->request->urgency, "same_day");
	ck_assert_int_eq(d->urgency, CS_URGENCY_SAME_DAY);
	ck_assert_str_eq(v->request->issue_description, "No heat. Furnace not turning on.");
	ck_assert_str_eq(v->request->preferred_schedule, "2026-05-27T08:00:00");
	ck_assert_int_eq(v->request->is_existing_customer, CS_TRI_NO);
	ck_assert_int_eq(v->request->has_preferred_at, 0);
	ck_assert_str_eq(v->analysis->sentiment, "neutral");
	ck_assert_int_eq(v->analysis->has_score, 1);
	ck_assert_double_eq(v->analysis->score, 0.87);
	ck_assert_str_eq(v->analysis->qualification_status, "qualified");
	ck_assert_str_eq(v->analysis->disqualification_reason, "");
	ck_assert_str_eq(v->analysis->qualifier_answers.ptr,
	                 "{\"owns_home\":true,\"issue_type\":\"heating_repair\",\"has_existing_service_contract\":false,"
	                 "\"urgency_window\":\"same_week\"}");
	ck_assert_uint_eq(v->analysis->qualifier_answers.len, strlen(v->analysis->qualifier_answers.ptr));
	ck_assert_str_eq(v->destination_crm, "housecall_pro");
	ck_assert_str_eq(v->crm_account_id, "hcp_tenant_4829");
	ck_assert_str_eq(v->assigned_to, "");
	ck_assert_str_eq(v->warnings, "");
	ck_assert_ptr_eq(v->raw.ptr, text);
	ck_assert_uint_eq(v->raw.len, strlen(text));
	ck_assert(!d->unqualified && !d->is_event);
	cs_lead_doc_free(d);
}
END_TEST

START_TEST(what_is_absent_is_empty_unknown_or_has_no_value)
{
	struct cs_lead_doc *d = READ(.id = NULL);
	const struct cs_lead *v = &d->view;

	ck_assert_int_eq(d->worst, CS_FAULT_NONE);
	ck_assert_str_eq(v->contact->email, "");
	ck_assert_str_eq(v->contact->address->city, "");
	ck_assert_int_eq(v->call->has_duration, 0);
	ck_assert_int_eq(v->analysis->has_score, 0);
	ck_assert_int_eq(v->request->is_existing_customer, CS_TRI_UNKNOWN);
	ck_assert_uint_eq(v->analysis->qualifier_answers.len, 0);
	ck_assert_str_eq(v->analysis->qualifier_answers.ptr, "");
	ck_assert_uint_eq(v->struct_size, sizeof(*v));
	ck_assert_uint_eq(v->call->struct_size, sizeof(*v->call));
	ck_assert_uint_eq(v->contact->struct_size, sizeof(*v->contact));
	ck_assert_uint_eq(v->contact->address->struct_size, sizeof(*v->contact->address));
	ck_assert_uint_eq(v->request->struct_size, sizeof(*v->request));
	ck_assert_uint_eq(v->analysis->struct_size, sizeof(*v->analysis));
	cs_lead_doc_free(d);
}
END_TEST

START_TEST(a_lead_without_phone_is_kept_if_it_has_an_email)
{
	struct cs_lead_doc *d = READ(.contact = "{\"email\":\"maria@example.com\"}");

	ck_assert_int_eq(d->worst, CS_FAULT_NONE);
	ck_assert_str_eq(d->view.contact->phone, "");
	cs_lead_doc_free(d);
	d = READ(.contact = "{\"phone\":\"305 555\"}");
	ck_assert_int_eq(d->worst, CS_FAULT_REQUIRED);
	ck_assert_str_eq(fault_at(d, "/contact")->detail,
	                 "must have a phone (E.164) or an email, so that somebody can be called back");
	cs_lead_doc_free(d);
}
END_TEST

START_TEST(a_faulty_optional_field_counts_as_absent_and_its_text_goes_to_the_note)
{
	struct cs_lead_doc *d = READ(.contact = "{\"phone\":\"call\\nme\",\"email\":\"m@example.com\",\"address\":{\"zip\":33136}}",
	                             .rest = ",\"ai_analysis\":{\"sentiment\":null,\"conversion_intent_score\":87}");

	ck_assert_int_eq(d->worst, CS_FAULT_OPTIONAL);
	ck_assert_str_eq(d->view.contact->phone, "");
	ck_assert_str_eq(d->view.contact->address->zip, "");
	ck_assert_int_eq(d->view.analysis->has_score, 0);
	ck_assert_str_eq(d->view.warnings,
	                 "/contact/phone: must be E.164: + and 7 to 15 digits (given: call me)\n"
	                 "/contact/address/zip: must be text of at most 128 bytes (given: 33136)\n"
	                 "/ai_analysis/conversion_intent_score: must be a number from 0.0 to 1.0 (given: 87)");
	ck_assert_uint_eq(d->phone_key, 0);
	ck_assert_uint_ne(d->email_key, 0);
	cs_lead_doc_free(d);
}
END_TEST

START_TEST(no_detail_repeats_what_was_given)
{
	struct cs_lead_doc *d = READ(.id = "SECRET", .time = "SECRET", .contact = "{\"phone\":\"SECRET\",\"email\":\"SECRET\"}",
	                             .call = "\"SECRET\"", .request = "{\"urgency\":\"SECRET\"}", .routing = "[\"SECRET\"]",
	                             .rest = ",\"ai_analysis\":{\"qualifier_answers\":\"SECRET\",\"sentiment\":[\"SECRET\"]}");

	ck_assert_uint_ge(d->n_faults, 10);
	for (size_t i = 0; i < d->n_faults; i++) {
		ck_assert_ptr_null(strstr(d->faults[i].detail, "SECRET"));
		ck_assert(strstr(d->faults[i].detail, "must ") != NULL);
	}
	cs_lead_doc_free(d);
}
END_TEST

START_TEST(a_long_faulty_text_is_cut_in_the_note_between_characters)
{
	CS_CLEANUP(cs_buf_fini) struct cs_buf b = CS_BUF_INIT(0);
	struct cs_lead_doc *d;
	const char *w;

	cs_buf_adds(&b, "{\"call_id\":\"c\",\"direction\":\"inbound\",\"transcript_summary\":\"x");
	for (int i = 0; i < 5000; i++)
		cs_buf_adds(&b, "\xc3\xa9");
	cs_buf_adds(&b, "\"}");
	d = READ(.call = b.ptr);
	w = d->view.warnings;
	ck_assert_int_eq(d->worst, CS_FAULT_OPTIONAL);
	ck_assert(cs_utf8_valid(w, strlen(w), true));
	ck_assert_str_eq(w + strlen(w) - 4, "...)");
	ck_assert_uint_lt(strlen(w), 8300);
	ck_assert_uint_gt(strlen(w), 8192);
	cs_lead_doc_free(d);
}
END_TEST

START_TEST(all_envelope_faults_come_first_and_the_others_behind)
{
	struct cs_lead_doc *d = read_lead("{\"event\":\"job.paid\",\"contact\":{\"phone\":1}}");

	ck_assert_int_eq(d->worst, CS_FAULT_ENVELOPE);
	for (size_t i = 0; i < 4; i++)
		ck_assert_int_eq(d->faults[i].class, CS_FAULT_ENVELOPE);
	for (size_t i = 4; i < d->n_faults; i++)
		ck_assert_int_lt(d->faults[i].class, CS_FAULT_ENVELOPE);
	ck_assert_str_eq(d->faults[0].pointer, "/schema_version");
	ck_assert_str_eq(d->faults[0].detail, "is missing; must be 1. and a number, like 1.0");
	ck_assert_str_eq(d->faults[1].detail, "must be lead.qualified or lead.unqualified");
	cs_lead_doc_free(d);
}
END_TEST

START_TEST(what_is_no_json_object_is_one_envelope_fault_without_a_pointer)
{
	static const struct {
		const char *text, *detail;
	} bad[] = {
		{ "", "the text ends where a value should be" }, { "[]", "must be a JSON object" }, { "null", "must be a JSON object" },
		{ "7", "must be a JSON object" }, { "{\"a\":1", "at byte 6" }, { "{\"a\":1}x", "something stands behind" },
		{ "{\"a\":1,\"a\":2}", "there already" }, { "{\"a\":\"\\u0000\"}", "NUL" }, { "{\"a\":\"\xc0\x80\"}", "UTF-8" },
		{ "{\"a\":1e999}", "beyond the range" }, { "{a:1}", "double quotes" },
	};

	for (size_t i = 0; i < CS_ARRAY_LEN(bad); i++) {
		struct cs_lead_doc *d = read_lead(bad[i].text);

		ck_assert_int_eq(d->worst, CS_FAULT_ENVELOPE);
		ck_assert_uint_eq(d->n_faults, 1);
		ck_assert_str_eq(d->faults[0].pointer, "");
		ck_assert_msg(strstr(d->faults[0].detail, bad[i].detail) != NULL, "%s", d->faults[0].detail);
		ck_assert_ptr_null(cs_lead_json(d));
		ck_assert_str_eq(d->view.contact->phone, "");
		ck_assert_ptr_null(cs_lead_read_stored(bad[i].text, strlen(bad[i].text), 0));
		cs_lead_doc_free(d);
	}
}
END_TEST

/* The object itself is the first level. */
START_TEST(nesting_is_bounded_at_sixteen)
{
	for (int levels = 16; levels <= 17; levels++) {
		CS_CLEANUP(cs_buf_fini) struct cs_buf b = CS_BUF_INIT(0);
		struct cs_lead_doc *d;

		cs_buf_adds(&b, ",\"x\":");
		for (int i = 1; i < levels; i++)
			cs_buf_addc(&b, '[');
		for (int i = 1; i < levels; i++)
			cs_buf_addc(&b, ']');
		d = READ(.rest = b.ptr);
		ck_assert_int_eq(d->worst, levels == 16 ? CS_FAULT_NONE : CS_FAULT_ENVELOPE);
		cs_lead_doc_free(d);
	}
}
END_TEST

START_TEST(a_body_of_256_kib_is_read_and_one_more_byte_is_not)
{
	CS_CLEANUP(cs_buf_fini) struct cs_buf b = CS_BUF_INIT(0);
	struct cs_lead_doc *d;

	cs_buf_adds(&b, sample_lead());
	while (b.len < CS_LEAD_MAX_BYTES)
		cs_buf_addc(&b, ' ');
	d = read_lead(b.ptr);
	ck_assert_int_eq(d->worst, CS_FAULT_NONE);
	cs_lead_doc_free(d);
	cs_buf_addc(&b, ' ');
	d = read_lead(b.ptr);
	ck_assert_int_eq(d->worst, CS_FAULT_ENVELOPE);
	ck_assert_str_eq(d->faults[0].detail, "must be at most 262144 bytes");
	cs_lead_doc_free(d);
}
END_TEST

START_TEST(nested_answers_count_as_absent_and_the_others_are_kept_as_given)
{
	struct cs_lead_doc *d = READ(.rest = ",\"ai_analysis\":{\"qualifier_answers\":{\"z\":1.50,\"a/b\":[1],\"n\":null,\"t\":\"/\","
	                                     "\"~\":{\"x\":1}}}");

	ck_assert_int_eq(d->worst, CS_FAULT_OPTIONAL);
	ck_assert_uint_eq(d->n_faults, 2);
	ck_assert_str_eq(d->faults[0].pointer, "/ai_analysis/qualifier_answers/a~1b");
	ck_assert_str_eq(d->faults[1].pointer, "/ai_analysis/qualifier_answers/~0");
	ck_assert_str_eq(d->view.analysis->qualifier_answers.ptr, "{\"z\":1.50,\"n\":null,\"t\":\"/\"}");
	ck_assert_ptr_nonnull(strstr(d->view.warnings, "(given: "));
	cs_lead_doc_free(d);
}
END_TEST

START_TEST(faults_beyond_the_list_are_counted_and_none_of_them_is_required)
{
	CS_CLEANUP(cs_buf_fini) struct cs_buf b = CS_BUF_INIT(0);
	struct cs_lead_doc *d;

	cs_buf_adds(&b, ",\"ai_analysis\":{\"qualifier_answers\":{");
	for (int i = 0; i < 100; i++)
		cs_buf_printf(&b, "%s\"q%d\":[]", i > 0 ? "," : "", i);
	cs_buf_adds(&b, "}}");
	d = READ(.contact = "{}", .rest = b.ptr);
	ck_assert_int_eq(d->worst, CS_FAULT_REQUIRED);
	ck_assert_uint_eq(d->n_faults, 64);
	ck_assert_uint_eq(d->n_more, 37);
	ck_assert_int_eq(fault_at(d, "/contact")->class, CS_FAULT_REQUIRED);
	ck_assert_str_eq(d->view.analysis->qualifier_answers.ptr, "{}");
	cs_lead_doc_free(d);
}
END_TEST

START_TEST(an_unqualified_lead_needs_no_routing)
{
	struct cs_lead_doc *d = READ(.event = "lead.unqualified", .routing = "null");

	ck_assert_int_eq(d->worst, CS_FAULT_NONE);
	ck_assert(d->unqualified);
	cs_lead_doc_free(d);
	d = READ(.routing = "null");
	ck_assert_int_eq(d->worst, CS_FAULT_REQUIRED);
	ck_assert_ptr_nonnull(fault_at(d, "/routing/destination_crm"));
	cs_lead_doc_free(d);
}
END_TEST

START_TEST(an_event_id_is_shown_in_lower_case)
{
	struct cs_lead_doc *d = READ(.id = "3F0C2C1E-6A0D-4D0E-9A41-5B8F0A2B9D11");

	ck_assert_int_eq(d->worst, CS_FAULT_NONE);
	ck_assert_str_eq(d->view.event_id, TEST_ID);
	ck_assert_uint_eq(d->event_id[0], 0x3f);
	ck_assert_uint_eq(d->event_id[15], 0x11);
	cs_lead_doc_free(d);
}
END_TEST

START_TEST(an_end_before_the_begin_is_dropped)
{
	struct cs_lead_doc *d = READ(.call = "{\"call_id\":\"c\",\"direction\":\"outbound\",\"started_at\":\"2026-05-26T14:00:00Z\","
	                                     "\"ended_at\":\"2026-05-26T15:59:59+02:00\"}");

	ck_assert_str_eq(fault_at(d, "/call/ended_at")->detail, "must not be before started_at");
	ck_assert_str_eq(d->view.call->ended_at, "");
	ck_assert_str_eq(d->view.call->started_at, "2026-05-26T14:00:00Z");
	cs_lead_doc_free(d);
}
END_TEST

/* 12:00 UTC is 08:00 in New York in summer. */
START_TEST(a_preferred_time_is_resolved_with_the_connections_zone_or_its_own)
{
	struct cs_lead_doc *d = READ(.request = "{\"service_type\":\"HVAC\",\"urgency\":\"flexible\","
	                                        "\"preferred_schedule\":\"2026-05-27T08:00:00\"}");

	cs_lead_resolve_time(d, "America/New_York");
	ck_assert_int_eq(d->view.request->has_preferred_at, 1);
	ck_assert_int_eq(d->view.request->preferred_at_ms, 1779883200000);
	cs_lead_resolve_time(d, "Nowhere/City");
	ck_assert_int_eq(d->view.request->has_preferred_at, 0);
	cs_lead_resolve_time(d, "");
	ck_assert_int_eq(d->view.request->has_preferred_at, 0);
	ck_assert_str_eq(d->view.request->preferred_schedule, "2026-05-27T08:00:00");
	cs_lead_doc_free(d);
	d = READ(.request = "{\"service_type\":\"HVAC\",\"urgency\":\"flexible\","
	                    "\"preferred_schedule\":\"2026-05-27T08:00:00-04:00\"}");
	cs_lead_resolve_time(d, "");
	ck_assert_int_eq(d->view.request->has_preferred_at, 1);
	ck_assert_int_eq(d->view.request->preferred_at_ms, 1779883200000);
	cs_lead_doc_free(d);
	d = READ(.id = NULL);
	cs_lead_resolve_time(d, "America/New_York");
	ck_assert_int_eq(d->view.request->has_preferred_at, 0);
	cs_lead_doc_free(d);
}
END_TEST

START_TEST(a_stored_lead_is_read_like_a_new_one_and_a_faulty_one_too)
{
	static const char faulty[] = "{\"schema_version\":\"1.0\",\"event\":\"lead.qualified\",\"event_id\":\"" TEST_ID "\","
	                             "\"callsetter_account_id\":\"a\"}";
	const char *text = sample_lead();
	struct cs_lead_doc *d = cs_lead_read_stored(text, strlen(text), 77);

	ck_assert_int_eq(d->worst, CS_FAULT_NONE);
	ck_assert_int_eq(d->view.received_ms, 77);
	ck_assert(!d->is_event);
	ck_assert_uint_ne(d->phone_key, 0);
	ck_assert_uint_ne(d->email_key, 0);
	cs_lead_doc_free(d);
	d = cs_lead_read_stored(faulty, strlen(faulty), 77);
	ck_assert_int_eq(d->worst, CS_FAULT_REQUIRED);
	ck_assert_str_eq(d->view.account, "a");
	cs_lead_doc_free(d);
}
END_TEST

static bool
is_test(const char *member)
{
	CS_CLEANUP(cs_freep) char *text = cs_xasprintf("{\"schema_version\":\"1.0\",\"event\":\"lead.qualified\",\"event_id\":\"" TEST_ID
	                                               "\",\"callsetter_account_id\":\"a\"%s}", member);
	struct cs_lead_doc *d = cs_lead_read(text, strlen(text), 1), *again = cs_lead_read_stored(text, strlen(text), 1);
	bool yes = cs_lead_is_test(d);

	ck_assert(cs_lead_is_test(again) == yes);
	cs_lead_doc_free(d);
	cs_lead_doc_free(again);
	return yes;
}

START_TEST(a_test_is_what_says_so_of_itself)
{
	ck_assert(is_test(",\"is_test\":true"));
	ck_assert(!is_test(""));
	ck_assert(!is_test(",\"is_test\":false"));
	ck_assert(!is_test(",\"is_test\":\"true\""));
	ck_assert(!is_test(",\"is_test\":null"));
	ck_assert(!is_test(",\"routing\":{\"is_test\":true}"));
}
END_TEST

START_TEST(a_stored_event_of_ours_shows_its_envelope_only)
{
	static const char event[] = "{\"schema_version\":\"1.0\",\"event\":\"job.paid\",\"event_id\":\"" TEST_ID "\","
	                            "\"callsetter_account_id\":\"acct_1\",\"contact\":{\"phone\":\"+13055550182\"}}";
	struct cs_lead_doc *d = cs_lead_read_stored(event, strlen(event), 5);

	ck_assert_ptr_nonnull(d);
	ck_assert(d->is_event);
	ck_assert_int_eq(d->worst, CS_FAULT_NONE);
	ck_assert_str_eq(d->view.event, "job.paid");
	ck_assert_str_eq(d->view.event_id, TEST_ID);
	ck_assert_str_eq(d->view.account, "acct_1");
	ck_assert_int_eq(d->view.received_ms, 5);
	ck_assert_str_eq(d->view.contact->phone, "");
	ck_assert_ptr_eq(d->view.raw.ptr, event);
	cs_lead_doc_free(d);
}
END_TEST

START_TEST(a_lead_with_a_faulty_envelope_is_no_event)
{
	static const char text[] = "{\"schema_version\":\"2.0\",\"event\":\"lead.qualified\",\"event_id\":\"" TEST_ID "\","
	                           "\"callsetter_account_id\":\"acct_1\"}";

	ck_assert_ptr_null(cs_lead_read_stored(text, strlen(text), 5));
	ck_assert_ptr_null(cs_lead_read_stored("{\"event\":\"job.paid\"}", 20, 5));
}
END_TEST

/* What is stored is what came, though the parser works in place. */
START_TEST(the_body_stays_as_it_came_and_the_view_does_not_need_it)
{
	CS_CLEANUP(cs_freep) char *body = cs_xstrdup(sample_lead());
	size_t n = strlen(body);
	struct cs_lead_doc *d = cs_lead_read(body, n, TEST_NOW_MS);

	ck_assert_str_eq(body, sample_lead());
	ck_assert_ptr_eq(d->view.raw.ptr, body);
	ck_assert_uint_eq(d->view.raw.len, n);
	ck_assert_str_eq(cs_json_str(cs_lead_json(d), "event", ""), "lead.qualified");
	ck_assert_ptr_eq(cs_lead_json(d), cs_lead_json(d));
	memset(body, 'x', n);
	ck_assert_str_eq(d->view.contact->first_name, "Maria");
	ck_assert_str_eq(d->view.call->ended_at, "2026-05-26T14:32:00Z");
	cs_lead_doc_free(d);
}
END_TEST

START_TEST(members_may_come_in_any_order_and_names_count_in_their_own_object_only)
{
	struct cs_lead_doc *d = READ(.contact = "{\"address\":{\"zip\":\"1\",\"city\":\"c\"},\"zip\":7,"
	                                        "\"phone\":\"+13055550182\",\"first_name\":\"f\"}",
	                             .rest = ",\"first_name\":9,\"ai_analysis\":{\"sentiment\":\"s\"},\"city\":[]");

	ck_assert_int_eq(d->worst, CS_FAULT_NONE);
	ck_assert_str_eq(d->view.contact->first_name, "f");
	ck_assert_str_eq(d->view.contact->address->zip, "1");
	ck_assert_str_eq(d->view.contact->address->city, "c");
	ck_assert_str_eq(d->view.analysis->sentiment, "s");
	cs_lead_doc_free(d);
}
END_TEST

START_TEST(a_refused_sender_is_the_only_fault_left)
{
	struct cs_lead_doc *d = READ(.contact = "{\"phone\":\"+13055550182\",\"email\":\"none\"}");

	ck_assert_int_eq(d->worst, CS_FAULT_OPTIONAL);
	cs_lead_refuse(d, "/callsetter_account_id", "not yours");
	ck_assert_int_eq(d->worst, CS_FAULT_ENVELOPE);
	ck_assert_uint_eq(d->n_faults, 1);
	ck_assert_str_eq(d->faults[0].detail, "not yours");
	cs_lead_doc_free(d);
}
END_TEST

START_TEST(urgencies_have_names)
{
	ck_assert_str_eq(cs_urgency_name(CS_URGENCY_EMERGENCY), "emergency");
	ck_assert_str_eq(cs_urgency_name(CS_URGENCY_SAME_DAY), "same_day");
	ck_assert_str_eq(cs_urgency_name(CS_URGENCY_SAME_WEEK), "same_week");
	ck_assert_str_eq(cs_urgency_name(CS_URGENCY_FLEXIBLE), "flexible");
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {
		the_sample_is_read_into_every_field_of_the_view,
		what_is_absent_is_empty_unknown_or_has_no_value,
		a_lead_without_phone_is_kept_if_it_has_an_email,
		a_faulty_optional_field_counts_as_absent_and_its_text_goes_to_the_note,
		no_detail_repeats_what_was_given,
		a_long_faulty_text_is_cut_in_the_note_between_characters,
		all_envelope_faults_come_first_and_the_others_behind,
		what_is_no_json_object_is_one_envelope_fault_without_a_pointer,
		nesting_is_bounded_at_sixteen,
		a_body_of_256_kib_is_read_and_one_more_byte_is_not,
		nested_answers_count_as_absent_and_the_others_are_kept_as_given,
		faults_beyond_the_list_are_counted_and_none_of_them_is_required,
		an_unqualified_lead_needs_no_routing,
		an_event_id_is_shown_in_lower_case,
		an_end_before_the_begin_is_dropped,
		a_preferred_time_is_resolved_with_the_connections_zone_or_its_own,
		a_stored_lead_is_read_like_a_new_one_and_a_faulty_one_too,
		a_test_is_what_says_so_of_itself,
		a_stored_event_of_ours_shows_its_envelope_only,
		a_lead_with_a_faulty_envelope_is_no_event,
		the_body_stays_as_it_came_and_the_view_does_not_need_it,
		members_may_come_in_any_order_and_names_count_in_their_own_object_only,
		a_refused_sender_is_the_only_fault_left,
		urgencies_have_names,
	};

	return run_tests("lead", tests, CS_ARRAY_LEN(tests));
}

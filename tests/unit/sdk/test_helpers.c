/* SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cs/helpers.h>

/* ---- a host that has memory, one setting, and answers from a list */
struct cs_call {
	void *blocks[4096];
	size_t n_blocks;
	const char *template;
	const char *answers[4], *queries[4];
	size_t n_queries;
	char reason[600];
};
static struct cs_call call;

static void *
alloc(struct cs_call *c, size_t n)
{
	ck_assert(c->n_blocks < 4096);
	return c->blocks[c->n_blocks++] = calloc(1, n);
}

static struct cs_bytes
setting(struct cs_call *c, const char *key)
{
	ck_assert_str_eq(key, "note_template");
	return (struct cs_bytes){ c->template, c->template ? strlen(c->template) : 0 };
}

static CS_PRINTF(3, 4) int32_t
host_fail(struct cs_call *c, int32_t outcome, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(c->reason, sizeof(c->reason), fmt, ap);
	va_end(ap);
	return outcome;
}

static int32_t
http(struct cs_call *c, const struct cs_http_req *req, struct cs_http_res *res)
{
	const char *body = c->answers[c->n_queries];

	ck_assert_uint_lt(c->n_queries, 4);
	c->queries[c->n_queries++] = req->query ? req->query : "";
	if (!body)
		return CS_RETRY;
	res->status = body[0] == '!' ? 403 : 200;
	res->body = (struct cs_bytes){ body + (body[0] == '!'), strlen(body) - (body[0] == '!') };
	return CS_DONE;
}

static const struct cs_host_v1 host = { .struct_size = sizeof(host), .alloc = alloc, .setting = setting,
    .http = http, .fail = host_fail };
static const struct csh the_csh = { &host, &call };
static const struct csh *h = &the_csh;

static void
setup(void)
{
	memset(&call, 0, sizeof(call));
}

static void
teardown(void)
{
	while (call.n_blocks)
		free(call.blocks[--call.n_blocks]);
}

/* ---- text */
START_TEST(text_is_encoded_for_its_place)
{
	struct csh_str s = CSH_STR(h);

	ck_assert_str_eq(csh_url(h, "a b+c/d\xc3\xa9~"), "a%20b%2Bc%2Fd%C3%A9~");
	ck_assert_str_eq(csh_form(h, "a b&c=d"), "a+b%26c%3Dd");
	csh_add_json(&s, "q\"b\\n\nt\x01\xc3\xa9");
	ck_assert_str_eq(csh_text(&s), "\"q\\\"b\\\\n\\u000at\\u0001\xc3\xa9\"");
	s = (struct csh_str)CSH_STR(h);
	csh_add_html(&s, "<a&'\"\n>", 7);
	ck_assert_str_eq(csh_text(&s), "&lt;a&amp;&#39;&quot;<br>&gt;");
}
END_TEST

START_TEST(base64_pads)
{
	ck_assert_str_eq(csh_base64(h, csh_bytes("")), "");
	ck_assert_str_eq(csh_base64(h, csh_bytes("f")), "Zg==");
	ck_assert_str_eq(csh_base64(h, csh_bytes("fo")), "Zm8=");
	ck_assert_str_eq(csh_base64(h, csh_bytes("foo")), "Zm9v");
	ck_assert_str_eq(csh_base64(h, csh_bytes("\xff\xfe\xfd\xfc")), "//79/A==");
}
END_TEST

START_TEST(times_and_money_are_exact)
{
	ck_assert_str_eq(csh_time(h, 1779805920000), "2026-05-26T14:32:00Z");
	ck_assert_str_eq(csh_time(h, 0), "");
	ck_assert_str_eq(csh_time(h, 253402300799000), "9999-12-31T23:59:59Z");
	ck_assert_str_eq(csh_time(h, 253402300800000), "");
	ck_assert_str_eq(csh_time(h, INT64_MAX), "");
	ck_assert_str_eq(csh_cents(h, 85000), "850.00");
	ck_assert_str_eq(csh_cents(h, 5), "0.05");
	ck_assert_str_eq(csh_cents(h, -105), "-1.05");
	ck_assert_str_eq(csh_cents(h, INT64_MIN), "-92233720368547758.08");
}
END_TEST

START_TEST(a_text_stops_at_its_ceiling)
{
	struct csh_str s = CSH_STR(h);
	char *big = alloc(&call, 600001);

	memset(big, 'x', 600000);
	csh_adds(&s, big);
	csh_adds(&s, big);
	ck_assert_uint_eq(s.len, 600000);
	csh_adds(&s, "end");
	ck_assert_str_eq(csh_text(&s) + 600000, "end");
}
END_TEST

/* ---- JSON */
START_TEST(json_is_read_by_pointer_with_a_default)
{
	CSH_JSON o = csh_json_parse(csh_bytes("{\"a\":{\"b\":[1,\"x\",null,{}]},\"n\":2.5,\"t\":true}"));

	ck_assert_str_eq(csh_get(o, "/a/b/1"), "x");
	ck_assert_str_eq(csh_get(o, "/a/b/0"), "1");
	ck_assert_str_eq(csh_get(o, "/a/b/2"), "");
	ck_assert_str_eq(csh_get(o, "/a/b/3"), "");
	ck_assert_str_eq(csh_get(o, "/a/b/9"), "");
	ck_assert_str_eq(csh_get(o, "/t"), "true");
	ck_assert_str_eq(csh_get_or(o, "/nothing", "d"), "d");
	ck_assert_str_eq(csh_get(NULL, "/a"), "");
	ck_assert_int_eq(csh_get_int(o, "/a/b/0", 7), 1);
	ck_assert_int_eq(csh_get_int(o, "/a/b/1", 7), 7);
	ck_assert_uint_eq(csh_count(csh_at(o, "/a/b")), 4);
	ck_assert_uint_eq(csh_count(csh_at(o, "/a")), 0);
}
END_TEST

START_TEST(what_is_no_json_is_nothing)
{
	static const char *const bad[] = { "", "{", "<html>", "{\"a\":", "{\"a\":\"\xff\"}" };
	char deep[200];

	for (size_t i = 0; i < 5; i++)
		ck_assert_ptr_null(csh_json_parse(csh_bytes(bad[i])));
	memset(deep, '[', sizeof(deep) - 1);
	deep[sizeof(deep) - 1] = '\0';
	ck_assert_ptr_null(csh_json_parse(csh_bytes(deep)));
}
END_TEST

START_TEST(empty_values_are_left_out)
{
	CSH_JSON o = json_object_new_object();

	csh_put(o, "a", "");
	csh_put(o, "b", "x/y");
	csh_put_new(o, "c", json_object_new_object());
	csh_put_new(o, "d", json_object_new_array());
	ck_assert_str_eq(csh_json_bytes(o).ptr, "{\"b\":\"x/y\"}");
}
END_TEST

/* ---- lead */
START_TEST(phones_are_compared_by_their_last_ten_digits)
{
	ck_assert(csh_phone_same("+13055550182", "(305) 555-0182"));
	ck_assert(csh_phone_same("3055550182", "+1 305.555.0182"));
	ck_assert(!csh_phone_same("+13055550182", "+17735550182"));
	ck_assert(!csh_phone_same("5550182", "+13055550182"));
	ck_assert(csh_phone_same("5550182", "555-0182"));
	ck_assert(!csh_phone_same("", ""));
	ck_assert(!csh_phone_same("123456", "123456"));
}
END_TEST

START_TEST(phones_take_the_form_that_is_asked_for)
{
	ck_assert_str_eq(csh_phone_national(h, "+13055550182"), "3055550182");
	ck_assert_str_eq(csh_phone_national(h, "305-555-0182"), "3055550182");
	ck_assert_str_eq(csh_phone_national(h, "+442079460018"), "+442079460018");
	ck_assert_str_eq(csh_phone_e164(h, "305-555-0182"), "+13055550182");
	ck_assert_str_eq(csh_phone_e164(h, "13055550182"), "+13055550182");
	ck_assert_str_eq(csh_phone_e164(h, "+442079460018"), "+442079460018");
	ck_assert_str_eq(csh_phone_e164(h, "none"), "");
}
END_TEST

static struct cs_lead_address address = { sizeof(address), 0, "1420 NW 7th Ave", "Miami", "FL", "33136",
    "US" };
static struct cs_lead_contact contact = { sizeof(contact), 0, "Maria", "Gonzalez", "+13055550182",
    "maria@example.com", &address };
static struct cs_lead_call calls = { sizeof(calls), 1, 142, "call_abc123", "inbound", "", "",
	"https://storage.callsetter.ai/r.mp3?a=1&b=2", "", "No heat." };
static struct cs_lead_request request = { sizeof(request), CS_TRI_NO, "HVAC", "heating_repair", "same_day",
    "Furnace <off>",
	"2026-05-27T08:00:00", 0, 0, 0 };
static struct cs_lead_analysis analysis = { sizeof(analysis), 1, 0.87, "neutral", "qualified", "",
	{ "{\"owns_home\":true,\"n\":null}", 27 } };
static struct cs_lead lead = { .struct_size = sizeof(lead),
    .event_id = "7d1f4f0e-3c55-4b0e-9a7e-2f6f0a9c1b11", .account = "a",
	.call = &calls, .contact = &contact, .request = &request, .analysis = &analysis, .assigned_to = "",
	.warnings = "/contact/email: no at sign" };

START_TEST(a_caller_without_name_is_called_by_number)
{
	struct cs_lead_contact c = contact;

	ck_assert_str_eq(csh_full_name(h, &c), "Maria Gonzalez");
	c.last_name = "";
	ck_assert_str_eq(csh_full_name(h, &c), "Maria");
	c.first_name = "";
	ck_assert_str_eq(csh_full_name(h, &c), "+13055550182");
	c.phone = "";
	ck_assert_str_eq(csh_full_name(h, &c), "maria@example.com");
}
END_TEST

START_TEST(an_address_is_one_line_of_what_is_known)
{
	struct cs_lead_address a = address;

	ck_assert_str_eq(csh_address_line(h, &a), "1420 NW 7th Ave, Miami, FL 33136");
	a.street = a.state = "";
	a.country = "CA";
	ck_assert_str_eq(csh_address_line(h, &a), "Miami, 33136, CA");
	a = (struct cs_lead_address){ sizeof(a), 0, "", "", "", "", "" };
	ck_assert_str_eq(csh_address_line(h, &a), "");
}
END_TEST

/* ---- note */
START_TEST(the_note_says_what_is_known)
{
	const char *note = csh_note(h, &lead, CSH_PLAIN, 10000);

	ck_assert_str_eq(note,
	                 "CallSetter AI lead\nService: HVAC / heating repair\nUrgency: same day\nFurnace <off>\n"
	                 "Preferred time: 2026-05-27 08:00\nCaller: Maria Gonzalez +13055550182 maria@example.com\n"
	                 "Address: 1420 NW 7th Ave, Miami, FL 33136\nExisting customer: no\nCall summary: No heat.\n"
	                 "Answers: owns home: yes, n: not said\nAI score: 87 of 100\nSentiment: neutral\n"
	                 "Call duration: 2 min 22 s\nRecording: https://storage.callsetter.ai/r.mp3?a=1&b=2\n"
	                 "Remarks: /contact/email: no at sign\nCallSetter 7d1f4f0e-3c55-4b0e-9a7e-2f6f0a9c1b11");
}
END_TEST

START_TEST(html_notes_escape_and_link)
{
	const char *note = csh_note(h, &lead, CSH_HTML, 10000);

	ck_assert_ptr_nonnull(strstr(note, "<br>Furnace &lt;off&gt;<br>"));
	ck_assert_ptr_nonnull(strstr(note, "<a href=\"https://storage.callsetter.ai/r.mp3?a=1&amp;b=2\">"));
	ck_assert_ptr_null(strstr(note, "\n"));
}
END_TEST

START_TEST(an_operators_template_always_gets_the_marker)
{
	call.template = "Job: {service}\r\nWhy: {reason}\n{unknown} <b>\n";
	ck_assert_str_eq(csh_note(h, &lead, CSH_PLAIN, 10000),
	                 "Job: HVAC / heating repair\n{unknown} <b>\nCallSetter 7d1f4f0e-3c55-4b0e-9a7e-2f6f0a9c1b11");
	ck_assert_ptr_nonnull(strstr(csh_note(h, &lead, CSH_HTML, 10000),
	    "{unknown} &lt;b&gt;<br>CallSetter"));
	call.template = "{marker} {";
	ck_assert_str_eq(csh_note(h, &lead, CSH_PLAIN, 10000),
	    "CallSetter 7d1f4f0e-3c55-4b0e-9a7e-2f6f0a9c1b11 {");
}
END_TEST

START_TEST(a_long_note_is_cut_but_keeps_the_marker)
{
	struct cs_lead_request long_request = request;
	struct cs_lead long_lead = lead;
	char *text = alloc(&call, 8193);
	const char *note;

	for (size_t i = 0; i < 8192; i += 2)
		memcpy(text + i, "\xc3\xa9", 2);
	long_request.issue_description = text;
	long_lead.request = &long_request;
	note = csh_note(h, &long_lead, CSH_HTML, 3000);
	ck_assert_uint_le(strlen(note), 3000);
	ck_assert_ptr_nonnull(strstr(note, "\xc3\xa9 [...]<br>"));
	ck_assert_ptr_nonnull(strstr(note, "CallSetter 7d1f4f0e"));
	ck_assert_str_eq(csh_note(h, &long_lead, CSH_PLAIN, 20),
	    "CallSetter 7d1f4f0e-3c55-4b0e-9a7e-2f6f0a9c1b11");
}
END_TEST

/* ---- answers */
static const char *
error_of(const char *body)
{
	struct cs_http_res res = CS_RES_INIT;

	res.status = 400;
	res.body = csh_bytes(body);
	return csh_vendor_error(h, &res);
}

START_TEST(every_shape_of_vendor_error_is_read)
{
	ck_assert_str_eq(error_of("{\"message\":\"a\"}"), "a");
	ck_assert_str_eq(error_of("{\"error\":{\"message\":\"b\"}}"), "b");
	ck_assert_str_eq(error_of("{\"error\":\"c\"}"), "c");
	ck_assert_str_eq(error_of("{\"errors\":{\"f\":[\"d\",\"e\"],\"g\":\"h\"}}"), "f: d; e; g: h");
	ck_assert_str_eq(error_of("{\"message\":\"i\",\"attr\":[\"j\"]}"), "i; j");
	ck_assert_str_eq(error_of("{\"error\":\"x\",\"error_description\":\"k\"}"), "k");
	ck_assert_str_eq(error_of("{\"errors\":[{\"message\":\"l\"},{\"detail\":\"m\"}]}"), "l; m");
	ck_assert_str_eq(error_of("{\"title\":\"n\"}"), "n");
	ck_assert_str_eq(error_of("plain words"), "plain words");
	ck_assert_str_eq(error_of("<html>"), "HTTP 400");
	ck_assert_str_eq(error_of(""), "HTTP 400");
	ck_assert_str_eq(error_of("{}"), "HTTP 400");
	ck_assert_str_eq(error_of("null"), "null");
}
END_TEST

START_TEST(pages_follow_a_cursor)
{
	struct csh_pages p = { .step = "find", .path = "/x", .query = "limit=1",
	    .next = "/paging/next/after", .next_param = "after", .max = 9 };
	int n = 0;

	call.answers[0] = "{\"paging\":{\"next\":{\"after\":\"a b\"}}}";
	call.answers[1] = "{}";
	while (csh_next_page(h, &p))
		n++;
	ck_assert_int_eq(p.rc, CS_DONE);
	ck_assert_int_eq(n, 2);
	ck_assert_str_eq(call.queries[0], "limit=1");
	ck_assert_str_eq(call.queries[1], "limit=1&after=a%20b");
}
END_TEST

START_TEST(numbered_pages_end_with_the_last_or_the_bound)
{
	struct csh_pages p = { .step = "find", .path = "/x", .page_param = "page", .total = "/total_pages",
	    .max = 3 };

	call.answers[0] = call.answers[1] = call.answers[2] = "{\"total_pages\":99}";
	while (csh_next_page(h, &p))
		;
	ck_assert_int_eq(p.rc, CS_DONE);
	ck_assert_int_eq(p.page, 3);
	ck_assert_str_eq(call.queries[2], "page=3");
	p.page = 0;
	call.n_queries = 0;
	call.answers[0] = "{\"total_pages\":1}";
	while (csh_next_page(h, &p))
		;
	ck_assert_int_eq(p.page, 1);
}
END_TEST

START_TEST(pages_say_how_they_failed)
{
	struct csh_pages p = { .step = "find", .path = "/x", .page_param = "page", .total = "/total_pages",
	    .max = 3 };

	call.answers[0] = "{\"total_pages\":9}";
	ck_assert(csh_next_page(h, &p));
	ck_assert(!csh_next_page(h, &p));
	ck_assert_int_eq(p.rc, CS_RETRY);
	ck_assert_ptr_null(p.answer);
	p.page = 0;
	call.n_queries = 0;
	call.answers[0] = "!{\"message\":\"not for you\"}";
	ck_assert(!csh_next_page(h, &p));
	ck_assert_int_eq(p.rc, CS_REJECT);
	ck_assert_str_eq(call.reason, "the list could not be read: not for you");
}
END_TEST

START_TEST(an_answer_of_another_form_is_not_nothing_found)
{
	CSH_JSON o = csh_json_parse(csh_bytes("{\"rows\":[],\"object\":{},\"id\":\"51\",\"none\":null}"));

	ck_assert_int_eq(csh_need_list(h, o, "/rows"), CS_DONE);
	ck_assert_int_eq(csh_need_list(h, o, "/object"), CS_RETRY);
	ck_assert_str_eq(call.reason, "the answer has no list at /object");
	ck_assert_int_eq(csh_need_list(h, NULL, "/rows"), CS_RETRY);
	ck_assert_int_eq(csh_need(h, o, "/id"), CS_DONE);
	ck_assert_int_eq(csh_need(h, o, "/none"), CS_RETRY);
	ck_assert_str_eq(call.reason, "the answer has nothing at /none");
	ck_assert_int_eq(csh_need(h, o, "/object"), CS_RETRY);
}
END_TEST

START_TEST(a_page_without_its_list_is_tried_again)
{
	struct csh_pages p = { .step = "find", .path = "/x", .items = "/rows", .page_param = "page", .total = "/pages", .max = 5 };

	call.answers[0] = "{\"rows\":[1],\"pages\":2}";
	call.answers[1] = "{\"error\":\"try later\"}";
	ck_assert_int_eq(csh_next_page(h, &p), 1);
	ck_assert_int_eq(csh_next_page(h, &p), 0);
	ck_assert_int_eq(p.rc, CS_RETRY);
	ck_assert_ptr_null(p.answer);
}
END_TEST

START_TEST(events_list_what_matches_and_what_belongs)
{
	CSH_JSON e = csh_event("job.paid", "2026-06-02T18:05:00Z", "k");

	csh_event_record(e, "job", "1");
	csh_event_record(e, "estimate", "");
	csh_event_also(e, "customer", "2");
	csh_event_match(e, "phone", "+13055550182");
	csh_event_amount(e, "850.00", "USD", "paid");
	ck_assert_str_eq(csh_json_bytes(e).ptr,
	                 "{\"event\":\"job.paid\",\"occurred_at\":\"2026-06-02T18:05:00Z\",\"dedupe\":\"k\","
	                 "\"match\":[{\"type\":\"job\",\"id\":\"1\"},{\"phone\":\"+13055550182\"}],"
	                 "\"records\":[{\"type\":\"job\",\"id\":\"1\"},{\"type\":\"customer\",\"id\":\"2\"}],"
	                 "\"job\":{\"amount\":{\"value\":\"850.00\",\"currency\":\"USD\",\"basis\":\"paid\"}}}");
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = { text_is_encoded_for_its_place, base64_pads, times_and_money_are_exact,
		a_text_stops_at_its_ceiling, json_is_read_by_pointer_with_a_default,
		    what_is_no_json_is_nothing,
		empty_values_are_left_out, phones_are_compared_by_their_last_ten_digits,
		    phones_take_the_form_that_is_asked_for,
		a_caller_without_name_is_called_by_number, an_address_is_one_line_of_what_is_known,
		    the_note_says_what_is_known,
		html_notes_escape_and_link, an_operators_template_always_gets_the_marker,
		    a_long_note_is_cut_but_keeps_the_marker,
		every_shape_of_vendor_error_is_read, pages_follow_a_cursor,
		    numbered_pages_end_with_the_last_or_the_bound,
		pages_say_how_they_failed, an_answer_of_another_form_is_not_nothing_found,
		a_page_without_its_list_is_tried_again, events_list_what_matches_and_what_belongs };
	Suite *s = suite_create("helpers");
	TCase *tc = tcase_create("all");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(tc, setup, teardown);
	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		tcase_add_test(tc, tests[i]);
	suite_add_tcase(s, tc);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? 0 : 1;
}

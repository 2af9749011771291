/* SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cs/helpers.h>

/* ---- a host that has memory, one setting, and answers from a list */
struct cs_call {
	const struct cs_host_v1 *host;
	void *blocks[4096];
	size_t n_blocks;
	const char *template, *list;
	const char *answers[4], *queries[4];
	size_t n_queries;
	char reason[600], budget[80];
	struct cs_bytes emitted;
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
	const char *value = strcmp(key, "list") == 0 ? c->list : c->template;

	ck_assert(strcmp(key, "list") == 0 || strcmp(key, "note_template") == 0);
	return (struct cs_bytes){ value, value ? strlen(value) : 0 };
}

static int32_t
budget(struct cs_call *c, const char *limit_class, int64_t left, int64_t restore_per_s)
{
	snprintf(c->budget, sizeof(c->budget), "%s %lld %lld", limit_class, (long long)left, (long long)restore_per_s);
	return CS_DONE;
}

static int32_t
emit(struct cs_call *c, struct cs_bytes out)
{
	c->emitted = csh_bytes(csh_strndup(&(struct csh){ c->host, c }, out.ptr, out.len));
	return CS_DONE;
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

/* The grant is dead. */
static int32_t
oauth_refresh(struct cs_call *c)
{
	(void)c;
	return CS_REAUTH;
}

static const struct cs_host_v1 host = { .struct_size = sizeof(host), .alloc = alloc, .setting = setting,
    .http = http, .fail = host_fail, .budget = budget, .emit = emit, .oauth_refresh = oauth_refresh };
static const struct csh the_csh = { &host, &call };
static const struct csh *h = &the_csh;

static void
setup(void)
{
	memset(&call, 0, sizeof(call));
	call.host = &host;
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

START_TEST(a_format_has_room_for_what_it_makes)
{
	for (int n = 250; n < 270; n++) {
		const char *text = csh_printf(h, "%0*d", n, 7);

		ck_assert_uint_eq(strlen(text), (size_t)n);
		ck_assert_str_eq(text + n - 1, "7");
	}
	ck_assert_str_eq(csh_printf(h, "%s", ""), "");
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

START_TEST(a_cut_splits_no_character)
{
	ck_assert_str_eq(csh_cut(h, "abc", 3), "abc");
	ck_assert_str_eq(csh_cut(h, "abcd", 3), "abc");
	ck_assert_str_eq(csh_cut(h, "ab\xc3\xa9", 3), "ab");
	ck_assert_str_eq(csh_cut(h, "\xf0\x9f\x94\xa5", 3), "");
}
END_TEST

START_TEST(pairs_are_joined_and_empty_ones_left_out)
{
	struct csh_str q = CSH_STR(h), f = CSH_STR(h);

	csh_query_add(&q, "a", "1 2");
	csh_query_add(&q, "b", "");
	csh_query_add(&q, "c", "x&y");
	csh_form_add(&f, "a", "1 2");
	csh_form_add(&f, "c", "x&y");
	ck_assert_str_eq(csh_text(&q), "a=1%202&c=x%26y");
	ck_assert_str_eq(csh_text(&f), "a=1+2&c=x%26y");
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

START_TEST(only_gaps_are_filled)
{
	CSH_JSON have = csh_json_parse(csh_bytes("{\"a\":\"x\",\"b\":\"\",\"c\":null,\"d\":[],\"e\":[1],\"f\":0}"));
	CSH_JSON want = csh_json_parse(csh_bytes("{\"a\":\"y\",\"b\":\"y\",\"c\":1,\"d\":[2],\"e\":[3],\"f\":5,\"g\":\"z\"}"));
	CSH_JSON gaps = csh_gaps(have, want);
	CSH_JSON all = csh_gaps(NULL, want);
	CSH_JSON none = csh_gaps(have, NULL);

	ck_assert_str_eq(json_object_to_json_string_ext(gaps, JSON_C_TO_STRING_PLAIN), "{\"b\":\"y\",\"c\":1,\"d\":[2],\"g\":\"z\"}");
	ck_assert_int_eq(json_object_object_length(all), 7);
	ck_assert_int_eq(json_object_object_length(none), 0);
}
END_TEST

/* What is left of the gaps of `have`, for a caller named Ana Ruiz. */
static const char *
name_gaps(const char *have)
{
	static char out[100];
	CSH_JSON there = csh_json_parse(csh_bytes(have));
	CSH_JSON want = csh_json_parse(csh_bytes("{\"f\":\"Ana\",\"l\":\"Ruiz\",\"x\":1}"));
	CSH_JSON gaps = csh_gaps(there, want);

	if (csh_gaps_keep_name(gaps, there, want, "f", "l"))
		json_object_object_del(gaps, "x");
	snprintf(out, sizeof(out), "%s", json_object_to_json_string_ext(gaps, JSON_C_TO_STRING_PLAIN));
	return out;
}

START_TEST(half_a_name_is_completed_with_its_own_only)
{
	ck_assert_str_eq(name_gaps("{}"), "{\"f\":\"Ana\",\"l\":\"Ruiz\",\"x\":1}");
	ck_assert_str_eq(name_gaps("{\"f\":\"ana\",\"l\":\"\"}"), "{\"l\":\"Ruiz\",\"x\":1}");
	ck_assert_str_eq(name_gaps("{\"f\":\"Jo\",\"l\":null}"), "{}");
	ck_assert_str_eq(name_gaps("{\"l\":\"Soto\"}"), "{}");
	ck_assert_str_eq(name_gaps("{\"f\":7}"), "{\"l\":\"Ruiz\",\"x\":1}");
}
END_TEST

START_TEST(an_address_is_filled_in_as_a_whole_or_not_at_all)
{
	static const char *const parts[] = { "s", "c", "z", "st", NULL };
	static const char *const have[] = { "{}", "{\"st\":\"FL\"}", "{\"c\":\"Miami\"}", "{\"z\":\"33101\"}" };
	static const char *const left[] = { "{\"s\":\"1 A\",\"c\":\"B\",\"z\":\"3\",\"st\":\"X\",\"o\":1}",
		"{\"s\":\"1 A\",\"c\":\"B\",\"z\":\"3\",\"o\":1}", "{\"o\":1}", "{\"o\":1}" };

	for (size_t i = 0; i < 4; i++) {
		CSH_JSON there = csh_json_parse(csh_bytes(have[i]));
		CSH_JSON want = csh_json_parse(csh_bytes(left[0]));
		CSH_JSON gaps = csh_gaps(there, want);

		csh_gaps_keep_address(gaps, there, parts);
		ck_assert_str_eq(json_object_to_json_string_ext(gaps, JSON_C_TO_STRING_PLAIN), left[i]);
	}
}
END_TEST

START_TEST(a_fieldmap_takes_what_the_lead_has)
{
	static const char raw[] = "{\"a\":{\"n\":0.5,\"s\":\"x\",\"e\":\"\",\"z\":null}}";
	struct cs_lead mapped_lead = { .struct_size = sizeof(mapped_lead), .raw = { raw, sizeof(raw) - 1 } };

	call.list = "{\"f1\":\"/a/n\",\"f2\":\"/a/s\",\"f3\":\"/a/e\",\"f4\":\"/a/z\",\"f5\":\"/b\",\"f6\":7}";
	CSH_JSON some = csh_mapped(h, "list", &mapped_lead);
	ck_assert_str_eq(json_object_to_json_string_ext(some, JSON_C_TO_STRING_PLAIN), "{\"f1\":0.5,\"f2\":\"x\"}");
	call.list = "[]";
	CSH_JSON none = csh_mapped(h, "list", &mapped_lead);
	ck_assert_int_eq(json_object_object_length(none), 0);
}
END_TEST

START_TEST(numbers_are_put_only_where_they_are_some)
{
	CSH_JSON o = json_object_new_object();

	csh_put_number(o, "a", "17");
	csh_put_number(o, "b", "17x");
	csh_put_number(o, "c", "");
	csh_put_number(o, "d", "99999999999999999999");
	csh_put_bool(csh_child(o, "e"), "f", 0);
	ck_assert_str_eq(json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN), "{\"a\":17,\"e\":{\"f\":false}}");
}
END_TEST

START_TEST(an_amount_is_decimal_text_or_nothing)
{
	static const char *const rows[][2] = { { "350", "350.00" }, { "350.0", "350.00" }, { "\"1,350.5\"", "1350.50" },
		{ "-7.999", "-7.99" }, { "\"0\"", "0.00" }, { "null", "" }, { "\"\"", "" }, { "\"12 USD\"", "" }, { "1e9", "" },
		{ "true", "" }, { "\"12345678901234567890\"", "" }, { "\".5\"", "" }, { "\",1\"", "" }, { "[1]", "" } };

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		CSH_JSON o = csh_json_parse(csh_bytes(csh_printf(h, "{\"v\":%s}", rows[i][0])));

		ck_assert_msg(strcmp(csh_money(h, o, "/v"), rows[i][1]) == 0, "%s became \"%s\"", rows[i][0], csh_money(h, o, "/v"));
	}
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
START_TEST(phones_are_compared_by_what_is_dialled)
{
	ck_assert(csh_phone_same("+13055550182", "(305) 555-0182"));
	ck_assert(csh_phone_same("3055550182", "+1 305.555.0182"));
	ck_assert(!csh_phone_same("+13055550182", "+17735550182"));
	ck_assert(!csh_phone_same("5550182", "+13055550182"));
	ck_assert(csh_phone_same("5550182", "555-0182"));
	ck_assert(!csh_phone_same("", ""));
	ck_assert(!csh_phone_same("123456", "123456"));
	ck_assert(csh_phone_same("tel:+1-305-555-0182", "305-555-0182 x12"));
	ck_assert(csh_phone_same("305-555-0182 ext. 12", "1 (305) 555-0182;ext=7"));
	ck_assert(!csh_phone_same("+442079460958", "(207) 946-0958"));
	ck_assert(csh_phone_same("+442079460958", "020 7946 0958"));
	ck_assert(csh_phone_same("0044 20 7946 0958", "011 44 20 7946 0958"));
	ck_assert(csh_phone_same("+49301234567", "030 1234567"));
	ck_assert(csh_phone_same("+390612345678", "06 12345678"));
	ck_assert(!csh_phone_same("+49301234567", "1234567"));
	ck_assert(!csh_phone_same("+13055550182", "0 5550182"));
	ck_assert(!csh_phone_same("+13055550182", "055550182"));
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
	ck_assert_str_eq(csh_phone_e164(h, "555-0182"), "");
	ck_assert_str_eq(csh_phone_e164(h, "0412 345 678"), "");
	ck_assert_str_eq(csh_phone_e164(h, "(305) 555-0182 x9"), "+13055550182");
	ck_assert_str_eq(csh_phone_e164(h, "0044 20 7946 0018"), "+442079460018");
	ck_assert_str_eq(csh_phone_national(h, "305-555-0182 ext 9"), "3055550182");
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

START_TEST(the_note_names_the_time_of_the_call_and_who_is_to_get_it)
{
	struct cs_lead_call started = calls;
	struct cs_lead other = lead;

	started.started_at = "2026-05-26T14:29:38Z";
	other.call = &started;
	other.assigned_to = "Pat";
	ck_assert(strstr(csh_note(h, &other, CSH_PLAIN, 10000), "\nAssign to: Pat\n"));
	ck_assert(strstr(csh_note(h, &other, CSH_PLAIN, 10000), "\nCall: 2026-05-26 14:29 UTC\nCall duration: 2 min 22 s\n"));
}
END_TEST

START_TEST(a_title_says_what_and_who)
{
	ck_assert_str_eq(csh_title(h, &lead, 200), "HVAC / heating repair - Maria Gonzalez (same day)");
	ck_assert_str_eq(csh_title(h, &lead, 12), "HVAC / heati");
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
	ck_assert_str_eq(error_of("{\"error\":true,\"code\":400,\"msg\":\"o\",\"details\":{\"error\":\"p\"}}"), "o; error: p");
	ck_assert_str_eq(error_of("{\"success\":false,\"error\":\"q\",\"error_info\":\"r\",\"data\":null}"), "q");
	ck_assert_str_eq(error_of("plain words"), "plain words");
	ck_assert_str_eq(error_of("<html>"), "HTTP 400");
	ck_assert_str_eq(error_of(""), "HTTP 400");
	ck_assert_str_eq(error_of("{}"), "HTTP 400");
	ck_assert_str_eq(error_of("null"), "null");
}
END_TEST

START_TEST(settings_ids_and_budgets_are_read)
{
	struct cs_header left = { "x-left", "17" };
	struct cs_http_res res = CS_RES_INIT;

	call.list = "[\"a\",1,\"b\"]";
	ck_assert(csh_setting_has(h, "list", "b"));
	ck_assert(!csh_setting_has(h, "list", "1"));
	ck_assert_str_eq(csh_id_of("lead/17", "lead"), "17");
	ck_assert_ptr_null(csh_id_of("leads/17", "lead"));
	ck_assert_ptr_null(csh_id_of("lead", "lead"));
	csh_heed_left(h, &res, "api", "x-left", 5);
	ck_assert_str_eq(call.budget, "");
	res.headers = &left;
	res.n_headers = 1;
	csh_heed_left(h, &res, "api", "x-left", 5);
	ck_assert_str_eq(call.budget, "api 17 5");
	csh_emit_choice(h, "7", "");
	ck_assert_str_eq(call.emitted.ptr, "{\"value\":\"7\",\"label\":\"7\"}");
}
END_TEST

static int32_t
cursor_put(struct cs_call *c, struct cs_bytes cursor)
{
	return emit(c, cursor);
}

START_TEST(news_are_what_changed_since_the_cursor)
{
	struct cs_host_v1 with_cursor = host;
	struct csh hc = { &with_cursor, &call };
	struct csh_news n = csh_news_since(csh_bytes("{\"a\":\"won\",\"b\":\"open\",\"z\":\"open\",\"bad\":7}"), 4);

	with_cursor.cursor_put = cursor_put;
	ck_assert(!csh_news_take(&n, "a", "won"));
	ck_assert(csh_news_take(&n, "b", "lost"));
	ck_assert(!csh_news_take(&n, "b", "won"));
	ck_assert(csh_news_take(&n, "bad", "open"));
	ck_assert_int_eq(csh_news_end(&hc, &n, CS_DONE), CS_DONE);
	ck_assert_str_eq(call.emitted.ptr, "{\"a\":\"won\",\"b\":\"lost\",\"bad\":\"open\",\"z\":\"open\"}");
	n = csh_news_since(csh_bytes("[1]"), 1);
	ck_assert(csh_news_take(&n, "a", "won"));
	ck_assert(csh_news_take(&n, "b", "won"));
	ck_assert_int_eq(csh_news_end(&hc, &n, CS_RETRY), CS_RETRY);
	ck_assert_ptr_null(n.after);
}
END_TEST

/* ---- GraphQL */
static int32_t
asked(const char *answer, int mutates)
{
	struct csh_graphql q = { .step = "find", .text = "query { x }", .mutates = mutates, .cost = 3,
		.variables = json_object_new_object() };
	CSH_JSON data = NULL;
	int32_t rc;

	call.n_queries = 0;
	call.answers[0] = answer;
	rc = csh_graphql(h, &q, &data);
	ck_assert_int_eq(rc == CS_DONE, data != NULL);
	return rc;
}

#define CODE(c) "{\"errors\":[{\"message\":\"no\",\"extensions\":{\"code\":\"" c "\"}}]}"
START_TEST(graphql_errors_in_200_are_classed)
{
	ck_assert_int_eq(asked("{\"data\":{\"x\":1},\"extensions\":{\"cost\":{\"throttleStatus\":"
	                       "{\"currentlyAvailable\":90,\"restoreRate\":5}}}}", 0), CS_DONE);
	ck_assert_str_eq(call.budget, "points 90 5");
	ck_assert_int_eq(asked(CODE("THROTTLED"), 1), CS_WAIT);
	ck_assert_int_eq(asked(CODE("UNAUTHENTICATED"), 0), CS_REAUTH);
	ck_assert_int_eq(asked(CODE("INTERNAL_SERVER_ERROR"), 1), CS_RETRY);
	ck_assert_int_eq(asked(CODE("BAD_USER_INPUT"), 1), CS_REJECT);
	ck_assert_str_eq(call.reason, "the CRM did not accept the question: no");
	ck_assert_int_eq(asked("{\"data\":null}", 0), CS_RETRY);
	ck_assert_int_eq(asked("<html>", 0), CS_RETRY);
	ck_assert_int_eq(asked("!{\"message\":\"plan\"}", 0), CS_REJECT);
	ck_assert_str_eq(call.reason, "the CRM refused: plan");
}
END_TEST

START_TEST(a_mutation_answers_an_id_or_why_not)
{
	CSH_JSON good = csh_json_parse(csh_bytes("{\"make\":{\"client\":{\"id\":\"7\"},\"userErrors\":[]}}"));
	CSH_JSON bad = csh_json_parse(csh_bytes("{\"make\":{\"client\":null,\"userErrors\":[{\"message\":\"no phone\"}]}}"));
	CSH_JSON odd = csh_json_parse(csh_bytes("{\"make\":{\"client\":null}}"));
	const char *id = "";

	ck_assert_int_eq(csh_graphql_id(h, good, "/make/userErrors", "/make/client/id", "refused", &id), CS_DONE);
	ck_assert_str_eq(id, "7");
	ck_assert_int_eq(csh_graphql_id(h, bad, "/make/userErrors", "/make/client/id", "refused", &id), CS_REJECT);
	ck_assert_str_eq(call.reason, "refused: no phone");
	ck_assert_int_eq(csh_graphql_id(h, odd, "/make/userErrors", "/make/client/id", "refused", &id), CS_RETRY);
}
END_TEST

/* ---- pages */
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
	const TTest *const tests[] = { text_is_encoded_for_its_place, a_format_has_room_for_what_it_makes, base64_pads, times_and_money_are_exact,
		a_text_stops_at_its_ceiling, json_is_read_by_pointer_with_a_default,
		    what_is_no_json_is_nothing,
		empty_values_are_left_out, phones_are_compared_by_what_is_dialled,
		    phones_take_the_form_that_is_asked_for,
		a_caller_without_name_is_called_by_number, an_address_is_one_line_of_what_is_known,
		    the_note_says_what_is_known,
		html_notes_escape_and_link, an_operators_template_always_gets_the_marker,
		    a_long_note_is_cut_but_keeps_the_marker,
		every_shape_of_vendor_error_is_read, a_cut_splits_no_character, pairs_are_joined_and_empty_ones_left_out,
		only_gaps_are_filled, half_a_name_is_completed_with_its_own_only, an_address_is_filled_in_as_a_whole_or_not_at_all,
		a_fieldmap_takes_what_the_lead_has,
		numbers_are_put_only_where_they_are_some, an_amount_is_decimal_text_or_nothing,
		the_note_names_the_time_of_the_call_and_who_is_to_get_it, a_title_says_what_and_who,
		settings_ids_and_budgets_are_read, news_are_what_changed_since_the_cursor, graphql_errors_in_200_are_classed, a_mutation_answers_an_id_or_why_not,
		pages_follow_a_cursor,
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

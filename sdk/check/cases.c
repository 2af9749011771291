/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cases.c - the table of all that is tried, one row per case. csrelay-plugin-check(1) lists it.
 *
 * After an ugly answer everything else times out, so that a plugin cannot end well by chance; goes_on lets the script go on.
 */
#include "check/try.h"

#define REFUSAL "{\"message\":\"no\",\"errors\":[{\"message\":\"it was refused\"}]}"
#define PAGE "<!DOCTYPE html><html><body><h1>Bad gateway</h1></body></html>"
#define CREATES (CS_FOR_LEADS)

/* name, what for people, the answer */
#define STATUS(name_, what_, ...) { name_, what_, CS_FOR_ALL, cs_try_answer, { .body = REFUSAL, __VA_ARGS__ }, NULL }
#define ANSWER(name_, what_, ...) { name_, what_, CS_FOR_ALL, cs_try_answer, { __VA_ARGS__ }, NULL }
#define AGAIN(name_, what_, ...) { name_, what_, CREATES, cs_try_again, { __VA_ARGS__ }, NULL }
#define TEXT(name_, what_, text_) { name_, what_, CS_FOR_LEADS, cs_try_text, { .status = 0 }, text_ }
#define LEAD(name_, what_, patch_) { name_, what_, CS_FOR_LEADS, cs_try_patch, { .status = 0 }, patch_ }
#define HOOK(name_, what_, ...) { name_, what_, CS_FOR_HOOKS, cs_try_body, { __VA_ARGS__ }, NULL }

const struct cs_case cs_cases[] = {
	/* ---- as it should be */
	{ "as-scripted", "each conversation as it is written", CS_FOR_ALL, cs_try_scripts, { .status = 0 }, NULL },
	{ "doubt-settled", "conversations begin in doubt about each step, and find it or do not", CS_FOR(CS_DUTY_LEAD), cs_try_doubts,
	    { .status = 0 }, NULL },
	{ "receipts-frozen", "receipts put are seen only by the next attempt", CS_FOR_ALL, cs_try_frozen, { .status = 0 }, NULL },
	{ "interleaved-first", "another call runs at each switch", CS_FOR_ALL, cs_try_interleaved, { .status = 0 }, NULL },
	{ "interleaved-second", "the same, the other call begins", CS_FOR_ALL, cs_try_interleaved, { .goes_on = true }, NULL },
	{ "map-twice", "the same lead is mapped again, another one in between", CS_FOR_LEADS, cs_try_map, { .status = 0 }, NULL },

	/* ---- HTTP classes */
	ANSWER("status-102", "an interim answer, and no other after it", .fault = "timeout_after_send"),
	ANSWER("status-204", "success without a body", .status = 204, .body = ""),
	STATUS("status-301", "moved", .status = 301, .header = "location", .value = "https://elsewhere.example.net/"),
	ANSWER("status-304", "not modified", .status = 304, .body = ""),
	STATUS("status-400", "bad request", .status = 400),
	STATUS("status-401", "unauthorized, also after a refresh", .status = 401),
	STATUS("status-402", "payment required", .status = 402),
	STATUS("status-403", "forbidden", .status = 403),
	STATUS("status-404", "not found", .status = 404),
	STATUS("status-405", "method not allowed", .status = 405),
	STATUS("status-408", "request time-out", .status = 408),
	ANSWER("status-409", "conflict: a duplicate is there already", .status = 409,
	    .body = "{\"message\":\"already exists\",\"errors\":[{\"code\":\"DUPLICATE\"}]}"),
	STATUS("status-410", "gone", .status = 410),
	STATUS("status-413", "too large", .status = 413),
	STATUS("status-422", "unprocessable", .status = 422),
	STATUS("status-425", "too early", .status = 425),
	STATUS("429-with-retry-after", "is told to wait", .status = 429, .header = "retry-after", .value = "7"),
	STATUS("429-without-retry-after", "is told to wait, not for how long", .status = 429),
	STATUS("status-500", "server error", .status = 500),
	ANSWER("status-502", "bad gateway, as a page", .status = 502, .body = PAGE, .header = "content-type", .value = "text/html"),
	STATUS("503-with-retry-after", "unavailable for a time", .status = 503, .header = "retry-after", .value = "30"),
	STATUS("503-without-retry-after", "unavailable", .status = 503),
	ANSWER("status-504", "gateway time-out", .status = 504, .body = PAGE),
	STATUS("status-599", "a status that nobody knows", .status = 599),

	/* ---- success that is none */
	ANSWER("200-error-object", "200 with an error", .body = "{\"error\":{\"code\":42,\"message\":\"it was refused\"}}", .unreadable = true),
	ANSWER("200-graphql-errors", "200 with errors as GraphQL has them",
	    .body = "{\"data\":null,\"errors\":[{\"message\":\"it was refused\"}]}", .unreadable = true),
	ANSWER("200-success-false", "200 that says: no success", .body = "{\"success\":false,\"message\":\"it was refused\"}",
	    .unreadable = true),
	ANSWER("200-html", "a page in the place of data", .body = PAGE, .header = "content-type", .value = "text/html", .unreadable = true),
	ANSWER("200-text", "words in the place of data", .body = "OK", .unreadable = true),
	ANSWER("200-empty", "nothing at all", .body = "", .unreadable = true),
	ANSWER("200-blank", "white space", .body = " \r\n\t ", .unreadable = true),
	ANSWER("200-null", "JSON null", .body = "null", .unreadable = true),
	ANSWER("200-number", "a number", .body = "7", .unreadable = true),
	ANSWER("200-string", "a string", .body = "\"done\"", .unreadable = true),
	ANSWER("200-true", "true", .body = "true", .unreadable = true),
	ANSWER("200-array", "an empty list", .body = "[]", .unreadable = true),
	ANSWER("200-object", "an empty object", .body = "{}", .unreadable = true),

	/* ---- the right answer, spoilt */
	ANSWER("cut", "cut off in the middle", .make = cs_make_cut, .unreadable = true),
	ANSWER("huge", "5 MB around the right answer", .make = cs_make_huge, .costly = true),
	ANSWER("deep", "nested a quarter of a million times", .make = cs_make_deep, .unreadable = true, .costly = true),
	ANSWER("other-types", "each value of another type", .make = cs_make_other_types),
	ANSWER("other-types-goes-on", "the same, and the CRM goes on", .make = cs_make_other_types, .goes_on = true),
	ANSWER("without-ids", "ids are missing", .make = cs_make_without_ids, .goes_on = true),
	ANSWER("nulls", "null everywhere", .make = cs_make_nulls),
	ANSWER("nulls-goes-on", "null everywhere, and the CRM goes on", .make = cs_make_nulls, .goes_on = true),
	ANSWER("null-rows", "nulls, numbers and lists between the rows", .make = cs_make_null_rows, .goes_on = true),
	ANSWER("no-rows", "lists are empty: nothing is found", .make = cs_make_no_rows, .goes_on = true),
	ANSWER("rows-twice", "each row twice: two are found", .make = cs_make_rows_twice, .goes_on = true),
	ANSWER("huge-numbers", "numbers that fit nowhere", .make = cs_make_huge_numbers),
	ANSWER("bad-utf-8", "bytes that are no UTF-8", .make = cs_make_bad_utf8),
	ANSWER("trailing", "rubbish behind the right answer", .make = cs_make_trailing),
	ANSWER("endless-pages", "there is always one more page", .make = cs_make_endless, .goes_on = true),

	/* ---- no answer */
	ANSWER("connect-failed", "no connection", .fault = "connect_failed"),
	ANSWER("timeout-before-send", "timed out before it was sent", .fault = "timeout_before_send"),
	ANSWER("timeout-after-send", "sent, and no answer came", .fault = "timeout_after_send"),
	ANSWER("reset-after-send", "the connection was closed after it was sent", .fault = "reset_after_send"),
	ANSWER("too-large", "the answer was larger than the core takes", .fault = "too_large"),
	ANSWER("budget-spent", "the rate limit leaves nothing", .fault = "budget"),
	ANSWER("address-refused", "the core does not go there", .fault = "refused"),

	/* ---- a second attempt */
	AGAIN("again-after-500", "an attempt fails with 500 at each request, then comes again", .status = 500, .body = REFUSAL),
	AGAIN("again-after-422", "the same with 422", .status = 422, .body = REFUSAL),
	AGAIN("again-after-timeout-before-send", "the same, not sent", .fault = "timeout_before_send"),
	AGAIN("again-after-timeout", "the same, sent, and nobody knows: it was created", .fault = "timeout_after_send"),
	AGAIN("again-after-success-without-body", "the same, created, but the answer is empty", .status = 201, .body = ""),

	/* ---- leads */
	TEXT("lead-quotes", "quotes and backslashes", "O\"Brien's \\ 'shop' \\u0041 \\n \"\""),
	TEXT("lead-markup", "markup", "<script>alert(1)</script> & <b>bold</b> &amp; ]]> <!-- -->"),
	TEXT("lead-templates", "templates", "${secret:access_token} ${setting:base_url} {{name}} {name} %s %n $(id) `id`"),
	TEXT("lead-markers", "what looks like a secret's marker", "CS-00000000000000000000000000000000.0.access_token."),
	TEXT("lead-lines", "line feeds and header lines", "first\r\nX-Injected: yes\r\n\r\nGET / HTTP/1.1\r\n"),
	TEXT("lead-control", "control characters", "a\x01\x02\x1b[31m\x7f\tb"),
	TEXT("lead-emoji", "emoji", "\xF0\x9F\x94\xA5\xF0\x9F\x91\xA8\xE2\x80\x8D\xF0\x9F\x91\xA9\xE2\x80\x8D\xF0\x9F\x91\xA7 no heat \xF0\x9F\x98\xA1"),
	TEXT("lead-right-to-left", "right to left", "\xD9\x84\xD8\xA7 \xE2\x80\xAE \xD7\xA9\xD7\x9C\xD7\x95\xD7\x9D \xE2\x80\x8F!"),
	TEXT("lead-accents", "letters of many alphabets", "Zo\xC3\xAB \xC5\x81ukasz \xE6\x9D\x8E\xE5\xB0\x8F\xE9\xBE\x8D \xCE\xA9 e\xCC\x81"),
	TEXT("lead-json", "JSON in a text", "{\"id\":1,\"properties\":{\"a\":[null]}}],\"x\":"),
	TEXT("lead-url", "what means something in an address", "a/b?c=d&e=f#g%2e%zz+ ;../../..//"),
	TEXT("lead-long", "8 KB of it", "No heat since yesterday, the furnace clicks three times and stops. "),
	TEXT("lead-long-characters", "8 KB of three-byte characters", "\xE6\xBC\xA2"),
	LEAD("lead-phone-only", "a phone number and nothing else",
	    "{\"call\":{\"recording_url\":null,\"transcript_url\":null,\"transcript_summary\":null,\"started_at\":null,\"ended_at\":null,"
	    "\"duration_seconds\":null},\"contact\":{\"first_name\":null,\"last_name\":null,\"email\":null,\"address\":null},"
	    "\"service_request\":{\"sub_type\":null,\"issue_description\":null,\"preferred_schedule\":null,"
	    "\"is_existing_customer\":null},\"ai_analysis\":null,\"routing\":{\"crm_account_id\":null,\"assigned_to\":null}}"),
	LEAD("lead-email-only", "an e-mail address and nothing else",
	    "{\"contact\":{\"first_name\":null,\"last_name\":null,\"phone\":null,\"address\":null},\"ai_analysis\":null}"),
	LEAD("lead-foreign", "a caller from far away",
	    "{\"contact\":{\"phone\":\"+4930123456\",\"address\":{\"country\":\"DE\",\"state\":null,\"zip\":\"10115\"}}}"),

	/* ---- messages of the CRM */
	{ "hook-forged", "bad signatures, no signature, an old one: refused by the core, the plugin is not called", CS_FOR_HOOKS,
	    cs_try_forged, { .status = 0 }, NULL },
	{ "hook-replayed", "the same message, or the same poll, again a minute later", CS_FOR_EVENTS, cs_try_replay, { .status = 0 }, NULL },
	HOOK("hook-unknown-event", "a happening that nobody knows",
	    .body = "{\"event\":\"zz.unknown\",\"type\":\"zz.unknown\",\"eventType\":\"zz.unknown\",\"id\":\"1\"}"),
	HOOK("hook-empty", "an empty message", .body = ""),
	HOOK("hook-html", "a page", .body = PAGE),
	HOOK("hook-text", "words", .body = "hello"),
	HOOK("hook-array", "a list", .body = "[{\"event\":\"x\"},null,7]"),
	HOOK("hook-null", "null", .body = "null"),
	HOOK("hook-number", "a number", .body = "7"),
	HOOK("hook-object", "an empty object", .body = "{}"),
	HOOK("hook-deep", "nested a quarter of a million times", .make = cs_make_deep),
	HOOK("hook-huge", "5 MB around the right message", .make = cs_make_huge),
	HOOK("hook-cut", "the right message, cut off", .make = cs_make_cut),
	HOOK("hook-other-types", "the right message, each value of another type", .make = cs_make_other_types),
	HOOK("hook-nulls", "the right message, null everywhere", .make = cs_make_nulls),
	HOOK("hook-without-ids", "the right message without its ids", .make = cs_make_without_ids),
	HOOK("hook-huge-numbers", "the right message with numbers that fit nowhere", .make = cs_make_huge_numbers),
	HOOK("hook-bad-utf-8", "the right message in bytes that are no UTF-8", .make = cs_make_bad_utf8),
};
const size_t cs_n_cases = CS_ARRAY_LEN(cs_cases);

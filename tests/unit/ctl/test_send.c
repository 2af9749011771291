/* SPDX-License-Identifier: Apache-2.0 */
/* csrelay send against an intake that says what the test wants. */
#include "fake.h"
#include "auth/signature.h"
#include "util/clock.h"

#define SECRET "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="

static struct fake fake;
static struct ran r;
static char secret_file[160], key_file[160];

static void
setup(void)
{
	fake_start(&fake);
	strcpy(secret_file, fake_file(&fake, "secret", SECRET "\n"));
	strcpy(key_file, fake_file(&fake, "key", "csk_abc\n"));
}

static void
teardown(void)
{
	fake_stop(&fake);
}

#define SEND(file, ...)                                                                                      \
	RUN(&r, "send", file, "--socket", fake.socket, "--secret-file", secret_file, __VA_ARGS__)
#define ACCEPTED                                                                                             \
	"{'result': 'accepted', 'lead_id': 17, 'event_id': 'e-1', 'deliveries': [{'id': 4353, 'crm': "       \
	"'hubspot', 'state': 'in_hand'}], 'warnings': []}"

START_TEST(a_lead_goes_out_signed_and_unchanged)
{
	static const char lead[] = "{ \"event_id\": \"e-1\",\n  \"n\": 1.50 }\n";
	const char *secret = SECRET;
	struct cs_err err;

	ANSWERS(&fake, { "POST", "/v1/leads", 202, ACCEPTED });
	SEND(fake_file(&fake, "lead.json", lead), "--timeout", "0");
	ck_assert_int_eq(r.status, CS_CTL_OK);
	ck_assert_str_eq(r.out, "accepted: lead 17, event_id e-1\n  hubspot: under way\n");
	ck_assert_str_eq(fake.seen[0].body, lead);
	ck_assert_str_eq(fake.seen[0].id, "e-1");
	ck_assert_str_eq(fake.seen[0].content_type, "application/json");
	ck_assert_int_eq(cs_stdwebhooks_verify(&secret, 1, fake.seen[0].id, fake.seen[0].timestamp,
					       fake.seen[0].signature, fake.seen[0].body,
					       fake.seen[0].body_len, cs_now_ms(&cs_clock_real), 60000, &err),
			 0);
}
END_TEST

START_TEST(a_key_is_sent_as_bearer)
{
	char url[64];

	ANSWERS(&fake, { "POST", "/v1/leads", 202, ACCEPTED });
	snprintf(url, sizeof(url), "http://127.0.0.1:%u/", 1u);
	RUN(&r, "send", fake_file(&fake, "lead.json", "{}"), "--url", url, "--key-file", key_file,
	    "--timeout", "0");
	ck_assert_int_eq(r.status, CS_CTL_UNREACHABLE);
	assert_has_not(r.err, "csk_abc");
	RUN(&r, "send", fake_file(&fake, "lead.json", "{}"), "--url", "ftp://x", "--key-file", key_file);
	ck_assert_int_eq(r.status, CS_CTL_USAGE);
	RUN(&r, "send", fake_file(&fake, "lead.json", "{}"), "--url", url, "--key-file", "/nonexistent/key");
	ck_assert_int_eq(r.status, CS_CTL_USAGE);
}
END_TEST

START_TEST(what_is_not_accepted_is_status_1_with_the_rows)
{
	ANSWERS(&fake,
		{ "POST", "/v1/leads", 422,
		  "{'detail': 'd', 'result': 'kept', 'lead_id': 17, 'deliveries': [{'id': 4353}],"
		  " 'errors': [{'pointer': '/call/direction', 'detail': 'must be inbound or outbound'}]}" },
		{ "POST", "/v1/leads", 409, "{'detail': 'd', 'lead_id': 17}" },
		{ "POST", "/v1/leads", 400, "{'detail': 'not a lead'}" });
	SEND(fake_file(&fake, "lead.json", "{}"), "--timeout", "0");
	ck_assert_int_eq(r.status, CS_CTL_FAILED);
	assert_has(r.err, "kept as a dead letter");
	assert_has(r.err, "  /call/direction: must be inbound or outbound\n");
	assert_has(r.err, "csrelay dlq fix 4353");
	SEND(fake_file(&fake, "lead.json", "{}"), "--timeout", "0");
	ck_assert_int_eq(r.status, CS_CTL_FAILED);
	assert_has(r.err, "another content");
	SEND(fake_file(&fake, "lead.json", "{}"), "--timeout", "0");
	ck_assert_int_eq(r.status, CS_CTL_FAILED);
	assert_has(r.err, "not a lead (status 400)");
}
END_TEST

START_TEST(a_signature_that_is_refused_stops_everything)
{
	char other[160];

	ANSWERS(&fake, { "POST", "/v1/leads", 401, "{'detail': 'the signature does not fit'}" });
	strcpy(other, fake_file(&fake, "b.json", "{}"));
	RUN(&r, "send", fake_file(&fake, "a.json", "{}"), other, "--socket", fake.socket, "--secret-file",
	    secret_file);
	ck_assert_int_eq(r.status, CS_CTL_REFUSED);
	ck_assert_uint_eq(fake.n_seen, 1);
	assert_has_not(r.err, "MDEyMzQ1");
}
END_TEST

START_TEST(ndjson_goes_as_a_batch_and_bad_lines_are_named)
{
	ANSWERS(&fake, { "POST", "/v1/leads", 200,
			 "{'line':1,'status':202,'lead_id':1}\n{'line':2,'status':200,'lead_id':2}\n"
			 "{'line':3,'status':400,'errors':[{'pointer':'/event','detail':'unknown'}]}\n" });
	SEND(fake_file(&fake, "many", "{\"a\":1}\n\n{\"a\":2}\n{\"a\":3}\n"), "--timeout", "0");
	ck_assert_int_eq(r.status, CS_CTL_FAILED);
	ck_assert_str_eq(fake.seen[0].body, "{\"a\":1}\n{\"a\":2}\n{\"a\":3}\n");
	ck_assert_str_eq(fake.seen[0].content_type, "application/x-ndjson");
	ck_assert_str_eq(r.out, "3 leads: 1 accepted, 1 known already, 0 kept as dead letters, 1 refused\n");
	assert_has(r.err, "many:4: refused (status 400)\n  /event: unknown\n");
}
END_TEST

START_TEST(an_answer_for_too_few_lines_is_trouble)
{
	ANSWERS(&fake, { "POST", "/v1/leads", 200, "{'line':1,'status':202}\n" });
	SEND(fake_file(&fake, "many", "{\"a\":1}\n{\"a\":2}\n"), "--timeout", "0");
	ck_assert_int_eq(r.status, CS_CTL_TROUBLE);
	assert_has(r.err, "1 of 2 lines");
}
END_TEST

START_TEST(come_back_later_is_obeyed_with_the_same_id)
{
	ANSWERS(&fake, { "POST", "/v1/leads", 503, "{'detail': 'too many leads at once'}" },
		{ "POST", "/v1/leads", 202, ACCEPTED });
	SEND(fake_file(&fake, "lead.json", "{\"event_id\":\"e-1\"}"), "--timeout", "10");
	ck_assert_int_eq(r.status, CS_CTL_OK);
	assert_has(r.err, "waiting: too many leads at once");
	ck_assert_uint_eq(fake.n_seen, 2);
	ck_assert_str_eq(fake.seen[0].id, fake.seen[1].id);
}
END_TEST

START_TEST(patience_ends)
{
	ANSWERS(&fake, { "POST", "/v1/leads", 503, "{'detail': 'the disk is full'}" });
	SEND(fake_file(&fake, "lead.json", "{}"), "--timeout", "0");
	ck_assert_int_eq(r.status, CS_CTL_TROUBLE);
	assert_has(r.err, "the disk is full (status 503)");
}
END_TEST

START_TEST(a_fresh_lead_is_another_lead_each_time)
{
	ANSWERS(&fake, { "POST", "/v1/leads", 202, ACCEPTED });
	SEND(fake_file(&fake, "lead.json", "{\"event_id\":\"e-1\"}"), "--fresh", "--to", "hubspot",
	     "--timeout", "0");
	SEND(fake_file(&fake, "lead.json", "{\"event_id\":\"e-1\"}"), "--fresh", "--to", "hubspot",
	     "--timeout", "0");
	ck_assert_str_ne(fake.seen[0].id, fake.seen[1].id);
	assert_has(fake.seen[0].body, fake.seen[0].id);
	assert_has(fake.seen[0].body, "\"destination_crm\":\"hubspot\"");
	SEND(fake_file(&fake, "bad", "no json"), "--fresh", "--timeout", "0");
	ck_assert_int_eq(r.status, CS_CTL_FAILED);
	assert_has(r.err, "not sent");
	ck_assert_uint_eq(fake.n_seen, 2);
}
END_TEST

START_TEST(json_output_is_one_answer_a_line)
{
	ANSWERS(&fake, { "POST", "/v1/leads", 202, "{'lead_id': 17}" });
	SEND(fake_file(&fake, "lead.json", "{}"), "--json", "--timeout", "0");
	ck_assert_str_eq(r.out, "{\"lead_id\":17}\n");
}
END_TEST

START_TEST(without_a_secret_nothing_is_sent)
{
	RUN(&r, "send", fake_file(&fake, "lead.json", "{}"), "--socket", fake.socket, "--config",
	    fake_file(&fake, "csrelay.conf", ""));
	ck_assert_int_eq(r.status, CS_CTL_USAGE);
	ck_assert_uint_eq(fake.n_seen, 0);
	RUN(&r, "send", "/nonexistent/lead.json", "--socket", fake.socket, "--secret-file", secret_file);
	ck_assert_int_eq(r.status, CS_CTL_USAGE);
	assert_has(r.err, "/nonexistent/lead.json");
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("ctl/send");
	TCase *t = tcase_create("send");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, a_lead_goes_out_signed_and_unchanged);
	tcase_add_test(t, a_key_is_sent_as_bearer);
	tcase_add_test(t, what_is_not_accepted_is_status_1_with_the_rows);
	tcase_add_test(t, a_signature_that_is_refused_stops_everything);
	tcase_add_test(t, ndjson_goes_as_a_batch_and_bad_lines_are_named);
	tcase_add_test(t, an_answer_for_too_few_lines_is_trouble);
	tcase_add_test(t, come_back_later_is_obeyed_with_the_same_id);
	tcase_add_test(t, patience_ends);
	tcase_add_test(t, a_fresh_lead_is_another_lead_each_time);
	tcase_add_test(t, json_output_is_one_answer_a_line);
	tcase_add_test(t, without_a_secret_nothing_is_sent);
	suite_add_tcase(s, t);
	return run_suite(s);
}

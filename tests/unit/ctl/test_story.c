/* SPDX-License-Identifier: Apache-2.0 */
#include <time.h>
#include "fixture.h"
#include "ctl/show/story.h"

#define NOW 1779806100000 /* 2026-05-26T14:35:00Z */

static struct cs_arena mem;
static struct cs_ctl c;
static struct cs_ctl_teller teller;
static struct cs_ctl_story story;

static void
setup(void)
{
	setenv("TZ", "UTC", 1);
	tzset();
	cs_arena_init(&mem);
	memset(&c, 0, sizeof(c));
	cs_ctl_teller_init(&teller);
}

static void
teardown(void)
{
	cs_ctl_teller_fini(&teller);
	cs_arena_fini(&mem);
}

static const char *
tell_full(const char *text, bool full)
{
	struct cs_buf b = CS_BUF_INIT(0);
	json_object *o = json(text);
	const char *out;

	cs_ctl_story_tell(&story, &mem, o, NOW, full);
	cs_ctl_teller_print(&teller, &c, &story, &b);
	out = cs_arena_strdup(&mem, cs_buf_str(&b));
	cs_buf_fini(&b);
	json_object_put(o);
	return out;
}

static const char *
tell(const char *text)
{
	return tell_full(text, false);
}

#define LEAD                                                                                                 \
	"'lead': {'id': 17, 'event_id': '7d1f4f0e-3c55-4b0e-9a7e-2f6f0a9c1b11', 'account': 'acct_xyz', "     \
	"'event': 'lead.qualified', 'kind': 'lead',"                                                         \
	" 'urgency': 'same_day', 'received_at': '2026-05-26T14:32:00Z', 'warnings': [{'pointer': "           \
	"'/contact/email', 'detail': 'must have one @'}],"                                                   \
	" 'body': {'contact': {'first_name': 'Maria', 'last_name': 'Gonzalez', 'phone': '+13055550182', "    \
	"'email': null}, 'service_request': {'service_type': 'HVAC'}}}"
#define DELIVERY                                                                                             \
	"'id': 4353, 'crm': 'hubspot', 'connection': 'conn_a', 'connection_name': 'acme', 'created_at': "    \
	"'2026-05-26T14:32:00Z'"
#define FIND                                                                                                 \
	"{'at_ms': 1779805920100, 'ms': 84, 'step': 'find', 'method': 'POST', 'url': '/search', 'status': "  \
	"200, 'outcome': 'done'}"
#define FAILED_TRY                                                                                           \
	"{'number': 1, 'ended_at': '2026-05-26T14:32:00.5Z', 'outcome': 'unknown', 'blame': 'crm', "         \
	"'reason': 'the CRM answered 503', 'exchanges': [" FIND                                              \
	", {'at_ms': 1779805920200, 'ms': 120, 'step': 'contact', 'method': 'POST', 'url': '/contacts', "    \
	"'status': 503, 'outcome': 'unknown',"                                                               \
	"   'doubt': true, 'headers': {'Authorization': 'Bearer ****'}, 'answer': 'no\\nroom'}]}"

START_TEST(a_delivered_lead_is_told_from_beginning_to_end)
{
	ck_assert_str_eq(
	    tell("{" LEAD ", 'deliveries': [{" DELIVERY
		 ", 'state': 'delivered', 'done_at': '2026-05-26T14:32:00.4Z', 'warnings': 'no note',"
		 " 'records': [{'type': 'contact', 'id': '51', 'url': 'https://app.example/51'}, {'type': "
		 "'note', 'id': '8'}],"
		 " 'attempts': [{'number': 1, 'ended_at': '2026-05-26T14:32:00.4Z', 'outcome': 'done', "
		 "'blame': 'none', 'exchanges': [" FIND "]}]}]}"),
	    "lead 17, event_id 7d1f4f0e-3c55-4b0e-9a7e-2f6f0a9c1b11\n"
	    "  lead.qualified of account acct_xyz, urgency same_day\n"
	    "  caller Maria Gonzalez, +13055550182, wants HVAC\n"
	    "  received and on disk 2026-05-26 14:32:00 (3 m ago)\n"
	    "  accepted; these fields count as absent, their text is in the note:\n"
	    "    /contact/email: must have one @\n"
	    "\n"
	    "delivery 4353 to hubspot acme (conn_a)\n"
	    "  2026-05-26\n"
	    "  14:32:00.100  find: POST /search answered 200 in 84 ms\n"
	    "  14:32:00.400  try 1 worked\n"
	    "  14:32:00.400  delivered, 400 ms after it came in\n"
	    "                contact 51  https://app.example/51\n"
	    "                note 8\n"
	    "                with a remark: no note\n");
	ck_assert_int_eq(story.n_deliveries, 1);
	ck_assert_int_eq(story.n_delivered, 1);
	ck_assert_int_eq(story.n_open, 0);
}
END_TEST

START_TEST(a_doubtful_try_says_that_it_will_look_first)
{
	const char *out =
	    tell("{'deliveries': [{" DELIVERY
		 ", 'state': 'due', 'due_at': '2026-05-26T14:35:28Z', 'expires_at': '2026-05-26T21:00:00Z',"
		 " 'doubt': true, 'attempts': [" FAILED_TRY "]}]}");

	assert_has(
	    out,
	    "14:32:00.200  contact: POST /contacts answered 503 in 120 ms; nobody knows whether it happened\n"
	    "                answer: no room\n");
	assert_has(
	    out, "try 1 left it open whether the record was made: the CRM answered 503; blamed on the CRM\n");
	assert_has(out, "waits; next try 2026-05-26 14:35:28 (in 28 s)\n");
	assert_has(out, "the CRM is searched for it before anything is sent again\n");
	assert_has(out, "a dead letter if it has not worked by 2026-05-26 21:00:00\n");
	assert_has_not(out, "Bearer");
	ck_assert_int_eq(story.n_open, 1);
}
END_TEST

START_TEST(the_full_story_has_headers_and_whole_answers)
{
	assert_has(
	    tell_full("{'deliveries': [{" DELIVERY ", 'state': 'due', 'attempts': [" FAILED_TRY "]}]}", true),
	    "Authorization: Bearer ****\n");
}
END_TEST

START_TEST(a_request_without_an_answer_says_whether_it_was_sent)
{
	const char *out =
	    tell("{'deliveries': [{" DELIVERY ", 'state': 'in_hand', 'attempts': [{'number': 1, 'ended_at': "
					      "'2026-05-26T14:32:30Z', 'outcome': 'retry',"
		 " 'exchanges': [{'at_ms': 1779805920100, 'ms': 30000, 'step': 'find', 'method': 'GET', "
		 "'url': '/x', 'status': 0,"
		 " 'fault': 'timeout', 'sent': false, 'detail': 'nothing for 30 s'}]}]}]}");

	assert_has(out, "find: GET /x: no answer after 30000 ms (timeout: nothing for 30 s), not sent\n");
	assert_has(out, "try 1 failed\n");
	assert_has(out, "under way\n");
}
END_TEST

START_TEST(each_kind_of_dead_letter_says_what_to_do)
{
	static const struct {
		const char *blame, *whom, *hint;
	} cases[] = {
		{ "lead", "the lead", "csrelay dlq fix 4353 contact.phone=" },
		{ "credential", "the credential", "sign in again; it goes out with that, or by: csrelay dlq replay 4353" },
		{ "connection", "the connection", "csrelay dlq reroute 4353 CONNECTION" },
		{ "crm", "the CRM", "csrelay dlq replay 4353" },
		{ "us", "csrelay itself", "log says more; then: csrelay dlq replay 4353" },
	};

	for (size_t i = 0; i < CS_ARRAY_LEN(cases); i++) {
		const char *told = cs_arena_printf(&mem,
						   "{'delivery': {" DELIVERY
						   ", 'state': 'dead', 'done_at': '2026-05-26T14:3%zu:00Z',"
						   " 'blame': '%s', 'reason': 'because', 'doubt': true}}",
						   i, cases[i].blame);
		const char *out = tell(told);

		assert_has(out, cs_arena_printf(&mem, "dead letter, blamed on %s: because\n", cases[i].whom));
		assert_has(out, cases[i].hint);
	}
}
END_TEST

START_TEST(doubt_about_a_dead_letter_sends_a_person_to_the_crm)
{
	assert_has(tell("{'delivery': {" DELIVERY
			", 'state': 'dead', 'blame': 'crm', 'reason': 'x', 'doubt': true}}"),
		   "it may have arrived: look into the CRM first; if it is there: csrelay dlq done 4353\n");
}
END_TEST

START_TEST(the_same_reason_is_not_told_twice)
{
	const char *out = tell(
	    "{'delivery': {" DELIVERY
	    ", 'state': 'dead', 'blame': 'crm', 'reason': 'the CRM answered 503', 'attempts': [" FAILED_TRY
	    "]}}");

	assert_has(out, "dead letter, blamed on the CRM\n");
}
END_TEST

START_TEST(done_by_hand_counts_as_delivered)
{
	assert_has(tell("{'deliveries': [{" DELIVERY
			", 'state': 'discarded', 'reason': 'done by hand: Ann typed it in'}]}"),
		   "done by hand: Ann typed it in\n");
	ck_assert_int_eq(story.n_delivered, 1);
	tell("{'deliveries': [{" DELIVERY ", 'state': 'discarded', 'reason': 'discarded: a test'}]}");
	ck_assert_int_eq(story.n_delivered, 0);
}
END_TEST

START_TEST(whoever_follows_sees_each_line_once)
{
	const char *waits =
	    "{" LEAD ", 'deliveries': [{" DELIVERY
	    ", 'state': 'due', 'due_at': '2026-05-26T14:35:28Z', 'attempts': [" FAILED_TRY "]}]}";

	assert_has(tell(waits), "waits; next try");
	ck_assert_str_eq(tell(waits), "");
	ck_assert_str_eq(
	    tell("{" LEAD ", 'deliveries': [{" DELIVERY
		 ", 'state': 'delivered', 'done_at': '2026-05-26T14:35:28.9Z', 'attempts': [" FAILED_TRY
		 ", {'number': 2, 'ended_at': '2026-05-26T14:35:28.9Z', 'outcome': 'done', 'exchanges': "
		 "[]}]}]}"),
	    "  14:35:28.900  try 2 worked\n"
	    "  14:35:28.900  delivered, 3 m after it came in\n");
}
END_TEST

START_TEST(news_of_another_delivery_begin_with_its_name)
{
	tell("{'deliveries': [{'id': 1, 'crm': 'a', 'state': 'in_hand'}, {'id': 2, 'crm': 'b', 'state': "
	     "'in_hand'}]}");
	ck_assert_str_eq(tell("{'deliveries': [{'id': 1, 'crm': 'a', 'state': 'dead', 'blame': 'crm'}, "
			      "{'id': 2, 'crm': 'b', 'state': 'in_hand'}]}"),
			 "delivery 1 to a, no connection known\n"
			 "                dead letter, blamed on the CRM\n"
			 "                it goes out when the CRM works again, or by: csrelay dlq replay 1\n");
}
END_TEST

START_TEST(a_lead_that_nobody_wants_says_so)
{
	assert_has(tell("{" LEAD ", 'deliveries': []}"), "no connection wanted it");
	ck_assert_int_eq(story.n_deliveries, 0);
}
END_TEST

START_TEST(a_crm_cannot_write_to_the_terminal)
{
	const char *out =
	    tell("{'deliveries': [{" DELIVERY
		 ", 'state': 'dead', 'blame': 'crm', 'reason': 'a\\u001b[2Jb', 'attempts': []}]}");

	ck_assert_ptr_null(strchr(out, '\033'));
	assert_has(out, "[2Jb");
}
END_TEST

START_TEST(an_answer_that_makes_no_sense_is_survived)
{
	tell("{'lead': 5, 'deliveries': {'a': 1}}");
	tell("{'lead': [], 'deliveries': [null, 7, {'attempts': [null, {'exchanges': 5}, {'exchanges': "
	     "[null, 3]}], 'records': 9}]}");
	tell("[]");
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("ctl/story");
	TCase *t = tcase_create("story");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, a_delivered_lead_is_told_from_beginning_to_end);
	tcase_add_test(t, a_doubtful_try_says_that_it_will_look_first);
	tcase_add_test(t, the_full_story_has_headers_and_whole_answers);
	tcase_add_test(t, a_request_without_an_answer_says_whether_it_was_sent);
	tcase_add_test(t, each_kind_of_dead_letter_says_what_to_do);
	tcase_add_test(t, doubt_about_a_dead_letter_sends_a_person_to_the_crm);
	tcase_add_test(t, the_same_reason_is_not_told_twice);
	tcase_add_test(t, done_by_hand_counts_as_delivered);
	tcase_add_test(t, whoever_follows_sees_each_line_once);
	tcase_add_test(t, news_of_another_delivery_begin_with_its_name);
	tcase_add_test(t, a_lead_that_nobody_wants_says_so);
	tcase_add_test(t, a_crm_cannot_write_to_the_terminal);
	tcase_add_test(t, an_answer_that_makes_no_sense_is_survived);
	suite_add_tcase(s, t);
	return run_suite(s);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The whole program against a daemon that says what the test wants: requests, output, exit status. */
#include "config.h"
#include "fake.h"

static struct fake fake;
static struct ran r;

#define ASK(...) RUN(&r, __VA_ARGS__, "--socket", fake.socket)

static void
setup(void)
{
	fake_start(&fake);
	unsetenv("NO_COLOR");
	setenv("TZ", "UTC", 1);
}

static void
teardown(void)
{
	fake_stop(&fake);
}

/* ---- exit statuses */

START_TEST(without_a_command_the_list_is_shown)
{
	RUN(&r, "--help");
	ck_assert_int_eq(r.status, CS_CTL_OK);
	assert_has(r.out, "explain LEAD");
	RUN(&r, "--version");
	ck_assert_int_eq(r.status, CS_CTL_OK);
	assert_has(r.out, PACKAGE_VERSION);
}
END_TEST

START_TEST(what_is_not_understood_is_status_2)
{
	RUN(&r, "quee");
	ck_assert_int_eq(r.status, CS_CTL_USAGE);
	assert_has(r.err, "did you mean \"queue\"?");
	RUN(&r, "dlq");
	ck_assert_int_eq(r.status, CS_CTL_USAGE);
	assert_has(r.err, "dlq replay");
	RUN(&r, "explain");
	ck_assert_int_eq(r.status, CS_CTL_USAGE);
	assert_has(r.err, "explain needs LEAD");
	RUN(&r, "explain", "1", "2");
	ck_assert_int_eq(r.status, CS_CTL_USAGE);
	RUN(&r, "leads", "--limit", "many");
	ck_assert_int_eq(r.status, CS_CTL_USAGE);
	RUN(&r, "leads", "--socket", "/x", "--url", "http://127.0.0.1");
	ck_assert_int_eq(r.status, CS_CTL_USAGE);
	RUN(&r, "plugins", "--offline");
	ck_assert_int_eq(r.status, CS_CTL_USAGE);
	RUN(&r, "deliveries", "--since", "yesterday");
	ck_assert_int_eq(r.status, CS_CTL_USAGE);
}
END_TEST

START_TEST(no_daemon_is_status_3)
{
	RUN(&r, "plugins", "--socket", "/nonexistent/control.sock");
	ck_assert_int_eq(r.status, CS_CTL_UNREACHABLE);
	assert_has(r.err, "/nonexistent/control.sock");
	RUN(&r, "plugins", "--url", "http://127.0.0.1:1");
	ck_assert_int_eq(r.status, CS_CTL_UNREACHABLE);
}
END_TEST

START_TEST(plain_http_leaves_this_machine_for_nobody)
{
	RUN(&r, "plugins", "--url", "http://relay.example.com");
	ck_assert_int_eq(r.status, CS_CTL_USAGE);
	assert_has(r.err, "use https");
}
END_TEST

START_TEST(answers_of_the_daemon_become_statuses)
{
	static const struct {
		int http, status;
	} cases[] = { { 404, CS_CTL_NOT_FOUND }, { 409, CS_CTL_REFUSED }, { 403, CS_CTL_REFUSED },
		      { 401, CS_CTL_REFUSED },	 { 503, CS_CTL_TROUBLE }, { 500, CS_CTL_TROUBLE },
		      { 429, CS_CTL_TROUBLE } };

	for (size_t i = 0; i < CS_ARRAY_LEN(cases); i++) {
		ANSWERS(&fake, { "GET", NULL, cases[i].http, "{'detail': 'this is why'}" });
		ASK("queue");
		ck_assert_int_eq(r.status, cases[i].status);
		assert_has(r.err, "csrelay: this is why (status ");
		ck_assert_str_eq(r.out, "");
	}
}
END_TEST

START_TEST(an_answer_that_is_no_json_is_trouble)
{
	ANSWERS(&fake, { "GET", NULL, 200, "<html>" });
	ASK("queue");
	ck_assert_int_eq(r.status, CS_CTL_TROUBLE);
	assert_has(r.err, "is no JSON");
}
END_TEST

START_TEST(rows_of_a_problem_stand_one_per_line)
{
	ANSWERS(&fake, { "POST", NULL, 422,
			 "{'detail': 'still not right', 'errors': [{'pointer': '/contact/phone', 'detail': "
			 "'must be E.164'},"
			 "{'pointer': '', 'detail': 'evil \\u001b[2J'}]}" });
	ASK("dlq", "fix", "4352", "contact.phone=5");
	ck_assert_int_eq(r.status, CS_CTL_REFUSED);
	assert_has(r.err, "csrelay: still not right (status 422)\n  /contact/phone: must be E.164\n  evil "
			  "\xef\xbf\xbd[2J\n");
}
END_TEST

/* ---- looking */

#define LEAD(id)                                                                                             \
	"{'id': " id                                                                                         \
	", 'event_id': 'e', 'account': 'acct', 'event': 'lead.qualified', 'urgency': 'same_day',"            \
	" 'received_at': '2026-05-26T14:32:00Z', 'deliveries': [{'crm': 'hubspot', 'state': 'dead'}, "       \
	"{'crm': 'webhook', 'state': 'in_hand'}]}"

START_TEST(leads_are_read_page_by_page)
{
	ANSWERS(&fake,
		{ "GET", "/v1/leads?limit=3&account=a%20b", 200,
		  "{'items': [" LEAD("9") "," LEAD("8") "], 'next': '8'}" },
		{ "GET", "/v1/leads?limit=1&account=a%20b&before=8", 200,
		  "{'items': [" LEAD("7") "], 'next': '7'}" });
	ASK("leads", "--limit", "3", "--account", "a b");
	ck_assert_int_eq(r.status, CS_CTL_OK);
	assert_has(r.out, "hubspot dead letter, webhook under way");
	assert_has(r.out, "   7  2026-05-26 14:32:00");
	assert_has(r.out, "older ones: --before 7");
	ck_assert_uint_eq(fake.n_seen, 2);
}
END_TEST

START_TEST(json_is_what_the_api_said)
{
	json_object *o;

	ANSWERS(&fake, { "GET", "/v1/leads?limit=50", 200, "{'items': [" LEAD("9") "], 'next': null}" });
	ASK("leads", "--json");
	ck_assert_int_eq(cs_json_parse(r.out, strlen(r.out), 32, &o, NULL), 0);
	ck_assert_str_eq(cs_json_pointer_text(o, "/items/0/id"), "9");
	ck_assert_ptr_null(cs_json_pointer(o, "/next"));
	json_object_put(o);
}
END_TEST

START_TEST(filters_go_into_the_query)
{
	ANSWERS(&fake, { "GET", NULL, 200, "{'items': [], 'next': null}" });
	ASK("deliveries", "--state", "dead", "--crm", "hubspot", "--blame", "crm", "--since",
	    "2026-05-26T14:00:00+00:00", "--limit", "5");
	ck_assert_int_eq(r.status, CS_CTL_OK);
	ck_assert_str_eq(r.out, "no deliveries\n");
	ck_assert_str_eq(
	    fake.seen[0].target,
	    "/v1/deliveries?limit=5&state=dead&crm=hubspot&blame=crm&since=2026-05-26T14%3A00%3A00Z");
}
END_TEST

START_TEST(options_may_stand_before_the_command)
{
	ANSWERS(&fake, { "GET", NULL, 200, "{'items': [], 'next': null}" });
	RUN(&r, "--socket", fake.socket, "--json", "leads");
	ck_assert_int_eq(r.status, CS_CTL_OK);
	ck_assert_int_eq(r.out[0], '{');
}
END_TEST

START_TEST(a_daemon_that_is_not_ready_is_status_1_with_the_reasons)
{
	ANSWERS(&fake, { "GET", "/readyz", 503, "{'ready': false, 'reasons': ['the disk is full']}" },
		{ "GET", "/v1/stats", 200,
		  "{'accepted': 5, 'delivered': 3, 'dead': 1, 'due': 1, 'in_hand': 0, 'oldest_due_s': 300,"
		  " 'uptime_s': 60, 'version': '9.9'}" });
	ASK("status");
	ck_assert_int_eq(r.status, CS_CTL_FAILED);
	ck_assert_str_eq(r.out, "not ready\n  the disk is full\ncsrelayd 9.9, up for 60 s\naccepted 5, "
				"delivered 3, dead letters 1\n"
				"waiting 1, under way 0; the oldest is due for 5 m\n");
}
END_TEST

START_TEST(a_plugin_is_explained_by_its_settings)
{
	ANSWERS(
	    &fake,
	    { "GET", "/v1/plugins", 200,
	      "{'items': [{'name': 'acme', 'version': '1.2', 'title': 'Acme', 'error': null, 'settings': ["
	      "{'key': 'url', 'type': 'url', 'label': 'Address', 'help': 'Where.', 'required': true, "
	      "'default': 'http://x'}],"
	      "'secrets': [{'name': 'token', 'label': 'Token', 'required': false}]}], 'next': null}" });
	ASK("plugins", "acme");
	assert_has(r.out, "acme 1.2, Acme\n");
	assert_has(r.out, "url   url   yes     Address: Where. (default \"http://x\")\n");
	assert_has(r.out, "token  secret  no      Token\n");
	ASK("plugins", "other");
	ck_assert_int_eq(r.status, CS_CTL_NOT_FOUND);
}
END_TEST

START_TEST(a_connection_shows_names_of_secrets_only)
{
	ANSWERS(&fake, { "GET", "/v1/connections/acme", 200,
			 "{'id': 'conn_1', 'crm': 'hubspot', 'settings': {'a': 1}, 'facts': {}, 'secrets': "
			 "['access_token'], 'label': null}" });
	ASK("connections", "acme");
	ck_assert_str_eq(r.out, "id               conn_1\ncrm              hubspot\nsettings         "
				"{\"a\":1}\nsecrets          [\"access_token\"]\n");
}
END_TEST

/* ---- following */

#define STORY(state, more)                                                                                   \
	"{'lead': {'id': 1}, 'deliveries': [{'id': 257, 'crm': 'hubspot', 'state': '" state "'" more "}]}"

START_TEST(following_ends_well_when_it_is_delivered)
{
	ANSWERS(&fake, { "GET", "/v1/leads/1/story", 200, STORY("in_hand", "") },
	        { "GET", "/v1/leads/1/story", 200, STORY("delivered", ", 'done_at': '2026-05-26T14:32:00Z'") });
	ASK("explain", "1", "--follow", "--timeout", "10");
	ck_assert_int_eq(r.status, CS_CTL_OK);
	assert_has(r.out, "under way\n");
	assert_has(r.out, "delivered");
}
END_TEST

START_TEST(following_ends_badly_with_a_dead_letter)
{
	ANSWERS(&fake, { "GET", NULL, 200, STORY("dead", ", 'blame': 'crm'") });
	ASK("explain", "1", "--follow");
	ck_assert_int_eq(r.status, CS_CTL_FAILED);
	ASK("explain", "1");
	ck_assert_int_eq(r.status, CS_CTL_OK);
	ASK("explain", "1", "--timeout", "5");
	ck_assert_int_eq(r.status, CS_CTL_USAGE);
}
END_TEST

START_TEST(following_a_lead_that_goes_nowhere_is_no_success)
{
	ANSWERS(&fake, { "GET", NULL, 200, "{'lead': {'id': 1}, 'deliveries': []}" });
	ASK("explain", "1", "--follow");
	ck_assert_int_eq(r.status, CS_CTL_FAILED);
}
END_TEST

/* ---- changing */

#define DUE "{'id': 4352, 'lead_id': 17, 'crm': 'hubspot', 'state': 'due'}"

START_TEST(fields_become_a_patch)
{
	ANSWERS(&fake, { "POST", "/v1/dead-letters/4352/fix", 200, DUE });
	ASK("dlq", "fix", "4352", "contact.phone=+13055550182", "call.duration_seconds:=142");
	ck_assert_int_eq(r.status, CS_CTL_OK);
	ck_assert_str_eq(fake.seen[0].body,
			 "{\"contact\":{\"phone\":\"+13055550182\"},\"call\":{\"duration_seconds\":142}}");
	ck_assert_str_eq(r.out,
			 "delivery 4352 to hubspot: waits\nfollow it with: csrelay explain 17 --follow\n");
	ASK("dlq", "fix", "4352");
	ck_assert_int_eq(r.status, CS_CTL_USAGE);
}
END_TEST

START_TEST(a_patch_may_come_from_a_file)
{
	ANSWERS(&fake, { "POST", "/v1/dead-letters/4352/fix", 200, DUE });
	ASK("dlq", "fix", "4352", "--file", fake_file(&fake, "patch.json", "{\"contact\": null}"));
	ck_assert_int_eq(r.status, CS_CTL_OK);
	ck_assert_str_eq(fake.seen[0].body, "{\"contact\":null}");
}
END_TEST

START_TEST(notes_and_targets_are_sent_along)
{
	ANSWERS(&fake,
		{ "POST", "/v1/dead-letters/5/done", 200,
		  "{'id': 5, 'crm': 'x', 'state': 'discarded', 'reason': 'done by hand: Ann'}" },
		{ "POST", "/v1/dead-letters/5/discard", 200,
		  "{'id': 5, 'crm': 'x', 'state': 'discarded', 'reason': 'discarded'}" },
		{ "POST", "/v1/dead-letters/5/reroute", 200, DUE },
		{ "POST", "/v1/dead-letters/5/replay", 200, DUE },
		{ "POST", "/v1/connections/acme/pause", 200, "{'id': 'conn_1', 'state': 'paused'}" });
	ASK("dlq", "done", "5", "--note", "Ann");
	ck_assert_str_eq(fake.seen[0].body, "{\"note\":\"Ann\"}");
	ck_assert_str_eq(r.out, "delivery 5 to x: done by hand: Ann\n");
	ASK("dlq", "discard", "5");
	ck_assert_str_eq(fake.seen[1].body, "{}");
	ASK("dlq", "reroute", "5", "conn_2");
	ck_assert_str_eq(fake.seen[2].body, "{\"connection\":\"conn_2\"}");
	ASK("dlq", "replay", "5");
	ck_assert_int_eq(r.status, CS_CTL_OK);
	ck_assert_str_eq(fake.seen[3].target, "/v1/dead-letters/5/replay");
	ASK("pause", "acme", "--reason", "holiday");
	ck_assert_str_eq(fake.seen[4].body, "{\"reason\":\"holiday\"}");
}
END_TEST

START_TEST(a_replay_of_many_must_be_said_plainly)
{
	ASK("dlq", "replay");
	ck_assert_int_eq(r.status, CS_CTL_USAGE);
	ASK("dlq", "replay", "5", "--all");
	ck_assert_int_eq(r.status, CS_CTL_USAGE);
	ASK("dlq", "replay", "--all", "--crm", "hubspot");
	ck_assert_int_eq(r.status, CS_CTL_USAGE);
	ck_assert_uint_eq(fake.n_seen, 0);
}
END_TEST

START_TEST(a_dry_run_only_counts)
{
	ANSWERS(&fake, { "POST", "/v1/replays", 200, "{'total': 7}" });
	ASK("dlq", "replay", "--crm", "hubspot", "--dry-run");
	ck_assert_str_eq(fake.seen[0].body, "{\"filter\":{\"crm\":\"hubspot\"},\"dry_run\":true}");
	ck_assert_str_eq(r.out, "7 dead letters would go out again\n");
}
END_TEST

START_TEST(a_replay_is_started_and_watched_if_wanted)
{
	ANSWERS(&fake, { "POST", "/v1/replays", 202, "{'id': 3, 'total': 7}" },
		{ "GET", "/v1/replays/3", 200,
		  "{'id': 3, 'total': 7, 'waiting': 0, 'delivered': 6, 'dead': 1}" });
	ASK("dlq", "replay", "--all");
	ck_assert_int_eq(r.status, CS_CTL_OK);
	ck_assert_str_eq(fake.seen[0].body, "{\"filter\":{},\"dry_run\":false}");
	assert_has(r.out, "csrelay dlq progress 3");
	ASK("dlq", "replay", "--all", "--wait");
	ck_assert_int_eq(r.status, CS_CTL_FAILED);
	assert_has(r.out, "replay 3: 7 in all, 0 wait, 6 delivered, 1 dead letters again\n");
	ASK("dlq", "progress", "3");
	ck_assert_int_eq(r.status, CS_CTL_OK);
	ASK("dlq", "progress", "three");
	ck_assert_int_eq(r.status, CS_CTL_USAGE);
}
END_TEST

START_TEST(a_new_key_alone_goes_to_standard_output)
{
	ANSWERS(&fake, { "POST", "/v1/keys", 201, "{'id': 4, 'key': 'csk_abc'}" });
	ASK("keys", "new", "callsetter", "--scopes", "intake,read", "--accounts", "a b", "--expires",
	    "2027-01-31T00:00:00Z");
	ck_assert_str_eq(r.out, "csk_abc\n");
	assert_has(r.err, "key 4");
	ck_assert_str_eq(
	    fake.seen[0].body,
	    "{\"name\":\"callsetter\",\"scopes\":[\"intake\",\"read\"],\"accounts\":[\"a\",\"b\"],"
	    "\"expires_at\":\"2027-01-31T00:00:00Z\"}");
	ASK("keys", "new", "callsetter");
	ck_assert_int_eq(r.status, CS_CTL_USAGE);
}
END_TEST

START_TEST(map_takes_a_stored_lead_or_a_file)
{
	ANSWERS(&fake, { "POST", "/v1/connections/acme/map", 200, "{'document': {'a': {'b': 1}}}" });
	ASK("map", "acme", "17");
	ck_assert_str_eq(fake.seen[0].body, "{\"lead_id\":\"17\"}");
	assert_has(r.out, "\"b\": 1");
	ASK("map", "acme", "7d1f4f0e-3c55-4b0e-9a7e-2f6f0a9c1b11", "--json");
	ck_assert_str_eq(r.out, "{\"document\":{\"a\":{\"b\":1}}}\n");
	ASK("map", "acme", fake_file(&fake, "lead.json", "{\"x\": 1}"));
	ck_assert_str_eq(fake.seen[2].body, "{\"x\":1}");
	ASK("map", "acme", "/nonexistent.json");
	ck_assert_int_eq(r.status, CS_CTL_USAGE);
}
END_TEST

/* ---- without a daemon */

START_TEST(the_configuration_is_checked_here)
{
	struct ran dump;
	char path[160];

	snprintf(path, sizeof(path), "%s",
		 fake_file(&fake, "csrelay.conf", "store : { path = \"relative.db\"; oops = 1; };\n"));
	RUN(&r, "config", "check", "--config", path);
	ck_assert_int_eq(r.status, CS_CTL_FAILED);
	assert_has(r.err, "csrelay.conf:1");
	assert_has(r.err, "2 faults");
	RUN(&r, "config", "check", path, "--json");
	ck_assert_int_eq(r.status, CS_CTL_FAILED);
	assert_has(r.out, "{\"faults\":[{\"file\":");
	fake_file(&fake, "csrelay.conf",
		  "store : { path = \"/srv/x.db\"; };\nlisten : { control = \"unix:/nonexistent/c\"; };\n");
	RUN(&dump, "config", "dump", "--config", path);
	ck_assert_int_eq(dump.status, CS_CTL_OK);
	assert_has(dump.out, "/srv/x.db");
	RUN(&r, "plugins", "--config", path);
	ck_assert_int_eq(r.status, CS_CTL_UNREACHABLE);
	assert_has(r.err, "/nonexistent/c");
}
END_TEST

START_TEST(a_half_edited_configuration_says_where)
{
	RUN(&r, "plugins", "--config", fake_file(&fake, "csrelay.conf", "listen : {\n  control = ;\n};\n"));
	ck_assert_int_eq(r.status, CS_CTL_USAGE);
	assert_has(r.err, "csrelay.conf:2:");
	RUN(&r, "plugins", "--config", "/nonexistent/csrelay.conf");
	ck_assert_int_eq(r.status, CS_CTL_USAGE);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("ctl/ctl");
	TCase *t = tcase_create("ctl");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, without_a_command_the_list_is_shown);
	tcase_add_test(t, what_is_not_understood_is_status_2);
	tcase_add_test(t, no_daemon_is_status_3);
	tcase_add_test(t, plain_http_leaves_this_machine_for_nobody);
	tcase_add_test(t, answers_of_the_daemon_become_statuses);
	tcase_add_test(t, an_answer_that_is_no_json_is_trouble);
	tcase_add_test(t, rows_of_a_problem_stand_one_per_line);
	tcase_add_test(t, leads_are_read_page_by_page);
	tcase_add_test(t, json_is_what_the_api_said);
	tcase_add_test(t, filters_go_into_the_query);
	tcase_add_test(t, options_may_stand_before_the_command);
	tcase_add_test(t, a_daemon_that_is_not_ready_is_status_1_with_the_reasons);
	tcase_add_test(t, a_plugin_is_explained_by_its_settings);
	tcase_add_test(t, a_connection_shows_names_of_secrets_only);
	tcase_add_test(t, following_ends_well_when_it_is_delivered);
	tcase_add_test(t, following_ends_badly_with_a_dead_letter);
	tcase_add_test(t, following_a_lead_that_goes_nowhere_is_no_success);
	tcase_add_test(t, fields_become_a_patch);
	tcase_add_test(t, a_patch_may_come_from_a_file);
	tcase_add_test(t, notes_and_targets_are_sent_along);
	tcase_add_test(t, a_replay_of_many_must_be_said_plainly);
	tcase_add_test(t, a_dry_run_only_counts);
	tcase_add_test(t, a_replay_is_started_and_watched_if_wanted);
	tcase_add_test(t, a_new_key_alone_goes_to_standard_output);
	tcase_add_test(t, map_takes_a_stored_lead_or_a_file);
	tcase_add_test(t, the_configuration_is_checked_here);
	tcase_add_test(t, a_half_edited_configuration_says_where);
	suite_add_tcase(s, t);
	return run_suite(s);
}

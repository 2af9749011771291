/* SPDX-License-Identifier: Apache-2.0 */
/* test_process.c - plugins in processes of their own: what a death costs, and whom. */
#include "config.h"
#include "plugin/remote.h"

#include <check.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NOW 1779805920000LL
#ifdef CS_SANITIZED /* which need much memory themselves */
#define MEMORY ((int64_t)2 << 30)
#else
#define MEMORY ((int64_t)64 << 20)
#endif
#define MAX_SEEN 64

/* One call and all that was told of it. */
struct seen {
	struct cs_remote *remote;
	uint64_t call;
	int requests, done, again, suspected, records;
	char steps[200], what[900], reason[900], warnings[300], sent[400];
	int32_t outcome, crash;
	bool hold; /* the test answers its requests itself */
	uint64_t held;
	const char *hold_step;
};

static struct cs_clock clock_;
static struct cs_remote_process process;
static struct cs_remote *remote;
static int program = -1;

static void
answer(struct seen *s, uint64_t call, int status)
{
	struct cs_wire_http_result res = { .outcome = CS_DONE, .status = status, .body = { "1", 1 } };

	cs_remote_answer_http(s->remote, call, &res);
}

static void
on_http(void *user, uint64_t call, const struct cs_wire_http *req)
{
	struct seen *s = user;

	s->requests++;
	strncat(s->steps, req->req.step, sizeof(s->steps) - strlen(s->steps) - 1);
	strncat(s->steps, " ", sizeof(s->steps) - strlen(s->steps) - 1);
	for (size_t i = 0; i < req->req.n_headers; i++)
		snprintf(s->sent, sizeof(s->sent), "%s", req->headers[i].value);
	if (s->hold_step != NULL && strcmp(req->req.step, s->hold_step) == 0)
		s->held = call;
	else
		answer(s, call, strcmp(req->req.step, "find") == 0 ? 404 : 201);
}

static void
on_service(void *user, uint64_t call, const struct cs_wire_service *req CS_UNUSED)
{
	struct seen *s = user;
	struct cs_wire_service_result res = { .rc = CS_DONE, .bytes = { "", 0 } };

	cs_remote_answer(s->remote, call, &res);
}

static void
on_receipt(void *user CS_UNUSED, uint64_t call CS_UNUSED, const char *step CS_UNUSED, struct cs_bytes value CS_UNUSED)
{
}

static void
on_record(void *user, uint64_t call CS_UNUSED, const char *type CS_UNUSED, const char *id CS_UNUSED, const char *url CS_UNUSED)
{
	((struct seen *)user)->records++;
}

static void
on_emit(void *user CS_UNUSED, uint64_t call CS_UNUSED, struct cs_bytes out CS_UNUSED)
{
}

static void
on_log(void *user CS_UNUSED, uint64_t call CS_UNUSED, int32_t prio CS_UNUSED, const char *text CS_UNUSED)
{
}

static void
on_done(void *user, uint64_t call CS_UNUSED, const struct cs_wire_done *result)
{
	struct seen *s = user;

	s->done++;
	s->outcome = result->outcome;
	s->crash = result->crash;
	snprintf(s->reason, sizeof(s->reason), "%s", result->reason);
	snprintf(s->warnings, sizeof(s->warnings), "%s", result->warnings);
}

static void
on_again(void *user, uint64_t call CS_UNUSED)
{
	struct seen *s = user;

	s->again++;
	s->records = 0;
}

static void
on_suspected(void *user, uint64_t call CS_UNUSED, const char *what)
{
	struct seen *s = user;

	s->suspected++;
	snprintf(s->what, sizeof(s->what), "%s", what);
}

static const struct cs_remote_ops ops = { .http = on_http, .service = on_service, .receipt = on_receipt, .record = on_record,
	.emit = on_emit, .log = on_log, .done = on_done, .again = on_again, .suspected = on_suspected };

static void
setup(void)
{
	cs_clock_init_fixed(&clock_, NOW, 7);
	ck_assert_int_ge(program = open("csrelay-plugin-host", O_PATH | O_CLOEXEC), 0);
	process = (struct cs_remote_process){ .program = program, .memory = MEMORY, .cpu_ms = 200, .clock = &clock_ };
}

static void
teardown(void)
{
	cs_remote_close(remote);
	close(program);
}

static void
open_plugin(const char *name)
{
	struct cs_remote_conf conf = { .dir = TEST_PLUGINS, .name = name, .ops = &ops, .trust_all = true, .max_calls = MAX_SEEN,
		.process = &process };
	struct cs_err err;

	ck_assert_msg(cs_remote_open(&conf, &remote, &err) == 0, "%s", err.msg);
}

static void
turn(void)
{
	struct pollfd fds[CS_REMOTE_FDS];
	size_t n = cs_remote_poll(remote, fds);

	poll(fds, n, 20);
	cs_remote_polled(remote, fds, n);
	cs_remote_run(remote);
}

#define UNTIL(condition)                                              \
	do {                                                          \
		int turns_ = 0;                                       \
		while (!(condition)) {                                \
			ck_assert_msg(turns_++ < 2000, "%s", #condition); \
			turn();                                       \
		}                                                     \
	} while (0)

static void
push(struct seen *s, const char *text)
{
	struct cs_lead_address address = { .struct_size = sizeof(address) };
	struct cs_lead_contact contact = { .struct_size = sizeof(contact), .address = &address };
	struct cs_lead_call call = { .struct_size = sizeof(call) };
	struct cs_lead_request request = { .struct_size = sizeof(request) };
	struct cs_lead_analysis analysis = { .struct_size = sizeof(analysis) };
	struct cs_lead lead = { .struct_size = sizeof(lead), .call = &call, .contact = &contact, .request = &request,
		.analysis = &analysis, .raw = { text, strlen(text) }, .event_id = "ev" };
	struct cs_wire_call in = { .kind = CS_CALL_MAP_PUSH, .what_kind = CS_PUSH_LEAD, .delivery_id = "dlv_1", .attempt = 1, .what = "",
		.query = "", .channel = "", .lead = &lead };

	s->remote = remote;
	in.nonce[0] = (uint8_t)(uintptr_t)s;
	in.nonce[1] = (uint8_t)((uintptr_t)s >> 8);
	ck_assert_uint_ne(s->call = cs_remote_call(remote, &in, s), 0);
}

/* ---- living */

START_TEST(a_process_serves_calls_and_says_what_it_is_held_by)
{
	struct seen s = { 0 };

	open_plugin("always_ok");
	ck_assert_int_eq(cs_remote_info(remote)->state, CS_REMOTE_STARTING);
	push(&s, "{}");
	UNTIL(s.done);
	ck_assert_int_eq(s.outcome, CS_DONE);
	ck_assert_str_eq(s.steps, "create ");
	ck_assert_int_eq(cs_remote_info(remote)->state, CS_REMOTE_UP);
	ck_assert_int_eq(cs_remote_info(remote)->seccomp, 2);
	ck_assert_int_eq(cs_remote_info(remote)->memory, MEMORY);
	ck_assert_uint_eq(cs_remote_info(remote)->starts, 1);
	ck_assert(!cs_remote_can(remote, CS_CALL_HOOK));
}
END_TEST

START_TEST(a_message_larger_than_the_socket_goes_over_in_pieces)
{
	static struct seen s[8];
	size_t n = 900 << 10;
	char *text = malloc(n);

	memset(text, 'x', n);
	text[n - 1] = '\0';
	open_plugin("always_ok");
	for (int i = 0; i < 8; i++)
		push(&s[i], text);
	for (int i = 0; i < 8; i++) {
		UNTIL(s[i].done);
		ck_assert_int_eq(s[i].outcome, CS_DONE);
	}
	free(text);
}
END_TEST

START_TEST(a_plugin_that_is_refused_is_parked_with_the_reason)
{
	struct seen s = { 0 };

	open_plugin("no_push");
	push(&s, "{}");
	UNTIL(cs_remote_info(remote)->state == CS_REMOTE_PARKED);
	ck_assert_msg(strstr(cs_remote_info(remote)->died_of, "push: expected a function") != NULL, "%s", cs_remote_info(remote)->died_of);
	UNTIL(s.done);
	ck_assert_int_eq(s.crash, CS_WIRE_LOST);
	ck_assert_int_eq(cs_remote_wake_ms(remote), NOW + 60000);
	cs_clock_set(&clock_, NOW + 60000);
	UNTIL(cs_remote_info(remote)->starts == 2);
	UNTIL(cs_remote_info(remote)->state == CS_REMOTE_PARKED);
	ck_assert_int_eq(cs_remote_wake_ms(remote), NOW + 60000 + 120000);
}
END_TEST

START_TEST(a_plugin_that_cannot_renew_as_its_manifest_says_is_parked)
{
	open_plugin("no_auth");
	UNTIL(cs_remote_info(remote)->state == CS_REMOTE_PARKED);
	ck_assert_msg(strstr(cs_remote_info(remote)->died_of, "auth_refresh: expected a function") != NULL, "%s", cs_remote_info(remote)->died_of);
}
END_TEST

START_TEST(a_constructor_that_crashes_parks_the_plugin)
{
	open_plugin("ctor_segv");
	for (int i = 0; i < 10 && cs_remote_info(remote)->state != CS_REMOTE_PARKED; i++) {
		UNTIL(cs_remote_info(remote)->deaths > (unsigned)i);
		cs_clock_set(&clock_, cs_now_ms(&clock_) + 5000);
	}
	ck_assert_int_eq(cs_remote_info(remote)->state, CS_REMOTE_PARKED);
	ck_assert_uint_eq(cs_remote_info(remote)->deaths, 5);
	ck_assert_msg(strstr(cs_remote_info(remote)->died_of, "SIGSEGV") != NULL, "%s", cs_remote_info(remote)->died_of);
}
END_TEST

/* ---- dying. The poisoned call must end as crashed and name the cause; the healthy ones beside it must not notice. */

struct death {
	const char *plugin, *what, *function;
	const char *steps; /* that the network saw of the poisoned call */
};
static const struct death deaths[] = {
	{ "segv_map", "SIGSEGV: no memory at address 16", "segv_map", "" },
	{ "segv_push", "SIGSEGV: no memory at address 16", "segv_push", "" },
	{ "segv_between", "SIGSEGV: no memory at address 16", "segv_between", "find " },
	{ "segv_last", "SIGSEGV: no memory at address 16", "segv_last", "find create " },
	{ "abort_push", "SIGABRT", "abort_push", "find " },
	{ "exit_push", "it ended itself with status 0", NULL, "find " },
	{ "loop_push", "it did not give the processor back", "loop_push", "find " },
	{ "recurse_push", "SIGSEGV: its stack of 256 KiB is full", "deeper", "find " },
#ifndef CS_SANITIZED /* which fill the log, and end in their own way */
	{ "leak_push", "more memory than plugins.memory allows", "leak_push", "find " },
#endif
	{ "fork_push", "it called clone(), which is forbidden", "fork_push", "find " },
	{ "exec_push", "it called execve(), which is forbidden", "exec_push", "find " },
	{ "socket_push", "it called socket(), which is forbidden", "socket_push", "find " },
	{ "kill_push", "it called kill(), which is forbidden", "kill_push", "find " },
	{ "ptrace_push", "it called ptrace(), which is forbidden", "ptrace_push", "find " },
	{ "garbage_push", "what it sent is no message", NULL, "find " },
};

START_TEST(a_death_is_told_and_hits_nobody_else)
{
	const struct death *d = &deaths[_i];
	struct seen bad = { 0 }, good[6] = { { 0 } };

	open_plugin(d->plugin);
	for (int i = 0; i < 6; i++) {
		push(&good[i], "{\"good\":1}");
		if (i == 2)
			push(&bad, "{\"poison\":1}");
	}
	UNTIL(bad.done);
	ck_assert_int_eq(bad.suspected, 1);
	ck_assert_msg(strstr(bad.what, d->what) != NULL, "%s", bad.what);
	ck_assert_msg(d->function == NULL || strstr(bad.what, d->function) != NULL, "%s", bad.what);
	ck_assert_msg(strstr(bad.reason, d->what) != NULL, "%s", bad.reason);
	ck_assert_int_gt(bad.crash, 0);
	ck_assert_str_eq(bad.steps, d->steps);
	for (int i = 0; i < 6; i++) {
		UNTIL(good[i].done);
		ck_assert_int_eq(good[i].outcome, CS_DONE);
		ck_assert_int_eq(good[i].crash, 0);
		ck_assert_str_eq(good[i].steps, "find create ");
		ck_assert_int_eq(good[i].records, 1);
	}
}
END_TEST

START_TEST(closing_the_wire_ends_the_process)
{
	struct seen bad = { 0 }, good = { 0 };

	open_plugin("close_wire");
	push(&bad, "{\"poison\":1}");
	push(&good, "{}");
	UNTIL(bad.done && good.done);
	ck_assert_int_eq(good.outcome, CS_DONE);
	ck_assert_int_ne(bad.crash, 0);
}
END_TEST

START_TEST(what_is_allowed_works_in_a_process)
{
	static const char *const plugins[] = { "big_frame", "late_call", "odd_outcome", "two_steps" };
	struct seen s[3] = { { 0 } };

	open_plugin(plugins[_i]);
	for (int i = 0; i < 3; i++) {
		push(&s[i], "{\"poison\":1}");
		UNTIL(s[i].done);
		ck_assert_int_eq(s[i].crash, 0);
		ck_assert_int_eq(s[i].outcome, _i == 2 ? 4711 : CS_DONE);
		ck_assert_int_eq(s[i].records, 1);
	}
	ck_assert_uint_eq(cs_remote_info(remote)->deaths, 0);
}
END_TEST

START_TEST(files_are_refused_at_run_time_and_in_constructors)
{
	struct seen s = { 0 };

	open_plugin(_i == 0 ? "open_push" : "ctor_key");
	push(&s, "{\"poison\":1}");
	UNTIL(s.done);
	ck_assert_int_eq(s.outcome, CS_DONE);
	if (_i == 0)
		ck_assert_str_eq(s.warnings, "open: Permission denied");
	else if (cs_remote_info(remote)->landlock > 0)
		ck_assert_str_eq(s.warnings, "constructor: nothing");
}
END_TEST

/* ---- running again */

START_TEST(an_answer_that_comes_after_the_death_is_kept_for_the_next_run)
{
	struct seen s = { .hold_step = "create" }, other = { 0 };

	open_plugin("segv_between");
	push(&s, "{}");
	UNTIL(s.held != 0);
	push(&other, "{\"poison\":1}");
	UNTIL(other.suspected == 1);
	answer(&s, s.held, 201); /* while nobody asks for it */
	UNTIL(s.done);
	ck_assert_int_eq(s.again, 1);
	ck_assert_int_eq(s.outcome, CS_DONE);
	ck_assert_str_eq(s.steps, "find create ");
	UNTIL(other.done);
}
END_TEST

START_TEST(a_request_under_way_is_waited_for_and_not_sent_again)
{
	struct seen s = { .hold_step = "create" }, other = { 0 };

	open_plugin("segv_between");
	push(&s, "{}");
	UNTIL(s.held != 0);
	push(&other, "{\"poison\":1}");
	UNTIL(other.done && s.again == 1);
	for (int i = 0; i < 5; i++)
		turn();
	ck_assert_int_eq(s.done, 0);
	ck_assert_int_eq(s.requests, 2);
	answer(&s, s.held, 201);
	UNTIL(s.done);
	ck_assert_int_eq(s.outcome, CS_DONE);
	ck_assert_int_eq(s.requests, 2);
}
END_TEST

START_TEST(a_process_killed_from_outside_costs_nothing)
{
	struct seen s[5] = { { 0 } };

	open_plugin("always_ok");
	for (int i = 0; i < 5; i++) {
		s[i].hold_step = "create";
		push(&s[i], "{}");
	}
	UNTIL(s[4].held != 0);
	kill(cs_remote_info(remote)->pid, SIGKILL);
	UNTIL(s[4].again == 1);
	for (int i = 0; i < 5; i++) {
		answer(&s[i], s[i].held, 201);
		UNTIL(s[i].done);
		ck_assert_int_eq(s[i].outcome, CS_DONE);
		ck_assert_int_eq(s[i].requests, 1);
	}
	ck_assert_str_eq(cs_remote_info(remote)->died_of, "it was ended by SIGKILL");
	ck_assert_uint_eq(cs_remote_info(remote)->starts, 2);
}
END_TEST

START_TEST(a_call_that_is_known_to_kill_runs_alone_from_the_start)
{
	struct seen s = { .hold_step = "create" };
	struct cs_wire_call in = { .kind = CS_CALL_PUSH, .what_kind = CS_PUSH_LEAD, .delivery_id = "d", .what = "", .query = "",
		.channel = "" };

	open_plugin("always_ok");
	s.remote = remote;
	ck_assert_uint_ne(cs_remote_call_alone(remote, &in, &s), 0);
	UNTIL(s.held != 0);
	kill(cs_remote_info(remote)->pid, SIGKILL);
	UNTIL(cs_remote_info(remote)->starts == 2);
	answer(&s, s.held, 201);
	UNTIL(s.done);
	ck_assert_int_eq(s.again, 0);
	ck_assert_int_eq(s.outcome, CS_DONE);
}
END_TEST

START_TEST(when_it_always_dies_it_is_parked_and_the_rest_goes_back_unharmed)
{
	struct seen s[12] = { { 0 } };
	int lost = 0, crashed = 0;

	open_plugin("segv_map");
	for (int i = 0; i < 12; i++)
		push(&s[i], "{\"poison\":1}");
	for (int i = 0; i < 400 && cs_remote_info(remote)->state != CS_REMOTE_PARKED; i++) {
		turn();
		cs_clock_set(&clock_, cs_now_ms(&clock_) + 200);
	}
	ck_assert_int_eq(cs_remote_info(remote)->state, CS_REMOTE_PARKED);
	for (int i = 0; i < 12; i++) {
		UNTIL(s[i].done);
		lost += s[i].crash == CS_WIRE_LOST;
		crashed += s[i].crash > 0;
	}
	ck_assert_int_eq(lost + crashed, 12);
	ck_assert_int_ge(lost, 7);
	ck_assert_uint_eq(cs_remote_call(remote, &(struct cs_wire_call){ .delivery_id = "", .what = "", .query = "", .channel = "" }, &s[0]), 0);
}
END_TEST

START_TEST(a_retired_process_ends_its_calls_and_is_not_started_again)
{
	struct seen s = { .hold_step = "create" }, other = { .hold_step = "create" };

	open_plugin("always_ok");
	push(&s, "{}");
	push(&other, "{}");
	UNTIL(s.held != 0 && other.held != 0);
	cs_remote_retire(remote);
	answer(&s, s.held, 201);
	UNTIL(s.done);
	ck_assert_int_eq(s.outcome, CS_DONE);
	kill(cs_remote_info(remote)->pid, SIGKILL);
	UNTIL(other.done);
	ck_assert_int_eq(other.crash, CS_WIRE_LOST);
	ck_assert_uint_eq(cs_remote_info(remote)->starts, 1);
	ck_assert(cs_remote_is_last(remote));
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("process");
	TCase *tc = tcase_create("process");
	SRunner *sr = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 30);
	tcase_add_test(tc, a_process_serves_calls_and_says_what_it_is_held_by);
	tcase_add_test(tc, a_message_larger_than_the_socket_goes_over_in_pieces);
	tcase_add_test(tc, a_plugin_that_is_refused_is_parked_with_the_reason);
	tcase_add_test(tc, a_plugin_that_cannot_renew_as_its_manifest_says_is_parked);
	tcase_add_test(tc, a_constructor_that_crashes_parks_the_plugin);
	tcase_add_loop_test(tc, a_death_is_told_and_hits_nobody_else, 0, CS_ARRAY_LEN(deaths));
	tcase_add_test(tc, closing_the_wire_ends_the_process);
	tcase_add_loop_test(tc, what_is_allowed_works_in_a_process, 0, 4);
	tcase_add_loop_test(tc, files_are_refused_at_run_time_and_in_constructors, 0, 2);
	tcase_add_test(tc, an_answer_that_comes_after_the_death_is_kept_for_the_next_run);
	tcase_add_test(tc, a_request_under_way_is_waited_for_and_not_sent_again);
	tcase_add_test(tc, a_process_killed_from_outside_costs_nothing);
	tcase_add_test(tc, a_call_that_is_known_to_kill_runs_alone_from_the_start);
	tcase_add_test(tc, when_it_always_dies_it_is_parked_and_the_rest_goes_back_unharmed);
	tcase_add_test(tc, a_retired_process_ends_its_calls_and_is_not_started_again);
	suite_add_tcase(suite, tc);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? 0 : 1;
}

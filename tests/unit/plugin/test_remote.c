/* SPDX-License-Identifier: Apache-2.0 */
/* test_remote.c - plugins behind the wire, with a small engine in front of it. */
#include "config.h"
#include "plugin/remote.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* One delivery, as the engine would see it. */
struct delivery {
	struct cs_remote *remote;
	int requests, emits, records, receipts, dones;
	char log[2000];     /* what happened, one word each */
	char reason[500], warnings[500];
	struct cs_wire_done done;
	int answer_status;  /* of every request; 0: not answered by the callback */
	int32_t answer_outcome;
	const char *answer_body;
	uint64_t waiting;   /* the call that waits for an answer */
};

static void
say(struct delivery *d, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void
say(struct delivery *d, const char *fmt, ...)
{
	size_t n = strlen(d->log);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(d->log + n, sizeof(d->log) - n, fmt, ap);
	va_end(ap);
}

static struct cs_bytes
text(const char *s)
{
	return (struct cs_bytes){ s, strlen(s) };
}

static void
answer(struct delivery *d, uint64_t call)
{
	static const struct cs_header headers[] = { { "content-type", "text/plain" } };
	struct cs_wire_http_result res = {
		.outcome = d->answer_outcome, .status = d->answer_status, .body = text(d->answer_body),
		.headers = headers, .n_headers = 1,
	};

	cs_remote_answer_http(d->remote, call, &res);
}

static void
on_http(void *user, uint64_t call, const struct cs_wire_http *m)
{
	struct delivery *d = user;

	d->requests++;
	say(d, "%s%s %s %s%s%s; ", m->req.step, m->req.looks_for != NULL ? "(looks)" : "", m->req.method, m->req.url,
	    m->req.body.len > 0 ? " " : "", m->req.body.ptr);
	d->waiting = call;
	if (d->answer_status != 0)
		answer(d, call);
}

static void
on_service(void *user, uint64_t call, const struct cs_wire_service *m)
{
	struct cs_wire_service_result res = { .rc = CS_DONE, .bytes = m->bytes };
	struct delivery *d = user;

	cs_remote_answer(d->remote, call, &res);
}

static void
on_receipt(void *user, uint64_t call, const char *step, struct cs_bytes value)
{
	(void)call;
	((struct delivery *)user)->receipts++;
	say(user, "receipt %s=%s; ", step, value.ptr);
}

static void
on_record(void *user, uint64_t call, const char *type, const char *id, const char *url)
{
	(void)call, (void)url;
	((struct delivery *)user)->records++;
	say(user, "record %s/%s; ", type, id);
}

static void
on_emit(void *user, uint64_t call, struct cs_bytes out)
{
	(void)call;
	((struct delivery *)user)->emits++;
	say(user, "emit %s; ", out.ptr);
}

static void
on_named(void *user, uint64_t call, const char *name, struct cs_bytes value)
{
	(void)call;
	say(user, "fact %s=%s; ", name, value.ptr);
}

static void
on_budget(void *user, uint64_t call, const char *limit_class, int64_t left, int64_t restore_per_s)
{
	(void)call, (void)left, (void)restore_per_s;
	say(user, "budget %s; ", limit_class);
}

static void
on_cursor(void *user, uint64_t call, struct cs_bytes cursor)
{
	(void)call;
	say(user, "cursor %s; ", cursor.ptr);
}

static void
on_log(void *user, uint64_t call, int32_t prio, const char *line)
{
	(void)call, (void)prio;
	say(user, "log %s; ", line);
}

static void
on_done(void *user, uint64_t call, const struct cs_wire_done *m)
{
	struct delivery *d = user;

	(void)call;
	d->dones++;
	d->done = *m;
	snprintf(d->reason, sizeof(d->reason), "%s", m->reason);
	snprintf(d->warnings, sizeof(d->warnings), "%s", m->warnings);
}

static const struct cs_remote_ops ops = {
	.http = on_http, .service = on_service, .receipt = on_receipt, .record = on_record, .emit = on_emit,
	.fact = on_named, .budget = on_budget, .cursor = on_cursor, .log = on_log, .done = on_done,
};

static struct cs_remote *
open_plugin(const char *name, size_t max_calls)
{
	struct cs_remote_conf conf = {
		.dir = TEST_PLUGINS, .name = name, .ops = &ops, .trust_all = true, .max_calls = max_calls,
	};
	struct cs_err err = { 0 };
	struct cs_remote *r;

	ck_assert_msg(cs_remote_open(&conf, &r, &err) == 0, "%s", err.msg);
	return r;
}

/* Run one push of `name` to its end. */
static struct delivery
push(const char *name, struct delivery d, const struct cs_wire_receipt *receipts, size_t n)
{
	struct cs_wire_call in = { .kind = CS_CALL_PUSH, .document = text("{\"doc\":1}"), .receipts = receipts, .n_receipts = n };

	d.remote = open_plugin(name, 0);
	ck_assert_uint_ne(cs_remote_call(d.remote, &in, &d), 0);
	while (cs_remote_run(d.remote))
		;
	cs_remote_close(d.remote);
	return d;
}

static const struct delivery answers_201 = { .answer_status = 201, .answer_body = "51" };

START_TEST(a_push_goes_out_and_its_answer_comes_back)
{
	struct delivery d = push("always_ok", answers_201, NULL, 0);

	ck_assert_int_eq(d.dones, 1);
	ck_assert_int_eq(d.done.outcome, CS_DONE);
	ck_assert_str_eq(d.log, "create POST /leads {\"doc\":1}; ");
}
END_TEST

START_TEST(a_rejecting_plugin_says_why)
{
	struct delivery d = push("always_reject", answers_201, NULL, 0);

	ck_assert_int_eq(d.done.outcome, CS_REJECT);
	ck_assert_str_eq(d.reason, "the CRM takes no leads on Sundays");
	ck_assert_int_eq(d.done.has_retry_after, 0);
}
END_TEST

START_TEST(retry_after_travels_with_the_outcome)
{
	struct delivery d = push("always_retry", answers_201, NULL, 0);

	ck_assert_int_eq(d.done.outcome, CS_RETRY);
	ck_assert_int_eq(d.done.has_retry_after, 1);
	ck_assert_int_eq(d.done.retry_after_ms, 60000);
}
END_TEST

START_TEST(an_outcome_that_does_not_exist_passes_through)
{
	ck_assert_int_eq(push("bad_outcome", answers_201, NULL, 0).done.outcome, 77);
}
END_TEST

START_TEST(each_step_leaves_its_receipt)
{
	struct delivery d = { .answer_status = 404, .answer_body = "" };
	struct cs_wire_call in = { .kind = CS_CALL_PUSH, .document = text("{}") };

	d.remote = open_plugin("two_steps", 0);
	cs_remote_call(d.remote, &in, &d);
	while (cs_remote_run(d.remote) && d.requests < 1)
		;
	ck_assert_str_eq(d.log, "find GET /contacts; create POST /contacts {}; ");
	ck_assert_int_eq(d.done.outcome, CS_REJECT); /* the 404 of create */
	cs_remote_close(d.remote);
}
END_TEST

START_TEST(a_found_record_is_not_created_again)
{
	struct cs_wire_receipt doubt = { .step = "create", .state = CS_RECEIPT_IN_DOUBT };
	struct delivery d = { .answer_status = 200, .answer_body = "51" };

	d = push("two_steps", d, &doubt, 1);
	ck_assert_int_eq(d.done.outcome, CS_DONE);
	ck_assert_str_eq(d.log, "find(looks) GET /contacts; receipt create=51; record contact/51; note POST /notes 51; "
	                        "receipt note=51; ");
}
END_TEST

START_TEST(a_retry_starts_behind_the_receipts)
{
	struct cs_wire_receipt created = { .step = "create", .state = CS_RECEIPT_VALUE, .value = text("51") };
	struct delivery d = push("two_steps", answers_201, &created, 1);

	ck_assert_int_eq(d.done.outcome, CS_DONE);
	ck_assert_str_eq(d.log, "note POST /notes 51; receipt note=51; ");
}
END_TEST

START_TEST(a_refused_note_is_a_warning)
{
	struct cs_wire_receipt created = { .step = "create", .state = CS_RECEIPT_VALUE, .value = text("51") };
	struct delivery d = { .answer_status = 400, .answer_body = "" };

	d = push("two_steps", d, &created, 1);
	ck_assert_int_eq(d.done.outcome, CS_DONE);
	ck_assert_str_eq(d.warnings, "the note was refused with 400");
}
END_TEST

START_TEST(map_then_push_is_one_call)
{
	struct cs_lead_address address = { .struct_size = sizeof(address), .street = "1 Main St" };
	struct cs_lead_contact contact = { .struct_size = sizeof(contact), .phone = "+13055550182", .address = &address };
	struct cs_lead_call lead_call = { .struct_size = sizeof(lead_call) };
	struct cs_lead_request request = { .struct_size = sizeof(request) };
	struct cs_lead_analysis analysis = { .struct_size = sizeof(analysis) };
	struct cs_lead lead = {
		.struct_size = sizeof(lead), .call = &lead_call, .contact = &contact, .request = &request,
		.analysis = &analysis, .raw = text("{\"lead\":7}"),
	};
	struct cs_wire_call in = { .kind = CS_CALL_MAP_PUSH, .lead = &lead };
	struct delivery d = answers_201;

	d.remote = open_plugin("always_ok", 0);
	cs_remote_call(d.remote, &in, &d);
	ck_assert(cs_remote_run(d.remote));
	ck_assert_int_eq(d.done.outcome, CS_DONE);
	ck_assert_str_eq(d.log, "create POST /leads {\"lead\":7}; ");
	cs_remote_close(d.remote);
}
END_TEST

START_TEST(a_newer_plugin_loads_and_sees_an_older_host)
{
	struct delivery d = push("too_new", answers_201, NULL, 0);

	ck_assert_int_eq(d.done.outcome, CS_REJECT);
	ck_assert_str_eq(d.reason, "the host is of minor 0");
}
END_TEST

START_TEST(a_function_that_the_plugin_lacks_is_unsupported)
{
	struct cs_wire_call in = { .kind = CS_CALL_HOOK };
	struct delivery d = answers_201;

	d.remote = open_plugin("always_ok", 0);
	ck_assert(cs_remote_can(d.remote, CS_CALL_PUSH));
	ck_assert(!cs_remote_can(d.remote, CS_CALL_HOOK));
	ck_assert(!cs_remote_can(d.remote, CS_CALL_AUTH));
	cs_remote_call(d.remote, &in, &d);
	cs_remote_run(d.remote);
	ck_assert_int_eq(d.done.outcome, CS_UNSUPPORTED);
	cs_remote_close(d.remote);
}
END_TEST

START_TEST(no_more_calls_than_allowed_are_open)
{
	struct cs_wire_call in = { .kind = CS_CALL_PUSH };
	struct delivery d[3] = { 0 };
	struct cs_remote *r = open_plugin("always_ok", 2);
	uint64_t first = cs_remote_call(r, &in, &d[0]);

	ck_assert_uint_ne(first, 0);
	ck_assert_uint_ne(cs_remote_call(r, &in, &d[1]), 0);
	ck_assert_uint_eq(cs_remote_call(r, &in, &d[2]), 0);
	cs_remote_run(r);
	ck_assert_uint_eq(cs_remote_open_calls(r), 2);
	d[0].remote = r;
	d[0].answer_status = 200;
	d[0].answer_body = "";
	answer(&d[0], first);
	ck_assert(cs_remote_run(r));
	ck_assert_int_eq(d[0].dones, 1);
	ck_assert_uint_eq(cs_remote_open_calls(r), 1);
	ck_assert_uint_ne(cs_remote_call(r, &in, &d[2]), first);
	cs_remote_close(r); /* with two calls open */
	ck_assert_int_eq(d[1].dones, 0);
}
END_TEST

START_TEST(a_hundred_calls_wait_at_once_and_end_in_any_order)
{
	struct cs_wire_call in = { .kind = CS_CALL_PUSH };
	struct cs_remote *r = open_plugin("slow", 100);
	struct delivery d[100];

	for (int round = 0; round < 3; round++) {
		memset(d, 0, sizeof(d));
		for (int i = 0; i < 100; i++) {
			d[i].remote = r;
			ck_assert_uint_ne(cs_remote_call(r, &in, &d[i]), 0);
		}
		cs_remote_run(r);
		for (int i = 0; i < 100; i++) {
			struct delivery *one = &d[(i * 37) % 100];

			one->answer_body = "";
			one->answer_status = i % 2 == 0 ? 202 : 200;
			answer(one, one->waiting);
			one->answer_status = 200; /* of the second request, by the callback */
		}
		while (cs_remote_run(r))
			;
		for (int i = 0; i < 100; i++) {
			ck_assert_int_eq(d[i].dones, 1);
			ck_assert_int_eq(d[(i * 37) % 100].requests, i % 2 == 0 ? 2 : 1);
		}
	}
	cs_remote_close(r);
}
END_TEST

START_TEST(a_cancelled_call_gets_its_answer_and_ends)
{
	struct cs_wire_call in = { .kind = CS_CALL_PUSH };
	struct delivery d = { 0 };
	uint64_t call;

	d.remote = open_plugin("always_ok", 0);
	call = cs_remote_call(d.remote, &in, &d);
	cs_remote_run(d.remote);
	cs_remote_cancel(d.remote, call);
	cs_remote_cancel(d.remote, call);
	ck_assert(cs_remote_run(d.remote));
	ck_assert_int_eq(d.dones, 1);
	ck_assert_int_eq(d.done.outcome, CS_RETRY);
	d.answer_status = 200;
	d.answer_body = "late";
	answer(&d, call); /* the CRM's answer comes nevertheless */
	ck_assert(!cs_remote_run(d.remote));
	cs_remote_close(d.remote);
}
END_TEST

START_TEST(an_answer_nobody_waits_for_is_ignored)
{
	struct cs_wire_service_result service = { .rc = CS_DONE };
	struct cs_wire_call in = { .kind = CS_CALL_PUSH };
	struct delivery d = { 0 };
	uint64_t call;

	d.remote = open_plugin("always_ok", 0);
	call = cs_remote_call(d.remote, &in, &d);
	cs_remote_run(d.remote);
	cs_remote_answer(d.remote, call, &service); /* it waits for http */
	cs_remote_answer_http(d.remote, call + 1, &(struct cs_wire_http_result){ .outcome = CS_DONE });
	cs_remote_answer_http(d.remote, 0, &(struct cs_wire_http_result){ .outcome = CS_DONE });
	ck_assert(!cs_remote_run(d.remote));
	ck_assert_int_eq(d.dones, 0);
	cs_remote_close(d.remote);
}
END_TEST

START_TEST(a_call_too_large_for_the_wire_is_rejected)
{
	struct cs_wire_call in = { .kind = CS_CALL_PUSH };
	char *huge = calloc(1, CS_WIRE_MAX);
	struct delivery d = { 0 };

	in.document = (struct cs_bytes){ huge, CS_WIRE_MAX };
	d.remote = open_plugin("always_ok", 0);
	ck_assert_uint_ne(cs_remote_call(d.remote, &in, &d), 0);
	ck_assert(cs_remote_run(d.remote));
	ck_assert_int_eq(d.done.outcome, CS_REJECT);
	in.document = text("{}");
	d.answer_status = 200;
	d.answer_body = "";
	cs_remote_call(d.remote, &in, &d); /* the stream is whole */
	ck_assert(cs_remote_run(d.remote));
	ck_assert_int_eq(d.done.outcome, CS_DONE);
	cs_remote_close(d.remote);
	free(huge);
}
END_TEST

START_TEST(an_answer_too_large_for_the_wire_is_a_retry)
{
	struct cs_wire_http_result res = { .outcome = CS_DONE, .status = 200 };
	struct cs_wire_call in = { .kind = CS_CALL_PUSH };
	char *huge = calloc(1, CS_WIRE_MAX);
	struct delivery d = { 0 };
	uint64_t call;

	d.remote = open_plugin("always_ok", 0);
	call = cs_remote_call(d.remote, &in, &d);
	cs_remote_run(d.remote);
	res.body = (struct cs_bytes){ huge, CS_WIRE_MAX };
	cs_remote_answer_http(d.remote, call, &res);
	ck_assert(cs_remote_run(d.remote));
	ck_assert_int_eq(d.done.outcome, CS_RETRY);
	cs_remote_close(d.remote);
	free(huge);
}
END_TEST

/* ---- refusals */

static const struct {
	const char *name, *field, *expected, *found;
} refused[] = {
	{ "too_old", "struct_size", "1.0", "found" },
	{ "no_entry", "entry symbol", "cs_plugin_v1_entry", "none" },
	{ "wrong_name", "name", "\"wrong_name\"", "\"another\"" },
	{ "wrong_version", "version", "\"1.0.0\"", "\"9.9.9\"" },
	{ "no_push", "push", "a function", "NULL" },
	{ "no_auth", "auth_refresh", "a function", "NULL" },
};

START_TEST(a_refusal_names_path_field_expected_and_found)
{
	struct cs_remote_conf conf = {
		.dir = TEST_PLUGINS, .name = refused[_i].name, .ops = &ops, .trust_all = true,
	};
	struct cs_remote *r = (void *)1;
	struct cs_err err = { 0 };
	char path[100];

	snprintf(path, sizeof(path), "%s/%s.so", TEST_PLUGINS, refused[_i].name);
	ck_assert_int_eq(cs_remote_open(&conf, &r, &err), CS_EINVAL);
	ck_assert_ptr_null(r);
	ck_assert_msg(strstr(err.msg, path) != NULL && strstr(err.msg, refused[_i].field) != NULL &&
	              strstr(err.msg, "expected") != NULL && strstr(err.msg, refused[_i].expected) != NULL &&
	              strstr(err.msg, refused[_i].found) != NULL, "%s", err.msg);
}
END_TEST

static void
copy(const char *from, const char *to, mode_t mode)
{
	static char data[4 << 20];
	FILE *in = fopen(from, "r"), *out = fopen(to, "w");
	size_t n;

	ck_assert(in != NULL && out != NULL);
	n = fread(data, 1, sizeof(data), in);
	ck_assert_uint_eq(fwrite(data, 1, n, out), n);
	fclose(in);
	fclose(out);
	ck_assert_int_eq(chmod(to, mode), 0);
}

START_TEST(a_file_that_others_may_write_is_not_loaded)
{
	char dir[] = "/tmp/cs-remote-XXXXXX", so[100], json[100];
	struct cs_remote_conf conf = { .dir = dir, .name = "always_ok", .ops = &ops };
	struct cs_err err = { 0 };
	struct cs_remote *r;

	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(so, sizeof(so), "%s/always_ok.so", dir);
	snprintf(json, sizeof(json), "%s/always_ok.json", dir);
	ck_assert_int_eq(cs_remote_open(&conf, &r, &err), CS_ENOTFOUND);
	copy(TEST_PLUGINS "/always_ok.so", so, 0755);
	copy(TEST_PLUGINS "/always_ok.json", json, 0644);
	ck_assert_msg(cs_remote_open(&conf, &r, &err) == 0, "%s", err.msg);
	cs_remote_close(r);

	chmod(json, 0664);
	ck_assert_int_eq(cs_remote_open(&conf, &r, &err), CS_EPERM);
	ck_assert_msg(strstr(err.msg, "always_ok.json") != NULL && strstr(err.msg, "0664") != NULL, "%s", err.msg);
	chmod(json, 0644);
	chmod(so, 0757);
	ck_assert_int_eq(cs_remote_open(&conf, &r, &err), CS_EPERM);
	ck_assert_msg(strstr(err.msg, "always_ok.so") != NULL, "%s", err.msg);
	chmod(so, 0755);
	chmod(dir, 0777);
	ck_assert_int_eq(cs_remote_open(&conf, &r, &err), CS_EPERM);
	ck_assert_msg(strstr(err.msg, "folder") != NULL, "%s", err.msg);
	unlink(so);
	unlink(json);
	rmdir(dir);
}
END_TEST

START_TEST(the_two_files_may_lie_in_several_folders)
{
	char dir[] = "/tmp/cs-remote-XXXXXX", path[200], dirs[300];
	struct cs_remote_conf conf = { .dir = dirs, .name = "always_ok", .ops = &ops, .trust_all = true };
	struct cs_err err = { 0 };
	struct cs_remote *r;

	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/always_ok", dir);
	mkdir(path, 0755);
	snprintf(path, sizeof(path), "%s/always_ok/.libs", dir);
	mkdir(path, 0755);
	snprintf(path, sizeof(path), "%s/always_ok/.libs/always_ok.so", dir);
	copy(TEST_PLUGINS "/always_ok.so", path, 0755);
	snprintf(dirs, sizeof(dirs), "%s", dir);
	ck_assert_int_eq(cs_remote_open(&conf, &r, &err), CS_ENOTFOUND);
	ck_assert_msg(strstr(err.msg, "always_ok.json") != NULL, "%s", err.msg);
	snprintf(dirs, sizeof(dirs), "/nonexistent::%s:%s", dir, TEST_PLUGINS);
	ck_assert_msg(cs_remote_open(&conf, &r, &err) == 0, "%s", err.msg);
	ck_assert_str_eq(cs_remote_manifest(r)->title, "Test plugin always_ok");
	cs_remote_close(r);
	unlink(path);
	snprintf(path, sizeof(path), "%s/always_ok/.libs", dir);
	rmdir(path);
	snprintf(path, sizeof(path), "%s/always_ok", dir);
	rmdir(path);
	rmdir(dir);
}
END_TEST

START_TEST(a_name_is_not_a_path)
{
	struct cs_remote_conf conf = { .dir = TEST_PLUGINS, .name = "../v1/always_ok", .ops = &ops, .trust_all = true };
	struct cs_err err = { 0 };
	struct cs_remote *r;

	ck_assert_int_eq(cs_remote_open(&conf, &r, &err), CS_EINVAL);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("remote");
	TCase *tc = tcase_create("calls"), *refusals = tcase_create("refusals");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_test(tc, a_push_goes_out_and_its_answer_comes_back);
	tcase_add_test(tc, a_rejecting_plugin_says_why);
	tcase_add_test(tc, retry_after_travels_with_the_outcome);
	tcase_add_test(tc, an_outcome_that_does_not_exist_passes_through);
	tcase_add_test(tc, each_step_leaves_its_receipt);
	tcase_add_test(tc, a_found_record_is_not_created_again);
	tcase_add_test(tc, a_retry_starts_behind_the_receipts);
	tcase_add_test(tc, a_refused_note_is_a_warning);
	tcase_add_test(tc, map_then_push_is_one_call);
	tcase_add_test(tc, a_newer_plugin_loads_and_sees_an_older_host);
	tcase_add_test(tc, a_function_that_the_plugin_lacks_is_unsupported);
	tcase_add_test(tc, no_more_calls_than_allowed_are_open);
	tcase_add_test(tc, a_hundred_calls_wait_at_once_and_end_in_any_order);
	tcase_add_test(tc, a_cancelled_call_gets_its_answer_and_ends);
	tcase_add_test(tc, an_answer_nobody_waits_for_is_ignored);
	tcase_add_test(tc, a_call_too_large_for_the_wire_is_rejected);
	tcase_add_test(tc, an_answer_too_large_for_the_wire_is_a_retry);
	tcase_add_loop_test(refusals, a_refusal_names_path_field_expected_and_found, 0, (int)CS_ARRAY_LEN(refused));
	tcase_add_test(refusals, a_file_that_others_may_write_is_not_loaded);
	tcase_add_test(refusals, the_two_files_may_lie_in_several_folders);
	tcase_add_test(refusals, a_name_is_not_a_path);
	suite_add_tcase(s, tc);
	suite_add_tcase(s, refusals);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? 0 : 1;
}

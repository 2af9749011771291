/* SPDX-License-Identifier: Apache-2.0 */
/* test_record.c - what a call asks again is answered as before, and nothing is sent twice. */
#include "config.h"
#include "plugin/record.h"
#include "util/err.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define CALL 42

static struct cs_record_budget budget;
static struct cs_record rec;
static struct cs_buf frames; /* of the test, one behind the other */

static void
setup(void)
{
	budget = (struct cs_record_budget){ .max = 1 << 20 };
	memset(&rec, 0, sizeof(rec));
	cs_buf_init(&frames, 0);
	cs_buf_reserve(&frames, 1 << 20); /* so that what points into it stays */
}

static void
teardown(void)
{
	cs_record_fini(&rec);
	ck_assert_uint_eq(budget.used, 0);
	cs_buf_fini(&frames);
}

static struct cs_bytes
since(size_t before)
{
	return (struct cs_bytes){ frames.ptr + before, frames.len - before };
}

static struct cs_bytes
call(void)
{
	struct cs_wire_call m = { .kind = CS_CALL_PUSH, .delivery_id = "d", .what = "", .query = "", .channel = "" };
	size_t before = frames.len;

	ck_assert_int_eq(cs_wire_put_call(&frames, CALL, &m), 0);
	return since(before);
}

static struct cs_bytes
http(const char *step, const char *body, bool mutates)
{
	struct cs_http_req req = CS_REQ(step, mutates ? "POST" : "GET", "/x");
	size_t before = frames.len;

	req.mutates = mutates;
	req.body = (struct cs_bytes){ body, strlen(body) };
	ck_assert_int_eq(cs_wire_put_http(&frames, CALL, &req), 0);
	return since(before);
}

static struct cs_bytes
result(int status)
{
	struct cs_wire_http_result m = { .status = status, .body = { "", 0 } };
	size_t before = frames.len;

	ck_assert_int_eq(cs_wire_put_http_result(&frames, CALL, &m), 0);
	return since(before);
}

/* Ask it again. The status of the answer, or minus what came of it. */
static int
recall(struct cs_bytes asked)
{
	struct cs_wire_http_result m;
	struct cs_wire_frame f;
	struct cs_bytes answer;
	struct cs_arena mem;
	enum cs_recall got;
	int status;

	ck_assert_int_eq(cs_wire_peek(asked.ptr, asked.len, &f), (long)asked.len);
	if ((got = cs_record_recall(&rec, &f, &answer)) != CS_RECALL_ANSWER)
		return -(int)got;
	ck_assert_int_eq(cs_wire_peek(answer.ptr, answer.len, &f), (long)answer.len);
	cs_arena_init(&mem);
	ck_assert_int_eq(cs_wire_get_http_result(&f, &mem, &m), 0);
	status = m.status;
	cs_arena_fini(&mem);
	return status;
}

static void
exchange(struct cs_bytes asked, int status)
{
	cs_record_ask(&rec, asked);
	if (status != 0)
		cs_record_answer(&rec, result(status));
}

START_TEST(the_same_questions_get_the_same_answers_in_any_order)
{
	struct cs_bytes c = call(), again;

	cs_record_begin(&rec, &budget, c);
	exchange(http("find", "a", false), 404);
	exchange(http("create", "b", true), 201);
	exchange(http("find", "a", false), 200);
	again = cs_record_replay(&rec);
	ck_assert(again.len == c.len && memcmp(again.ptr, c.ptr, c.len) == 0);
	ck_assert_int_eq(recall(http("create", "b", true)), 201);
	ck_assert_int_eq(recall(http("find", "a", false)), 404);
	ck_assert_int_eq(recall(http("find", "a", false)), 200);
	ck_assert_int_eq(recall(http("find", "a", false)), -CS_RECALL_NEW);
	cs_record_replay(&rec); /* and once more */
	ck_assert_int_eq(recall(http("find", "a", false)), 404);
}
END_TEST

START_TEST(a_change_that_is_not_the_one_that_was_sent_is_stopped)
{
	cs_record_begin(&rec, &budget, call());
	exchange(http("create", "b", true), 201);
	cs_record_replay(&rec);
	ck_assert_int_eq(recall(http("create", "other", true)), -CS_RECALL_DIVERGED);
	ck_assert_int_eq(recall(http("note", "n", true)), -CS_RECALL_NEW); /* another step */
	ck_assert_int_eq(recall(http("create", "other", false)), -CS_RECALL_NEW); /* changes nothing */
}
END_TEST

START_TEST(what_is_on_its_way_is_waited_for)
{
	cs_record_begin(&rec, &budget, call());
	exchange(http("find", "a", false), 404);
	exchange(http("create", "b", true), 0);
	cs_record_replay(&rec);
	ck_assert_uint_ne(rec.asked_at, 0);
	ck_assert_int_eq(recall(http("find", "other", false)), -CS_RECALL_DIVERGED); /* nothing beside it */
	ck_assert_int_eq(recall(http("find", "a", false)), 404);
	ck_assert_int_eq(recall(http("create", "b", true)), -CS_RECALL_WAIT);
	cs_record_answer(&rec, result(201));
	ck_assert_uint_eq(rec.asked_at, 0);
	cs_record_replay(&rec);
	ck_assert_int_eq(recall(http("create", "b", true)), 201);
}
END_TEST

START_TEST(what_does_not_fit_cannot_run_again)
{
	static char large[CS_RECORD_MAX];

	memset(large, 'x', sizeof(large) - 1);
	cs_record_begin(&rec, &budget, call());
	ck_assert(!rec.lost);
	exchange(http("find", large, false), 0);
	ck_assert(rec.lost);
	ck_assert_uint_eq(budget.used, 0);
	cs_record_answer(&rec, result(200)); /* harmless */
	cs_record_end(&rec);
	budget.max = 100; /* others have taken the rest */
	cs_record_begin(&rec, &budget, call());
	ck_assert(rec.lost);
	cs_record_end(&rec);
	budget.max = 1 << 20;
	cs_record_begin(&rec, &budget, call());
	ck_assert(!rec.lost);
	for (int i = 0; i <= CS_RECORD_ASKS; i++)
		exchange(http("find", "a", false), 200);
	ck_assert(rec.lost);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("record");
	TCase *tc = tcase_create("record");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, the_same_questions_get_the_same_answers_in_any_order);
	tcase_add_test(tc, a_change_that_is_not_the_one_that_was_sent_is_stopped);
	tcase_add_test(tc, what_is_on_its_way_is_waited_for);
	tcase_add_test(tc, what_does_not_fit_cannot_run_again);
	suite_add_tcase(s, tc);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? 0 : 1;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* test_queue.c - handing work from many threads to one. */
#include <check.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>
#include "util/clock.h"
#include "util/queue.h"

struct item {
	int producer, number;
	struct cs_list link;
};

static void
count_wake(void *ctx)
{
	atomic_fetch_add((_Atomic int *)ctx, 1);
}

START_TEST(only_the_first_into_an_empty_queue_wakes)
{
	struct item v[3] = { { .number = 0 }, { .number = 1 }, { .number = 2 } };
	_Atomic int wakes = 0;
	struct cs_handoff q;
	struct cs_list out;

	cs_list_init(&out);
	cs_handoff_init(&q, count_wake, (void *)&wakes);
	ck_assert(cs_handoff_put(&q, &v[0].link));
	ck_assert(cs_handoff_put(&q, &v[1].link));
	ck_assert_int_eq(wakes, 1);
	ck_assert_uint_eq(cs_handoff_len(&q), 2);
	ck_assert_uint_eq(cs_handoff_take(&q, &out), 2);
	ck_assert_uint_eq(cs_handoff_len(&q), 0);
	ck_assert_uint_eq(cs_handoff_take(&q, &out), 0);
	ck_assert(cs_handoff_put(&q, &v[2].link));
	ck_assert_int_eq(wakes, 2);
	ck_assert_uint_eq(cs_handoff_take(&q, &out), 1); /* behind what is in out */
	for (int i = 0; i < 3; i++)
		ck_assert_ptr_eq(cs_list_pop(&out), &v[i].link);
	cs_handoff_fini(&q);
}
END_TEST

START_TEST(held_wake_ups_come_once_for_each_queue)
{
	struct item v[3 * 10];
	_Atomic int wakes[10] = { 0 };
	struct cs_handoff q[10];
	struct cs_list out;
	int total = 0;

	cs_list_init(&out);
	for (int i = 0; i < 10; i++)
		cs_handoff_init(&q[i], count_wake, (void *)&wakes[i]);
	cs_handoff_hold();
	for (int i = 0; i < 30; i++) {
		ck_assert(cs_handoff_put(&q[i % 5], &v[i].link));
		cs_handoff_take(&q[i % 5], &out); /* empty again: the next one would wake, too */
	}
	for (int i = 0; i < 5; i++)
		ck_assert_int_eq(wakes[i], 0);
	cs_handoff_let_go();
	for (int i = 0; i < 5; i++)
		ck_assert_int_eq(wakes[i], 1);
	ck_assert(cs_handoff_put(&q[0], &v[0].link)); /* nothing is held any more */
	ck_assert_int_eq(wakes[0], 2);
	cs_handoff_hold();
	for (int i = 0; i < 10; i++)
		ck_assert(cs_handoff_put(&q[i], &v[i + 1].link));
	cs_handoff_let_go();
	for (int i = 0; i < 10; i++)
		total += wakes[i];
	ck_assert_int_eq(total, 6 + 9); /* q[0] was not empty; those that there was no room for were woken at once */
	for (int i = 0; i < 10; i++)
		cs_handoff_fini(&q[i]);
}
END_TEST

START_TEST(a_closed_queue_refuses_but_gives_what_it_has)
{
	struct item a, b;
	struct cs_handoff q;
	struct cs_list out;
	_Atomic int wakes = 0;

	cs_list_init(&out);
	cs_list_init(&b.link);
	cs_handoff_init(&q, count_wake, (void *)&wakes);
	ck_assert(cs_handoff_put(&q, &a.link));
	cs_handoff_close(&q);
	ck_assert_int_eq(wakes, 2); /* whoever sleeps in a loop learns of the end */
	ck_assert(!cs_handoff_put(&q, &b.link));
	ck_assert(cs_list_empty(&b.link));
	ck_assert_uint_eq(cs_handoff_wait(&q, &out, -1), 1);
	ck_assert_uint_eq(cs_handoff_wait(&q, &out, -1), 0);
	cs_handoff_fini(&q);
}
END_TEST

START_TEST(waiting_ends_at_its_time)
{
	struct cs_handoff q;
	struct cs_list out;
	int64_t began = cs_mono_us();

	cs_list_init(&out);
	cs_handoff_init(&q, NULL, NULL);
	ck_assert_uint_eq(cs_handoff_wait(&q, &out, 0), 0);
	ck_assert_uint_eq(cs_handoff_wait(&q, &out, 20), 0);
	ck_assert_int_ge(cs_mono_us() - began, 20000);
	cs_handoff_fini(&q);
}
END_TEST

static void *
close_soon(void *q)
{
	nanosleep(&(struct timespec){ .tv_nsec = 10000000 }, NULL);
	cs_handoff_close(q);
	return NULL;
}

START_TEST(closing_wakes_who_waits_for_ever)
{
	struct cs_handoff q;
	struct cs_list out;
	pthread_t t;

	cs_list_init(&out);
	cs_handoff_init(&q, NULL, NULL);
	ck_assert_int_eq(pthread_create(&t, NULL, close_soon, &q), 0);
	ck_assert_uint_eq(cs_handoff_wait(&q, &out, -1), 0);
	pthread_join(t, NULL);
	cs_handoff_fini(&q);
}
END_TEST

enum { PRODUCERS = 4, EACH = 5000 };

struct producer {
	struct cs_handoff *q;
	struct item *items;
};

static void *
produce(void *arg)
{
	struct producer *p = arg;

	for (int i = 0; i < EACH; i++)
		cs_handoff_put(p->q, &p->items[i].link);
	return NULL;
}

START_TEST(nothing_is_lost_or_reordered_between_threads)
{
	struct item *items = calloc(PRODUCERS * EACH, sizeof(*items));
	struct producer p[PRODUCERS];
	pthread_t t[PRODUCERS];
	int next[PRODUCERS] = { 0 }, got = 0;
	struct cs_handoff q;
	struct cs_list out, *n;

	cs_list_init(&out);
	cs_handoff_init(&q, NULL, NULL);
	for (int i = 0; i < PRODUCERS; i++) {
		p[i] = (struct producer){ &q, items + i * EACH };
		for (int j = 0; j < EACH; j++)
			p[i].items[j] = (struct item){ .producer = i, .number = j };
		ck_assert_int_eq(pthread_create(&t[i], NULL, produce, &p[i]), 0);
	}
	while (got < PRODUCERS * EACH) {
		ck_assert_uint_gt(cs_handoff_wait(&q, &out, 5000), 0);
		while ((n = cs_list_pop(&out)) != NULL) {
			struct item *it = CS_CONTAINER(n, struct item, link);

			ck_assert_int_eq(it->number, next[it->producer]++);
			got++;
		}
	}
	for (int i = 0; i < PRODUCERS; i++)
		pthread_join(t[i], NULL);
	ck_assert_uint_eq(cs_handoff_len(&q), 0);
	cs_handoff_fini(&q);
	free(items);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("queue");
	TCase *t = tcase_create("queue");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_test(t, only_the_first_into_an_empty_queue_wakes);
	tcase_add_test(t, held_wake_ups_come_once_for_each_queue);
	tcase_add_test(t, a_closed_queue_refuses_but_gives_what_it_has);
	tcase_add_test(t, waiting_ends_at_its_time);
	tcase_add_test(t, closing_wakes_who_waits_for_ever);
	tcase_add_test(t, nothing_is_lost_or_reordered_between_threads);
	suite_add_tcase(s, t);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? 0 : 1;
}

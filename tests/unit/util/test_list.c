/* SPDX-License-Identifier: Apache-2.0 */
/* test_list.c - the ring and the heap. */
#include <check.h>
#include <stdlib.h>
#include "util/err.h"
#include "util/list.h"

struct item {
	int id;
	struct cs_list link;
};

static void
expect_ids(struct cs_list *head, const int *ids, size_t n)
{
	size_t i = 0;

	CS_LIST_EACH(p, head) {
		ck_assert_uint_lt(i, n);
		ck_assert_int_eq(CS_CONTAINER(p, struct item, link)->id, ids[i++]);
		ck_assert_ptr_eq(p->next->prev, p);
	}
	ck_assert_uint_eq(i, n);
}

START_TEST(what_is_pushed_first_is_popped_first)
{
	struct item v[3] = { { .id = 0 }, { .id = 1 }, { .id = 2 } };
	struct cs_list head;

	cs_list_init(&head);
	ck_assert(cs_list_empty(&head));
	ck_assert_ptr_null(cs_list_first(&head));
	ck_assert_ptr_null(cs_list_pop(&head));
	for (int i = 0; i < 3; i++)
		cs_list_push(&head, &v[i].link);
	expect_ids(&head, (int[]){ 0, 1, 2 }, 3);
	for (int i = 0; i < 3; i++)
		ck_assert_ptr_eq(cs_list_pop(&head), &v[i].link);
	ck_assert(cs_list_empty(&head));
	ck_assert(cs_list_empty(&v[1].link));
}
END_TEST

START_TEST(a_node_takes_itself_off_even_during_a_walk_and_twice)
{
	struct item v[4] = { { .id = 0 }, { .id = 1 }, { .id = 2 }, { .id = 3 } };
	struct cs_list head;

	cs_list_init(&head);
	for (int i = 0; i < 4; i++)
		cs_list_push(&head, &v[i].link);
	CS_LIST_EACH_SAFE(p, tmp, &head)
		if (CS_CONTAINER(p, struct item, link)->id % 2 == 0)
			cs_list_del(p);
	expect_ids(&head, (int[]){ 1, 3 }, 2);
	cs_list_del(&v[0].link);
	expect_ids(&head, (int[]){ 1, 3 }, 2);
	cs_list_insert_before(&v[3].link, &v[2].link);
	cs_list_insert_before(head.next, &v[0].link);
	expect_ids(&head, (int[]){ 0, 1, 2, 3 }, 4);
}
END_TEST

START_TEST(splicing_moves_everything_behind_what_is_there)
{
	struct item v[4] = { { .id = 0 }, { .id = 1 }, { .id = 2 }, { .id = 3 } };
	struct cs_list a, b;

	cs_list_init(&a);
	cs_list_init(&b);
	cs_list_splice(&a, &b);
	ck_assert(cs_list_empty(&a));
	cs_list_push(&b, &v[0].link);
	cs_list_splice(&a, &b);
	for (int i = 1; i < 4; i++)
		cs_list_push(&b, &v[i].link);
	cs_list_splice(&a, &b);
	ck_assert(cs_list_empty(&b));
	expect_ids(&a, (int[]){ 0, 1, 2, 3 }, 4);
	cs_list_splice(&a, &b);
	expect_ids(&a, (int[]){ 0, 1, 2, 3 }, 4);
}
END_TEST

/* ---- heap */

#define MANY 500

static unsigned
next_random(unsigned *state)
{
	*state = *state * 1103515245u + 12345u;
	return *state >> 8;
}

static void
check_heap(const struct cs_heap *h)
{
	for (size_t i = 0; i < h->n; i++) {
		ck_assert_uint_eq(h->v[i]->place, i + 1);
		if (i > 0)
			ck_assert_int_le(h->v[(i - 1) / 2]->key, h->v[i]->key);
	}
}

START_TEST(an_empty_heap_has_no_smallest)
{
	struct cs_heap_node n = { 0 };
	struct cs_heap h;

	cs_heap_init(&h);
	ck_assert_ptr_null(cs_heap_min(&h));
	cs_heap_del(&h, &n);
	cs_heap_put(&h, &n, 5);
	ck_assert_ptr_eq(cs_heap_min(&h), &n);
	cs_heap_del(&h, &n);
	cs_heap_del(&h, &n);
	ck_assert_ptr_null(cs_heap_min(&h));
	ck_assert_uint_eq(n.place, 0);
	cs_heap_fini(&h);
}
END_TEST

START_TEST(keys_come_out_in_order)
{
	struct cs_heap_node v[MANY] = { { 0 } };
	unsigned state = 7;
	int64_t last = INT64_MIN;
	struct cs_heap h;

	cs_heap_init(&h);
	for (int i = 0; i < MANY; i++)
		cs_heap_put(&h, &v[i], (int64_t)(next_random(&state) % 200) - 100);
	check_heap(&h);
	for (int i = 0; i < MANY; i++) {
		struct cs_heap_node *n = cs_heap_min(&h);

		ck_assert_int_ge(n->key, last);
		last = n->key;
		cs_heap_del(&h, n);
	}
	ck_assert_uint_eq(h.n, 0);
	cs_heap_fini(&h);
}
END_TEST

START_TEST(moving_and_removing_at_random_keeps_the_order)
{
	struct cs_heap_node v[MANY] = { { 0 } };
	unsigned state = 99;
	size_t in = 0;
	struct cs_heap h;

	cs_heap_init(&h);
	for (int step = 0; step < 20000; step++) {
		struct cs_heap_node *n = &v[next_random(&state) % MANY];

		if (next_random(&state) % 3 == 0) {
			in -= n->place != 0;
			cs_heap_del(&h, n);
		} else {
			in += n->place == 0;
			cs_heap_put(&h, n, (int64_t)(next_random(&state) % 1000));
		}
		ck_assert_uint_eq(h.n, in);
		if (step % 100 == 0)
			check_heap(&h);
	}
	for (int i = 0; i < MANY; i++)
		if (v[i].place != 0)
			ck_assert_int_le(cs_heap_min(&h)->key, v[i].key);
	cs_heap_fini(&h);
	for (int i = 0; i < MANY; i++)
		ck_assert_uint_eq(v[i].place, 0);
}
END_TEST

START_TEST(the_ends_of_the_number_range_are_ordinary_keys)
{
	struct cs_heap_node low = { 0 }, mid = { 0 }, high = { 0 };
	struct cs_heap h;

	cs_heap_init(&h);
	cs_heap_put(&h, &high, INT64_MAX);
	cs_heap_put(&h, &mid, 0);
	cs_heap_put(&h, &low, INT64_MIN);
	ck_assert_ptr_eq(cs_heap_min(&h), &low);
	cs_heap_put(&h, &low, INT64_MAX);
	ck_assert_ptr_eq(cs_heap_min(&h), &mid);
	cs_heap_fini(&h);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("list");
	TCase *t = tcase_create("list");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_test(t, what_is_pushed_first_is_popped_first);
	tcase_add_test(t, a_node_takes_itself_off_even_during_a_walk_and_twice);
	tcase_add_test(t, splicing_moves_everything_behind_what_is_there);
	tcase_add_test(t, an_empty_heap_has_no_smallest);
	tcase_add_test(t, keys_come_out_in_order);
	tcase_add_test(t, moving_and_removing_at_random_keeps_the_order);
	tcase_add_test(t, the_ends_of_the_number_range_are_ordinary_keys);
	suite_add_tcase(s, t);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? 0 : 1;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* test_spares.c - blocks that go round. */
#include <check.h>
#include <pthread.h>
#include <string.h>
#include "util/mem.h"
#include "util/spares.h"

START_TEST(the_block_given_back_last_is_taken_first)
{
	struct cs_spares s;
	void *a, *b;

	cs_spares_init(&s, 100, 4);
	a = cs_spares_take(&s);
	b = cs_spares_take(&s);
	ck_assert_ptr_ne(a, b);
	cs_spares_give(&s, a);
	cs_spares_give(&s, b);
	cs_spares_give(&s, NULL);
	ck_assert_ptr_eq(cs_spares_take(&s), b);
	ck_assert_ptr_eq(cs_spares_take(&s), a);
	cs_spares_give(&s, a);
	cs_spares_give(&s, b);
	cs_spares_fini(&s);
}
END_TEST

START_TEST(no_more_than_the_bound_are_kept)
{
	struct cs_spares s;
	void *v[5];

	cs_spares_init(&s, 1, 2); /* also a size below that of a pointer */
	for (size_t i = 0; i < 5; i++)
		memset(v[i] = cs_spares_take(&s), 7, 1);
	for (size_t i = 0; i < 5; i++)
		cs_spares_give(&s, v[i]);
	ck_assert_uint_eq(s.n, 2);
	cs_spares_fini(&s);
}
END_TEST

static void *
hand_round(void *arg)
{
	static char two_owners[] = "two owners";
	unsigned char mine[64];

	for (int i = 0; i < 20000; i++) {
		unsigned char *block = cs_spares_take(arg);
		int same;

		memset(mine, i & 0xff, sizeof(mine));
		memcpy(block, mine, sizeof(mine));
		same = memcmp(block, mine, sizeof(mine)) == 0; /* whoever else held it would have changed it */
		cs_spares_give(arg, block);
		if (!same)
			return two_owners;
	}
	return NULL;
}

START_TEST(a_block_has_one_owner_at_a_time)
{
	struct cs_spares s;
	pthread_t t[4];
	void *fault;

	cs_spares_init(&s, 64, 3);
	for (int i = 0; i < 4; i++)
		ck_assert_int_eq(pthread_create(&t[i], NULL, hand_round, &s), 0);
	for (int i = 0; i < 4; i++) {
		pthread_join(t[i], &fault);
		ck_assert_ptr_null(fault);
	}
	ck_assert_uint_le(s.n, 3);
	cs_spares_fini(&s);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("spares");
	TCase *tc = tcase_create("spares");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_test(tc, the_block_given_back_last_is_taken_first);
	tcase_add_test(tc, no_more_than_the_bound_are_kept);
	tcase_add_test(tc, a_block_has_one_owner_at_a_time);
	suite_add_tcase(s, tc);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed != 0;
}

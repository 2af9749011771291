/* SPDX-License-Identifier: Apache-2.0 */
/* test_map.c - the hash table, and SipHash against its published vectors. */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include "util/err.h"
#include "util/map.h"

START_TEST(an_empty_map_answers_nothing)
{
	struct cs_map m;
	size_t at = 0;

	cs_map_init(&m);
	ck_assert_ptr_null(cs_map_get(&m, 1));
	ck_assert_ptr_null(cs_map_del(&m, 1));
	ck_assert_ptr_null(cs_map_next(&m, &at, NULL));
	cs_map_fini(&m);
}
END_TEST

START_TEST(putting_again_replaces)
{
	struct cs_map m;
	int a, b;

	cs_map_init(&m);
	cs_map_put(&m, 0, &a);
	cs_map_put(&m, UINT64_MAX, &b);
	ck_assert_ptr_eq(cs_map_get(&m, 0), &a);
	cs_map_put(&m, 0, &b);
	ck_assert_ptr_eq(cs_map_get(&m, 0), &b);
	ck_assert_uint_eq(m.n, 2);
	ck_assert_ptr_eq(cs_map_del(&m, 0), &b);
	ck_assert_ptr_null(cs_map_get(&m, 0));
	ck_assert_ptr_eq(cs_map_get(&m, UINT64_MAX), &b);
	ck_assert_uint_eq(m.n, 1);
	cs_map_fini(&m);
}
END_TEST

/* Against a plain array, with keys from a small range so that runs, wrap-around and deletes inside runs all happen. */
START_TEST(a_long_random_life_agrees_with_an_array)
{
	enum { KEYS = 300 };
	static char cell[KEYS];
	void *model[KEYS] = { NULL };
	uint64_t state = 42, key;
	size_t n = 0, seen = 0, at = 0;
	struct cs_map m;
	void *val;

	cs_map_init(&m);
	for (int step = 0; step < 100000; step++) {
		state = state * 6364136223846793005ULL + 1442695040888963407ULL;
		key = (state >> 33) % KEYS;
		if ((state >> 60) % 2 == 0) {
			n += model[key] == NULL;
			model[key] = &cell[(state >> 40) % KEYS];
			cs_map_put(&m, key << 32, model[key]);
		} else {
			if (cs_map_del(&m, key << 32) != model[key])
				ck_abort_msg("step %d took out another", step);
			n -= model[key] != NULL;
			model[key] = NULL;
		}
		key = (state >> 20) % KEYS;
		if (m.n != n || cs_map_get(&m, key << 32) != model[key])
			ck_abort_msg("step %d left something else", step);
	}
	while ((val = cs_map_next(&m, &at, &key)) != NULL) {
		ck_assert_ptr_eq(val, model[key >> 32]);
		seen++;
	}
	ck_assert_uint_eq(seen, n);
	cs_map_fini(&m);
}
END_TEST

START_TEST(consecutive_ids_all_stay_and_short_runs)
{
	enum { N = 100000 };
	struct cs_map m;
	size_t run = 0, longest = 0;

	cs_map_init(&m);
	for (uint64_t id = 1; id <= N; id++)
		cs_map_put(&m, id, &m);
	ck_assert_uint_eq(m.n, N);
	ck_assert_uint_ge(m.cap * 3, m.n * 4);
	for (uint64_t id = 1; id <= N; id++)
		if (cs_map_get(&m, id) != &m)
			ck_abort_msg("%d is gone", (int)id);
	for (size_t i = 0; i < m.cap; i++) {
		run = m.v[i].val == NULL ? 0 : run + 1;
		longest = run > longest ? run : longest;
	}
	ck_assert_uint_lt(longest, 500);
	cs_map_fini(&m);
}
END_TEST

/* The reference implementation's vectors.h: key 00 01 .. 0f, input 00 01 .. (length - 1). */
static const struct {
	size_t len;
	uint64_t hash;
} vectors[] = {
	{ 0, 0x726fdb47dd0e0e31ULL }, { 1, 0x74f839c593dc67fdULL }, { 2, 0x0d6c8009d9a94f5aULL },
	{ 3, 0x85676696d7fb7e2dULL }, { 4, 0xcf2794e0277187b7ULL }, { 5, 0x18765564cd99a68dULL },
	{ 6, 0xcbc9466e58fee3ceULL }, { 7, 0xab0200f58b01d137ULL }, { 8, 0x93f5f5799a932462ULL },
	{ 15, 0xa129ca6149be45e5ULL }, /* the example of the paper */
	{ 16, 0x3f2acc7f57c29bdbULL }, { 63, 0x958a324ceb064572ULL },
};

START_TEST(siphash_agrees_with_the_published_vectors)
{
	uint8_t key[16], in[64];

	for (uint8_t i = 0; i < 16; i++)
		key[i] = i;
	for (uint8_t i = 0; i < 64; i++)
		in[i] = i;
	ck_assert_msg(cs_siphash24(key, in, vectors[_i].len) == vectors[_i].hash, "length %zu: %016llx",
	              vectors[_i].len, (unsigned long long)cs_siphash24(key, in, vectors[_i].len));
}
END_TEST

START_TEST(the_hash_of_this_process_is_stable_and_keyed)
{
	uint8_t zero[16] = { 0 };

	ck_assert(cs_hash64("lead", 4) == cs_hash64_str("lead"));
	ck_assert(cs_hash64_str("lead") != cs_hash64_str("leae"));
	ck_assert(cs_hash64_str("lead") != cs_siphash24(zero, "lead", 4));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("map");
	TCase *t = tcase_create("map");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_test(t, an_empty_map_answers_nothing);
	tcase_add_test(t, putting_again_replaces);
	tcase_add_test(t, a_long_random_life_agrees_with_an_array);
	tcase_add_test(t, consecutive_ids_all_stay_and_short_runs);
	tcase_add_loop_test(t, siphash_agrees_with_the_published_vectors, 0, (int)CS_ARRAY_LEN(vectors));
	tcase_add_test(t, the_hash_of_this_process_is_stable_and_keyed);
	suite_add_tcase(s, t);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? 0 : 1;
}

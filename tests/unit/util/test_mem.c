/* SPDX-License-Identifier: Apache-2.0 */
/* test_mem.c - allocation, arenas, buffers and their ceilings. */
#include "config.h"
#include <check.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "util/mem.h"

START_TEST(allocating_nothing_gives_a_pointer_to_free)
{
	void *p = cs_xmalloc(0), *q = cs_xcalloc(0, 8), *r = cs_xrealloc(NULL, 0);

	ck_assert(p != NULL && q != NULL && r != NULL);
	free(p);
	free(q);
	free(r);
}
END_TEST

#ifndef CS_SANITIZED /* a sanitizer has its own words about such sizes */
START_TEST(running_out_of_memory_aborts)
{
	volatile size_t absurd = SIZE_MAX / 2;

	free(cs_xmalloc(absurd));
}
END_TEST

START_TEST(a_product_that_overflows_aborts)
{
	volatile size_t absurd = SIZE_MAX / 2;

	free(cs_xcalloc(absurd, 4));
}
END_TEST
#endif

START_TEST(strings_are_copied_up_to_their_end)
{
	CS_CLEANUP(cs_freep) char *a = cs_xstrdup("lead");
	CS_CLEANUP(cs_freep) char *b = cs_xstrndup("lead", 2);
	CS_CLEANUP(cs_freep) char *c = cs_xstrndup("lead", 100);
	CS_CLEANUP(cs_freep) char *d = cs_xasprintf("%s-%d", "lead", 7);

	ck_assert_str_eq(a, "lead");
	ck_assert_str_eq(b, "le");
	ck_assert_str_eq(c, "lead");
	ck_assert_str_eq(d, "lead-7");
}
END_TEST

START_TEST(a_freed_pointer_is_null_afterwards)
{
	char *p = cs_xstrdup("x");

	cs_freep(&p);
	ck_assert_ptr_null(p);
	cs_freep(&p);
}
END_TEST

START_TEST(wiping_overwrites_the_length_or_the_string)
{
	char a[] = "secret", b[] = "sec\0ret";

	cs_wipe(a, 0);
	ck_assert_mem_eq(a, "\0\0\0\0\0\0", sizeof(a));
	cs_wipe(b, 7);
	ck_assert_mem_eq(b, "\0\0\0\0\0\0\0", sizeof(b));
	cs_wipe(NULL, 0);
	cs_wipe_free(NULL, 9);
	cs_wipe_free(cs_xstrdup("secret"), 0);
}
END_TEST

START_TEST(arena_memory_is_zeroed_and_aligned)
{
	struct cs_arena a;

	cs_arena_init(&a);
	for (size_t n = 0; n < 3000; n += 7) {
		unsigned char *p = cs_arena_alloc(&a, n);
		size_t zeros = 0;

		ck_assert_uint_eq((uintptr_t)p % 16, 0);
		while (zeros < n && p[zeros] == 0)
			zeros++;
		ck_assert_uint_eq(zeros, n);
		memset(p, 0xa5, n);
	}
	cs_arena_reset(&a);
	ck_assert_uint_eq(a.used, 0);
	for (int i = 0; i < 2000; i++) { /* what was dirty comes back clean */
		unsigned char *p = cs_arena_alloc(&a, 16);

		ck_assert_mem_eq(p, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 16);
	}
	cs_arena_fini(&a);
	cs_arena_fini(&a);
}
END_TEST

START_TEST(arena_objects_do_not_overlap)
{
	struct cs_arena a;
	char *v[500];

	cs_arena_init(&a);
	for (int i = 0; i < 500; i++)
		v[i] = cs_arena_printf(&a, "%0*d", i, i);
	for (int i = 1; i < 500; i++) {
		ck_assert_uint_eq(strlen(v[i]), i > 3 ? (size_t)i : strlen(v[i]));
		ck_assert_int_eq(atoi(v[i]), i);
	}
	cs_arena_fini(&a);
}
END_TEST

START_TEST(a_huge_object_does_not_stay_with_a_reset_arena)
{
	struct cs_arena a;

	cs_arena_init(&a);
	memset(cs_arena_alloc(&a, 5000000), 1, 5000000);
	cs_arena_alloc(&a, 10);
	ck_assert_uint_ge(a.used, 5000010);
	cs_arena_reset(&a);
	ck_assert_uint_eq(a.used, 0);
	ck_assert_str_eq(cs_arena_strdup(&a, "again"), "again");
	cs_arena_fini(&a);
}
END_TEST

START_TEST(arena_copies_end_in_nul)
{
	struct cs_arena a;

	cs_arena_init(&a);
	ck_assert_str_eq(cs_arena_strdup(&a, ""), "");
	ck_assert_str_eq(cs_arena_strndup(&a, "lead", 2), "le");
	ck_assert_str_eq(cs_arena_strndup(&a, "lead", 99), "lead");
	ck_assert_mem_eq(cs_arena_dup(&a, "a\0b", 3), "a\0b", 4);
	ck_assert_str_eq(cs_arena_dup(&a, NULL, 0), "");
	ck_assert_str_eq(cs_arena_printf(&a, "%d%%", 5), "5%");
	cs_arena_fini(&a);
}
END_TEST

START_TEST(a_buffer_grows_and_stays_terminated)
{
	CS_CLEANUP(cs_buf_fini) struct cs_buf b = CS_BUF_INIT(0);

	ck_assert_str_eq(cs_buf_str(&b), "");
	for (int i = 0; i < 10000; i++) {
		ck_assert_int_eq(cs_buf_addc(&b, 'x'), 0);
		ck_assert_int_eq(b.ptr[b.len], '\0');
	}
	ck_assert_uint_eq(b.len, 10000);
	ck_assert_int_eq(cs_buf_add(&b, NULL, 0), 0);
	cs_buf_reset(&b);
	ck_assert_str_eq(cs_buf_str(&b), "");
	ck_assert_int_eq(cs_buf_adds(&b, "new"), 0);
	ck_assert_str_eq(cs_buf_str(&b), "new");
}
END_TEST

START_TEST(what_does_not_fit_changes_nothing_and_is_remembered)
{
	CS_CLEANUP(cs_buf_fini) struct cs_buf b = CS_BUF_INIT(5);

	ck_assert_int_eq(cs_buf_adds(&b, "abc"), 0);
	ck_assert_int_eq(cs_buf_adds(&b, "def"), CS_ELIMIT);
	ck_assert(b.failed);
	ck_assert_int_eq(cs_buf_adds(&b, "d"), CS_ELIMIT);
	ck_assert_str_eq(cs_buf_str(&b), "abc");
	cs_buf_reset(&b);
	ck_assert(!b.failed);
	ck_assert_int_eq(cs_buf_adds(&b, "abcde"), 0);
	ck_assert_str_eq(cs_buf_str(&b), "abcde");
	ck_assert_uint_le(b.cap, 6);
	ck_assert_int_eq(cs_buf_addc(&b, 'f'), CS_ELIMIT);
}
END_TEST

START_TEST(an_absurd_length_does_not_wrap_around)
{
	CS_CLEANUP(cs_buf_fini) struct cs_buf b = CS_BUF_INIT(0);
	volatile size_t absurd = SIZE_MAX;

	cs_buf_adds(&b, "abc");
	ck_assert_int_eq(cs_buf_add(&b, "x", absurd), CS_ELIMIT);
	ck_assert_str_eq(cs_buf_str(&b), "abc");
}
END_TEST

START_TEST(formatting_works_below_and_above_the_small_size)
{
	CS_CLEANUP(cs_buf_fini) struct cs_buf b = CS_BUF_INIT(1000);
	CS_CLEANUP(cs_buf_fini) struct cs_buf c = CS_BUF_INIT(300);

	for (int width = 250; width < 260; width++) {
		cs_buf_reset(&b);
		ck_assert_int_eq(cs_buf_printf(&b, "%*d|", width, 42), 0);
		ck_assert_uint_eq(b.len, (size_t)width + 1);
		ck_assert_str_eq(b.ptr + width - 2, "42|");
	}
	ck_assert_int_eq(cs_buf_printf(&c, "%300d", 1), 0);
	ck_assert_int_eq(cs_buf_printf(&c, "%d", 1), CS_ELIMIT);
	cs_buf_reset(&c);
	ck_assert_int_eq(cs_buf_printf(&c, "%301d", 1), CS_ELIMIT);
	ck_assert_uint_eq(c.len, 0);
}
END_TEST

START_TEST(a_buffer_on_storage_of_its_ceiling_never_allocates)
{
	char room[8];
	struct cs_buf b = { .ptr = room, .cap = sizeof(room), .max = sizeof(room) - 1 };

	ck_assert_int_eq(cs_buf_adds(&b, "1234567"), 0);
	ck_assert_int_eq(cs_buf_addc(&b, '8'), CS_ELIMIT);
	ck_assert_ptr_eq(b.ptr, room);
	ck_assert_str_eq(room, "1234567");
}
END_TEST

START_TEST(stealing_hands_the_memory_over)
{
	struct cs_buf b = CS_BUF_INIT(100);
	size_t len = 99;
	char *p;

	ck_assert_ptr_null(cs_buf_steal(&b, &len));
	ck_assert_uint_eq(len, 0);
	cs_buf_adds(&b, "lead");
	p = cs_buf_steal(&b, &len);
	ck_assert_str_eq(p, "lead");
	ck_assert_uint_eq(len, 4);
	ck_assert_str_eq(cs_buf_str(&b), "");
	ck_assert_uint_eq(b.max, 100);
	free(p);
	cs_buf_adds(&b, "x");
	cs_buf_reset(&b);
	ck_assert_ptr_null(cs_buf_steal(&b, NULL)); /* and nothing leaks */
}
END_TEST

static const struct {
	const char *in;
	size_t n;
	const char *out;
} strings[] = {
#define ROW(in, out) { in, sizeof(in) - 1, "\"" out "\"" }
	ROW("", ""),
	ROW("plain", "plain"),
	ROW("a\"b\\c/d", "a\\\"b\\\\c/d"),
	ROW("\b\f\n\r\t", "\\b\\f\\n\\r\\t"),
	ROW("\0\x01\x1f\x7f", "\\u0000\\u0001\\u001f\x7f"),
	ROW("J\xc3\xbcrgen \xe2\x82\xac \xf0\x9f\x98\x80", "J\xc3\xbcrgen \xe2\x82\xac \xf0\x9f\x98\x80"),
	ROW("a\xff" "b", "a\xef\xbf\xbd" "b"),
	ROW("\xc3", "\xef\xbf\xbd"),
	ROW("\xc3\"", "\xef\xbf\xbd\\\""),
	ROW("\xe2\x82", "\xef\xbf\xbd\xef\xbf\xbd"),
	ROW("\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"),
	ROW("\xc0\xaf", "\xef\xbf\xbd\xef\xbf\xbd"),
	ROW("\xc3\xa9\x80", "\xc3\xa9\xef\xbf\xbd"),
#undef ROW
};

START_TEST(a_json_string_is_escaped_and_always_utf8)
{
	CS_CLEANUP(cs_buf_fini) struct cs_buf b = CS_BUF_INIT(0);

	ck_assert_int_eq(cs_buf_add_json_string(&b, strings[_i].in, strings[_i].n), 0);
	ck_assert_str_eq(cs_buf_str(&b), strings[_i].out);
}
END_TEST

START_TEST(a_json_string_over_the_ceiling_says_so)
{
	CS_CLEANUP(cs_buf_fini) struct cs_buf b = CS_BUF_INIT(6);

	ck_assert_int_eq(cs_buf_add_json_string(&b, "12345", 5), CS_ELIMIT);
	ck_assert(b.failed);
}
END_TEST

START_TEST(an_arena_uses_borrowed_memory_first_and_never_frees_it)
{
	_Alignas(16) char room[512];
	struct cs_arena a;
	char *p;

	cs_arena_init_in(&a, room, sizeof(room));
	p = cs_arena_strdup(&a, "here");
	ck_assert(p > room && p < room + sizeof(room));
	memset(cs_arena_alloc(&a, 4000), 1, 4000); /* more than it has */
	ck_assert_str_eq(p, "here");
	cs_arena_reset(&a);
	cs_arena_alloc(&a, 100);
	cs_arena_fini(&a);
}
END_TEST

START_TEST(whole_numbers_are_added_in_decimal)
{
	struct cs_buf b = CS_BUF_INIT(0);

	cs_buf_add_int(&b, 0);
	cs_buf_addc(&b, ' ');
	cs_buf_add_int(&b, INT64_MIN);
	cs_buf_addc(&b, ' ');
	cs_buf_add_int(&b, INT64_MAX);
	cs_buf_addc(&b, ' ');
	cs_buf_add_int(&b, -10);
	ck_assert_str_eq(cs_buf_str(&b), "0 -9223372036854775808 9223372036854775807 -10");
	cs_buf_fini(&b);
}
END_TEST

START_TEST(a_recycled_buffer_keeps_small_memory_only)
{
	struct cs_buf b = CS_BUF_INIT(0);

	cs_buf_adds(&b, "some");
	cs_buf_recycle(&b, 1000);
	ck_assert_uint_eq(b.len, 0);
	ck_assert_uint_gt(b.cap, 0);
	for (int i = 0; i < 2000; i++)
		cs_buf_addc(&b, 'x');
	cs_buf_recycle(&b, 1000);
	ck_assert_uint_eq(b.cap, 0);
	ck_assert_str_eq(cs_buf_str(&b), "");
}
END_TEST

START_TEST(reserved_room_is_there_and_never_beyond_the_ceiling)
{
	CS_CLEANUP(cs_buf_fini) struct cs_buf b = CS_BUF_INIT(100);
	char *at;

	cs_buf_reserve(&b, 80);
	at = b.ptr;
	ck_assert_uint_eq(b.len, 0);
	for (int i = 0; i < 80; i++)
		cs_buf_addc(&b, 'x');
	ck_assert_ptr_eq(b.ptr, at);
	cs_buf_reserve(&b, 21);
	ck_assert(!b.failed);
	ck_assert_int_eq(cs_buf_adds(&b, "twenty more of these"), 0);
}
END_TEST

START_TEST(an_extension_is_filled_in_by_the_caller)
{
	CS_CLEANUP(cs_buf_fini) struct cs_buf b = CS_BUF_INIT(100);
	char *at;

	cs_buf_adds(&b, "in front ");
	at = cs_buf_extend(&b, 90); /* it has to grow for that */
	ck_assert_ptr_eq(at, b.ptr + 9);
	ck_assert_uint_eq(b.len, 99);
	ck_assert_int_eq(at[90], '\0');
	memset(at, 'x', 90);
	ck_assert_int_eq(strncmp(b.ptr, "in front xxx", 12), 0);
	ck_assert_ptr_eq(cs_buf_extend(&b, 1), b.ptr + 99);
	ck_assert_ptr_null(cs_buf_extend(&b, 1));
	ck_assert(b.failed && b.len == 100);
	ck_assert_ptr_null(cs_buf_extend(&b, 0));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("mem");
	TCase *t = tcase_create("mem");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_test(t, allocating_nothing_gives_a_pointer_to_free);
#ifndef CS_SANITIZED
	tcase_add_test_raise_signal(t, running_out_of_memory_aborts, SIGABRT);
	tcase_add_test_raise_signal(t, a_product_that_overflows_aborts, SIGABRT);
#endif
	tcase_add_test(t, strings_are_copied_up_to_their_end);
	tcase_add_test(t, a_freed_pointer_is_null_afterwards);
	tcase_add_test(t, wiping_overwrites_the_length_or_the_string);
	tcase_add_test(t, arena_memory_is_zeroed_and_aligned);
	tcase_add_test(t, arena_objects_do_not_overlap);
	tcase_add_test(t, a_huge_object_does_not_stay_with_a_reset_arena);
	tcase_add_test(t, arena_copies_end_in_nul);
	tcase_add_test(t, a_buffer_grows_and_stays_terminated);
	tcase_add_test(t, what_does_not_fit_changes_nothing_and_is_remembered);
	tcase_add_test(t, an_absurd_length_does_not_wrap_around);
	tcase_add_test(t, formatting_works_below_and_above_the_small_size);
	tcase_add_test(t, a_buffer_on_storage_of_its_ceiling_never_allocates);
	tcase_add_test(t, stealing_hands_the_memory_over);
	tcase_add_loop_test(t, a_json_string_is_escaped_and_always_utf8, 0, (int)CS_ARRAY_LEN(strings));
	tcase_add_test(t, a_json_string_over_the_ceiling_says_so);
	tcase_add_test(t, an_arena_uses_borrowed_memory_first_and_never_frees_it);
	tcase_add_test(t, whole_numbers_are_added_in_decimal);
	tcase_add_test(t, a_recycled_buffer_keeps_small_memory_only);
	tcase_add_test(t, reserved_room_is_there_and_never_beyond_the_ceiling);
	tcase_add_test(t, an_extension_is_filled_in_by_the_caller);
	suite_add_tcase(s, t);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? 0 : 1;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* test_fiber.c - stacks, switches, and the guard below them. */
#include "config.h"
#include "plughost/fiber.h"

#include <check.h>
#include <fenv.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char trace[200];
static uintptr_t stack_of[4];

static void
say(const char *word)
{
	ck_assert_uint_lt(strlen(trace) + strlen(word), sizeof(trace));
	strcat(trace, word);
}

static struct cs_fiber_pool *
pool_of(size_t max)
{
	struct cs_err err = { 0 };
	struct cs_fiber_pool *p = cs_fiber_pool_new(max, &err);

	ck_assert_msg(p != NULL, "%s", err.msg);
	return p;
}

static void
three_words(void *arg)
{
	const char *const *words = arg;

	for (int i = 0; i < 3; i++) {
		say(words[i]);
		if (i < 2)
			cs_fiber_yield();
	}
}

START_TEST(two_fibers_take_turns)
{
	const char *upper[] = { "A", "B", "C" }, *lower[] = { "a", "b", "c" };
	struct cs_fiber_pool *p = pool_of(2);
	struct cs_fiber *one = cs_fiber_take(p, three_words, upper), *two = cs_fiber_take(p, three_words, lower);

	ck_assert(one != NULL && two != NULL && one != two);
	ck_assert_ptr_null(cs_fiber_take(p, three_words, upper));
	for (int i = 0; i < 2; i++) {
		ck_assert(cs_fiber_resume(one));
		ck_assert(cs_fiber_resume(two));
		say("|");
	}
	ck_assert(!cs_fiber_resume(two));
	ck_assert(!cs_fiber_resume(one));
	ck_assert_str_eq(trace, "Aa|Bb|cC");
	cs_fiber_pool_free(p);
}
END_TEST

static void
note_stack(void *arg)
{
	volatile char here = 0;

	*(uintptr_t *)arg = (uintptr_t)&here;
	cs_fiber_yield();
}

START_TEST(the_stack_given_back_last_is_taken_first)
{
	struct cs_fiber_pool *p = pool_of(8);
	struct cs_fiber *one = cs_fiber_take(p, note_stack, &stack_of[0]), *two = cs_fiber_take(p, note_stack, &stack_of[1]);
	struct cs_fiber *three;

	cs_fiber_resume(one);
	cs_fiber_resume(two);
	ck_assert(!cs_fiber_resume(two));
	ck_assert(!cs_fiber_resume(one));
	three = cs_fiber_take(p, note_stack, &stack_of[2]);
	ck_assert_ptr_eq(three, one);
	cs_fiber_resume(three);
	cs_fiber_resume(three);
	ck_assert(stack_of[0] != stack_of[1]);
	cs_fiber_pool_free(p);
}
END_TEST

static void __attribute__((noinline))
deep_exit(int depth)
{
	volatile char frame[512];

	memset((char *)frame, depth, sizeof(frame));
	if (depth == 0) {
		say("x");
		cs_fiber_exit();
	}
	if (frame[0] == depth)
		deep_exit(depth - 1);
}

static void
exits(void *arg)
{
	(void)arg;
	say("(");
	cs_fiber_yield();
	deep_exit(20);
}

START_TEST(a_fiber_that_exits_leaves_a_usable_stack)
{
	struct cs_fiber_pool *p = pool_of(1);

	for (int i = 0; i < 3; i++) {
		const char *words[] = { "1", "2", "3" };
		struct cs_fiber *f = cs_fiber_take(p, exits, NULL);

		ck_assert(cs_fiber_resume(f));
		ck_assert(!cs_fiber_resume(f));
		f = cs_fiber_take(p, three_words, words);
		while (cs_fiber_resume(f))
			;
	}
	ck_assert_str_eq(trace, "(x123(x123(x123");
	cs_fiber_pool_free(p);
}
END_TEST

static void
rounds_down(void *arg)
{
	(void)arg;
	cs_fiber_yield();
	ck_assert_int_eq(fegetround(), FE_TONEAREST);
	fesetround(FE_DOWNWARD);
	cs_fiber_yield();
	fesetround(FE_TONEAREST);
}

START_TEST(registers_and_float_control_survive_a_switch)
{
	struct cs_fiber_pool *p = pool_of(1);
	struct cs_fiber *f = cs_fiber_take(p, rounds_down, NULL);
	register long a = 1, b = 2, c = 3, d = 4, e = 5, g = 6, h = 7;
	double third = 1.0;

	cs_fiber_resume(f);
	for (int i = 0; i < 1; i++) {
		cs_fiber_resume(f);
		third /= 3;
		a += b, b += c, c += d, d += e, e += g, g += h;
	}
	ck_assert_int_eq(fegetround(), FE_TONEAREST);
	cs_fiber_resume(f);
	ck_assert_int_eq(a * 100000 + b * 10000 + c * 1000 + d * 100 + e * 10 + g, 3L * 100000 + 50000 + 7000 + 900 + 110 + 13);
	ck_assert(third > 0.33 && third < 0.34);
	cs_fiber_pool_free(p);
}
END_TEST

static void
most_of_it(void *arg)
{
	volatile char frame[200 << 10]; /* what a plugin may use, and a bit for us */

	(void)arg;
	memset((char *)frame, 7, sizeof(frame));
	cs_fiber_yield();
	ck_assert_int_eq(frame[0], 7);
}

START_TEST(a_stack_holds_200_kib)
{
	struct cs_fiber_pool *p = pool_of(3);
	struct cs_fiber *f[3];

	for (int i = 0; i < 3; i++)
		cs_fiber_resume(f[i] = cs_fiber_take(p, most_of_it, NULL));
	for (int i = 0; i < 3; i++)
		ck_assert(!cs_fiber_resume(f[i]));
	cs_fiber_pool_free(p);
}
END_TEST

#ifndef CS_SANITIZED /* which turns the signal into an exit of its own */
static void
too_much(void *arg)
{
	volatile char *below = (volatile char *)__builtin_frame_address(0) - CS_FIBER_STACK - (size_t)(uintptr_t)arg;

	*below = 1;
}

START_TEST(below_the_stack_nothing_can_be_written)
{
	struct cs_fiber_pool *p = pool_of(4);
	size_t how_far[] = { 1, 4096, 65536, CS_FIBER_GUARD - 8192 };

	cs_fiber_take(p, too_much, NULL); /* so that another stack lies below */
	cs_fiber_resume(cs_fiber_take(p, too_much, (void *)how_far[_i])); /* ends this process by SIGSEGV */
}
END_TEST
#endif

START_TEST(many_fibers_wait_at_once_again_and_again)
{
	struct cs_fiber_pool *p = pool_of(500);
	static struct cs_fiber *f[500];
	uintptr_t where;

	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < 500; i++) {
			f[i] = cs_fiber_take(p, note_stack, &where);
			ck_assert(f[i] != NULL && cs_fiber_resume(f[i]));
		}
		for (int i = 0; i < 500; i++)
			ck_assert(!cs_fiber_resume(f[(i * 7) % 500]));
	}
	cs_fiber_pool_free(p);
}
END_TEST

#if defined(CALM_US) && !defined(CS_SANITIZED)
static void
mark_stack(void *arg)
{
	volatile char here[64];

	here[0] = 7;
	*(volatile char **)arg = here;
	cs_fiber_yield();
	ck_assert_int_eq(here[0], 7);
}

START_TEST(after_a_burst_only_the_warm_stacks_keep_their_memory)
{
	static volatile char *mark[300];
	static struct cs_fiber *f[300];
	struct cs_fiber_pool *p = pool_of(300);
	volatile char *again = NULL;

	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < 300; i++)
			cs_fiber_resume(f[i] = cs_fiber_take(p, mark_stack, &mark[i]));
		for (int i = 0; i < 300; i++)
			ck_assert_int_eq(*mark[i], 7);
		for (int i = 299; i >= 0; i--)
			ck_assert(!cs_fiber_resume(f[i]));
		ck_assert_int_eq(*mark[10], 7);
		ck_assert_int_eq(*mark[63], 7);
		ck_assert_int_eq(*mark[64], 0);
		ck_assert_int_eq(*mark[299], 0);
	}
	cs_fiber_resume(f[0] = cs_fiber_take(p, mark_stack, &again));
	ck_assert(!cs_fiber_resume(f[0]));
	ck_assert(again == mark[0]);
	cs_fiber_pool_free(p);
}
END_TEST
#endif

int
main(void)
{
	Suite *s = suite_create("fiber");
	TCase *tc = tcase_create("fiber");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_test(tc, two_fibers_take_turns);
	tcase_add_test(tc, the_stack_given_back_last_is_taken_first);
	tcase_add_test(tc, a_fiber_that_exits_leaves_a_usable_stack);
	tcase_add_test(tc, registers_and_float_control_survive_a_switch);
	tcase_add_test(tc, a_stack_holds_200_kib);
	tcase_add_test(tc, many_fibers_wait_at_once_again_and_again);
#if defined(CALM_US) && !defined(CS_SANITIZED)
	tcase_add_test(tc, after_a_burst_only_the_warm_stacks_keep_their_memory);
#endif
#ifndef CS_SANITIZED
	tcase_add_loop_test_raise_signal(tc, below_the_stack_nothing_can_be_written, SIGSEGV, 0, 4);
#endif
	suite_add_tcase(s, tc);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? 0 : 1;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

static const struct cs_ctl_opt own[] = { { "limit", "N", "" }, { "all", NULL, "" }, { NULL, NULL, NULL } };

static char *pos[16];
static struct cs_err err;

static int
parse(struct cs_ctl_args *a, const char *const *words)
{
	static char copies[16][64];
	char *argv[16];
	int argc = 0;

	for (; words[argc] != NULL; argc++) {
		snprintf(copies[argc], sizeof(copies[argc]), "%s", words[argc]);
		argv[argc] = copies[argc];
	}
	memset(&err, 0, sizeof(err));
	return cs_ctl_args_parse(a, own, argc, argv, pos, &err);
}
#define PARSE(a, ...) parse((a), (const char *const[]){ __VA_ARGS__, NULL })

START_TEST(options_may_stand_anywhere)
{
	struct cs_ctl c = { 0 };

	ck_assert_int_eq(PARSE(&c.args, "one", "--limit", "20", "two", "--json", "--all"), 0);
	ck_assert_int_eq(c.args.n_pos, 2);
	ck_assert_str_eq(c.args.pos[0], "one");
	ck_assert_str_eq(c.args.pos[1], "two");
	ck_assert_str_eq(cs_ctl_opt(&c, "limit"), "20");
	ck_assert(cs_ctl_has(&c, "all"));
	ck_assert(cs_ctl_has(&c, "json"));
	ck_assert(!cs_ctl_has(&c, "socket"));
}
END_TEST

START_TEST(a_value_may_stand_behind_an_equals_sign)
{
	struct cs_ctl c = { 0 };

	ck_assert_int_eq(PARSE(&c.args, "--limit=--5", "--url=http://x/?a=b"), 0);
	ck_assert_str_eq(cs_ctl_opt(&c, "limit"), "--5");
	ck_assert_str_eq(cs_ctl_opt(&c, "url"), "http://x/?a=b");
}
END_TEST

START_TEST(a_dash_is_an_argument_and_two_dashes_end_the_options)
{
	struct cs_ctl c = { 0 };

	ck_assert_int_eq(PARSE(&c.args, "-", "--", "--json", "-x"), 0);
	ck_assert_int_eq(c.args.n_pos, 3);
	ck_assert_str_eq(c.args.pos[1], "--json");
	ck_assert(!cs_ctl_has(&c, "json"));
}
END_TEST

START_TEST(an_unknown_option_is_refused_with_the_nearest_one)
{
	struct cs_ctl_args a;

	ck_assert_int_eq(PARSE(&a, "--limmit", "3"), CS_EINVAL);
	assert_has(err.msg, "--limmit");
	assert_has(err.hint, "--limit");
	ck_assert_int_eq(PARSE(&a, "-l"), CS_EINVAL);
}
END_TEST

START_TEST(a_missing_value_is_not_taken_from_the_next_option)
{
	struct cs_ctl_args a;

	ck_assert_int_eq(PARSE(&a, "--limit", "--json"), CS_EINVAL);
	assert_has(err.msg, "--limit needs a value");
	ck_assert_int_eq(PARSE(&a, "--limit"), CS_EINVAL);
	ck_assert_int_eq(PARSE(&a, "--all=yes"), CS_EINVAL);
	assert_has(err.msg, "takes no value");
}
END_TEST

START_TEST(an_option_given_twice_is_refused)
{
	struct cs_ctl_args a;

	ck_assert_int_eq(PARSE(&a, "--limit", "1", "--limit", "2"), CS_EINVAL);
	assert_has(err.msg, "twice");
}
END_TEST

START_TEST(a_command_is_one_word_or_two)
{
	char dlq[] = "dlq", list[] = "list", leads[] = "leads", nothing[] = "nothing";
	int words = 0;

	ck_assert_str_eq(cs_ctl_command_find(2, (char *[]){ dlq, list }, &words)->name, "dlq list");
	ck_assert_int_eq(words, 2);
	ck_assert_str_eq(cs_ctl_command_find(2, (char *[]){ leads, list }, &words)->name, "leads");
	ck_assert_int_eq(words, 1);
	ck_assert_ptr_null(cs_ctl_command_find(1, (char *[]){ dlq }, &words));
	ck_assert_ptr_null(cs_ctl_command_find(1, (char *[]){ nothing }, &words));
	ck_assert_ptr_null(cs_ctl_command_find(0, NULL, &words));
}
END_TEST

START_TEST(no_command_has_more_options_than_can_be_given)
{
	for (int i = 0; cs_ctl_commands[i] != NULL; i++) {
		int n = 0;

		for (const struct cs_ctl_opt *o = cs_ctl_commands[i]->opts; o != NULL && o->name != NULL; o++) {
			n++;
			for (const struct cs_ctl_opt *g = cs_ctl_global_opts; g->name != NULL; g++)
				ck_assert_str_ne(o->name, g->name);
		}
		for (const struct cs_ctl_opt *g = cs_ctl_global_opts; g->name != NULL; g++)
			n++;
		ck_assert_int_le(n, CS_CTL_OPTS_MAX);
	}
}
END_TEST

START_TEST(commands_have_names_of_their_own_and_say_what_they_do)
{
	for (int i = 0; cs_ctl_commands[i] != NULL; i++) {
		const struct cs_ctl_command *cmd = cs_ctl_commands[i];

		ck_assert_ptr_nonnull(cmd->args);
		ck_assert_ptr_nonnull(cmd->run);
		ck_assert_int_gt((int)strlen(cmd->help), 10);
		ck_assert(cmd->max < 0 || cmd->min <= cmd->max);
		for (int k = 0; k < i; k++)
			ck_assert_str_ne(cmd->name, cs_ctl_commands[k]->name);
	}
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("ctl/args");
	TCase *t = tcase_create("args");

	tcase_add_test(t, options_may_stand_anywhere);
	tcase_add_test(t, a_value_may_stand_behind_an_equals_sign);
	tcase_add_test(t, a_dash_is_an_argument_and_two_dashes_end_the_options);
	tcase_add_test(t, an_unknown_option_is_refused_with_the_nearest_one);
	tcase_add_test(t, a_missing_value_is_not_taken_from_the_next_option);
	tcase_add_test(t, an_option_given_twice_is_refused);
	tcase_add_test(t, a_command_is_one_word_or_two);
	tcase_add_test(t, no_command_has_more_options_than_can_be_given);
	tcase_add_test(t, commands_have_names_of_their_own_and_say_what_they_do);
	suite_add_tcase(s, t);
	return run_suite(s);
}

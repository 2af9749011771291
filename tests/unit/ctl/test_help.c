/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"
#include "ctl/help.h"

static char *
read_all(const char *path)
{
	static char text[131072];
	FILE *f = fopen(path, "r");
	size_t n;

	ck_assert_ptr_nonnull(f);
	n = fread(text, 1, sizeof(text) - 1, f);
	fclose(f);
	text[n] = '\0';
	return text;
}

START_TEST(the_manual_page_holds_the_commands_as_the_table_has_them)
{
	static const char begin[] = "\n.\\\" commands begin\n", end[] = ".\\\" commands end\n";
	char *page = read_all(CS_SRCDIR "/core/ctl/csrelay.8"), *from = strstr(page, begin),
	     *to = strstr(page, end);
	struct cs_buf b = CS_BUF_INIT(0);

	ck_assert_ptr_nonnull(from);
	ck_assert_ptr_nonnull(to);
	*to = '\0';
	cs_ctl_help_man(&b);
	ck_assert_msg(strcmp(from + strlen(begin), cs_buf_str(&b)) == 0,
		      "csrelay.8 is older than the table: make update-commands-man");
	cs_buf_fini(&b);
}
END_TEST

START_TEST(the_manual_page_has_no_line_that_would_be_a_macro_by_accident)
{
	char *page = read_all(CS_SRCDIR "/core/ctl/csrelay.8"), *save = NULL;

	for (char *line = strtok_r(page, "\n", &save); line != NULL; line = strtok_r(NULL, "\n", &save)) {
		ck_assert_msg(line[0] != '\'', "%s", line);
		if (line[0] == '.')
			ck_assert_msg((line[1] >= 'A' && line[1] <= 'Z') || line[1] == '\\', "%s", line);
	}
}
END_TEST

START_TEST(usage_names_arguments_and_options)
{
	struct cs_buf b = CS_BUF_INIT(0);
	char dlq[] = "dlq", done[] = "done";
	int words;

	cs_ctl_help_usage(cs_ctl_command_find(2, (char *[]){ dlq, done }, &words), &b);
	ck_assert_str_eq(cs_buf_str(&b), "usage: csrelay dlq done DELIVERY [--note TEXT]\n");
	cs_buf_fini(&b);
}
END_TEST

START_TEST(help_knows_every_command_and_every_exit_status)
{
	struct ran r;

	RUN(&r, "help");
	ck_assert_int_eq(r.status, 0);
	for (int i = 0; cs_ctl_commands[i] != NULL; i++)
		assert_has(r.out, cs_ctl_commands[i]->name);
	for (const struct cs_ctl_exit_row *e = cs_ctl_exits; e->text != NULL; e++)
		assert_has(r.out, e->text);
}
END_TEST

START_TEST(help_explains_one_command_or_a_family)
{
	struct ran r;

	RUN(&r, "help", "dlq", "fix");
	ck_assert_int_eq(r.status, 0);
	assert_has(r.out, "usage: csrelay dlq fix DELIVERY");
	assert_has(r.out, "--file FILE");
	RUN(&r, "dlq", "fix", "--help");
	assert_has(r.out, "usage: csrelay dlq fix DELIVERY");
	RUN(&r, "help", "dlq");
	assert_has(r.out, "dlq replay");
	assert_has_not(r.out, "keys new");
	RUN(&r, "help", "nothing");
	ck_assert_int_eq(r.status, CS_CTL_NOT_FOUND);
}
END_TEST

/* Runs the script in a bash of its own, with the words on the command line, the last one to be completed. */
static const char *
complete(const char *script, const char *words, int at)
{
	static char out[4096];
	char command[512];
	FILE *p;
	size_t n;

	snprintf(command, sizeof(command),
		 "bash -c '. %s; COMP_WORDS=(%s); COMP_CWORD=%d; _csrelay; echo \"${COMPREPLY[*]}\"' 2>&1",
		 script, words, at);
	p = popen(command, "r");
	ck_assert_ptr_nonnull(p);
	n = fread(out, 1, sizeof(out) - 1, p);
	out[n] = '\0';
	ck_assert_int_eq(pclose(p), 0);
	return out;
}

START_TEST(bash_completes_commands_and_options)
{
	char script[] = "/tmp/cs-ctl-completion-XXXXXX";
	struct ran r;
	FILE *f;

	RUN(&r, "completion", "bash");
	ck_assert_int_eq(r.status, 0);
	f = fdopen(mkstemp(script), "w");
	ck_assert_ptr_nonnull(f);
	fputs(r.out, f);
	fclose(f);
	ck_assert_str_eq(complete(script, "csrelay de", 1), "deliveries\n");
	ck_assert_str_eq(complete(script, "csrelay dlq re", 2), "reroute replay\n");
	ck_assert_str_eq(complete(script, "csrelay dlq replay --dr", 3), "--dry-run\n");
	ck_assert_str_eq(complete(script, "csrelay explain 5 --fol", 3), "--follow\n");
	ck_assert_str_eq(complete(script, "csrelay queue --js", 2), "--json\n");
	unlink(script);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("ctl/help");
	TCase *t = tcase_create("help");

	tcase_add_test(t, the_manual_page_holds_the_commands_as_the_table_has_them);
	tcase_add_test(t, the_manual_page_has_no_line_that_would_be_a_macro_by_accident);
	tcase_add_test(t, usage_names_arguments_and_options);
	tcase_add_test(t, help_knows_every_command_and_every_exit_status);
	tcase_add_test(t, help_explains_one_command_or_a_family);
	tcase_add_test(t, bash_completes_commands_and_options);
	suite_add_tcase(s, t);
	return run_suite(s);
}

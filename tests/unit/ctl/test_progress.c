/* SPDX-License-Identifier: Apache-2.0 */
/* The line that changes in place, on a terminal and off it. */
#include "config.h"
#include "ctl/show/progress.h"

#include <fcntl.h>
#include "fixture.h"

static int saved = -1, master = -1;

/* Standard error becomes a terminal; what was written there is read from `master`. */
static void
to_a_terminal(void)
{
	int slave;

	ck_assert_int_ge(master = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK), 0);
	ck_assert_int_eq(grantpt(master), 0);
	ck_assert_int_eq(unlockpt(master), 0);
	ck_assert_int_ge(slave = open(ptsname(master), O_RDWR | O_NOCTTY), 0);
	saved = dup(STDERR_FILENO);
	dup2(slave, STDERR_FILENO);
	close(slave);
}

static const char *
written(void)
{
	static char text[4096];
	ssize_t n;

	n = read(master, text, sizeof(text) - 1);
	text[n > 0 ? n : 0] = '\0';
	return text;
}

static void
back_to_normal(void)
{
	if (saved >= 0)
		dup2(saved, STDERR_FILENO);
	close(saved);
	close(master);
	saved = master = -1;
}

START_TEST(a_bar_is_as_full_as_what_is_done)
{
	struct cs_buf b = CS_BUF_INIT(0);

	cs_ctl_progress_bar(0, 0, &b);
	ck_assert_str_eq(cs_buf_str(&b), "[>                       ]   0 %");
	cs_buf_reset(&b);
	cs_ctl_progress_bar(52, 100, &b);
	ck_assert_str_eq(cs_buf_str(&b), "[============>           ]  52 %");
	cs_buf_reset(&b);
	cs_ctl_progress_bar(7, 5, &b);
	ck_assert_str_eq(cs_buf_str(&b), "[========================] 100 %");
	cs_buf_fini(&b);
}
END_TEST

START_TEST(on_a_terminal_the_line_changes_in_place_and_goes_at_the_end)
{
	struct cs_ctl_progress p;
	const char *text;

	setenv("TERM", "xterm", 1);
	to_a_terminal();
	cs_ctl_progress_init(&p);
	cs_ctl_progress_show(&p, 1, 2, "%d of %d", 1, 2);
	text = written();
	ck_assert_ptr_eq(strstr(text, "\r[============>"), text);
	ck_assert_ptr_nonnull(strstr(text, " 50 %  1 of 2\033[K"));
	cs_ctl_progress_show(&p, 2, 2, "again"); /* within a tenth of a second, unless the machine sleeps */
	cs_ctl_progress_clear(&p);
	text = written();
	ck_assert_str_eq(text + strlen(text) - 4, "\r\033[K");
	cs_ctl_progress_clear(&p);
	ck_assert_str_eq(written(), "");
	back_to_normal();
}
END_TEST

START_TEST(where_nobody_looks_nothing_is_drawn)
{
	struct cs_ctl_progress p;

	setenv("TERM", "dumb", 1);
	to_a_terminal();
	cs_ctl_progress_init(&p);
	cs_ctl_progress_show(&p, 1, 2, "x");
	cs_ctl_progress_clear(&p);
	ck_assert_str_eq(written(), "");
	back_to_normal();
	setenv("TERM", "xterm", 1);
	saved = dup(STDERR_FILENO);
	dup2(open("/dev/null", O_WRONLY), STDERR_FILENO);
	cs_ctl_progress_init(&p);
	ck_assert(!p.on);
	back_to_normal();
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("ctl/progress");
	TCase *t = tcase_create("progress");

	tcase_add_test(t, a_bar_is_as_full_as_what_is_done);
	tcase_add_test(t, on_a_terminal_the_line_changes_in_place_and_goes_at_the_end);
	tcase_add_test(t, where_nobody_looks_nothing_is_drawn);
	suite_add_tcase(s, t);
	return run_suite(s);
}

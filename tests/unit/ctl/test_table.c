/* SPDX-License-Identifier: Apache-2.0 */
#include <locale.h>
#include "fixture.h"
#include "ctl/show/table.h"

static const struct cs_ctl_column columns[] = { { "id", true, false },
						{ "name", false, true },
						{ "state", false, false } };
static struct cs_arena mem;
static struct cs_ctl c;

static void
setup(void)
{
	setlocale(LC_CTYPE, "C.UTF-8");
	cs_arena_init(&mem);
	memset(&c, 0, sizeof(c));
}

static void
teardown(void)
{
	cs_arena_fini(&mem);
}

static const char *
two_rows(const char *name)
{
	struct cs_buf b = CS_BUF_INIT(0);
	struct cs_ctl_table t;
	const char *out;

	cs_ctl_table_init(&t, &mem, columns, 3);
	cs_ctl_table_row(&t);
	cs_ctl_table_cellf(&t, "%d", 7);
	cs_ctl_table_cell(&t, CS_PAINT_NONE, name);
	cs_ctl_table_cell(&t, CS_PAINT_GOOD, "well");
	cs_ctl_table_row(&t);
	cs_ctl_table_cellf(&t, "%d", 1024);
	cs_ctl_table_print(&t, &c, &b);
	out = cs_arena_strdup(&mem, cs_buf_str(&b));
	cs_buf_fini(&b);
	return out;
}

START_TEST(columns_are_as_wide_as_their_widest_cell)
{
	ck_assert_str_eq(two_rows("Acme"), "  id  name  state\n"
	                                   "   7  Acme  well\n"
	                                   "1024        \n");
}
END_TEST

START_TEST(characters_count_not_bytes)
{
	ck_assert_str_eq(two_rows("Jos\xc3\xa9"), "  id  name  state\n"
	                                          "   7  Jos\xc3\xa9  well\n"
	                                          "1024        \n");
}
END_TEST

START_TEST(a_narrow_terminal_cuts_the_column_that_gives)
{
	c.width = 24;
	ck_assert_str_eq(two_rows("Acme Heating and Cooling"), "  id  name         state\n"
	                                                       "   7  Acme Heati\xe2\x80\xa6  well\n"
	                                                       "1024               \n");
}
END_TEST

START_TEST(a_very_narrow_terminal_leaves_eight_columns)
{
	c.width = 5;
	assert_has(two_rows("Acme Heating and Cooling"), "  Acme He\xe2\x80\xa6  well");
}
END_TEST

START_TEST(what_is_no_terminal_gets_everything)
{
	assert_has(two_rows("Acme Heating and Cooling of Greater Miami and the Florida Keys"),
		   "Florida Keys  well");
}
END_TEST

START_TEST(paint_takes_no_room)
{
	c.colour = true;
	assert_has(two_rows("Acme"), "   7  Acme  \033[32mwell\033[0m\n");
}
END_TEST

START_TEST(a_cell_cannot_break_the_table)
{
	assert_has(two_rows("A\n\033[1mB"), "   7  A \xef\xbf\xbd[1mB  well\n");
}
END_TEST

START_TEST(no_rows_print_nothing)
{
	struct cs_buf b = CS_BUF_INIT(0);
	struct cs_ctl_table t;

	cs_ctl_table_init(&t, &mem, columns, 3);
	cs_ctl_table_print(&t, &c, &b);
	ck_assert_uint_eq(b.len, 0);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("ctl/table");
	TCase *t = tcase_create("table");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, columns_are_as_wide_as_their_widest_cell);
	tcase_add_test(t, characters_count_not_bytes);
	tcase_add_test(t, a_narrow_terminal_cuts_the_column_that_gives);
	tcase_add_test(t, a_very_narrow_terminal_leaves_eight_columns);
	tcase_add_test(t, what_is_no_terminal_gets_everything);
	tcase_add_test(t, paint_takes_no_room);
	tcase_add_test(t, a_cell_cannot_break_the_table);
	tcase_add_test(t, no_rows_print_nothing);
	suite_add_tcase(s, t);
	return run_suite(s);
}

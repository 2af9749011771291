/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"
#include "ctl/show/shape.h"

static struct cs_arena mem;

static void
setup(void)
{
	cs_arena_init(&mem);
}

static void
teardown(void)
{
	cs_arena_fini(&mem);
}

static const char *
shape(const char *text)
{
	struct cs_buf b = CS_BUF_INIT(0);
	struct cs_ctl c = { 0 };
	json_object *queue = json(text);
	const char *out;

	cs_ctl_shape_print(&c, &mem, queue, &b);
	out = cs_arena_strdup(&mem, cs_buf_str(&b));
	cs_buf_fini(&b);
	json_object_put(queue);
	return out;
}

START_TEST(an_empty_queue_says_so)
{
	ck_assert_str_eq(shape("{'crms': []}"), "nothing waits\n");
	ck_assert_str_eq(shape("{}"), "nothing waits\n");
}
END_TEST

START_TEST(crms_and_connections_stand_below_their_sum)
{
	const char *out =
	    shape("{'crms': [{'crm': 'hubspot', 'total': 7, 'ages': [5,2,0,0,0,0,0,0,0,0], 'connections': ["
		  "{'connection': 'conn_a', 'name': 'acme', 'label': 'Acme', 'state': 'connected', 'total': "
		  "6, 'ages': [5,1,0,0,0,0,0,0,0,0]},"
		  "{'connection': 'conn_b', 'name': null, 'label': null, 'state': 'paused', 'total': 1, "
		  "'ages': [0,1,0,0,0,0,0,0,0,0]}]},"
		  "{'crm': 'webhook', 'total': 3, 'ages': [0,0,0,0,0,0,0,0,0,3], 'connections': ["
		  "{'connection': null, 'label': null, 'total': 3, 'ages': [0,0,0,0,0,0,0,0,0,3]}]}]}");

	ck_assert_str_eq(
	    out, "waiting, by age in minutes  total  5  10  20  40  80  160  320  640  1280  1280+\n"
		 "TOTAL                          10  5   2   .   .   .    .    .    .     .      3\n"
		 "hubspot                         7  5   2   .   .   .    .    .    .     .      .\n"
		 "  Acme conn_a                   6  5   1   .   .   .    .    .    .     .      .\n"
		 "  conn_b, paused                1  .   1   .   .   .    .    .    .     .      .\n"
		 "webhook                         3  .   .   .   .   .    .    .    .     .      3\n"
		 "  no connection known           3  .   .   .   .   .    .    .    .     .      3\n");
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("ctl/shape");
	TCase *t = tcase_create("shape");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, an_empty_queue_says_so);
	tcase_add_test(t, crms_and_connections_stand_below_their_sum);
	suite_add_tcase(s, t);
	return run_suite(s);
}

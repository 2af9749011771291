/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"
#include "ctl/source.h"

static char path[64];
static struct cs_ctl_source source;
static struct cs_err err;

static void
open_text(const char *text, size_t n)
{
	int fd;

	strcpy(path, "/tmp/cs-ctl-source-XXXXXX");
	fd = mkstemp(path);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq((int)write(fd, text, n), (int)n);
	close(fd);
	memset(&err, 0, sizeof(err));
	ck_assert_int_eq(cs_ctl_source_open(&source, path, &err), 0);
	unlink(path);
}

static void
teardown(void)
{
	cs_ctl_source_close(&source);
}

static void
next_is(const char *text, int64_t line)
{
	ck_assert_int_eq(cs_ctl_source_next(&source, &err), 1);
	ck_assert_str_eq(cs_buf_str(&source.document), text);
	ck_assert_int_eq(source.line_no, line);
}

START_TEST(a_document_over_many_lines_is_one_lead)
{
	const char text[] = "{\n  \"a\": 1\n}\n";

	open_text(text, strlen(text));
	next_is(text, 0);
	ck_assert(!source.ndjson);
	ck_assert_int_eq(cs_ctl_source_next(&source, &err), 0);
	ck_assert_int_eq(source.read, source.size);
}
END_TEST

START_TEST(a_document_on_one_line_is_one_lead)
{
	open_text("\n{\"a\":1}\n\n", 10);
	next_is("{\"a\":1}\n", 0);
	ck_assert(!source.ndjson);
	ck_assert_int_eq(cs_ctl_source_next(&source, &err), 0);
}
END_TEST

START_TEST(lines_of_ndjson_are_leads_with_their_numbers)
{
	const char text[] = "\n{\"a\":1}\r\n\n  \nnot json\n{\"b\":2}";

	open_text(text, strlen(text));
	next_is("{\"a\":1}", 2);
	ck_assert(source.ndjson);
	next_is("not json", 5);
	next_is("{\"b\":2}", 6);
	ck_assert_int_eq(cs_ctl_source_next(&source, &err), 0);
}
END_TEST

START_TEST(what_is_no_json_goes_as_it_is_for_the_daemon_to_judge)
{
	open_text("hello\nworld\n", 12);
	next_is("hello\nworld\n", 0);
	ck_assert_int_eq(cs_ctl_source_next(&source, &err), 0);
}
END_TEST

START_TEST(an_empty_file_is_told)
{
	open_text(" \n\n", 3);
	ck_assert_int_eq(cs_ctl_source_next(&source, &err), CS_EINVAL);
	assert_has(err.msg, "is empty");
}
END_TEST

START_TEST(a_line_longer_than_any_lead_is_told)
{
	size_t n = CS_CTL_LEAD_MAX + 100;
	char *text = cs_xmalloc(n);

	memset(text, 'x', n);
	memcpy(text, "{}\n", 3);
	open_text(text, n);
	next_is("{}", 1);
	ck_assert_int_eq(cs_ctl_source_next(&source, &err), CS_ELIMIT);
	assert_has(err.msg, "line 2");
	free(text);
}
END_TEST

START_TEST(a_file_that_is_not_there_is_told)
{
	ck_assert_int_eq(cs_ctl_source_open(&source, "/nonexistent/lead.json", &err), CS_EIO);
	assert_has(err.msg, "/nonexistent/lead.json");
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("ctl/source");
	TCase *t = tcase_create("source");

	tcase_add_checked_fixture(t, NULL, teardown);
	tcase_add_test(t, a_document_over_many_lines_is_one_lead);
	tcase_add_test(t, a_document_on_one_line_is_one_lead);
	tcase_add_test(t, lines_of_ndjson_are_leads_with_their_numbers);
	tcase_add_test(t, what_is_no_json_goes_as_it_is_for_the_daemon_to_judge);
	tcase_add_test(t, an_empty_file_is_told);
	tcase_add_test(t, a_line_longer_than_any_lead_is_told);
	tcase_add_test(t, a_file_that_is_not_there_is_told);
	suite_add_tcase(s, t);
	return run_suite(s);
}

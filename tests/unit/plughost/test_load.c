/* SPDX-License-Identifier: Apache-2.0 */
/* test_load.c - what is loaded, and who may write it. (Descriptors that are refused: unit/plugin/test_remote.c.) */
#include "config.h"
#include "plughost/load.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[] = "/tmp/cs-load-XXXXXX";
static char path[100], link_path[100];

static void
setup(void)
{
	FILE *f;

	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/open.so", dir);
	snprintf(link_path, sizeof(link_path), "%s/link.so", dir);
	f = fopen(path, "w");
	ck_assert_ptr_nonnull(f);
	fputs("not a library\n", f);
	fclose(f);
	chmod(path, 0644);
}

static void
teardown(void)
{
	unlink(link_path);
	unlink(path);
	rmdir(dir);
}

START_TEST(a_file_of_ours_in_a_folder_of_ours_is_trusted)
{
	struct cs_err err = { 0 };

	ck_assert_msg(cs_path_trusted(path, &err) == 0, "%s", err.msg);
}
END_TEST

START_TEST(a_link_is_judged_by_where_it_leads)
{
	struct cs_err err = { 0 };

	chmod(path, 0666);
	ck_assert_int_eq(symlink(path, link_path), 0);
	ck_assert_int_eq(cs_path_trusted(link_path, &err), CS_EPERM);
	ck_assert_msg(strstr(err.msg, "0666") != NULL, "%s", err.msg);
	chmod(path, 0644);
	ck_assert_int_eq(cs_path_trusted(link_path, &err), 0);
}
END_TEST

START_TEST(a_file_of_somebody_else_is_not_trusted)
{
	struct cs_err err = { 0 };

	if (geteuid() != 0)
		return; /* only root can give files away */
	ck_assert_int_eq(chown(path, 12345, (gid_t)-1), 0);
	ck_assert_int_eq(cs_path_trusted(path, &err), CS_EPERM);
	ck_assert_msg(strstr(err.msg, "found user 12345") != NULL, "%s", err.msg);
	ck_assert_int_eq(chown(path, 0, (gid_t)-1), 0);
	ck_assert_int_eq(chown(dir, 12345, (gid_t)-1), 0);
	ck_assert_int_eq(cs_path_trusted(path, &err), CS_EPERM);
	ck_assert_int_eq(chown(dir, 0, (gid_t)-1), 0);
}
END_TEST

START_TEST(a_folder_is_no_plugin_file)
{
	struct cs_err err = { 0 };

	ck_assert_int_eq(cs_path_trusted(dir, &err), CS_EPERM);
	ck_assert_int_eq(cs_path_trusted("/nonexistent/x.so", &err), CS_ENOTFOUND);
}
END_TEST

START_TEST(what_is_no_library_says_so_with_its_path)
{
	struct cs_plugin *p = (void *)1;
	struct cs_err err = { 0 };

	ck_assert_int_eq(cs_plugin_load(path, "open", NULL, false, &p, &err), CS_EINVAL);
	ck_assert_ptr_null(p);
	ck_assert_msg(strstr(err.msg, path) != NULL, "%s", err.msg);
}
END_TEST

START_TEST(a_bare_name_is_not_searched_for)
{
	struct cs_plugin *p;
	struct cs_err err = { 0 };

	ck_assert_int_eq(cs_plugin_load("libc.so.6", "libc", NULL, true, &p, &err), CS_EINVAL);
	ck_assert_msg(strstr(err.msg, "folder") != NULL, "%s", err.msg);
}
END_TEST

START_TEST(a_newer_descriptor_is_cut_to_what_we_know)
{
	struct cs_plugin *p;
	struct cs_err err = { 0 };

	ck_assert_msg(cs_plugin_load(TEST_PLUGINS "/too_new.so", "too_new", NULL, true, &p, &err) == 0, "%s", err.msg);
	ck_assert_uint_gt(p->v1.struct_size, sizeof(p->v1));
	ck_assert_uint_eq(p->v1.abi_minor, 99);
	ck_assert_ptr_nonnull(p->v1.map);
	ck_assert_ptr_null(p->v1.handle_webhook);
	cs_plugin_unload(p);
	cs_plugin_unload(NULL);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("load");
	TCase *tc = tcase_create("load");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, a_file_of_ours_in_a_folder_of_ours_is_trusted);
	tcase_add_test(tc, a_link_is_judged_by_where_it_leads);
	tcase_add_test(tc, a_file_of_somebody_else_is_not_trusted);
	tcase_add_test(tc, a_folder_is_no_plugin_file);
	tcase_add_test(tc, what_is_no_library_says_so_with_its_path);
	tcase_add_test(tc, a_bare_name_is_not_searched_for);
	tcase_add_test(tc, a_newer_descriptor_is_cut_to_what_we_know);
	suite_add_tcase(s, tc);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? 0 : 1;
}

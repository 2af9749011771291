/* SPDX-License-Identifier: Apache-2.0 */
/* test_symbols.c - names for addresses, from files that may be anything. */
#include "config.h"
#include "plughost/symbols.h"
#include "util/err.h"

#include <check.h>
#include <dlfcn.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PLUGIN TEST_PLUGINS "/segv_push.so"

START_TEST(a_function_that_is_not_exported_has_its_name)
{
	struct cs_symbols *s = cs_symbols_read(PLUGIN);
	void *handle = dlopen(PLUGIN, RTLD_NOW), *entry = dlsym(handle, "cs_plugin_v1_entry");
	struct link_map *map;
	uint64_t offset = 99;
	const char *name;

	ck_assert_ptr_nonnull(s);
	ck_assert_int_eq(dlinfo(handle, RTLD_DI_LINKMAP, &map), 0);
	name = cs_symbols_find(s, (uintptr_t)entry - map->l_addr, &offset);
	ck_assert_str_eq(name, "cs_plugin_v1_entry");
	ck_assert_uint_eq(offset, 0);
	ck_assert_str_eq(cs_symbols_find(s, (uintptr_t)entry - map->l_addr + 1, &offset), name);
	ck_assert_uint_eq(offset, 1);
	ck_assert_ptr_null(cs_symbols_find(s, 0, &offset));
	ck_assert_ptr_null(cs_symbols_find(s, UINT64_MAX, &offset));
	ck_assert_ptr_null(cs_symbols_find(NULL, 1, &offset));
	cs_symbols_free(s);
	dlclose(handle);
}
END_TEST

START_TEST(what_is_no_library_has_no_names)
{
	ck_assert_ptr_null(cs_symbols_read("/nonexistent/x.so"));
	ck_assert_ptr_null(cs_symbols_read("/"));
	ck_assert_ptr_null(cs_symbols_read("/dev/null"));
	ck_assert_ptr_null(cs_symbols_read("/etc/passwd"));
	cs_symbols_free(NULL);
}
END_TEST

/* Every eighth byte of the head and of the table of sections, and many cuts. */
START_TEST(a_damaged_file_does_no_harm)
{
	static char bytes[4 << 20], path[] = "/tmp/cs-symbols-XXXXXX";
	FILE *f = fopen(PLUGIN, "rb");
	size_t n = fread(bytes, 1, sizeof(bytes), f);
	int fd = mkstemp(path);
	ElfW(Ehdr) head;

	fclose(f);
	memcpy(&head, bytes, sizeof(head));
	for (size_t i = 0; i < 64 + 8 * 64; i++) {
		size_t at = i < 64 ? i : (head.e_shoff + (i - 64) * 8) % n;
		size_t len = i % 3 == 2 ? n * (i % 97) / 97 : n;
		char was = bytes[at];

		bytes[at] = (char)(i % 2 ? 0xff : was ^ 0x41);
		ck_assert(ftruncate(fd, 0) == 0 && pwrite(fd, bytes, len, 0) == (ssize_t)len);
		cs_symbols_free(cs_symbols_read(path));
		bytes[at] = was;
	}
	close(fd);
	unlink(path);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("symbols");
	TCase *tc = tcase_create("symbols");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_test(tc, a_function_that_is_not_exported_has_its_name);
	tcase_add_test(tc, what_is_no_library_has_no_names);
	tcase_add_test(tc, a_damaged_file_does_no_harm);
	suite_add_tcase(s, tc);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? 0 : 1;
}

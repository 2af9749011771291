/* SPDX-License-Identifier: Apache-2.0 */
/* The file of master keys: forms, faults, modes, owners. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "util/mem.h"
#include "vault/keyfile.h"

#define HEX "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define HEX2 "ffeeddccbbaa99887766554433221100ffeeddccbbaa99887766554433221100"
#define BASE64 "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="

static struct cs_vault_key keys[CS_VAULT_KEYS_MAX];
static struct cs_err err;

static int
parse(const char *text)
{
	return cs_keyfile_parse("k", text, strlen(text), keys, &err);
}

START_TEST(a_key_is_read_in_every_form)
{
	char raw[32], id[CS_VAULT_ID_MAX + 1];

	ck_assert_int_eq(parse(HEX "\n"), 1);
	ck_assert_uint_eq(keys[0].key[31], 0x1f);
	strcpy(id, keys[0].id);
	ck_assert_uint_eq(strlen(id), 9);
	ck_assert_int_eq(parse(BASE64), 1);
	ck_assert_str_eq(keys[0].id, id);
	memcpy(raw, keys[0].key, 32);
	ck_assert_int_eq(cs_keyfile_parse("k", raw, 32, keys, &err), 1);
	ck_assert_str_eq(keys[0].id, id);
	ck_assert_int_eq(parse("# rotated in May\r\n\r\n2026-05:" HEX2 "\r\nold:" BASE64 "\r\n"), 2);
	ck_assert_str_eq(keys[0].id, "2026-05");
	ck_assert_str_eq(keys[1].id, "old");
	ck_assert_uint_eq(keys[1].key[1], 1);
}
END_TEST

START_TEST(a_key_that_is_not_32_bytes_is_refused_without_quoting_it)
{
	static const char *const bad[] = { "", "\n", "# only a comment\n", "00", "a:", ":" HEX, "a b:" HEX, HEX "00", "x:" HEX "zz",
		                           "seventeenletters!:" HEX, "0123456789abcdefg:" HEX, "AAECAwQFBgcICQoLDA0ODw==",
		                           "a:" HEX "\nb:tooshort\n" };

	for (size_t i = 0; i < CS_ARRAY_LEN(bad); i++) {
		ck_assert_msg(parse(bad[i]) < 0, "\"%s\" was taken", bad[i]);
		ck_assert_ptr_null(strstr(err.msg, "0001"));
		ck_assert_ptr_null(strstr(err.msg, "tooshort"));
	}
	ck_assert_ptr_nonnull(strstr(err.msg, "k:2: "));
	ck_assert_int_lt(cs_keyfile_parse("k", "0123456789012345678901234567890", 31, keys, &err), 0);
	ck_assert_int_lt(cs_keyfile_parse("k", "012345678901234567890123456789012", 33, keys, &err), 0);
}
END_TEST

START_TEST(an_id_stands_for_one_key)
{
	struct cs_buf b = CS_BUF_INIT(0);

	ck_assert_int_eq(parse("a:" HEX "\na:" HEX2 "\n"), CS_EINVAL);
	ck_assert_ptr_nonnull(strstr(err.msg, "k:2: the key id a stands there twice"));
	ck_assert_int_eq(parse(HEX "\n" HEX "\n"), CS_EINVAL);
	for (int i = 0; i < CS_VAULT_KEYS_MAX; i++)
		cs_buf_printf(&b, "k%d:" HEX "\n", i);
	ck_assert_int_eq(parse(cs_buf_str(&b)), CS_VAULT_KEYS_MAX);
	cs_buf_adds(&b, "more:" HEX "\n");
	ck_assert_int_eq(parse(cs_buf_str(&b)), CS_ELIMIT);
	cs_buf_fini(&b);
}
END_TEST

START_TEST(a_key_file_open_to_others_is_refused)
{
	static const mode_t refused[] = { 0640, 0604, 0644, 0620, 0602, 0660, 0610, 0601, 0666 };
	char dir[] = "/tmp/cs-key-XXXXXX", path[64];
	FILE *f;

	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/master.key", dir);
	ck_assert_int_eq(cs_keyfile_read(path, keys, &err), CS_ENOTFOUND);
	f = fopen(path, "w");
	fputs(HEX, f);
	fclose(f);
	for (size_t i = 0; i < CS_ARRAY_LEN(refused); i++) {
		chmod(path, refused[i]);
		ck_assert_msg(cs_keyfile_read(path, keys, &err) == CS_EPERM, "mode %04o was taken", (unsigned)refused[i]);
		ck_assert_ptr_nonnull(strstr(err.hint, "chmod 0600"));
	}
	chmod(path, 0600);
	ck_assert_int_eq(cs_keyfile_read(path, keys, &err), 1);
	/* systemd's credentials show the mask of their ACL as the group's bits */
	ck_assert_int_eq(setenv("CREDENTIALS_DIRECTORY", dir, 1), 0);
	chmod(path, 0440);
	ck_assert_int_eq(cs_keyfile_read(path, keys, &err), 1);
	chmod(path, 0444);
	ck_assert_int_eq(cs_keyfile_read(path, keys, &err), CS_EPERM);
	chmod(path, 0460);
	ck_assert_int_eq(cs_keyfile_read(path, keys, &err), CS_EPERM);
	ck_assert_int_eq(setenv("CREDENTIALS_DIRECTORY", "/tmp", 1), 0);
	chmod(path, 0440);
	ck_assert_int_eq(cs_keyfile_read(path, keys, &err), CS_EPERM);
	if (geteuid() == 0) { /* only root can give a file away */
		chmod(path, 0600);
		ck_assert_int_eq(chown(path, 65534, 0), 0);
		ck_assert_int_eq(cs_keyfile_read(path, keys, &err), CS_EPERM);
		ck_assert_ptr_nonnull(strstr(err.msg, "belongs to user 65534"));
	}
	unlink(path);
	ck_assert_int_eq(cs_keyfile_read(dir, keys, &err), CS_EINVAL);
	rmdir(dir);
}
END_TEST

START_TEST(a_huge_file_is_no_key_file)
{
	char dir[] = "/tmp/cs-key-XXXXXX", path[64];
	FILE *f;

	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/master.key", dir);
	f = fopen(path, "w");
	for (int i = 0; i < 5000; i++)
		fputc('#', f);
	fclose(f);
	chmod(path, 0600);
	ck_assert_int_eq(cs_keyfile_read(path, keys, &err), CS_ELIMIT);
	unlink(path);
	rmdir(dir);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("keyfile");
	TCase *t = tcase_create("keyfile");
	SRunner *sr;
	int failed;

	tcase_add_test(t, a_key_is_read_in_every_form);
	tcase_add_test(t, a_key_that_is_not_32_bytes_is_refused_without_quoting_it);
	tcase_add_test(t, an_id_stands_for_one_key);
	tcase_add_test(t, a_key_file_open_to_others_is_refused);
	tcase_add_test(t, a_huge_file_is_no_key_file);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? 0 : 1;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Sealing, opening, and everything that must not open. */
#include "config.h"
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "vault/vault.h"

#define KEY_A "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define KEY_B "ffeeddccbbaa99887766554433221100ffeeddccbbaa99887766554433221100"

static char dir[64], path[96];
static struct cs_vault *vault;
static struct cs_err err;

static int
open_with(const char *text, size_t n, mode_t mode)
{
	FILE *f = fopen(path, "w");

	cs_vault_close(vault);
	ck_assert_ptr_nonnull(f);
	ck_assert_uint_eq(fwrite(text, 1, n, f), n);
	ck_assert_int_eq(fclose(f), 0);
	ck_assert_int_eq(chmod(path, mode), 0);
	return cs_vault_open(path, &vault, &err);
}

static void
setup(void)
{
	strcpy(dir, "/tmp/cs-vault-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/master.key", dir);
	ck_assert_int_eq(open_with("a:" KEY_A "\n", strlen("a:" KEY_A "\n"), 0600), 0);
}

static void
teardown(void)
{
	cs_vault_close(vault);
	vault = NULL;
	unlink(path);
	ck_assert_int_eq(rmdir(dir), 0);
}

static int
reopen(const char *keys)
{
	return open_with(keys, strlen(keys), 0600);
}

static void
seal(const char *owner, const char *name, const char *plain, struct cs_buf *out)
{
	cs_buf_init(out, 0);
	ck_assert_int_eq(cs_vault_seal(vault, owner, name, plain, strlen(plain), out, &err), 0);
}

/* The return code; on success the plain text was `want`. */
static int
opens_to(const char *owner, const char *name, const void *sealed, size_t n, const char *want)
{
	char *plain;
	size_t len;
	int rc = cs_vault_open_sealed(vault, owner, name, sealed, n, &plain, &len, &err);

	if (rc == 0) {
		ck_assert_str_eq(plain, want);
		ck_assert_uint_eq(len, strlen(want));
		cs_wipe_free(plain, len + 1);
	} else {
		ck_assert_ptr_null(plain);
	}
	return rc;
}

START_TEST(what_was_sealed_opens)
{
	struct cs_buf b;

	seal("conn_1", "access_token", "s3cret", &b);
	ck_assert_uint_eq(b.len, 1 + 1 + 1 + 12 + 6 + 16);
	ck_assert_ptr_null(memmem(b.ptr, b.len, "s3cret", 6));
	ck_assert_int_eq(opens_to("conn_1", "access_token", b.ptr, b.len, "s3cret"), 0);
	cs_buf_fini(&b);
	seal("conn_1", "empty", "", &b);
	ck_assert_int_eq(opens_to("conn_1", "empty", b.ptr, b.len, ""), 0);
	cs_buf_fini(&b);
}
END_TEST

START_TEST(the_same_secret_is_never_sealed_to_the_same_bytes)
{
	struct cs_buf a, b;

	seal("o", "n", "same", &a);
	seal("o", "n", "same", &b);
	ck_assert_uint_eq(a.len, b.len);
	ck_assert_int_ne(memcmp(a.ptr, b.ptr, a.len), 0);
	cs_buf_fini(&a);
	cs_buf_fini(&b);
}
END_TEST

START_TEST(a_changed_byte_anywhere_is_refused)
{
	struct cs_buf b;

	seal("conn_1", "access_token", "s3cret", &b);
	for (size_t i = 0; i < b.len; i++) {
		for (int bit = 0; bit < 8; bit++) {
			b.ptr[i] = (char)(b.ptr[i] ^ (1 << bit));
			ck_assert_msg(opens_to("conn_1", "access_token", b.ptr, b.len, "") < 0, "byte %zu bit %d", i, bit);
			b.ptr[i] = (char)(b.ptr[i] ^ (1 << bit));
		}
	}
	ck_assert_int_eq(opens_to("conn_1", "access_token", b.ptr, b.len, "s3cret"), 0);
	cs_buf_fini(&b);
}
END_TEST

START_TEST(a_cut_or_longer_text_is_refused)
{
	struct cs_buf b;

	seal("o", "n", "s3cret", &b);
	for (size_t n = 0; n < b.len; n++)
		ck_assert_int_eq(opens_to("o", "n", b.ptr, n, ""), CS_ECORRUPT);
	cs_buf_addc(&b, 'x');
	ck_assert_int_eq(opens_to("o", "n", b.ptr, b.len, ""), CS_ECORRUPT);
	cs_buf_fini(&b);
}
END_TEST

START_TEST(another_owner_or_name_does_not_open_it)
{
	struct cs_buf b;

	seal("conn_1", "token", "s3cret", &b);
	ck_assert_int_eq(opens_to("conn_2", "token", b.ptr, b.len, ""), CS_ECORRUPT);
	ck_assert_int_eq(opens_to("conn_1", "refresh", b.ptr, b.len, ""), CS_ECORRUPT);
	ck_assert_int_eq(opens_to("conn_1t", "oken", b.ptr, b.len, ""), CS_ECORRUPT);
	ck_assert_int_eq(opens_to("token", "conn_1", b.ptr, b.len, ""), CS_ECORRUPT);
	ck_assert_int_eq(opens_to("", "conn_1token", b.ptr, b.len, ""), CS_ECORRUPT);
	ck_assert_ptr_null(strstr(err.msg, "s3cret"));
	cs_buf_fini(&b);
}
END_TEST

START_TEST(keys_rotate_without_a_stop)
{
	struct cs_buf old, fresh;

	seal("o", "n", "old", &old);
	ck_assert(cs_vault_is_current(vault, old.ptr, old.len));
	ck_assert_int_eq(reopen("b:" KEY_B "\na:" KEY_A "\n"), 0);
	ck_assert(!cs_vault_is_current(vault, old.ptr, old.len));
	ck_assert_int_eq(opens_to("o", "n", old.ptr, old.len, "old"), 0);
	seal("o", "n", "fresh", &fresh);
	ck_assert(cs_vault_is_current(vault, fresh.ptr, fresh.len));
	ck_assert_int_eq(reopen("b:" KEY_B "\n"), 0);
	ck_assert_int_eq(opens_to("o", "n", fresh.ptr, fresh.len, "fresh"), 0);
	ck_assert_int_eq(opens_to("o", "n", old.ptr, old.len, ""), CS_ENOTFOUND);
	ck_assert_ptr_nonnull(strstr(err.msg, "master key a"));
	/* the right id over another key */
	ck_assert_int_eq(reopen("a:" KEY_B "\n"), 0);
	ck_assert_int_eq(opens_to("o", "n", old.ptr, old.len, ""), CS_ECORRUPT);
	cs_buf_fini(&old);
	cs_buf_fini(&fresh);
}
END_TEST

START_TEST(a_key_without_id_keeps_its_secrets_when_another_is_put_above)
{
	struct cs_buf b;
	char raw[32];

	for (int i = 0; i < 32; i++)
		raw[i] = (char)i;
	ck_assert_int_eq(open_with(raw, 32, 0400), 0);
	seal("o", "n", "raw", &b);
	ck_assert_int_eq(chmod(path, 0600), 0);
	ck_assert_int_eq(reopen(KEY_B "\n" KEY_A "\n"), 0);
	ck_assert_int_eq(opens_to("o", "n", b.ptr, b.len, "raw"), 0);
	ck_assert(!cs_vault_is_current(vault, b.ptr, b.len));
	cs_buf_fini(&b);
}
END_TEST

START_TEST(a_secret_has_a_largest_size)
{
	char *big = cs_xmalloc(CS_VAULT_PLAIN_MAX + 2);
	struct cs_buf b;

	memset(big, 'x', CS_VAULT_PLAIN_MAX + 1);
	big[CS_VAULT_PLAIN_MAX + 1] = '\0';
	cs_buf_init(&b, 0);
	ck_assert_int_eq(cs_vault_seal(vault, "o", "n", big, CS_VAULT_PLAIN_MAX + 1, &b, &err), CS_ELIMIT);
	ck_assert_uint_eq(b.len, 0);
	big[CS_VAULT_PLAIN_MAX] = '\0';
	ck_assert_int_eq(cs_vault_seal(vault, "o", "n", big, CS_VAULT_PLAIN_MAX, &b, &err), 0);
	ck_assert_int_eq(opens_to("o", "n", b.ptr, b.len, big), 0);
	cs_buf_fini(&b);
	cs_buf_init(&b, 20);
	ck_assert_int_eq(cs_vault_seal(vault, "o", "n", "plain", 5, &b, &err), CS_ELIMIT);
	cs_buf_fini(&b);
	free(big);
}
END_TEST

START_TEST(a_generated_key_is_private_and_never_replaced)
{
	struct cs_buf b;
	struct stat st;

	cs_vault_close(vault);
	vault = NULL;
	ck_assert_int_eq(cs_vault_generate(path, &err), CS_EEXIST);
	ck_assert_int_eq(unlink(path), 0);
	umask(0);
	ck_assert_int_eq(cs_vault_generate(path, &err), 0);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_int_eq(st.st_mode & 07777, 0600);
	ck_assert_int_eq(cs_vault_open(path, &vault, &err), 0);
	seal("o", "n", "x", &b);
	cs_vault_close(vault);
	vault = NULL;
	ck_assert_int_eq(cs_vault_generate(path, &err), CS_EEXIST);
	ck_assert_int_eq(cs_vault_open(path, &vault, &err), 0);
	ck_assert_int_eq(opens_to("o", "n", b.ptr, b.len, "x"), 0);
	ck_assert_int_eq(cs_vault_generate("/nonexistent/master.key", &err), CS_EIO);
	cs_buf_fini(&b); /* teardown's rmdir shows that no file was left beside it */
}
END_TEST

START_TEST(a_new_key_comes_first_and_the_old_ones_stay)
{
	char id[CS_VAULT_ID_MAX + 1], ids[CS_VAULT_KEYS_MAX][CS_VAULT_ID_MAX + 1];
	struct cs_vault *fresh;
	struct cs_buf b, n;
	struct stat st;
	uint64_t before;

	ck_assert_int_eq(reopen("# mine\na:" KEY_A "\n"), 0);
	before = cs_vault_generation(vault);
	seal("o", "n", "x", &b);
	ck_assert_int_eq(cs_vault_rotate(path, id, &err), 0);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_int_eq(st.st_mode & 07777, 0600);
	ck_assert(cs_vault_is_current(vault, b.ptr, b.len)); /* the file alone changes nothing */
	ck_assert_int_eq(cs_vault_open(path, &fresh, &err), 0);
	cs_vault_adopt(vault, fresh);
	ck_assert_uint_ne(cs_vault_generation(vault), before);
	ck_assert_int_eq(cs_vault_key_ids(vault, ids), 2);
	ck_assert_str_eq(ids[0], id);
	ck_assert_str_eq(ids[1], "a");
	ck_assert(!cs_vault_is_current(vault, b.ptr, b.len));
	ck_assert_int_eq(opens_to("o", "n", b.ptr, b.len, "x"), 0);
	seal("o", "n", "y", &n);
	ck_assert(cs_vault_key_id(n.ptr, n.len, ids[0]));
	ck_assert_str_eq(ids[0], id);
	cs_buf_fini(&b);
	cs_buf_fini(&n);
}
END_TEST

START_TEST(one_raw_key_becomes_a_line_and_goes_on_opening)
{
	uint8_t raw[32];
	char id[CS_VAULT_ID_MAX + 1];
	struct cs_buf b;

	memset(raw, 7, sizeof(raw));
	ck_assert_int_eq(open_with((const char *)raw, sizeof(raw), 0600), 0);
	seal("o", "n", "x", &b);
	ck_assert_int_eq(cs_vault_rotate(path, id, &err), 0);
	cs_vault_close(vault);
	ck_assert_int_eq(cs_vault_open(path, &vault, &err), 0);
	ck_assert(!cs_vault_is_current(vault, b.ptr, b.len));
	ck_assert_int_eq(opens_to("o", "n", b.ptr, b.len, "x"), 0);
	cs_buf_fini(&b);
}
END_TEST

START_TEST(what_cannot_be_rotated_stays_as_it_is)
{
	static const char text[] = "a:" KEY_A "\n";
	char id[CS_VAULT_ID_MAX + 1], beside[128];
	FILE *f;

	snprintf(beside, sizeof(beside), "%s.new", path);
	f = fopen(beside, "w");
	ck_assert_ptr_nonnull(f);
	fclose(f);
	ck_assert_int_eq(cs_vault_rotate(path, id, &err), CS_EEXIST); /* another one is at it */
	unlink(beside);
	ck_assert_int_eq(open_with(text, strlen(text), 0640), CS_EPERM);
	ck_assert_int_eq(cs_vault_rotate(path, id, &err), CS_EPERM);
	ck_assert_int_eq(reopen("a:" KEY_A "\n"), 0);
	for (int i = 1; i < CS_VAULT_KEYS_MAX; i++)
		ck_assert_int_eq(cs_vault_rotate(path, id, &err), 0);
	ck_assert_int_eq(cs_vault_rotate(path, id, &err), CS_ELIMIT);
	cs_vault_close(vault);
	ck_assert_int_eq(cs_vault_open(path, &vault, &err), 0);
	unlink(path);
	ck_assert_int_eq(cs_vault_rotate(path, id, &err), 0); /* the first key */
}
END_TEST

START_TEST(a_forked_child_has_no_keys)
{
	struct cs_buf b;
	int status;
	pid_t pid = fork();

	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		cs_buf_init(&b, 0);
		_exit(cs_vault_seal(vault, "o", "n", "x", 1, &b, &err) < 0 ? 0 : 1);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
}
END_TEST

START_TEST(a_hardened_process_leaves_no_core)
{
	struct rlimit limit;

	ck_assert_int_eq(cs_vault_harden_process(&err), 0);
	ck_assert_int_eq(getrlimit(RLIMIT_CORE, &limit), 0);
	ck_assert_uint_eq(limit.rlim_max, 0);
	ck_assert_int_eq(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0), 0);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("vault");
	TCase *t = tcase_create("vault");
	SRunner *sr;
	int failed;

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, what_was_sealed_opens);
	tcase_add_test(t, the_same_secret_is_never_sealed_to_the_same_bytes);
	tcase_add_test(t, a_changed_byte_anywhere_is_refused);
	tcase_add_test(t, a_cut_or_longer_text_is_refused);
	tcase_add_test(t, another_owner_or_name_does_not_open_it);
	tcase_add_test(t, keys_rotate_without_a_stop);
	tcase_add_test(t, a_key_without_id_keeps_its_secrets_when_another_is_put_above);
	tcase_add_test(t, a_secret_has_a_largest_size);
	tcase_add_test(t, a_generated_key_is_private_and_never_replaced);
	tcase_add_test(t, a_new_key_comes_first_and_the_old_ones_stay);
	tcase_add_test(t, one_raw_key_becomes_a_line_and_goes_on_opening);
	tcase_add_test(t, what_cannot_be_rotated_stays_as_it_is);
	tcase_add_test(t, a_forked_child_has_no_keys);
	tcase_add_test(t, a_hardened_process_leaves_no_core);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? 0 : 1;
}

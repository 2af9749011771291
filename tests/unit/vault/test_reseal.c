/* SPDX-License-Identifier: Apache-2.0 */
/* Sealing anew in small steps, counting keys, and taking over a changed key file. */
#include "config.h"
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "vault/census.h"
#include "vault/reseal.h"

#define KEY_A "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define KEY_B "ffeeddccbbaa99887766554433221100ffeeddccbbaa99887766554433221100"
#define MANY 150

static char dir[64], path[96];
static struct cs_vault *vault;
static struct cs_store *store;
static struct cs_err err;
static struct cs_census census;

#define ok(call) ck_assert_msg((call) >= 0, "%s: %s", #call, err.msg)

static void
write_keys(const char *text)
{
	FILE *f = fopen(path, "w");

	ck_assert_ptr_nonnull(f);
	fputs(text, f);
	fclose(f);
	ck_assert_int_eq(chmod(path, 0600), 0);
}

static void
put(const char *owner, const char *name, const char *plain)
{
	struct cs_buf b = CS_BUF_INIT(0);

	ok(cs_vault_seal(vault, owner, name, plain, strlen(plain), &b, &err));
	ok(store->ops->secret_put(store, owner, name, (struct cs_bytes){ b.ptr, b.len }, &err));
	cs_buf_fini(&b);
}

static void
setup(void)
{
	struct cs_store_conf sc = { .path = ":memory:" };
	char owner[32];

	strcpy(dir, "/tmp/cs-reseal-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/master.key", dir);
	write_keys("a:" KEY_A "\n");
	ok(cs_vault_open(path, &vault, &err));
	ok(cs_store_open_sqlite(&sc, &store, &err));
	ok(store->ops->begin(store, &err));
	for (int i = 0; i < MANY; i++) {
		snprintf(owner, sizeof(owner), "conn/%d", i);
		put(owner, "token", owner);
	}
}

static void
teardown(void)
{
	store->ops->rollback(store);
	cs_store_close(store);
	cs_vault_close(vault);
	unlink(path);
	ck_assert_int_eq(rmdir(dir), 0);
}

static int64_t
counted(const char *id)
{
	ok(cs_census_take(store, vault, &census, &err));
	for (int i = 0; i < census.n; i++)
		if (strcmp(census.v[i].id, id) == 0)
			return census.v[i].secrets;
	return -1;
}

static void
reads(const char *owner, const char *name, const char *want)
{
	struct cs_bytes sealed;
	struct cs_arena mem;
	char *plain;
	size_t n;

	cs_arena_init(&mem);
	ok(store->ops->secret_get(store, owner, name, &mem, &sealed, &err));
	ok(cs_vault_open_sealed(vault, owner, name, sealed.ptr, sealed.len, &plain, &n, &err));
	ck_assert_str_eq(plain, want);
	cs_wipe_free(plain, n + 1);
	cs_arena_fini(&mem);
}

START_TEST(secrets_move_to_the_new_key_step_by_step_and_open_all_the_while)
{
	struct cs_reseal_step step = { cs_xstrdup(""), cs_xstrdup(""), 0, 0, 0 };
	int steps = 0, total = 0;

	write_keys("b:" KEY_B "\na:" KEY_A "\n");
	ok(cs_census_reload(store, vault, &err));
	ck_assert_int_eq(counted("a"), MANY);
	ck_assert_int_eq(counted("b"), 0);
	ck_assert_int_eq(census.stale, MANY);
	put("conn/7", "token", "changed"); /* comes under the new key at once */
	do {
		ok(cs_reseal_apply(store, vault, &step, &err));
		total += step.resealed;
		steps++;
		reads("conn/3", "token", "conn/3");
		reads("conn/149", "token", "conn/149");
		ck_assert_int_eq(counted("a") + counted("b"), MANY);
	} while (step.looked > 0);
	ck_assert_int_ge(steps, 4); /* in pieces, and an empty one at the end */
	ck_assert_int_eq(total, MANY - 1);
	ck_assert_int_eq(counted("a"), 0);
	ck_assert_int_eq(census.stale, 0);
	reads("conn/7", "token", "changed");
	free(step.owner);
	free(step.name);
}
END_TEST

START_TEST(a_key_in_use_cannot_be_dropped)
{
	struct cs_reseal_step step = { cs_xstrdup(""), cs_xstrdup(""), 0, 0, 0 };

	write_keys("b:" KEY_B "\n");
	ck_assert_int_eq(cs_census_reload(store, vault, &err), CS_ESTATE);
	ck_assert_ptr_nonnull(strstr(err.msg, "lacks key a"));
	reads("conn/3", "token", "conn/3");
	write_keys("b:" KEY_B "\na:" KEY_A "\n");
	ok(cs_census_reload(store, vault, &err));
	do
		ok(cs_reseal_apply(store, vault, &step, &err));
	while (step.looked > 0);
	write_keys("b:" KEY_B "\n");
	ok(cs_census_reload(store, vault, &err));
	ck_assert_int_eq(counted("a"), -1);
	reads("conn/3", "token", "conn/3");
	free(step.owner);
	free(step.name);
}
END_TEST

START_TEST(what_cannot_be_opened_is_counted_and_left_alone)
{
	struct cs_reseal_step step = { cs_xstrdup(""), cs_xstrdup(""), 0, 0, 0 };
	int unreadable = 0;

	ok(store->ops->secret_put(store, "conn/1", "token", (struct cs_bytes){ "junk", 4 }, &err));
	cs_vault_close(vault);
	write_keys("b:" KEY_B "\n");
	ok(cs_vault_open(path, &vault, &err));
	ck_assert_int_eq(counted("a"), MANY - 1);
	ck_assert_int_eq(counted(""), 1);
	ck_assert_int_eq(census.unreadable, MANY);
	do {
		ok(cs_reseal_apply(store, vault, &step, &err));
		unreadable += step.unreadable;
		ck_assert_int_eq(step.resealed, 0);
	} while (step.looked > 0);
	ck_assert_int_eq(unreadable, MANY);
	write_keys("b:" KEY_B "\na:" KEY_A "\n");
	ok(cs_census_reload(store, vault, &err)); /* the key came back, and so do the secrets */
	reads("conn/3", "token", "conn/3");
	free(step.owner);
	free(step.name);
}
END_TEST

START_TEST(a_faulty_key_file_changes_nothing)
{
	write_keys("a:" KEY_A "\na:" KEY_B "\n");
	ck_assert_int_eq(cs_census_reload(store, vault, &err), CS_EINVAL);
	reads("conn/3", "token", "conn/3");
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("vault/reseal");
	TCase *t = tcase_create("reseal");
	SRunner *sr;
	int failed;

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, secrets_move_to_the_new_key_step_by_step_and_open_all_the_while);
	tcase_add_test(t, a_key_in_use_cannot_be_dropped);
	tcase_add_test(t, what_cannot_be_opened_is_counted_and_left_alone);
	tcase_add_test(t, a_faulty_key_file_changes_nothing);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? 0 : 1;
}

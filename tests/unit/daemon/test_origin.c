/* SPDX-License-Identifier: Apache-2.0 */
/* test_origin.c - a secret that was changed in a file, and what the store has got in its place. "First" and "second" is what the file says. */
#include "config.h"
#include "fixture.h"
#include "daemon/origin.h"
#include "util/text.h"

#define FIRST "a7937b64b8caa58f03721bb6bacf5c78cb235febe0e70b1b84cd99541461a08e" /* SHA-256 */
#define SECOND "16367aacb67a4a017c8da8ab95682ccb390863780f7114dda0a0e0c55644c7c4"

/* The master key that there was is gone, and another one is there. */
static void
take_another_key(void)
{
	cs_vault_close(vault);
	ck_assert_int_eq(unlink(key_file), 0);
	ok(cs_vault_generate(key_file, &err));
	ok(cs_vault_open(key_file, &vault, &err));
}

static int
look_at(struct cs_conf_secret *secrets, size_t n)
{
	struct cs_conf_values file = { .secrets = secrets, .n_secrets = n };

	return cs_origin_check(store, vault, conn, &file, NOW, &err);
}

static int
look(const char *refresh_token)
{
	struct cs_conf_secret secret = said("refresh_token", refresh_token);

	return look_at(&secret, 1);
}

static struct cs_bytes
sealed_hash(const char *name)
{
	struct cs_bytes sealed;

	ok(store->ops->secret_get(store, hash_owner, name, &mem, &sealed, &err));
	return sealed;
}

static const char *
hash_of(const char *name)
{
	struct cs_bytes sealed = sealed_hash(name);
	CS_CLEANUP(cs_buf_fini) struct cs_buf hex = CS_BUF_INIT(0);
	char *plain;
	size_t n;

	ok(cs_vault_open_sealed(vault, hash_owner, name, sealed.ptr, sealed.len, &plain, &n, &err));
	cs_hex_add(&hex, plain, n);
	cs_wipe_free(plain, n + 1);
	return cs_arena_strdup(&mem, cs_buf_str(&hex));
}

static struct cs_token_row
token(void)
{
	struct cs_token_row row;

	ok(store->ops->token_get(store, conn, &mem, &row, &err));
	return row;
}

static int64_t
version(void)
{
	struct cs_conn_row row;

	ok(store->ops->conn_get(store, conn, &mem, &row, &err));
	return row.version;
}

static void
expect_nothing_taken(void)
{
	struct cs_token_row row = token();

	ck_assert(has(conn_owner, "refresh_token") && has(conn_owner, "access_token"));
	ck_assert_int_eq(row.gen, 7);
	ck_assert_int_eq(row.expires_ms, NOW + 5);
	ck_assert_int_eq(row.renew_ms, NOW + 4);
	ck_assert_int_eq(row.keep_ms, NOW + 3);
	ck_assert_int_eq(row.intent_ms, NOW - 1);
}

static void
expect_renewal(void)
{
	struct cs_token_row row = token();

	ck_assert_int_eq(row.gen, 8);
	ck_assert_int_eq(row.expires_ms, NOW);
	ck_assert_int_eq(row.renew_ms, NOW);
	ck_assert_int_eq(row.keep_ms, 0);
	ck_assert_int_eq(row.intent_ms, 0);
	ck_assert_int_eq(row.idle_ms, 77);
	ck_assert_str_eq(row.remote_id, "42");
	ck_assert_str_eq(row.remote_name, "Acme Heating");
}

START_TEST(the_first_look_keeps_a_sealed_hash_and_takes_nothing_away)
{
	ck_assert(!has(hash_owner, "refresh_token"));
	ck_assert_int_eq(ok(look("first")), 0);
	ck_assert_str_eq(hash_of("refresh_token"), FIRST);
	expect_nothing_taken();
}
END_TEST

START_TEST(the_same_secret_again_changes_nothing)
{
	struct cs_bytes before, after;
	int64_t was = version();

	ok(look("first"));
	before = sealed_hash("refresh_token");
	ck_assert_int_eq(ok(look("first")), 0);
	after = sealed_hash("refresh_token");
	ck_assert_mem_eq(after.ptr, before.ptr, before.len); /* not even written: sealing is never the same twice */
	ck_assert_int_eq(version(), was);
	expect_nothing_taken();
}
END_TEST

START_TEST(another_secret_takes_the_place_of_the_successor)
{
	int64_t was;

	put_secret(other_owner, "refresh_token", "of another connection");
	ok(look("first"));
	was = version();
	ck_assert_int_eq(ok(look("second")), 1);
	ck_assert(!has(conn_owner, "refresh_token"));
	ck_assert(has(conn_owner, "access_token") && has(other_owner, "refresh_token"));
	ck_assert_str_eq(hash_of("refresh_token"), SECOND);
	ck_assert_int_gt(version(), was);
	expect_renewal();

	put_secret(conn_owner, "refresh_token", "successor of the second");
	ck_assert_int_eq(ok(look("second")), 0);
	ck_assert(has(conn_owner, "refresh_token"));
	expect_renewal();
	ck_assert_int_eq(ok(look("first")), 1); /* and back */
	ck_assert(!has(conn_owner, "refresh_token"));
}
END_TEST

START_TEST(of_two_secrets_the_one_that_changed_is_taken)
{
	struct cs_conf_secret file[] = { said("access_token", "first"), said("refresh_token", "first") };

	ok(look_at(file, 2));
	file[0] = said("access_token", "second");
	ck_assert_int_eq(ok(look_at(file, 2)), 1);
	ck_assert(!has(conn_owner, "access_token") && has(conn_owner, "refresh_token"));
	ck_assert_str_eq(hash_of("access_token"), SECOND);
	ck_assert_str_eq(hash_of("refresh_token"), FIRST);
	expect_renewal();
}
END_TEST

START_TEST(two_secrets_that_changed_renew_the_token_once)
{
	struct cs_conf_secret file[] = { said("access_token", "first"), said("refresh_token", "first") };

	ok(look_at(file, 2));
	file[0] = said("access_token", "second");
	file[1] = said("refresh_token", "second");
	ck_assert_int_eq(ok(look_at(file, 2)), 1);
	ck_assert(!has(conn_owner, "access_token") && !has(conn_owner, "refresh_token"));
	expect_renewal();
}
END_TEST

START_TEST(an_access_token_is_renewed_where_the_secret_itself_has_no_successor)
{
	struct cs_conf_secret secret = said("client_secret", "first");

	ok(look_at(&secret, 1));
	expect_nothing_taken();
	secret = said("client_secret", "second");
	ck_assert_int_eq(ok(look_at(&secret, 1)), 1);
	ck_assert(has(conn_owner, "refresh_token") && has(conn_owner, "access_token"));
	expect_renewal();
}
END_TEST

START_TEST(a_successor_goes_where_there_is_no_token_row)
{
	conn = other;
	put_secret(other_owner, "refresh_token", "successor");
	ok(look("first"));
	ck_assert_int_eq(ok(look("second")), 1);
	ck_assert(!has(other_owner, "refresh_token"));
	ck_assert_int_eq(ok(look("first")), 0); /* nothing there that could go */
	ck_assert_int_eq(store->ops->token_get(store, other, &mem, &(struct cs_token_row){ 0 }, &err), CS_ENOTFOUND);
}
END_TEST

START_TEST(a_hash_whose_master_key_is_gone_is_made_anew_and_takes_nothing_away)
{
	ok(look("first"));
	take_another_key();
	ck_assert_int_eq(ok(look("second")), 0); /* perhaps it is another one: nobody knows */
	ck_assert_str_eq(hash_of("refresh_token"), SECOND);
	expect_nothing_taken();
	ck_assert_int_eq(ok(look("first")), 1); /* from now on it is known again */
}
END_TEST

START_TEST(a_hash_moves_to_the_key_that_seals_now)
{
	struct cs_bytes sealed;
	char id[CS_VAULT_ID_MAX + 1];
	struct cs_vault *fresh;

	ok(look("first"));
	ok(cs_vault_rotate(key_file, id, &err));
	ok(cs_vault_open(key_file, &fresh, &err));
	cs_vault_adopt(vault, fresh);
	sealed = sealed_hash("refresh_token");
	ck_assert(!cs_vault_is_current(vault, sealed.ptr, sealed.len));
	ck_assert_int_eq(ok(look("first")), 0);
	sealed = sealed_hash("refresh_token");
	ck_assert(cs_vault_is_current(vault, sealed.ptr, sealed.len));
	ck_assert_str_eq(hash_of("refresh_token"), FIRST);
	expect_nothing_taken();
}
END_TEST

START_TEST(a_damaged_hash_is_made_anew_and_takes_nothing_away)
{
	struct cs_bytes was, damaged[5];
	char *flipped;

	ok(look("first"));
	was = sealed_hash("refresh_token");
	flipped = cs_arena_dup(&mem, was.ptr, was.len);
	flipped[was.len - 1] ^= 1;
	damaged[0] = (struct cs_bytes){ was.ptr, was.len / 2 };
	damaged[1] = (struct cs_bytes){ was.ptr, was.len - 1 };
	damaged[2] = (struct cs_bytes){ flipped, was.len };
	damaged[3] = (struct cs_bytes){ "junk", 4 };
	damaged[4] = (struct cs_bytes){ "", 0 };
	for (size_t i = 0; i < CS_ARRAY_LEN(damaged); i++) {
		ok(store->ops->secret_put(store, hash_owner, "refresh_token", damaged[i], &err));
		ck_assert_int_eq(ok(look("second")), 0);
		ck_assert_str_eq(hash_of("refresh_token"), SECOND);
		expect_nothing_taken();
	}
}
END_TEST

START_TEST(whoever_counts_secrets_does_not_see_the_hashes)
{
	struct cs_sealed_row rows[8];
	struct cs_conf_secret file[] = { said("access_token", "first"), said("refresh_token", "first") };
	const char *names[8];
	int n;

	ok(look_at(file, 2));
	ck_assert_int_eq(ok(store->ops->secret_list(store, hash_owner, &mem, names, 8, &err)), 2);
	n = ok(store->ops->secret_walk(store, "", "", &mem, rows, 8, &err));
	ck_assert_int_eq(n, 2);
	for (int i = 0; i < n; i++)
		ck_assert_str_eq(rows[i].owner, conn_owner);
}
END_TEST

START_TEST(what_is_not_read_is_not_another_one)
{
	struct cs_conf_secret file[] = { said("refresh_token", NULL), said("access_token", "first") };

	ok(look("first"));
	ck_assert_int_eq(ok(look_at(file, 2)), 0); /* the CRM is disabled */
	ck_assert_str_eq(hash_of("refresh_token"), FIRST);
	ck_assert_str_eq(hash_of("access_token"), FIRST); /* one that is read is looked at all the same */
	expect_nothing_taken();
}
END_TEST

START_TEST(without_a_vault_nothing_is_kept)
{
	struct cs_vault *put_aside = CS_STEAL(vault);

	ck_assert_int_eq(ok(look("first")), 0);
	vault = put_aside;
	ck_assert(!has(hash_owner, "refresh_token"));
	expect_nothing_taken();
}
END_TEST

/* ---- a store that fails */

static const struct cs_store_ops *whole;

static int
no_hash(struct cs_store *s, const char *owner, const char *name, struct cs_arena *a, struct cs_bytes *sealed, struct cs_err *e)
{
	return strcmp(owner, hash_owner) == 0 ? cs_err_set(e, CS_EIO, "no hash") : whole->secret_get(s, owner, name, a, sealed, e);
}

static int
no_successor(struct cs_store *s, const char *owner, const char *name, struct cs_arena *a, struct cs_bytes *sealed, struct cs_err *e)
{
	return strcmp(owner, conn_owner) == 0 ? cs_err_set(e, CS_EIO, "no successor") : whole->secret_get(s, owner, name, a, sealed, e);
}

static int
no_put(struct cs_store *s CS_UNUSED, const char *owner CS_UNUSED, const char *name CS_UNUSED, struct cs_bytes sealed CS_UNUSED,
       struct cs_err *e)
{
	return cs_err_set(e, CS_EIO, "no put");
}

static int
no_delete(struct cs_store *s CS_UNUSED, const char *owner CS_UNUSED, const char *name CS_UNUSED, struct cs_err *e)
{
	return cs_err_set(e, CS_EIO, "no delete");
}

static int
no_token_get(struct cs_store *s CS_UNUSED, int64_t id CS_UNUSED, struct cs_arena *a CS_UNUSED, struct cs_token_row *row CS_UNUSED,
             struct cs_err *e)
{
	return cs_err_set(e, CS_EIO, "no token get");
}

static int
no_token_put(struct cs_store *s CS_UNUSED, const struct cs_token_row *row CS_UNUSED, struct cs_err *e)
{
	return cs_err_set(e, CS_EIO, "no token put");
}

START_TEST(a_store_that_fails_is_said)
{
	static const char *const says[] = { "no hash", "no successor", "no put", "no delete", "no token get", "no token put" };
	struct cs_store_ops broken[CS_ARRAY_LEN(says)];
	struct cs_conf_secret file[] = { said("refresh_token", "first"), said("access_token", "first") };

	whole = store->ops;
	for (size_t i = 0; i < CS_ARRAY_LEN(says); i++)
		broken[i] = *whole;
	broken[0].secret_get = no_hash;
	broken[1].secret_get = no_successor;
	broken[2].secret_put = no_put;
	broken[3].secret_delete = no_delete;
	broken[4].token_get = no_token_get;
	broken[5].token_put = no_token_put;
	for (size_t i = 0; i < CS_ARRAY_LEN(says); i++) {
		file[0] = said("refresh_token", "first");
		ok(look_at(file, 2));
		put_secret(conn_owner, "refresh_token", "successor");
		file[0] = said("refresh_token", "second");
		store->ops = &broken[i];
		ck_assert_int_eq(look_at(file, 2), CS_EIO); /* also when the other secret is as it was */
		ck_assert_str_eq(err.msg, says[i]);
		store->ops = whole;
	}
}
END_TEST

static void
fill(TCase *t)
{
	tcase_add_test(t, the_first_look_keeps_a_sealed_hash_and_takes_nothing_away);
	tcase_add_test(t, the_same_secret_again_changes_nothing);
	tcase_add_test(t, another_secret_takes_the_place_of_the_successor);
	tcase_add_test(t, of_two_secrets_the_one_that_changed_is_taken);
	tcase_add_test(t, two_secrets_that_changed_renew_the_token_once);
	tcase_add_test(t, an_access_token_is_renewed_where_the_secret_itself_has_no_successor);
	tcase_add_test(t, a_successor_goes_where_there_is_no_token_row);
	tcase_add_test(t, a_hash_whose_master_key_is_gone_is_made_anew_and_takes_nothing_away);
	tcase_add_test(t, a_hash_moves_to_the_key_that_seals_now);
	tcase_add_test(t, a_damaged_hash_is_made_anew_and_takes_nothing_away);
	tcase_add_test(t, whoever_counts_secrets_does_not_see_the_hashes);
	tcase_add_test(t, what_is_not_read_is_not_another_one);
	tcase_add_test(t, without_a_vault_nothing_is_kept);
	tcase_add_test(t, a_store_that_fails_is_said);
}

int
main(void)
{
	return run_case("daemon/origin", setup, teardown, fill);
}

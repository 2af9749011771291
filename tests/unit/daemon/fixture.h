/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fixture.h - a static connection, "main" of the CRM "acme", whose file has a refresh token: a store in memory with the successor of that
 * and an access token, sealed with a master key in a folder of its own, beside a token row. Everything happens in one transaction.
 */
#ifndef TESTS_DAEMON_FIXTURE_H
#define TESTS_DAEMON_FIXTURE_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "../suite.h"
#include "conf/conf.h"
#include "store/store.h"
#include "vault/vault.h"

#define NOW 1800000000000LL

static char dir[64], key_file[96];
static struct cs_vault *vault;
static struct cs_store *store;
static struct cs_arena mem;
static struct cs_err err;
static int64_t conn, other;
static char conn_owner[32], hash_owner[32], other_owner[32];

#define ok(call) \
	({ \
		int ok_rc_ = (call); \
		ck_assert_msg(ok_rc_ >= 0, "%s: %d, %s", #call, ok_rc_, err.msg); \
		ok_rc_; \
	})

static inline int64_t
put_conn(const char *name)
{
	struct cs_conn_row row = { .name = name, .account = "acct_1", .crm = "acme", .crm_account_id = "", .label = "", .state_reason = "",
		.state_since_ms = NOW, .is_static = true, .subscribe = CS_CONF_SUB_ROUTED, .settings = "{ }", .overrides = "", .facts = "",
		.timezone = "", .contacts = "" };

	ok(store->ops->conn_put(store, &row, &err));
	return row.id;
}

static inline void
put_secret(const char *owner, const char *name, const char *plain)
{
	CS_CLEANUP(cs_buf_fini) struct cs_buf b = CS_BUF_INIT(0);

	ok(cs_vault_seal(vault, owner, name, plain, strlen(plain), &b, &err));
	ok(store->ops->secret_put(store, owner, name, (struct cs_bytes){ b.ptr, b.len }, &err));
}

static inline void
put_token(int64_t gen)
{
	struct cs_token_row row = { .conn_id = conn, .gen = gen, .expires_ms = NOW + 5, .renew_ms = NOW + 4, .keep_ms = NOW + 3,
		.idle_ms = 77, .intent_ms = NOW - 1, .remote_id = "42", .remote_name = "Acme Heating" };

	ok(store->ops->token_put(store, &row, &err));
}

static inline void
setup(void)
{
	struct cs_store_conf sc = { .path = ":memory:" };

	strcpy(dir, "/tmp/cs-daemon-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(key_file, sizeof(key_file), "%s/master.key", dir);
	ok(cs_vault_generate(key_file, &err));
	ok(cs_vault_open(key_file, &vault, &err));
	ok(cs_store_open_sqlite(&sc, &store, &err));
	ok(store->ops->begin(store, &err));
	cs_arena_init(&mem);
	other = put_conn("other");
	conn = put_conn("main");
	snprintf(other_owner, sizeof(other_owner), "conn/%lld", (long long)other);
	snprintf(conn_owner, sizeof(conn_owner), "conn/%lld", (long long)conn);
	snprintf(hash_owner, sizeof(hash_owner), CS_SECRET_HASHES "%lld", (long long)conn);
	put_secret(conn_owner, "refresh_token", "successor");
	put_secret(conn_owner, "access_token", "access");
	put_token(7);
}

static inline void
teardown(void)
{
	store->ops->rollback(store);
	cs_store_close(store);
	cs_vault_close(vault);
	cs_arena_fini(&mem);
	unlink(key_file);
	ck_assert_int_eq(rmdir(dir), 0);
}

static inline struct cs_conf_secret
said(const char *name, const char *value)
{
	return (struct cs_conf_secret){ .name = name, .value = value, .len = value != NULL ? strlen(value) : 0 };
}

static inline bool
has(const char *owner, const char *name)
{
	struct cs_bytes sealed;
	int rc = store->ops->secret_get(store, owner, name, &mem, &sealed, &err);

	ck_assert(rc == 0 || rc == CS_ENOTFOUND);
	return rc == 0;
}

#endif

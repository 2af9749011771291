/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store_fixture.h - a store in a folder of its own, for tests of what is SQLite's.
 */
#ifndef CS_TESTS_STORE_FIXTURE_H
#define CS_TESTS_STORE_FIXTURE_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "../suite.h"
#include "store/sqlite/private.h"

#define NOW 1800000000000LL

static char dir[64], path[96];
static struct cs_err err;
static struct cs_arena arena;

#define ok(call) \
	({ \
		int ok_rc_ = (call); \
		ck_assert_msg(ok_rc_ >= 0, "%s: %d, %s", #call, ok_rc_, err.msg); \
		ok_rc_; \
	})

static inline void
make_dir(void)
{
	const char *tmp = getenv("TMPDIR");

	snprintf(dir, sizeof(dir), "%.40s/store-XXXXXX", tmp == NULL ? "/tmp" : tmp);
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/store.db", dir);
	cs_arena_init(&arena);
}

static inline void
drop_dir(void)
{
	char rm[96];

	snprintf(rm, sizeof(rm), "rm -rf '%s'", dir);
	ck_assert_int_eq(system(rm), 0);
	cs_arena_fini(&arena);
}

static inline int
open_path(struct cs_store **out)
{
	struct cs_store_conf conf = { .path = path };

	return cs_store_open_sqlite(&conf, out, &err);
}

static inline struct cs_store *
open_store(void)
{
	struct cs_store *s = NULL;

	ok(open_path(&s));
	return s;
}

/* Lead n, with a body of so many bytes and one delivery in this state; in the open transaction. */
static inline int
add_lead(struct cs_store *s, int n, size_t body, enum cs_state state)
{
	static char text[65536];
	struct cs_lead_row l = { .account = "acct_xyz", .event = "lead.qualified", .received_ms = NOW, .body = { text, body } };
	struct cs_delivery_row d = { .conn_id = 1, .state = state, .created_ms = NOW, .due_ms = NOW };
	int rc;

	memset(text, 'x', sizeof(text));
	memcpy(l.event_id, &n, sizeof(n));
	if ((rc = s->ops->lead_insert(s, &l, &err)) < 0)
		return rc;
	d.lead_id = l.id;
	return s->ops->delivery_insert(s, &d, &err);
}

static inline void
commit_lead(struct cs_store *s, int n)
{
	ok(s->ops->begin(s, &err));
	ok(add_lead(s, n, 100, CS_DUE));
	ok(s->ops->commit(s, &err));
}

static inline bool
has_lead(struct cs_store *s, int n)
{
	uint8_t event_id[16] = { 0 }, hash[32];
	int64_t id;
	int rc;

	memcpy(event_id, &n, sizeof(n));
	rc = s->ops->identity_get(s, event_id, "acct_xyz", &id, hash, &err);
	ck_assert(rc == 0 || rc == CS_ENOTFOUND);
	return rc == 0;
}

static inline int64_t
count_all(struct cs_store *s)
{
	struct cs_filter f = { .conn_id = -1, .blame = -1, .urgency = -1 };
	int64_t n = -1;

	ok(s->ops->delivery_count(s, &f, &n, &err));
	return n;
}

static inline void
fail_finding(void *ctx CS_UNUSED, const char *finding)
{
	ck_abort_msg("%s", finding);
}

#endif

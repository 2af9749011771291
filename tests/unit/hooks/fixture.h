/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fixture.h - a folder with a store and a configuration, connections and leads in it.
 */
#ifndef CS_TESTS_HOOKS_FIXTURE_H
#define CS_TESTS_HOOKS_FIXTURE_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "../suite.h"
#include "conf/load.h"
#include "store/store.h"
#include "util/clock.h"
#include "util/text.h"

#define NOW 1779805920000LL /* 2026-05-26T14:32:00Z */
#define EVENT_ID "7d1f4f0e-3c55-4b0e-9a7e-2f6f0a9c1b11"

static char dir[64];
static struct cs_arena arena;
static struct cs_store *store;
static struct cs_conf *conf;
static struct cs_err err;

#define ok(call)                                                                \
	({                                                                      \
		int ok_rc_ = (call);                                            \
		ck_assert_msg(ok_rc_ >= 0, "%s: %d, %s", #call, ok_rc_, err.msg); \
		ok_rc_;                                                         \
	})

static inline void
put_file(const char *name, const char *text)
{
	char path[160];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	ck_assert_ptr_nonnull(f = fopen(path, "w"));
	ck_assert_int_ge(fputs(text, f), 0);
	ck_assert_int_eq(fclose(f), 0);
	ck_assert_int_eq(chmod(path, 0600), 0);
}

static inline void
make_dir(void)
{
	char path[96];

	strcpy(dir, "/tmp/cs-hooks-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/crm.d", dir);
	ck_assert_int_eq(mkdir(path, 0700), 0);
	cs_arena_init(&arena);
}

static inline void
load_conf(const char *more)
{
	struct cs_conf_errors errs = { 0 };
	char path[96], text[2000];

	snprintf(path, sizeof(path), "%s/csrelay.conf", dir);
	snprintf(text, sizeof(text), "public_url = \"https://hooks.example.com\";\nstore : { path = \"%s/store.db\"; };\n%s", dir, more);
	put_file("csrelay.conf", text);
	if (cs_conf_load(path, &conf, &errs) < 0) {
		cs_conf_errors_print(&errs, stderr);
		ck_abort_msg("the configuration does not load");
	}
	cs_conf_errors_fini(&errs);
}

static inline void
open_store(void)
{
	struct cs_store_conf sc = { .path = conf->store.path };

	ok(cs_store_open_sqlite(&sc, &store, &err));
}

static inline void
clean_up(void)
{
	char rm[96];

	cs_store_close(store);
	cs_conf_unref(conf);
	cs_arena_fini(&arena);
	snprintf(rm, sizeof(rm), "rm -rf '%s'", dir);
	ck_assert_int_eq(system(rm), 0);
}

static inline struct cs_conn_row
add_connection(const char *crm, const char *name, const char *facts)
{
	struct cs_conn_row c = { .name = name, .account = "acct_xyz", .crm = crm, .crm_account_id = "", .label = "", .state_reason = "",
		.is_static = name[0] != '\0', .subscribe = CS_SUB_ROUTED, .settings = "", .overrides = "", .facts = facts, .timezone = "", .contacts = "" };

	ok(store->ops->begin(store, &err));
	ok(store->ops->conn_put(store, &c, &err));
	if (facts[0] != '\0')
		ok(store->ops->conn_facts(store, c.id, facts, "", &err));
	ok(store->ops->commit(store, &err));
	c.public_id = cs_arena_strdup(&arena, c.public_id);
	return c;
}

/* A delivered lead; returns the delivery's id. */
static inline int64_t
add_delivered_lead(int64_t conn_id, const char *event_id)
{
	static const char body[] = "{\"call\":{\"call_id\":\"call_abc123\"}}";
	struct cs_lead_row l = { .account = "acct_xyz", .event = "lead.qualified", .received_ms = NOW, .body = { body, sizeof(body) - 1 },
		.warnings = "" };
	struct cs_delivery_row d = { .conn_id = conn_id, .crm = "hubspot", .account = "acct_xyz", .crm_account_id = "",
		.state = CS_DELIVERED, .created_ms = NOW, .reason = "", .records = "", .warnings = "" };

	ok(cs_uuid_parse(event_id, strlen(event_id), l.event_id));
	ok(store->ops->begin(store, &err));
	ok(store->ops->lead_insert(store, &l, &err));
	d.lead_id = l.id;
	ok(store->ops->delivery_insert(store, &d, &err));
	ok(store->ops->commit(store, &err));
	return d.id;
}

static inline struct cs_bytes
bytes(const char *s)
{
	return (struct cs_bytes){ s, strlen(s) };
}

/* What is due, of all connections, in the order of their turns. */
static inline int
due_rows(struct cs_store *s, int64_t now_ms, struct cs_hook_row *out, int max)
{
	int64_t conn_ids[16];
	int n = ok(s->ops->hook_turns(s, now_ms, conn_ids, 16, &err)), k = 0;

	for (int i = 0; i < n && k < max; i++)
		k += ok(s->ops->hook_due(s, conn_ids[i], now_ms, &arena, out + k, max - k, &err));
	return k;
}

#endif

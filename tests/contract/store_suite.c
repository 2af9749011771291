/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store_suite.c - the fixture, and what transactions and handles promise.
 */
#include "store_suite_int.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct fixture fx;

static void
open_store(void)
{
	ok(fx.engine->open(fx.dir, &fx.store, &fx.err));
	fx.ops = fx.store->ops;
}

static void
set_up(void)
{
	const char *tmp = getenv("TMPDIR");

	snprintf(fx.dir, sizeof(fx.dir), "%.40s/store-XXXXXX", tmp == NULL ? "/tmp" : tmp);
	ck_assert_ptr_nonnull(mkdtemp(fx.dir));
	cs_arena_init(&fx.arena);
	open_store();
}

static void
tear_down(void)
{
	CS_CLEANUP(cs_freep) char *rm = cs_xasprintf("rm -rf '%s'", fx.dir);

	cs_store_close(fx.store);
	cs_arena_fini(&fx.arena);
	ck_assert_int_eq(system(rm), 0);
}

void
tx(void)
{
	ok(fx.ops->begin(fx.store, &fx.err));
}

void
done(void)
{
	ok(fx.ops->commit(fx.store, &fx.err));
}

void
reopen(void)
{
	cs_store_close(fx.store);
	open_store();
}

struct cs_lead_row
lead_nr(int n)
{
	struct cs_lead_row l = { .account = "acct_xyz", .event = "lead.qualified", .urgency = n % 4, .received_ms = NOW + n,
		                 .body = { "{\"a\":1}", 7 }, .warnings = "" };

	memcpy(l.event_id, &n, sizeof(n));
	memset(l.hash, n + 1, sizeof(l.hash));
	return l;
}

int64_t
put_lead(int n)
{
	struct cs_lead_row l = lead_nr(n);

	ok(fx.ops->lead_insert(fx.store, &l, &fx.err));
	ck_assert_int_gt(l.id, 0);
	return l.id;
}

struct cs_delivery_row
delivery_of(int64_t lead_id, int64_t conn_id, enum cs_state state)
{
	return (struct cs_delivery_row){ .lead_id = lead_id, .conn_id = conn_id, .state = state, .created_ms = NOW,
		                         .due_ms = NOW, .expires_ms = NOW + 1000000 };
}

int64_t
put_delivery(int64_t lead_id, int64_t conn_id, enum cs_state state)
{
	struct cs_delivery_row d = delivery_of(lead_id, conn_id, state);

	ok(fx.ops->delivery_insert(fx.store, &d, &fx.err));
	return d.id;
}

struct cs_delivery_row
get_delivery(int64_t id)
{
	struct cs_delivery_row d;

	ok(fx.ops->delivery_get(fx.store, id, &fx.arena, &d, &fx.err));
	return d;
}

struct cs_conn_row
conn_nr(int n)
{
	return (struct cs_conn_row){ .name = cs_arena_printf(&fx.arena, "name%d", n), .account = "acct_xyz", .crm = "acme_crm",
		                     .crm_account_id = cs_arena_printf(&fx.arena, "tenant_%d", n), .label = "a label",
		                     .settings = "{\"x\":1}", .overrides = "", .facts = "{\"hub_id\":77}",
		                     .timezone = "America/New_York", .state_reason = "", .subscribe = CS_SUB_ROUTED, .contacts = "" };
}

int64_t
put_conn(int n)
{
	struct cs_conn_row c = conn_nr(n);

	ok(fx.ops->conn_put(fx.store, &c, &fx.err));
	return c.id;
}

struct cs_filter
any_delivery(void)
{
	return (struct cs_filter){ .conn_id = -1, .blame = -1, .urgency = -1 };
}

int64_t
count(const struct cs_filter *f)
{
	int64_t n = -1;

	ok(fx.ops->delivery_count(fx.store, f, &n, &fx.err));
	return n;
}

/* ---- transactions and handles */

START_TEST(what_is_committed_is_there_and_what_is_rolled_back_is_not)
{
	struct cs_lead_row l;
	int64_t kept, gone;

	tx();
	kept = put_lead(1);
	done();
	tx();
	gone = put_lead(2);
	fx.ops->rollback(fx.store);
	ok(fx.ops->lead_get(fx.store, kept, &fx.arena, &l, &fx.err));
	refused(fx.ops->lead_get(fx.store, gone, &fx.arena, &l, &fx.err), CS_ENOTFOUND);
	tx();
	ck_assert_int_gt(put_lead(2), kept);
	done();
}
END_TEST

START_TEST(a_change_outside_a_transaction_is_refused)
{
	struct cs_lead_row l = lead_nr(1);

	refused(fx.ops->lead_insert(fx.store, &l, &fx.err), CS_ESTATE);
	refused(fx.ops->meta_put(fx.store, "a", "b", &fx.err), CS_ESTATE);
	refused(fx.ops->commit(fx.store, &fx.err), CS_ESTATE);
	fx.ops->rollback(fx.store); /* harmless */
}
END_TEST

START_TEST(transactions_do_not_nest)
{
	tx();
	refused(fx.ops->begin(fx.store, &fx.err), CS_ESTATE);
	put_lead(1);
	done();
}
END_TEST

START_TEST(a_refused_operation_leaves_the_rest_of_its_batch_alone)
{
	struct cs_lead_row l = lead_nr(1);
	struct cs_move m = { .id = 999, .gen = -1, .from = CS_STATE_BIT(CS_DUE), .to = CS_DEAD };
	int64_t id;

	tx();
	id = put_lead(1);
	refused(fx.ops->lead_insert(fx.store, &l, &fx.err), CS_EEXIST);
	refused(fx.ops->delivery_move(fx.store, &m, &fx.err), CS_ENOTFOUND);
	put_delivery(id, 5, CS_DUE);
	done();
	ok(fx.ops->lead_get(fx.store, id, &fx.arena, &l, &fx.err));
}
END_TEST

START_TEST(a_reader_sees_what_is_committed_and_changes_nothing)
{
	struct cs_store *reader;
	struct cs_lead_row l;
	int64_t first, second;

	tx();
	first = put_lead(1);
	done();
	ok(fx.ops->reader(fx.store, &reader, &fx.err));
	ok(reader->ops->lead_get(reader, first, &fx.arena, &l, &fx.err));
	refused(reader->ops->begin(reader, &fx.err), CS_EPERM);
	refused(reader->ops->lead_insert(reader, &l, &fx.err), CS_EPERM);
	tx();
	second = put_lead(2);
	done();
	ok(reader->ops->lead_get(reader, second, &fx.arena, &l, &fx.err));
	cs_store_close(reader);
}
END_TEST

START_TEST(rows_outlive_a_close)
{
	struct cs_lead_row l;
	int64_t id;

	tx();
	id = put_lead(3);
	done();
	tx();
	put_lead(4); /* never committed */
	reopen();
	if (!fx.engine->keeps)
		return;
	ok(fx.ops->lead_get(fx.store, id, &fx.arena, &l, &fx.err));
	ck_assert_str_eq(l.account, "acct_xyz");
	ok(fx.ops->lead_list(fx.store, NULL, 0, &fx.arena, &l, 1, &fx.err));
	ck_assert_int_eq(l.id, id);
}
END_TEST

START_TEST(room_is_not_asked_for_when_nothing_is_kept_free)
{
	ck_assert_int_eq(fx.ops->room(fx.store, NOW, &fx.err), 0);
}
END_TEST

static void
store_suite_transactions(TCase *tc)
{
	tcase_add_test(tc, what_is_committed_is_there_and_what_is_rolled_back_is_not);
	tcase_add_test(tc, a_change_outside_a_transaction_is_refused);
	tcase_add_test(tc, transactions_do_not_nest);
	tcase_add_test(tc, a_refused_operation_leaves_the_rest_of_its_batch_alone);
	tcase_add_test(tc, a_reader_sees_what_is_committed_and_changes_nothing);
	tcase_add_test(tc, rows_outlive_a_close);
	tcase_add_test(tc, room_is_not_asked_for_when_nothing_is_kept_free);
}

int
store_suite_run(const struct store_engine *engine)
{
	static void (*const parts[])(TCase *) = { store_suite_transactions, store_suite_leads, store_suite_deliveries,
		                                  store_suite_moves,        store_suite_lists, store_suite_rest, store_suite_conns, store_suite_links, store_suite_mail,
		                                  store_suite_upkeep };
	Suite *suite = suite_create(engine->name);
	SRunner *runner;
	int failed;

	fx.engine = engine;
	for (size_t i = 0; i < CS_ARRAY_LEN(parts); i++) {
		TCase *tc = tcase_create(engine->name);

		tcase_add_checked_fixture(tc, set_up, tear_down);
		parts[i](tc);
		suite_add_tcase(suite, tc);
	}
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* A connection's life in the store: history, troubles, looks at it, and what it leaves behind. */
#include "store_suite_int.h"

#include <string.h>

START_TEST(settings_and_overrides_have_a_history)
{
	struct cs_conn_row c = conn_nr(1);
	struct cs_conn_version v[8];
	int64_t first;

	tx();
	c.changed_by = "setup";
	c.changed_ms = NOW;
	ok(fx.ops->conn_put(fx.store, &c, &fx.err));
	first = c.version;
	c.label = "another";
	c.changed_ms = NOW + 1;
	ok(fx.ops->conn_put(fx.store, &c, &fx.err));
	c.settings = "{\"x\":2}";
	c.changed_by = "key:ops";
	ok(fx.ops->conn_put(fx.store, &c, &fx.err));
	c.overrides = "{\"y\":2}";
	ok(fx.ops->conn_put(fx.store, &c, &fx.err));
	done();
	ck_assert_int_eq(ok(fx.ops->conn_versions(fx.store, c.id, 0, &fx.arena, v, 8, &fx.err)), 3);
	ck_assert_int_eq(v[0].version, first + 2);
	ck_assert_str_eq(v[0].overrides, "{\"y\":2}");
	ck_assert_str_eq(v[1].settings, "{\"x\":2}");
	ck_assert_str_eq(v[1].who, "key:ops");
	ck_assert_int_eq(v[1].at_ms, NOW + 1);
	ck_assert_int_eq(v[2].version, first);
	ck_assert_str_eq(v[2].who, "setup");
	ck_assert_int_eq(v[2].at_ms, NOW);
	ck_assert_int_eq(ok(fx.ops->conn_versions(fx.store, c.id, first + 1, &fx.arena, v, 8, &fx.err)), 1);
	tx();
	for (int i = 0; i < CS_CONN_VERSIONS + 5; i++) {
		c.settings = cs_arena_printf(&fx.arena, "{\"n\":%d}", i);
		ok(fx.ops->conn_put(fx.store, &c, &fx.err));
	}
	done();
	ck_assert_int_eq(ok(fx.ops->conn_versions(fx.store, c.id, first + 9, &fx.arena, v, 8, &fx.err)), 1); /* the older ones are gone */
	ck_assert_int_eq(v[0].version, first + 8);
}
END_TEST

static int
note_count(void *ctx, const char *crm, enum cs_conn_state state, bool failing, int64_t n)
{
	cs_buf_printf(ctx, "%s %s%s %d\n", crm, cs_conn_state_name(state), failing ? " failing" : "", (int)n);
	return 0;
}

START_TEST(troubles_and_looks_at_a_connection_are_kept)
{
	CS_CLEANUP(cs_buf_fini) struct cs_buf b = CS_BUF_INIT(0);
	struct cs_conn_row c = conn_nr(1), other = conn_nr(2), got;
	int64_t ids[4], epoch, doubt;

	c.check_ms = NOW + 10;
	other.check_ms = NOW + 5;
	other.state = CS_CONN_PENDING;
	tx();
	ok(fx.ops->conn_put(fx.store, &c, &fx.err));
	ok(fx.ops->conn_put(fx.store, &other, &fx.err));
	ok(fx.ops->trouble_put(fx.store, c.id, "check", "a choice is gone", NOW + 1, &fx.err));
	ok(fx.ops->trouble_put(fx.store, c.id, "breaker", "it fails", NOW, &fx.err));
	ok(fx.ops->trouble_put(fx.store, c.id, "breaker", "it still fails", NOW + 2, &fx.err));
	done();
	ck_assert_int_eq(ok(fx.ops->conn_due_checks(fx.store, NOW + 9, ids, 4, &fx.err)), 0);
	ck_assert_int_eq(ok(fx.ops->conn_due_checks(fx.store, NOW + 10, ids, 4, &fx.err)), 1);
	ck_assert_int_eq(ids[0], c.id);
	ok(fx.ops->conn_get(fx.store, c.id, &fx.arena, &got, &fx.err));
	ck_assert_str_eq(got.trouble, "it still fails");
	ck_assert_int_eq(got.trouble_since_ms, NOW);
	ok(fx.ops->conn_count(fx.store, note_count, &b, &fx.err));
	ck_assert_str_eq(cs_buf_str(&b), cs_arena_printf(&fx.arena, "%s connected failing 1\n%s pending 1\n", c.crm, c.crm));
	tx();
	ok(fx.ops->epoch_begin(fx.store, NOW, 0, &epoch, &doubt, &fx.err));
	ok(fx.ops->conn_checked(fx.store, c.id, "{\"ok\":true}", NOW + 11, NOW + 99, &fx.err));
	ok(fx.ops->conn_checked(fx.store, c.id, NULL, NOW + 12, NOW + 98, &fx.err));
	done();
	ok(fx.ops->conn_get(fx.store, c.id, &fx.arena, &got, &fx.err));
	ck_assert_str_eq(got.trouble, "a choice is gone"); /* the breaker of the last run is closed */
	ck_assert_str_eq(got.checked, "{\"ok\":true}");
	ck_assert_int_eq(got.checked_ms, NOW + 11);
	ck_assert_int_eq(got.check_ms, NOW + 98);
	tx();
	ok(fx.ops->trouble_put(fx.store, c.id, "check", NULL, NOW, &fx.err));
	done();
	ok(fx.ops->conn_get(fx.store, c.id, &fx.arena, &got, &fx.err));
	ck_assert_str_eq(got.trouble, "");
	ck_assert_int_eq(got.trouble_since_ms, 0);
}
END_TEST

START_TEST(what_a_deleted_connection_has_not_delivered_is_dead_and_keeps_where_it_was_to_go)
{
	int64_t conn, other, lead, due, fresh, taken, dead, delivered, elsewhere, n;
	struct cs_delivery_row d;

	tx();
	conn = put_conn(1);
	other = put_conn(2);
	lead = put_lead(1);
	due = put_delivery(lead, conn, CS_DUE);
	elsewhere = put_delivery(lead, other, CS_DUE);
	fresh = put_delivery(put_lead(2), conn, CS_IN_HAND);
	taken = put_delivery(put_lead(3), conn, CS_TAKEN);
	dead = put_delivery(put_lead(4), conn, CS_DEAD);
	delivered = put_delivery(put_lead(5), conn, CS_DELIVERED);
	ok(fx.ops->record_put(fx.store, conn, "contact", "c1", delivered, &fx.err));
	ok(fx.ops->caller_put(fx.store, conn, 7, "find", "c1", NOW, &fx.err));
	ok(fx.ops->trouble_put(fx.store, conn, "check", "a choice is gone", NOW, &fx.err));
	ok(fx.ops->conn_orphan(fx.store, conn, "its connection was deleted", NOW + 1, &n, &fx.err));
	ck_assert_int_eq(n, 3);
	ok(fx.ops->conn_delete(fx.store, conn, &fx.err));
	done();
	for (const int64_t *id = (int64_t[]){ due, fresh, taken, 0 }; *id != 0; id++) {
		d = get_delivery(*id);
		ck_assert_int_eq(d.state, CS_DEAD);
		ck_assert_int_eq(d.blame, CS_BLAME_CONNECTION);
		ck_assert_int_eq(d.conn_id, 0);
		ck_assert_str_eq(d.reason, "its connection was deleted");
		ck_assert_str_eq(d.crm, "acme_crm");
		ck_assert_str_eq(d.crm_account_id, "tenant_1");
		ck_assert_int_eq(d.done_ms, NOW + 1);
		ck_assert_int_eq(d.doubt, *id != due);
	}
	d = get_delivery(dead);
	ck_assert_int_eq(d.conn_id, 0);
	ck_assert_str_ne(d.reason, "its connection was deleted");
	ck_assert_int_eq(get_delivery(delivered).state, CS_DELIVERED);
	ck_assert_int_eq(get_delivery(elsewhere).state, CS_DUE);
	ck_assert_int_eq(get_delivery(elsewhere).conn_id, other);
	refused(fx.ops->record_find(fx.store, conn, "contact", "c1", &n, &fx.err), CS_ENOTFOUND);
}
END_TEST

START_TEST(grants_that_nobody_has_claimed_are_found_by_their_age)
{
	int64_t ids[5], parked[3], waiting, confirmed, got[4];
	struct cs_token_row t = { .remote_id = "", .remote_name = "" };

	tx();
	for (int i = 0; i < 5; i++) {
		struct cs_conn_row c = conn_nr(i + 1);

		c.name = "";
		c.account = i < 2 ? "" : c.account;
		c.state = i == 4 ? CS_CONN_CONNECTED : CS_CONN_PENDING;
		c.state_since_ms = NOW - i;
		ok(fx.ops->conn_put(fx.store, &c, &fx.err));
		ids[i] = c.id;
	}
	memcpy(parked, ids, sizeof(parked));
	waiting = ids[3]; /* to be confirmed, and made by somebody who knows of it */
	confirmed = ids[4];
	for (const int64_t *id = (int64_t[]){ parked[2], waiting, confirmed, 0 }; *id != 0; id++) {
		t.conn_id = *id;
		t.for_conn = *id == waiting ? 0 : 99;
		ok(fx.ops->token_put(fx.store, &t, &fx.err));
	}
	done();
	ck_assert_int_eq(ok(fx.ops->conn_unclaimed(fx.store, NOW - 3, got, 4, &fx.err)), 0);
	ck_assert_int_eq(ok(fx.ops->conn_unclaimed(fx.store, NOW - 1, got, 4, &fx.err)), 2);
	ck_assert(got[0] == parked[2] && got[1] == parked[1]);
	ck_assert_int_eq(ok(fx.ops->conn_unclaimed(fx.store, NOW, got, 4, &fx.err)), 3);
	ck_assert_int_eq(ok(fx.ops->conn_unclaimed(fx.store, NOW, got, 1, &fx.err)), 1);
	ck_assert_int_eq(got[0], parked[2]);
}
END_TEST

void
store_suite_conns(TCase *tc)
{
	tcase_add_test(tc, grants_that_nobody_has_claimed_are_found_by_their_age);
	tcase_add_test(tc, settings_and_overrides_have_a_history);
	tcase_add_test(tc, troubles_and_looks_at_a_connection_are_kept);
	tcase_add_test(tc, what_a_deleted_connection_has_not_delivered_is_dead_and_keeps_where_it_was_to_go);
}

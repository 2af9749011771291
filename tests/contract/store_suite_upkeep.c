/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store_suite_upkeep.c - retention, checkpoint, check.
 */
#include "store_suite_int.h"

#include <string.h>

static int
keep(int64_t delivered_before, int64_t identity_before, int max)
{
	int n;

	tx();
	n = ok(fx.ops->retention(fx.store, delivered_before, identity_before, max, &fx.err));
	done();
	return n;
}

/* Lead n, received NOW + n, with one delivery in this state, ended at NOW + n. */
static int64_t
ended(int n, enum cs_state state)
{
	struct cs_delivery_row d = delivery_of(put_lead(n), 3, state);

	d.done_ms = NOW + n;
	ok(fx.ops->delivery_insert(fx.store, &d, &fx.err));
	return d.id;
}

static bool
is_there(int64_t delivery_id)
{
	struct cs_lead_row l;
	struct cs_delivery_row d;
	int lead = fx.ops->lead_get(fx.store, delivery_id >> 8, &fx.arena, &l, &fx.err);
	int delivery = fx.ops->delivery_get(fx.store, delivery_id, &fx.arena, &d, &fx.err);

	ck_assert_int_eq(lead, delivery);
	return lead == 0;
}

START_TEST(retention_takes_what_was_delivered_and_leaves_what_was_not)
{
	struct cs_attempt_row t = { .number = 1 }, got[2];
	int64_t ids[8], found;
	const char *json;

	tx();
	for (int state = 0; state < 6; state++)
		ids[state] = ended(state, (enum cs_state)state);
	ids[6] = put_lead(6) << 8 | 1; /* without a delivery */
	put_lead(100);
	t.delivery_id = ids[CS_DELIVERED];
	ok(fx.ops->attempt_put(fx.store, &t, &fx.err));
	ok(fx.ops->record_put(fx.store, 3, "contact", "c", t.delivery_id, &fx.err));
	ok(fx.ops->progress_put(fx.store, t.delivery_id, "{}", &fx.err));
	done();
	ck_assert_int_eq(keep(NOW, 0, 100), 0);
	ck_assert_int_eq(keep(NOW + 50, 0, 100), 3);
	for (int state = 0; state < 6; state++)
		ck_assert(is_there(ids[state]) == (state != CS_DELIVERED && state != CS_DISCARDED));
	ck_assert_int_eq(ok(fx.ops->attempt_list(fx.store, t.delivery_id, &fx.arena, got, 2, &fx.err)), 0);
	refused(fx.ops->record_find(fx.store, 3, "contact", "c", &found, &fx.err), CS_ENOTFOUND);
	ok(fx.ops->progress_get(fx.store, t.delivery_id, &fx.arena, &json, &fx.err));
	ck_assert_str_eq(json, "");
	ck_assert_int_eq(keep(NOW + 50, 0, 100), 0);
}
END_TEST

START_TEST(a_lead_stays_as_long_as_one_of_its_deliveries)
{
	int64_t lead, other;
	struct cs_move m = { .gen = -1, .from = CS_STATE_BIT(CS_DEAD), .to = CS_DISCARDED, .set = CS_SET_DONE, .done_ms = NOW };

	tx();
	other = ended(1, CS_DELIVERED);
	lead = other >> 8;
	m.id = put_delivery(lead, 4, CS_DEAD);
	put_lead(100);
	done();
	ck_assert_int_eq(keep(NOW + 50, 0, 100), 0);
	ck_assert(is_there(other));
	tx();
	ok(fx.ops->delivery_move(fx.store, &m, &fx.err));
	done();
	ck_assert_int_eq(keep(NOW + 50, 0, 100), 1);
	ck_assert(!is_there(other));
}
END_TEST

START_TEST(an_identity_outlives_its_lead)
{
	struct cs_lead_row again = lead_nr(1);
	uint8_t hash[32];
	int64_t id;

	tx();
	ended(1, CS_DELIVERED);
	ended(2, CS_DEAD);
	put_lead(100);
	done();
	ck_assert_int_eq(keep(NOW + 50, NOW, 100), 1);
	ok(fx.ops->identity_get(fx.store, again.event_id, again.account, &id, hash, &fx.err));
	tx();
	refused(fx.ops->lead_insert(fx.store, &again, &fx.err), CS_EEXIST);
	done();
	ck_assert_int_eq(keep(NOW + 50, NOW + 50, 100), 1);
	refused(fx.ops->identity_get(fx.store, again.event_id, again.account, &id, hash, &fx.err), CS_ENOTFOUND);
	again = lead_nr(2); /* its lead is still there */
	ok(fx.ops->identity_get(fx.store, again.event_id, again.account, &id, hash, &fx.err));
}
END_TEST

START_TEST(retention_goes_on_where_it_stopped)
{
	int n = 0, calls = 0, got;

	tx();
	for (int i = 0; i < 50; i++)
		ended(i, i % 2 == 0 ? CS_DELIVERED : CS_DEAD);
	put_lead(100);
	done();
	while ((got = keep(NOW + 90, 0, 4)) > 0) {
		ck_assert_int_le(got, 4);
		n += got;
		calls++;
	}
	ck_assert_int_eq(n, 25);
	ck_assert_int_ge(calls, 7);
}
END_TEST

START_TEST(an_id_is_never_given_twice)
{
	int64_t last;

	tx();
	last = ended(1, CS_DELIVERED) >> 8;
	done();
	keep(NOW + 1000, NOW + 1000, 100);
	reopen();
	if (!fx.engine->keeps)
		return;
	tx();
	ck_assert_int_gt(put_lead(2), last);
	done();
}
END_TEST

START_TEST(old_dedupe_keys_and_callers_go)
{
	struct cs_hook_row h = { .crm = "acme_crm", .dedupe = { 1 }, .received_ms = NOW, .due_ms = NOW };
	struct cs_caller_row caller;

	tx();
	ok(fx.ops->hook_insert(fx.store, &h, &fx.err));
	ok(fx.ops->hook_done(fx.store, h.id, NOW, &fx.err));
	ok(fx.ops->caller_put(fx.store, 3, 9, "find", "c", NOW, &fx.err));
	done();
	ck_assert_int_eq(keep(NOW, 0, 100), 0);
	ck_assert_int_eq(keep(NOW + 1, 0, 100), 2);
	tx();
	ok(fx.ops->hook_insert(fx.store, &h, &fx.err));
	done();
	ck_assert_int_eq(ok(fx.ops->caller_list(fx.store, 3, (const uint64_t[]){ 9, 0 }, 0, &fx.arena, &caller, 1, &fx.err)), 0);
}
END_TEST

START_TEST(a_checkpoint_runs_between_transactions_and_from_a_reader)
{
	struct cs_store *reader;

	ok(fx.ops->reader(fx.store, &reader, &fx.err));
	tx();
	put_lead(1);
	done();
	ok(fx.ops->checkpoint(fx.store, 0, &fx.err));
	ok(reader->ops->checkpoint(reader, 0, &fx.err));
	cs_store_close(reader);
}
END_TEST

struct findings {
	int n;
	char last[256];
};

static void
see(void *ctx, const char *finding)
{
	struct findings *f = ctx;

	f->n++;
	strncpy(f->last, finding, sizeof(f->last) - 1);
}

START_TEST(a_sound_store_has_no_findings_and_an_unsound_one_has)
{
	struct findings f = { 0 };

	tx();
	put_delivery(put_lead(1), put_conn(1), CS_DUE);
	put_delivery(put_lead(2), 0, CS_DEAD);
	done();
	ok(fx.ops->check(fx.store, see, &f, &fx.err));
	ck_assert_msg(f.n == 0, "%s", f.last);
	tx();
	put_delivery(4711, 1, CS_DEAD);
	done();
	ok(fx.ops->check(fx.store, see, &f, &fx.err));
	ck_assert_int_eq(f.n, 1);
	ck_assert_ptr_nonnull(strstr(f.last, "leads that are not there"));
	tx();
	put_delivery(put_lead(3), 99, CS_DUE);
	done();
	f.n = 0;
	ok(fx.ops->check(fx.store, see, &f, &fx.err));
	ck_assert_int_eq(f.n, 2);
}
END_TEST

void
store_suite_upkeep(TCase *tc)
{
	tcase_add_test(tc, retention_takes_what_was_delivered_and_leaves_what_was_not);
	tcase_add_test(tc, a_lead_stays_as_long_as_one_of_its_deliveries);
	tcase_add_test(tc, an_identity_outlives_its_lead);
	tcase_add_test(tc, retention_goes_on_where_it_stopped);
	tcase_add_test(tc, an_id_is_never_given_twice);
	tcase_add_test(tc, old_dedupe_keys_and_callers_go);
	tcase_add_test(tc, a_checkpoint_runs_between_transactions_and_from_a_reader);
	tcase_add_test(tc, a_sound_store_has_no_findings_and_an_unsound_one_has);
}

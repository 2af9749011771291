/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store_suite_lists.c - lists, counts, the shape of the queue.
 */
#include "store_suite_int.h"

#include <string.h>

struct seen {
	int64_t ids[64];
	int n, stop_after;
};

static int
see(void *ctx, const struct cs_delivery_row *row)
{
	struct seen *seen = ctx;

	seen->ids[seen->n++] = row->id;
	return seen->n == seen->stop_after;
}

static struct seen
list(const struct cs_filter *f)
{
	struct seen seen = { 0 };

	ok(fx.ops->delivery_list(fx.store, f, &fx.arena, see, &seen, &fx.err));
	ck_assert_int_eq(count(f), f->limit == 0 && f->before_id == 0 ? seen.n : count(f));
	return seen;
}

/* 24 rows: connections 1 (acme_crm) and 2, states 0 to 5, each twice; lead i received NOW + i. */
static void
many(int64_t *ids)
{
	tx();
	ck_assert_int_eq(put_conn(1), 1);
	for (int i = 0; i < 24; i++) {
		struct cs_delivery_row d = delivery_of(put_lead(i), 1 + i % 2, (enum cs_state)(i / 2 % 6));

		d.created_ms = NOW + i;
		d.urgency = i % 4;
		d.blame = i % 3 == 0 ? CS_BLAME_CRM : CS_BLAME_NONE;
		d.crm = d.conn_id == 1 ? "" : "other_crm";
		ok(fx.ops->delivery_insert(fx.store, &d, &fx.err));
		ids[i] = d.id;
	}
	done();
}

START_TEST(a_list_is_newest_first_and_comes_in_pages)
{
	struct cs_filter f = any_delivery();
	struct seen seen;
	int64_t ids[24];

	many(ids);
	seen = list(&f);
	ck_assert_int_eq(seen.n, 24);
	for (int i = 0; i < 24; i++)
		ck_assert_int_eq(seen.ids[i], ids[23 - i]);
	f.limit = 10;
	seen = list(&f);
	ck_assert_int_eq(seen.n, 10);
	f.before_id = seen.ids[9];
	seen = list(&f);
	ck_assert_int_eq(seen.ids[0], ids[13]);
	seen = (struct seen){ .stop_after = 3 };
	ok(fx.ops->delivery_list(fx.store, &f, &fx.arena, see, &seen, &fx.err));
	ck_assert_int_eq(seen.n, 3);
}
END_TEST

START_TEST(a_list_holds_what_its_filter_says)
{
	struct cs_filter f = any_delivery();
	int64_t ids[24];

	many(ids);
	f.states = CS_STATE_BIT(CS_DEAD);
	ck_assert_int_eq(list(&f).n, 4);
	ck_assert_int_eq(list(&f).ids[0], ids[21]);
	f.states = CS_STATE_BIT(CS_DUE);
	ck_assert_int_eq(list(&f).n, 4);
	ck_assert_int_eq(list(&f).ids[0], ids[13]);
	f.conn_id = 2;
	ck_assert_int_eq(list(&f).n, 2);
	f.states = CS_STATE_BIT(CS_DEAD) | CS_STATE_BIT(CS_DELIVERED);
	ck_assert_int_eq(list(&f).n, 4);
	f.states = 0;
	ck_assert_int_eq(list(&f).n, 12);
	f = any_delivery();
	f.blame = CS_BLAME_CRM;
	ck_assert_int_eq(list(&f).n, 8);
	f.urgency = 0;
	ck_assert_int_eq(list(&f).n, 2);
	f = any_delivery();
	f.created_from_ms = NOW + 5;
	f.created_to_ms = NOW + 8;
	ck_assert_int_eq(list(&f).n, 3);
}
END_TEST

START_TEST(a_list_by_crm_or_account_looks_at_connection_and_lead)
{
	struct cs_filter f = any_delivery();
	struct cs_lead_row other = lead_nr(99);
	int64_t ids[24];

	many(ids);
	f.crm = "acme_crm";
	ck_assert_int_eq(list(&f).n, 12);
	f.crm = "other_crm";
	ck_assert_int_eq(list(&f).n, 12);
	f.crm = "none_such";
	ck_assert_int_eq(list(&f).n, 0);
	f.crm = NULL;
	f.account = "acct_xyz";
	ck_assert_int_eq(list(&f).n, 24);
	f.account = "acct_two";
	ck_assert_int_eq(list(&f).n, 0);
	tx();
	other.account = "acct_two";
	ok(fx.ops->lead_insert(fx.store, &other, &fx.err));
	put_delivery(other.id, 2, CS_DUE);
	done();
	ck_assert_int_eq(list(&f).n, 1);
}
END_TEST

START_TEST(a_reader_lists_too)
{
	struct cs_filter f = any_delivery();
	struct cs_store *reader;
	struct seen seen = { 0 };
	int64_t ids[24], n;

	many(ids);
	ok(fx.ops->reader(fx.store, &reader, &fx.err));
	ok(reader->ops->delivery_list(reader, &f, &fx.arena, see, &seen, &fx.err));
	ok(reader->ops->delivery_count(reader, &f, &n, &fx.err));
	ck_assert_int_eq(seen.n, 24);
	ck_assert_int_eq(n, 24);
	cs_store_close(reader);
}
END_TEST

struct shape {
	int64_t conn_id[4], age[4][10];
	char crm[4][32];
	int n;
};

static int
see_shape(void *ctx, const char *crm, int64_t conn_id, const int64_t age[10])
{
	struct shape *sh = ctx;

	sh->conn_id[sh->n] = conn_id;
	memcpy(sh->age[sh->n], age, sizeof(sh->age[0]));
	strncpy(sh->crm[sh->n++], crm, 31);
	return 0;
}

START_TEST(the_queues_shape_counts_by_connection_and_age)
{
	static const int64_t minutes[] = { 0, 4, 5, 9, 10, 39, 40, 1279, 1280, 100000 };
	static const int64_t expected[10] = { 2, 2, 1, 1, 1, 0, 0, 0, 1, 2 };
	struct shape sh = { 0 };

	tx();
	ck_assert_int_eq(put_conn(1), 1);
	for (size_t i = 0; i < CS_ARRAY_LEN(minutes); i++) {
		struct cs_delivery_row d = delivery_of(put_lead((int)i), 1, CS_DUE);

		d.created_ms = NOW - minutes[i] * 60000;
		d.lane = (enum cs_lane)(i % 3);
		ok(fx.ops->delivery_insert(fx.store, &d, &fx.err));
	}
	put_delivery(put_lead(50), 1, CS_DEAD);
	put_delivery(put_lead(51), 2, CS_DUE);
	done();
	ok(fx.ops->queue_shape(fx.store, NOW, see_shape, &sh, &fx.err));
	ck_assert_int_eq(sh.n, 2);
	ck_assert_int_eq(sh.conn_id[0], 1);
	ck_assert_str_eq(sh.crm[0], "acme_crm");
	ck_assert_mem_eq(sh.age[0], expected, sizeof(expected));
	ck_assert_int_eq(sh.conn_id[1], 2);
	ck_assert_int_eq(sh.age[1][0], 1);
}
END_TEST

void
store_suite_lists(TCase *tc)
{
	tcase_add_test(tc, a_list_is_newest_first_and_comes_in_pages);
	tcase_add_test(tc, a_list_holds_what_its_filter_says);
	tcase_add_test(tc, a_list_by_crm_or_account_looks_at_connection_and_lead);
	tcase_add_test(tc, a_reader_lists_too);
	tcase_add_test(tc, the_queues_shape_counts_by_connection_and_age);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store_suite_leads.c - leads, identities.
 */
#include "store_suite_int.h"

#include <string.h>

START_TEST(a_lead_comes_back_as_it_was_given)
{
	struct cs_lead_row l = lead_nr(5), got;

	l.kind = CS_KIND_INVALID;
	l.warnings = "[{\"pointer\":\"/contact\"}]";
	l.body = (struct cs_bytes){ "a\0b", 3 };
	tx();
	ok(fx.ops->lead_insert(fx.store, &l, &fx.err));
	done();
	ok(fx.ops->lead_get(fx.store, l.id, &fx.arena, &got, &fx.err));
	ck_assert_int_eq(got.id, l.id);
	ck_assert_mem_eq(got.event_id, l.event_id, 16);
	ck_assert_mem_eq(got.hash, l.hash, 32);
	ck_assert_str_eq(got.account, l.account);
	ck_assert_str_eq(got.event, l.event);
	ck_assert_int_eq(got.kind, CS_KIND_INVALID);
	ck_assert_int_eq(got.urgency, l.urgency);
	ck_assert_int_eq(got.received_ms, l.received_ms);
	ck_assert_uint_eq(got.body.len, 3);
	ck_assert_mem_eq(got.body.ptr, "a\0b\0", 4);
	ck_assert_str_eq(got.warnings, l.warnings);
}
END_TEST

START_TEST(absent_texts_come_back_empty)
{
	struct cs_lead_row l = lead_nr(5), got;

	l.warnings = l.event = NULL;
	l.body = (struct cs_bytes){ NULL, 0 };
	tx();
	ok(fx.ops->lead_insert(fx.store, &l, &fx.err));
	done();
	ok(fx.ops->lead_get(fx.store, l.id, &fx.arena, &got, &fx.err));
	ck_assert_str_eq(got.warnings, "");
	ck_assert_str_eq(got.event, "");
	ck_assert_uint_eq(got.body.len, 0);
	ck_assert_ptr_nonnull(got.body.ptr);
}
END_TEST

START_TEST(an_identity_is_unique_per_account)
{
	struct cs_lead_row l = lead_nr(1), again = lead_nr(1), other = lead_nr(1), found[4];
	uint8_t hash[32];
	int64_t id;

	other.account = "acct_other";
	tx();
	refused(fx.ops->identity_get(fx.store, l.event_id, l.account, &id, hash, &fx.err), CS_ENOTFOUND);
	ok(fx.ops->lead_insert(fx.store, &l, &fx.err));
	refused(fx.ops->lead_insert(fx.store, &again, &fx.err), CS_EEXIST);
	ok(fx.ops->lead_insert(fx.store, &other, &fx.err));
	done();
	ok(fx.ops->identity_get(fx.store, l.event_id, l.account, &id, hash, &fx.err));
	ck_assert_int_eq(id, l.id);
	ck_assert_mem_eq(hash, l.hash, 32);
	ck_assert_int_eq(ok(fx.ops->lead_find(fx.store, l.event_id, &fx.arena, found, 4, &fx.err)), 2);
	ck_assert_int_eq(found[0].id, other.id);
	ck_assert_int_eq(found[1].id, l.id);
	ck_assert_uint_eq(found[1].body.len, l.body.len);
}
END_TEST

START_TEST(a_fixed_lead_keeps_the_identity_that_its_sender_knows)
{
	struct cs_lead_row l = lead_nr(1), fixed = lead_nr(1), got;
	uint8_t hash[32];
	int64_t id;

	l.kind = CS_KIND_INVALID;
	tx();
	ok(fx.ops->lead_insert(fx.store, &l, &fx.err));
	fixed.id = l.id;
	fixed.kind = CS_KIND_LEAD;
	fixed.urgency = 0;
	fixed.body = (struct cs_bytes){ "{\"fixed\":true}", 14 };
	fixed.warnings = "[]";
	memset(fixed.hash, 0xee, 32);
	ok(fx.ops->lead_update(fx.store, &fixed, &fx.err));
	fixed.id = 12345;
	refused(fx.ops->lead_update(fx.store, &fixed, &fx.err), CS_ENOTFOUND);
	done();
	ok(fx.ops->lead_get(fx.store, l.id, &fx.arena, &got, &fx.err));
	ck_assert_int_eq(got.kind, CS_KIND_LEAD);
	ck_assert_str_eq(got.body.ptr, "{\"fixed\":true}");
	ck_assert_str_eq(got.warnings, "[]");
	ck_assert_mem_eq(got.hash, fixed.hash, 32);
	ok(fx.ops->identity_get(fx.store, l.event_id, l.account, &id, hash, &fx.err));
	ck_assert_mem_eq(hash, l.hash, 32);
}
END_TEST

START_TEST(leads_are_listed_newest_first_in_pages_and_by_account)
{
	struct cs_lead_row other = lead_nr(100), got[8];
	int64_t ids[5];
	int n;

	tx();
	for (int i = 0; i < 5; i++)
		ids[i] = put_lead(i);
	other.account = "acct_other";
	ok(fx.ops->lead_insert(fx.store, &other, &fx.err));
	done();
	n = ok(fx.ops->lead_list(fx.store, NULL, 0, &fx.arena, got, 8, &fx.err));
	ck_assert_int_eq(n, 6);
	ck_assert_int_eq(got[0].id, other.id);
	ck_assert_uint_eq(got[0].body.len, 0);
	n = ok(fx.ops->lead_list(fx.store, "acct_xyz", 0, &fx.arena, got, 2, &fx.err));
	ck_assert_int_eq(n, 2);
	ck_assert_int_eq(got[0].id, ids[4]);
	ck_assert_int_eq(got[1].id, ids[3]);
	n = ok(fx.ops->lead_list(fx.store, "acct_xyz", ids[3], &fx.arena, got, 8, &fx.err));
	ck_assert_int_eq(n, 3);
	ck_assert_int_eq(got[2].id, ids[0]);
	ck_assert_int_eq(ok(fx.ops->lead_list(fx.store, "nobody", 0, &fx.arena, got, 8, &fx.err)), 0);
}
END_TEST

void
store_suite_leads(TCase *tc)
{
	tcase_add_test(tc, a_lead_comes_back_as_it_was_given);
	tcase_add_test(tc, absent_texts_come_back_empty);
	tcase_add_test(tc, an_identity_is_unique_per_account);
	tcase_add_test(tc, a_fixed_lead_keeps_the_identity_that_its_sender_knows);
	tcase_add_test(tc, leads_are_listed_newest_first_in_pages_and_by_account);
}

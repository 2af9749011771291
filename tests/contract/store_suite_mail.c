/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store_suite_mail.c - mail that waits for its server, and emergencies that are not in their CRM yet.
 */
#include "store_suite_int.h"

#include <string.h>
#include "util/clock.h"

static int64_t
put_mail(enum cs_mail_kind kind, const char *recipient, int64_t due_ms)
{
	struct cs_mail_row r = { .created_ms = NOW, .due_ms = due_ms, .attempts = 2, .kind = kind, .recipient = recipient, .subject = "Größe",
		.body = "one\ntwo\n" };

	ok(fx.ops->mail_put(fx.store, &r, &fx.err));
	ck_assert_int_ne(r.id, 0);
	return r.id;
}

static int64_t
count_mails(int kind)
{
	int64_t n = -1;

	ok(fx.ops->mail_count(fx.store, kind, &n, &fx.err));
	return n;
}

START_TEST(a_mail_comes_back_as_it_was_given_and_is_gone_once_it_was_taken)
{
	struct cs_mail_row got[2];
	int64_t id;

	tx();
	id = put_mail(CS_MAIL_EMERGENCY, "ops@example.com", NOW);
	done();
	ck_assert_int_eq(ok(fx.ops->mail_due(fx.store, NOW, &fx.arena, got, 2, &fx.err)), 1);
	ck_assert(got->id == id && got->created_ms == NOW && got->due_ms == NOW && got->attempts == 2 && got->kind == CS_MAIL_EMERGENCY);
	ck_assert_str_eq(got->recipient, "ops@example.com");
	ck_assert_str_eq(got->subject, "Größe");
	ck_assert_str_eq(got->body, "one\ntwo\n");
	tx();
	ok(fx.ops->mail_delete(fx.store, id, &fx.err));
	ok(fx.ops->mail_delete(fx.store, id, &fx.err)); /* it is gone, which is what was wanted */
	done();
	ck_assert_int_eq(ok(fx.ops->mail_due(fx.store, NOW, &fx.arena, got, 2, &fx.err)), 0);
}
END_TEST

START_TEST(of_mails_that_are_due_emergencies_come_first)
{
	struct cs_mail_row got[4];
	int64_t old, older, emergency, later;

	tx();
	old = put_mail(CS_MAIL_ALERT, "a@example.com", NOW - 1);
	older = put_mail(CS_MAIL_ALERT, "b@example.com", NOW - 2);
	emergency = put_mail(CS_MAIL_EMERGENCY, "c@example.com", NOW);
	later = put_mail(CS_MAIL_EMERGENCY, "d@example.com", NOW + 1);
	done();
	ck_assert_int_eq(ok(fx.ops->mail_due(fx.store, NOW, &fx.arena, got, 4, &fx.err)), 3);
	ck_assert(got[0].id == emergency && got[1].id == older && got[2].id == old);
	ck_assert_int_eq(ok(fx.ops->mail_due(fx.store, NOW, &fx.arena, got, 2, &fx.err)), 2);
	ck_assert_int_eq(got[0].id, emergency);
	ck_assert_int_eq(ok(fx.ops->mail_due(fx.store, NOW + 1, &fx.arena, got, 4, &fx.err)), 4);
	ck_assert(got[0].id == emergency && got[1].id == later);
}
END_TEST

START_TEST(a_mail_that_was_not_taken_waits_longer)
{
	struct cs_mail_row got[2];
	int64_t id;

	tx();
	id = put_mail(CS_MAIL_ALERT, "a@example.com", NOW);
	ok(fx.ops->mail_retry(fx.store, id, NOW + 60, 3, &fx.err));
	refused(fx.ops->mail_retry(fx.store, id + 1, NOW, 1, &fx.err), CS_ENOTFOUND);
	done();
	ck_assert_int_eq(ok(fx.ops->mail_due(fx.store, NOW + 59, &fx.arena, got, 2, &fx.err)), 0);
	ck_assert_int_eq(ok(fx.ops->mail_due(fx.store, NOW + 60, &fx.arena, got, 2, &fx.err)), 1);
	ck_assert(got->due_ms == NOW + 60 && got->attempts == 3 && got->created_ms == NOW);
}
END_TEST

START_TEST(mails_are_counted_by_kind)
{
	ck_assert_int_eq(count_mails(-1), 0);
	tx();
	put_mail(CS_MAIL_ALERT, "a@example.com", NOW);
	put_mail(CS_MAIL_ALERT, "b@example.com", CS_NEVER);
	put_mail(CS_MAIL_EMERGENCY, "c@example.com", NOW);
	done();
	ck_assert_int_eq(count_mails(-1), 3);
	ck_assert_int_eq(count_mails(CS_MAIL_ALERT), 2);
	ck_assert_int_eq(count_mails(CS_MAIL_EMERGENCY), 1);
}
END_TEST

START_TEST(mail_and_marks_survive_the_end_of_the_run)
{
	struct cs_mail_row got[2];
	int64_t late[2], id;

	if (!fx.engine->keeps)
		return;
	tx();
	id = put_mail(CS_MAIL_EMERGENCY, "ops@example.com", NOW);
	ok(fx.ops->late_put(fx.store, 7, NOW, &fx.err));
	done();
	reopen();
	ck_assert_int_eq(ok(fx.ops->mail_due(fx.store, NOW, &fx.arena, got, 2, &fx.err)), 1);
	ck_assert_int_eq(got->id, id);
	ck_assert_int_eq(ok(fx.ops->late_list(fx.store, NOW, late, 2, &fx.err)), 1);
	ck_assert_int_eq(late[0], 7);
}
END_TEST

/* Who takes the mark and writes the mail does both or neither: else somebody is told twice, or nobody. */
START_TEST(a_mark_that_is_not_committed_is_still_there)
{
	int64_t late[2];

	tx();
	ok(fx.ops->late_put(fx.store, 7, NOW, &fx.err));
	done();
	tx();
	ok(fx.ops->late_delete(fx.store, 7, &fx.err));
	put_mail(CS_MAIL_EMERGENCY, "ops@example.com", NOW);
	fx.ops->rollback(fx.store);
	ck_assert_int_eq(ok(fx.ops->late_list(fx.store, NOW, late, 2, &fx.err)), 1);
	ck_assert_int_eq(count_mails(-1), 0);
}
END_TEST

START_TEST(late_emergencies_are_found_by_their_age_and_keep_it)
{
	int64_t got[4];

	tx();
	ok(fx.ops->late_put(fx.store, 1, NOW, &fx.err));
	ok(fx.ops->late_put(fx.store, 2, NOW - 5, &fx.err));
	ok(fx.ops->late_put(fx.store, 3, NOW + 1, &fx.err));
	ok(fx.ops->late_put(fx.store, 2, NOW + 9, &fx.err)); /* it is late since then, whatever happens to it later */
	done();
	ck_assert_int_eq(ok(fx.ops->late_list(fx.store, NOW - 6, got, 4, &fx.err)), 0);
	ck_assert_int_eq(ok(fx.ops->late_list(fx.store, NOW, got, 4, &fx.err)), 2);
	ck_assert(got[0] == 2 && got[1] == 1);
	ck_assert_int_eq(ok(fx.ops->late_list(fx.store, NOW + 9, got, 2, &fx.err)), 2);
	ck_assert(got[0] == 2 && got[1] == 1);
	tx();
	ok(fx.ops->late_delete(fx.store, 2, &fx.err));
	ok(fx.ops->late_delete(fx.store, 2, &fx.err));
	done();
	ck_assert_int_eq(ok(fx.ops->late_list(fx.store, NOW + 9, got, 4, &fx.err)), 2);
	ck_assert(got[0] == 1 && got[1] == 3);
}
END_TEST

void
store_suite_mail(TCase *tc)
{
	tcase_add_test(tc, a_mail_comes_back_as_it_was_given_and_is_gone_once_it_was_taken);
	tcase_add_test(tc, of_mails_that_are_due_emergencies_come_first);
	tcase_add_test(tc, a_mail_that_was_not_taken_waits_longer);
	tcase_add_test(tc, mails_are_counted_by_kind);
	tcase_add_test(tc, mail_and_marks_survive_the_end_of_the_run);
	tcase_add_test(tc, a_mark_that_is_not_committed_is_still_there);
	tcase_add_test(tc, late_emergencies_are_found_by_their_age_and_keep_it);
}

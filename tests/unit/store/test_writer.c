/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_writer.c - the group commit, on a store that only notes what it is asked and fails when told to.
 */
#include "config.h"
#include "store/writer.h"

#include <check.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* ---- the store: a journal of letters, "b1 2 c" for begin, operations 1 and 2, commit */

static struct {
	pthread_mutex_t lock;
	char journal[512];
	int commit_rc[8], commits, room_rc, epochs_ended, checkpoints;
	bool closed;
} disk = { .lock = PTHREAD_MUTEX_INITIALIZER };

static void
note(const char *s)
{
	pthread_mutex_lock(&disk.lock);
	strncat(disk.journal, s, sizeof(disk.journal) - strlen(disk.journal) - 1);
	pthread_mutex_unlock(&disk.lock);
}

static int
do_begin(struct cs_store *s, struct cs_err *err)
{
	(void)s, (void)err;
	note("b");
	return 0;
}

static int
do_commit(struct cs_store *s, struct cs_err *err)
{
	int rc = disk.commits < 8 ? disk.commit_rc[disk.commits] : 0;

	(void)s;
	disk.commits++;
	note(rc == 0 ? "c" : "C");
	return rc == 0 ? 0 : cs_err_set(err, rc, "no commit");
}

static void
do_rollback(struct cs_store *s)
{
	(void)s;
	note("r");
}

static int
do_room(struct cs_store *s, int64_t now_ms, struct cs_err *err)
{
	(void)s, (void)now_ms, (void)err;
	return disk.room_rc;
}

static int
do_epoch_end(struct cs_store *s, struct cs_err *err)
{
	(void)s, (void)err;
	note("e");
	disk.epochs_ended++;
	return 0;
}

static int
do_checkpoint(struct cs_store *s, int at_least, struct cs_err *err)
{
	(void)s, (void)at_least, (void)err;
	note("k");
	disk.checkpoints++;
	return 0;
}

static void
do_close(struct cs_store *s)
{
	(void)s;
	disk.closed = true;
}

static const struct cs_store_ops ops = { .begin = do_begin, .commit = do_commit, .rollback = do_rollback, .room = do_room,
	.epoch_end = do_epoch_end, .checkpoint = do_checkpoint, .close = do_close };
static struct cs_store store = { &ops };

/* ---- operations */

struct op {
	struct cs_wop wop;
	int number, fails; /* with this, at its first `times` tries */
	int times, applied, told, rc;
};
static pthread_mutex_t told_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t told_more = PTHREAD_COND_INITIALIZER;
static int n_told, order[64];
static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER; /* held by the test while a batch is to gather */

static int
apply(struct cs_wop *w, struct cs_store *s, int64_t now_ms, struct cs_err *err)
{
	struct op *o = CS_CONTAINER(w, struct op, wop);
	char c[2] = { (char)('0' + o->number), '\0' };

	(void)s, (void)now_ms;
	if (o->number == 0) { /* it blocks the writer until the test lets go, so that what comes meanwhile is one batch */
		pthread_mutex_lock(&gate);
		pthread_mutex_unlock(&gate);
	}
	note(c);
	return ++o->applied <= o->times ? cs_err_set(err, o->fails, "told to") : 0;
}

static void
committed(struct cs_wop *w)
{
	struct op *o = CS_CONTAINER(w, struct op, wop);

	pthread_mutex_lock(&told_lock);
	o->told++;
	o->rc = w->rc;
	order[n_told++] = o->number;
	pthread_cond_broadcast(&told_more);
	pthread_mutex_unlock(&told_lock);
}

static void
wait_told(int n)
{
	pthread_mutex_lock(&told_lock);
	while (n_told < n)
		pthread_cond_wait(&told_more, &told_lock);
	pthread_mutex_unlock(&told_lock);
}

static struct op
op(int number)
{
	return (struct op){ .wop = { .apply = apply, .committed = committed }, .number = number };
}

/* ---- the writer */

static struct cs_clock now;
static struct cs_writer *writer;
static struct cs_err err;
static _Atomic bool died;

static void
fatal(const struct cs_err *e)
{
	(void)e;
	died = true;
	pthread_exit(NULL); /* in the daemon the process ends here */
}

static void
start(void)
{
	cs_clock_init_fixed(&now, 1800000000000, 1);
	ck_assert_int_eq(cs_writer_start(&store, &now, fatal, &writer, &err), 0);
}

/* `n` operations as one batch: behind one that waits for the gate. Op 0 is the first of its own batch, or of theirs. */
static void
put_together(struct op *first, struct op *ops_, int n)
{
	pthread_mutex_lock(&gate);
	ck_assert(cs_writer_put(writer, &first->wop));
	while (strchr(disk.journal, 'b') == NULL) /* it has taken the first, alone */
		sched_yield();
	for (int i = 0; i < n; i++)
		ck_assert(cs_writer_put(writer, &ops_[i].wop));
	pthread_mutex_unlock(&gate);
}

START_TEST(what_waits_is_one_transaction)
{
	struct op first = op(0), o[3] = { op(1), op(2), op(3) };

	start();
	put_together(&first, o, 3);
	wait_told(4);
	cs_writer_stop(writer, true);
	ck_assert_str_eq(disk.journal, "b0cb123cbec");
	for (int i = 0; i < 3; i++)
		ck_assert(o[i].told == 1 && o[i].rc == 0 && order[i + 1] == i + 1);
	ck_assert(disk.closed && disk.epochs_ended == 1);
}
END_TEST

START_TEST(one_that_fails_is_left_out_and_the_others_are_done)
{
	struct op first = op(0), o[3] = { op(1), op(2), op(3) };

	o[1].fails = CS_EINVAL;
	o[1].times = 9;
	start();
	put_together(&first, o, 3);
	wait_told(4);
	ck_assert_uint_eq(cs_writer_stats(writer)->retried_batches, 1);
	cs_writer_stop(writer, false);
	ck_assert_str_eq(disk.journal, "b0cb12rb13c");
	ck_assert(o[0].rc == 0 && o[1].rc == CS_EINVAL && o[2].rc == 0);
	ck_assert(o[0].applied == 2 && o[1].applied == 1 && o[2].applied == 1);
	ck_assert_int_eq(disk.epochs_ended, 0);
}
END_TEST

START_TEST(a_full_disk_refuses_leads_and_keeps_the_rest)
{
	struct op first = op(0), o[3] = { op(1), op(2), op(3) };

	o[1].wop.intake = true;
	disk.commit_rc[1] = CS_EFULL; /* of the batch 1 2 3; then there is room again */
	start();
	put_together(&first, o, 3);
	wait_told(4);
	cs_writer_stop(writer, false);
	ck_assert_str_eq(disk.journal, "b0cb123Crb13c");
	ck_assert(o[0].rc == 0 && o[1].rc == CS_EFULL && o[2].rc == 0);
	ck_assert(o[0].told == 1 && o[1].told == 1 && o[2].told == 1);
}
END_TEST

START_TEST(below_min_free_leads_are_refused_before_they_cost_anything)
{
	struct op lead = op(1), result = op(2);

	lead.wop.intake = true;
	disk.room_rc = CS_EFULL;
	start();
	ck_assert(cs_writer_put(writer, &lead.wop));
	ck_assert(cs_writer_put(writer, &result.wop));
	wait_told(2);
	ck_assert(cs_writer_stats(writer)->disk_full);
	cs_writer_stop(writer, false);
	ck_assert_str_eq(disk.journal, "b2c");
	ck_assert(lead.rc == CS_EFULL && lead.applied == 0 && result.rc == 0);
}
END_TEST

START_TEST(after_a_commit_that_failed_nothing_is_answered)
{
	struct op o = op(1);

	disk.commit_rc[0] = CS_EIO;
	start();
	ck_assert(cs_writer_put(writer, &o.wop));
	while (!died)
		sched_yield();
	ck_assert_int_eq(o.told, 0);
	cs_writer_stop(writer, false);
	ck_assert_int_eq(o.told, 0);
}
END_TEST

START_TEST(what_was_put_is_done_before_the_stop_and_nothing_is_taken_after_it)
{
	struct op first = op(0), o[2] = { op(1), op(2) };

	start();
	cs_writer_want_checkpoint(writer);
	put_together(&first, o, 2);
	cs_writer_stop(writer, true);
	ck_assert(o[0].told == 1 && o[1].told == 1 && disk.closed);
	ck_assert_int_eq(disk.checkpoints, 1);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("writer");
	TCase *t = tcase_create("writer");
	SRunner *r;

	tcase_add_test(t, what_waits_is_one_transaction);
	tcase_add_test(t, one_that_fails_is_left_out_and_the_others_are_done);
	tcase_add_test(t, a_full_disk_refuses_leads_and_keeps_the_rest);
	tcase_add_test(t, below_min_free_leads_are_refused_before_they_cost_anything);
	tcase_add_test(t, after_a_commit_that_failed_nothing_is_answered);
	tcase_add_test(t, what_was_put_is_done_before_the_stop_and_nothing_is_taken_after_it);
	tcase_set_timeout(t, 20);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	int failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}

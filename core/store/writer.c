/* SPDX-License-Identifier: Apache-2.0 */
/*
 * writer.c - group commit.
 *
 * The happy path is begin, apply each, commit, tell each. When an operation fails the transaction is rolled back and the batch
 * is applied again without it, which costs nothing while nothing fails. A full disk rolls back, too: intake is told
 * (503, the caller tries again), results and tokens are kept and tried again every second until there is room. A failed
 * COMMIT for any other reason is the end of the process: after a failed fsync nobody knows what is on the disk, and a
 * retry would lie.
 */
#include "store/writer.h"
#include <pthread.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include "log/log.h"
#include "util/crash.h"
#include "util/queue.h"
#include <stdatomic.h>

#define BATCH_MAX 2048
#define FULL_RETRY_MS 1000

struct cs_writer {
	struct cs_store *store;
	const struct cs_clock *clock;
	void (*fatal)(const struct cs_err *);
	struct cs_handoff queue;
	struct cs_list held; /* writer thread: not intake, waiting for room on the disk */
	pthread_t thread;
	struct cs_writer_stats stats;
	struct cs_complaint full;
	_Atomic bool want_checkpoint;
};

static struct cs_wop *
op_of(struct cs_list *n)
{
	return CS_CONTAINER(n, struct cs_wop, node);
}

/* Apply all; the first that fails goes to *failed and ends the try. */
static int
apply_batch(struct cs_writer *w, struct cs_list *batch, int64_t now_ms, struct cs_wop **failed, struct cs_err *err)
{
	int rc;

	*failed = NULL;
	if ((rc = w->store->ops->begin(w->store, err)) < 0)
		return rc;
	CS_LIST_EACH(n, batch) {
		struct cs_wop *op = op_of(n);

		if ((op->rc = op->apply(op, w->store, now_ms, err)) < 0) {
			*failed = op;
			w->store->ops->rollback(w->store);
			return op->rc;
		}
	}
	cs_crash_point("before-commit");
	rc = w->store->ops->commit(w->store, err);
	if (rc == 0)
		cs_crash_point("after-commit");
	return rc;
}

static void
tell(struct cs_wop *op, int rc)
{
	cs_list_del(&op->node);
	op->rc = rc;
	op->committed(op);
}

/* No room: intake hears it now, the rest waits in order. */
static void
set_aside(struct cs_writer *w, struct cs_list *batch)
{
	struct cs_list keep;

	cs_list_init(&keep);
	CS_LIST_EACH_SAFE(n, tmp, batch) {
		if (op_of(n)->intake)
			tell(op_of(n), CS_EFULL);
		else {
			cs_list_del(n);
			cs_list_push(&keep, n);
		}
	}
	cs_list_splice(&w->held, &keep);
	w->stats.disk_full = true;
	cs_log_complain(&w->full, cs_now_ms(w->clock), CS_LOG_ERROR, "store",
	    "no room on the disk: new leads are refused, results wait", "held=%d", !cs_list_empty(&w->held));
}

static void
count(struct cs_writer *w, int64_t started_us, uint64_t n)
{
	uint64_t us = (uint64_t)(cs_mono_us() - started_us);

	w->stats.commits++;
	w->stats.ops += n;
	w->stats.commit_us += us;
	w->stats.last_commit_ms = (uint64_t)cs_now_ms(w->clock);
	if (us > w->stats.worst_commit_us)
		w->stats.worst_commit_us = us;
	if (n > w->stats.batch_max)
		w->stats.batch_max = n;
}

/* While the disk is short of min_free, new work is turned away before it costs anything. */
static void
refuse_intake(struct cs_writer *w, struct cs_list *batch, int64_t now_ms)
{
	struct cs_err err;

	if (w->store->ops->room(w->store, now_ms, &err) != CS_EFULL)
		return;
	w->stats.disk_full = true;
	cs_log_complain(&w->full, now_ms, CS_LOG_ERROR, "store", "the disk is nearly full: new leads are refused", "why=%s", "min_free");
	CS_LIST_EACH_SAFE(n, tmp, batch)
		if (op_of(n)->intake)
			tell(op_of(n), CS_EFULL);
}

static void
run_batch(struct cs_writer *w, struct cs_list *batch)
{
	int64_t now_ms = cs_now_ms(w->clock), started = cs_mono_us();
	struct cs_wop *failed;
	struct cs_err err = { 0 };
	uint64_t n = 0;
	int rc;

	refuse_intake(w, batch, now_ms);
	while (!cs_list_empty(batch)) {
		rc = apply_batch(w, batch, now_ms, &failed, &err);
		if (rc == 0)
			break;
		if (rc == CS_EFULL) {
			w->store->ops->rollback(w->store);
			set_aside(w, batch);
			return;
		}
		if (failed == NULL || rc == CS_EIO)
			w->fatal(&err);
		w->stats.retried_batches++;
		cs_log(CS_LOG_ERROR, "store", "an operation failed and was left out", "why=\"%s\"", err.msg);
		tell(failed, rc);
	}
	CS_LIST_EACH(p, batch)
		n++;
	if (n == 0)
		return;
	count(w, started, n);
	if (w->stats.disk_full && w->store->ops->room(w->store, now_ms, &err) == 0) {
		w->stats.disk_full = false;
		cs_log_relieve(&w->full, "store", "there is room on the disk again");
	}
	cs_handoff_hold(); /* engine and listeners hear of all of it at once */
	CS_LIST_EACH_SAFE(p, tmp, batch)
		tell(op_of(p), op_of(p)->rc);
	cs_handoff_let_go();
}

static void *
writer_main(void *arg)
{
	struct cs_writer *w = arg;
	struct cs_list all, batch;
	struct cs_err err;

	prctl(PR_SET_NAME, "cs-writer");
	cs_list_init(&all);
	cs_list_init(&batch);
	for (;;) {
		bool holding = !cs_list_empty(&w->held);

		if (cs_list_empty(&all) && cs_handoff_wait(&w->queue, &all, holding ? FULL_RETRY_MS : -1) == 0 && !holding)
			break; /* closed and empty */
		if (holding) {
			struct cs_list first;

			cs_list_init(&first);
			cs_list_splice(&first, &w->held);
			cs_list_splice(&first, &all);
			cs_list_splice(&all, &first);
			if (w->queue.closed && w->stats.disk_full) {
				cs_log(CS_LOG_ERROR, "store", "stopping without room on the disk; what was under way will be looked up", "%s", "");
				break;
			}
		}
		for (int i = 0; i < BATCH_MAX && !cs_list_empty(&all); i++)
			cs_list_push(&batch, cs_list_pop(&all));
		run_batch(w, &batch);
		if (!cs_list_empty(&w->held) && !cs_list_empty(&all))
			continue;
		if (atomic_exchange(&w->want_checkpoint, false) && w->store->ops->checkpoint(w->store, 0, &err) < 0)
			cs_log(CS_LOG_WARN, "store", "checkpoint failed", "why=\"%s\"", err.msg);
	}
	return NULL;
}

int
cs_writer_start(struct cs_store *s, const struct cs_clock *clock, void (*fatal)(const struct cs_err *), struct cs_writer **out,
                struct cs_err *err)
{
	struct cs_writer *w = cs_xcalloc(1, sizeof(*w));

	w->store = s;
	w->clock = clock;
	w->fatal = fatal;
	cs_list_init(&w->held);
	cs_handoff_init(&w->queue, NULL, NULL);
	if (pthread_create(&w->thread, NULL, writer_main, w) != 0) {
		cs_handoff_fini(&w->queue);
		free(w);
		return cs_err_set(err, CS_EIO, "could not start the writer thread");
	}
	*out = w;
	return 0;
}

bool
cs_writer_put(struct cs_writer *w, struct cs_wop *op)
{
	cs_list_init(&op->node);
	return cs_handoff_put(&w->queue, &op->node);
}

size_t
cs_writer_waiting(struct cs_writer *w)
{
	return cs_handoff_len(&w->queue);
}

void
cs_writer_want_checkpoint(struct cs_writer *w)
{
	w->want_checkpoint = true;
}

struct cs_writer_stats *
cs_writer_stats(struct cs_writer *w)
{
	return &w->stats;
}

void
cs_writer_stop(struct cs_writer *w, bool clean)
{
	struct cs_err err;

	cs_handoff_close(&w->queue);
	pthread_join(w->thread, NULL);
	if (clean && w->store->ops->begin(w->store, &err) == 0) {
		if (w->store->ops->epoch_end(w->store, &err) < 0 || w->store->ops->commit(w->store, &err) < 0)
			cs_log(CS_LOG_WARN, "store", "could not mark the stop as clean", "why=\"%s\"", err.msg);
	}
	cs_store_close(w->store);
	cs_handoff_fini(&w->queue);
	free(w);
}

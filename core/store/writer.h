/* SPDX-License-Identifier: Apache-2.0 */
/*
 * writer.h - the one thread that writes to the store.
 *
 * Everybody else hands it operations. It takes whatever waits, applies all of it in one transaction, commits (one fsync for
 * many leads), and then tells each operation that it is durable. There is no timer: under load batches grow by themselves.
 */
#ifndef CS_STORE_WRITER_H
#define CS_STORE_WRITER_H

#include <stdbool.h>
#include <stdint.h>
#include "store/store.h"
#include "util/clock.h"
#include "util/list.h"

struct cs_wop {
	struct cs_list node;
	/*
	 * In the transaction; writer thread. May run again after a rollback, so it must not change anything but the store and
	 * its own op. What is expected (a duplicate, a lost guard) is recorded in the op and returns 0; a negative return takes
	 * the operation out of the batch, and the others go on without it.
	 */
	int (*apply)(struct cs_wop *op, struct cs_store *s, int64_t now_ms, struct cs_err *err);
	/* After the commit, or with op->rc < 0 when it was not done. Writer thread; the op is the callee's from here on. */
	void (*committed)(struct cs_wop *op);
	int rc;
	bool intake; /* new work: answered CS_EFULL while the disk is short; everything else waits until there is room */
};

struct cs_writer_stats { /* read by any thread, relaxed */
	_Atomic uint64_t commits, ops, retried_batches;
	_Atomic uint64_t commit_us, worst_commit_us, last_commit_ms;
	_Atomic uint64_t batch_max;
	_Atomic bool disk_full;
};

struct cs_writer;
/* Takes over the store (closes it at the end) and starts the thread. `fatal` is called, from the writer thread, when a commit
 * failed in a way after which nothing may be answered any more; it must not return. */
int cs_writer_start(struct cs_store *s, const struct cs_clock *clock, void (*fatal)(const struct cs_err *), struct cs_writer **out,
                    struct cs_err *err);
/* False when the writer is stopping: op->committed is not called, the op stays the caller's. Any thread. */
bool cs_writer_put(struct cs_writer *w, struct cs_wop *op);
size_t cs_writer_waiting(struct cs_writer *w);
/* Run a checkpoint between two commits (the maintenance thread asks when the log does not shrink by itself). */
void cs_writer_want_checkpoint(struct cs_writer *w);
struct cs_writer_stats *cs_writer_stats(struct cs_writer *w);
/* Do what is queued, end the epoch cleanly if asked, stop the thread and close the store. */
void cs_writer_stop(struct cs_writer *w, bool clean);

#endif

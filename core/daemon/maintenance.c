/* SPDX-License-Identifier: Apache-2.0 */
/*
 * maintenance.c - the loop: every 100 ms a look at the store's log, every minute a bite of retention.
 *
 * While leads come it looks eight times as often. A commit's sync waits for what a checkpoint has given the disk to write, so
 * many small ones keep answers short where few large ones do not. And before the writer is asked for the last part, between two of
 * its commits, that part is made small: each further checkpoint has to move only what came during the one before.
 */
#include "daemon/maintenance.h"
#include <pthread.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <time.h>
#include "api/conn/lapse.h"
#include "log/log.h"
#include "mail/emergency.h"
#include "vault/reseal.h"

#define TICK_MS 100
#define BUSY_TICK_MS 12
#define PAGES 150 /* few, since the sync of a commit waits for what the disk was given before it */
#define PASSES 4
#define FORCE_AT 4 /* times store.checkpoint_pages */
#define RETENTION_EVERY_MS CS_MINUTE_MS
#define RETENTION_ROWS 500
#define EMERGENCIES_EVERY_MS CS_SECOND_MS

struct cs_maintenance {
	struct cs_store *handle;
	struct cs_writer *writer;
	const struct cs_clock *clock;
	struct cs_conf *conf; /* changed under lock */
	struct cs_reseal *reseal;
	struct cs_lapse *lapse;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	bool stopping;
	struct cs_complaint trouble;
};

struct retention_op {
	struct cs_wop wop;
	int64_t delivered_before_ms, identity_before_ms;
	int deleted;
};

static int
apply_retention(struct cs_wop *w, struct cs_store *s, int64_t now_ms, struct cs_err *err)
{
	struct retention_op *o = CS_CONTAINER(w, struct retention_op, wop);
	int n = s->ops->retention(s, now_ms - o->delivered_before_ms, now_ms - o->identity_before_ms, RETENTION_ROWS, err);

	o->deleted = n > 0 ? n : 0;
	return n < 0 ? n : 0;
}

static void
retention_committed(struct cs_wop *w)
{
	struct retention_op *o = CS_CONTAINER(w, struct retention_op, wop);

	if (o->deleted > 0)
		cs_log(CS_LOG_DEBUG, "store", "old rows were deleted", "count=%d", o->deleted);
	free(o);
}

static void
retention(struct cs_maintenance *m, const struct cs_conf *conf)
{
	struct retention_op *o = cs_xcalloc(1, sizeof(*o));

	o->wop.apply = apply_retention;
	o->wop.committed = retention_committed;
	o->delivered_before_ms = conf->store.keep_delivered;
	o->identity_before_ms = conf->store.keep_identities;
	if (!cs_writer_put(m->writer, &o->wop))
		free(o);
}

static void
checkpoint(struct cs_maintenance *m, const struct cs_conf *conf)
{
	int force_at = FORCE_AT * conf->store.checkpoint_pages, left = 0;
	struct cs_err err;

	for (int i = 0; i < PASSES && (i == 0 || left > force_at); i++)
		left = m->handle->ops->checkpoint(m->handle, i == 0 ? PAGES : 1, &err);
	if (left < 0)
		cs_log_complain(&m->trouble, cs_now_ms(m->clock), CS_LOG_WARN, "store", "checkpoint failed", "code=%s", cs_err_name(left));
	else {
		cs_log_relieve(&m->trouble, "store", "checkpoints work again");
		if (left > force_at)
			cs_writer_want_checkpoint(m->writer);
	}
}

static bool
sleep_a_tick(struct cs_maintenance *m, int ms)
{
	struct timespec until;
	bool go_on;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_nsec += ms * 1000000L;
	until.tv_sec += until.tv_nsec / 1000000000L;
	until.tv_nsec %= 1000000000L;
	pthread_mutex_lock(&m->lock);
	if (!m->stopping)
		pthread_cond_timedwait(&m->wake, &m->lock, &until);
	go_on = !m->stopping;
	pthread_mutex_unlock(&m->lock);
	return go_on;
}

static struct cs_conf *
conf_of(struct cs_maintenance *m)
{
	struct cs_conf *conf;

	pthread_mutex_lock(&m->lock);
	conf = cs_conf_ref(m->conf);
	pthread_mutex_unlock(&m->lock);
	return conf;
}

static void *
maintenance_main(void *arg)
{
	struct cs_maintenance *m = arg;
	uint64_t commits = 0;
	int64_t retained_ms = 0, looked_ms = 0;
	bool busy = false;

	prctl(PR_SET_NAME, "cs-maintenance");
	while (sleep_a_tick(m, busy ? BUSY_TICK_MS : TICK_MS)) {
		uint64_t now_commits = cs_writer_stats(m->writer)->commits;
		int64_t now_ms = cs_now_ms(m->clock);
		struct cs_conf *conf = conf_of(m);

		if ((busy = now_commits != commits))
			checkpoint(m, conf);
		commits = now_commits;
		cs_log_write_back();
		if (now_ms - retained_ms >= RETENTION_EVERY_MS) {
			retained_ms = now_ms;
			retention(m, conf);
		}
		cs_reseal_tick(m->reseal, now_ms);
		cs_lapse_tick(m->lapse, m->handle, now_ms);
		if (now_ms - looked_ms >= EMERGENCIES_EVERY_MS) {
			looked_ms = now_ms;
			cs_emergency_sweep(m->handle, m->writer, conf, now_ms);
		}
		cs_conf_unref(conf);
	}
	return NULL;
}

int
cs_maintenance_start(struct cs_store *handle, struct cs_writer *writer, struct cs_engine *engine, const struct cs_vault *vault, const struct cs_clock *clock,
                     struct cs_conf *conf, struct cs_maintenance **out, struct cs_err *err)
{
	struct cs_maintenance *m = cs_xcalloc(1, sizeof(*m));

	m->handle = handle;
	m->writer = writer;
	m->clock = clock;
	m->conf = cs_conf_ref(conf);
	m->reseal = cs_reseal_new(vault, writer);
	m->lapse = cs_lapse_new(writer, engine);
	pthread_mutex_init(&m->lock, NULL);
	pthread_cond_init(&m->wake, NULL);
	if (pthread_create(&m->thread, NULL, maintenance_main, m) != 0) {
		cs_reseal_free(m->reseal);
		cs_lapse_free(m->lapse);
		cs_conf_unref(m->conf);
		free(m);
		return cs_err_set(err, CS_EIO, "could not start the maintenance thread");
	}
	*out = m;
	return 0;
}

void
cs_maintenance_reload(struct cs_maintenance *m, struct cs_conf *conf)
{
	struct cs_conf *old;

	pthread_mutex_lock(&m->lock);
	old = m->conf;
	m->conf = cs_conf_ref(conf);
	pthread_mutex_unlock(&m->lock);
	cs_conf_unref(old);
}

void
cs_maintenance_stop(struct cs_maintenance *m)
{
	if (m == NULL)
		return;
	pthread_mutex_lock(&m->lock);
	m->stopping = true;
	pthread_cond_signal(&m->wake);
	pthread_mutex_unlock(&m->lock);
	pthread_join(m->thread, NULL);
	cs_store_close(m->handle);
	cs_reseal_free(m->reseal);
	cs_lapse_free(m->lapse);
	cs_conf_unref(m->conf);
	pthread_mutex_destroy(&m->lock);
	pthread_cond_destroy(&m->wake);
	free(m);
}

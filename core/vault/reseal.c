/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reseal.c - see reseal.h.
 *
 * A step is an operation of the writer: it reads a page of secrets in the transaction in which it writes them, so it cannot
 * undo what a refresh of a token has put there meanwhile. A pass ends when a page is empty. What the next pass must know
 * (where to go on, was anything found) is carried by the step and handed back after the commit.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include "log/log.h"
#include "util/clock.h"
#include "vault/reseal.h"

#define PAGE 64
#define STEP_EVERY_MS 200
#define PASS_EVERY_MS CS_DAY_MS

struct cs_reseal {
	const struct cs_vault *vault;
	struct cs_writer *writer;
	pthread_mutex_t lock;
	int refs;                /* the owner, and a step under way */
	bool busy, passed;       /* a pass came to its end */
	uint64_t generation;     /* of the keys, when this pass began */
	char *owner, *name;      /* where it goes on */
	int64_t resealed, unreadable; /* in this pass */
	int64_t next_ms;         /* of the next pass, or step */
};

/* ---- one step */

/* 1: sealed anew, 0: nothing to do, CS_ENOTFOUND and CS_ECORRUPT: it cannot be opened. */
static int
reseal_one(struct cs_store *s, const struct cs_vault *vault, const struct cs_sealed_row *r, struct cs_err *err)
{
	struct cs_buf sealed = CS_BUF_INIT(0);
	char *plain;
	size_t n;
	int rc;

	if (cs_vault_is_current(vault, r->sealed.ptr, r->sealed.len))
		return 0;
	if ((rc = cs_vault_open_sealed(vault, r->owner, r->name, r->sealed.ptr, r->sealed.len, &plain, &n, err)) < 0)
		return rc;
	if ((rc = cs_vault_seal(vault, r->owner, r->name, plain, n, &sealed, err)) == 0 &&
	    (rc = s->ops->secret_reseal(s, r->owner, r->name, (struct cs_bytes){ sealed.ptr, sealed.len }, err)) == 0)
		rc = 1;
	cs_wipe_free(plain, n + 1);
	cs_buf_fini(&sealed);
	return rc == CS_ENOTFOUND ? CS_EIO : rc; /* it was there a moment ago */
}

int
cs_reseal_apply(struct cs_store *s, const struct cs_vault *vault, struct cs_reseal_step *step, struct cs_err *err)
{
	struct cs_sealed_row rows[PAGE];
	struct cs_arena mem;
	int n, rc = 0;

	step->looked = step->resealed = step->unreadable = 0;
	cs_arena_init(&mem);
	n = s->ops->secret_walk(s, step->owner, step->name, &mem, rows, PAGE, err);
	for (int i = 0; i < n && rc >= 0; i++) {
		rc = reseal_one(s, vault, &rows[i], err);
		step->resealed += rc == 1;
		if (rc == CS_ENOTFOUND || rc == CS_ECORRUPT) {
			step->unreadable++;
			rc = 0;
		}
	}
	if (n > 0 && rc >= 0) {
		free(step->owner);
		free(step->name);
		step->owner = cs_xstrdup(rows[n - 1].owner);
		step->name = cs_xstrdup(rows[n - 1].name);
		step->looked = n;
	}
	cs_arena_fini(&mem);
	return n < 0 ? n : rc < 0 ? rc : 0;
}

/* ---- as an operation of the writer */

struct reseal_op {
	struct cs_wop wop;
	struct cs_reseal *reseal;
	char *owner, *name; /* where it begins, also when it is applied again */
	struct cs_reseal_step step;
};

static void
step_fini(struct cs_reseal_step *step)
{
	free(step->owner);
	free(step->name);
}

static void
unref(struct cs_reseal *r)
{
	int left;

	pthread_mutex_lock(&r->lock);
	left = --r->refs;
	pthread_mutex_unlock(&r->lock);
	if (left > 0)
		return;
	pthread_mutex_destroy(&r->lock);
	free(r->owner);
	free(r->name);
	free(r);
}

static int
apply(struct cs_wop *w, struct cs_store *s, int64_t now_ms, struct cs_err *err)
{
	struct reseal_op *o = CS_CONTAINER(w, struct reseal_op, wop);

	(void)now_ms;
	step_fini(&o->step);
	o->step = (struct cs_reseal_step){ cs_xstrdup(o->owner), cs_xstrdup(o->name), 0, 0, 0 };
	return cs_reseal_apply(s, o->reseal->vault, &o->step, err);
}

static void
op_free(struct reseal_op *o)
{
	step_fini(&o->step);
	free(o->owner);
	free(o->name);
	free(o);
}

static void
committed(struct cs_wop *w)
{
	struct reseal_op *o = CS_CONTAINER(w, struct reseal_op, wop);
	struct cs_reseal *r = o->reseal;

	pthread_mutex_lock(&r->lock);
	if (w->rc == 0) {
		r->resealed += o->step.resealed;
		r->unreadable += o->step.unreadable;
		r->passed = o->step.looked == 0;
		free(r->owner);
		free(r->name);
		r->owner = CS_STEAL(o->step.owner);
		r->name = CS_STEAL(o->step.name);
	}
	r->busy = false;
	pthread_mutex_unlock(&r->lock);
	op_free(o);
	unref(r);
}

/* ---- passes */

struct cs_reseal *
cs_reseal_new(const struct cs_vault *vault, struct cs_writer *writer)
{
	struct cs_reseal *r = cs_xcalloc(1, sizeof(*r));

	r->vault = vault;
	r->writer = writer;
	r->refs = 1;
	r->owner = cs_xstrdup("");
	r->name = cs_xstrdup("");
	pthread_mutex_init(&r->lock, NULL);
	return r;
}

void
cs_reseal_free(struct cs_reseal *r)
{
	if (r != NULL)
		unref(r);
}

/* With the lock held. */
static void
begin_pass(struct cs_reseal *r)
{
	r->owner[0] = r->name[0] = '\0';
	r->passed = false;
	r->resealed = r->unreadable = 0;
	r->generation = cs_vault_generation(r->vault);
}

static void
end_pass(struct cs_reseal *r, int64_t now_ms)
{
	if (r->resealed > 0)
		cs_log(CS_LOG_INFO, "vault", "secrets were sealed anew under the first key", "count=%lld", (long long)r->resealed);
	if (r->unreadable > 0)
		cs_log(CS_LOG_ERROR, "vault", "secrets cannot be read: csrelay secrets status says which key they need", "count=%lld",
		       (long long)r->unreadable);
	r->next_ms = now_ms + PASS_EVERY_MS;
	begin_pass(r);
}

static struct reseal_op *
next_step(struct cs_reseal *r, int64_t now_ms)
{
	struct reseal_op *o = NULL;

	pthread_mutex_lock(&r->lock);
	if (!r->busy && r->passed)
		end_pass(r, now_ms);
	if (!r->busy && (now_ms >= r->next_ms || r->generation != cs_vault_generation(r->vault))) {
		if (r->generation != cs_vault_generation(r->vault))
			begin_pass(r);
		r->next_ms = now_ms + STEP_EVERY_MS;
		r->busy = true;
		r->refs++;
		o = cs_xcalloc(1, sizeof(*o));
		o->reseal = r;
		o->owner = cs_xstrdup(r->owner);
		o->name = cs_xstrdup(r->name);
		o->wop.apply = apply;
		o->wop.committed = committed;
	}
	pthread_mutex_unlock(&r->lock);
	return o;
}

void
cs_reseal_tick(struct cs_reseal *r, int64_t now_ms)
{
	struct reseal_op *o = r->vault != NULL ? next_step(r, now_ms) : NULL;

	if (o == NULL || cs_writer_put(r->writer, &o->wop))
		return;
	pthread_mutex_lock(&r->lock);
	r->busy = false;
	pthread_mutex_unlock(&r->lock);
	op_free(o);
	unref(r);
}

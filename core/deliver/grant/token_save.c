/* SPDX-License-Identifier: Apache-2.0 */
/*
 * token_save.c - tokens into the store: row, sealed secrets and, for a dead grant, the connection's state, in one transaction.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "deliver/grant/token_private.h"
#include "log/log.h"

struct save_op {
	struct cs_wop wop;
	struct cs_msg msg;
	struct cs_engine *engine;
	struct cs_arena mem;
	struct cs_token_row row;
	int64_t expect_gen;
	const char *owner, *reason;   /* reason NULL: the grant lives */
	struct sealed {
		const char *name;
		struct cs_bytes bytes;
	} secrets[CS_TOKEN_SECRETS];
	size_t n_secrets;
	bool superseded;
	void (*then)(struct cs_token *, int);
};

static int
apply(struct cs_wop *w, struct cs_store *s, int64_t now_ms, struct cs_err *err)
{
	struct save_op *o = CS_CONTAINER(w, struct save_op, wop);
	struct cs_token_row now;
	int rc = s->ops->token_get(s, o->row.conn_id, &o->mem, &now, err);

	if (rc < 0 && rc != CS_ENOTFOUND)
		return rc;
	o->superseded = rc == 0 && now.gen != o->expect_gen;
	if (o->superseded)
		return 0;
	if ((rc = s->ops->token_put(s, &o->row, err)) < 0)
		return rc;
	for (size_t i = 0; i < o->n_secrets; i++)
		if ((rc = s->ops->secret_put(s, o->owner, o->secrets[i].name, o->secrets[i].bytes, err)) < 0)
			return rc;
	return o->reason != NULL ? s->ops->conn_state(s, o->row.conn_id, CS_CONN_NEEDS_REAUTH, o->reason, now_ms, err) : 0;
}

static void
told(struct cs_engine *e, struct cs_msg *m)
{
	struct save_op *o = CS_CONTAINER(m, struct save_op, msg);
	struct cs_token *t = cs_map_get(&e->tokens, (uint64_t)o->row.conn_id);

	if (t != NULL && o->then != NULL)
		o->then(t, o->superseded ? CS_ESTATE : o->wop.rc);
	cs_arena_fini(&o->mem);
	free(o);
}

static void
committed(struct cs_wop *w)
{
	struct save_op *o = CS_CONTAINER(w, struct save_op, wop);

	if (w->rc < 0)
		cs_log(CS_LOG_ERROR, "store", "a token was not written", "connection_id=%lld code=%s", (long long)o->row.conn_id,
		    cs_err_name(w->rc));
	else if (o->reason != NULL)
		cs_engine_post_conn(o->engine, o->row.conn_id, false);
	o->msg.handle = told;
	if (!cs_engine_post(o->engine, &o->msg)) {
		cs_arena_fini(&o->mem);
		free(o);
	}
}

static int
seal(struct save_op *o, const char *name, const char *value)
{
	CS_CLEANUP(cs_buf_fini) struct cs_buf b = CS_BUF_INIT(1u << 17);
	struct cs_err err;
	int rc;

	if (o->engine->c.vault == NULL)
		return CS_EUNSUPPORTED;
	if ((rc = cs_vault_seal(o->engine->c.vault, o->owner, name, value, strlen(value), &b, &err)) < 0)
		return rc;
	o->secrets[o->n_secrets++] = (struct sealed){ name, { cs_arena_dup(&o->mem, b.ptr, b.len), b.len } };
	return 0;
}

void
cs_token_save(struct cs_token *t, enum cs_token_save what, int64_t expect_gen, const char *reason, void (*then)(struct cs_token *, int))
{
	struct save_op *o = cs_xcalloc(1, sizeof(*o));
	int rc = 0;

	o->wop.apply = apply;
	o->wop.committed = committed;
	o->engine = t->engine;
	cs_arena_init(&o->mem);
	o->row = t->row;
	o->row.remote_id = cs_arena_strdup(&o->mem, t->row.remote_id);
	o->row.remote_name = cs_arena_strdup(&o->mem, t->row.remote_name);
	o->owner = cs_arena_printf(&o->mem, "conn/%lld", (long long)t->conn_id);
	o->expect_gen = expect_gen;
	o->reason = what == CS_SAVE_DEAD ? cs_arena_strdup(&o->mem, reason) : NULL;
	o->then = then;
	for (size_t i = 0; what == CS_SAVE_TOKENS && i < t->n_got && rc == 0; i++)
		rc = seal(o, cs_arena_strdup(&o->mem, t->got[i].name), t->got[i].value);
	if (rc < 0 || !cs_writer_put(t->engine->c.writer, &o->wop)) {
		o->wop.rc = rc < 0 ? rc : CS_ECLOSED;
		committed(&o->wop);
	}
}

/* ---- what came to nothing */

struct drop_op {
	struct cs_wop wop;
	int64_t conn_id;
};

static int
apply_drop(struct cs_wop *w, struct cs_store *s, int64_t now_ms CS_UNUSED, struct cs_err *err)
{
	int rc = s->ops->conn_delete(s, CS_CONTAINER(w, struct drop_op, wop)->conn_id, err);

	return rc == CS_ENOTFOUND ? 0 : rc;
}

static void
dropped(struct cs_wop *w)
{
	struct drop_op *o = CS_CONTAINER(w, struct drop_op, wop);

	if (w->rc == 0)
		cs_log(CS_LOG_WARN, "auth", "an authorization came to nothing and must be begun again", "connection_id=%lld", (long long)o->conn_id);
	free(o);
}

void
cs_token_drop(struct cs_engine *e, int64_t conn_id)
{
	struct drop_op *o = cs_xcalloc(1, sizeof(*o));

	o->conn_id = conn_id;
	o->wop.apply = apply_drop;
	o->wop.committed = dropped;
	if (!cs_writer_put(e->c.writer, &o->wop))
		free(o);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gone.c - see gone.h. What several deliveries find out at once is done once: the second finds no connection.
 */
#include "deliver/gone.h"
#include <stdlib.h>
#include "deliver/engine_private.h"
#include "log/log.h"
#include "queue/subscription.h"

#define GONE 410

struct gone_op {
	struct cs_wop wop;
	struct cs_engine *engine;
	int64_t conn_id;
};

bool
cs_gone(const struct cs_context *c, int32_t outcome, int status)
{
	return c != NULL && c->is_subscription && outcome == CS_REJECT && status == GONE;
}

static int
apply_gone(struct cs_wop *w, struct cs_store *s, int64_t now_ms, struct cs_err *err)
{
	int rc = cs_subscription_end(s, CS_CONTAINER(w, struct gone_op, wop)->conn_id, "the bridge's target is gone (410)", now_ms, err);

	return rc == CS_ENOTFOUND ? 0 : rc;
}

static void
gone_committed(struct cs_wop *w)
{
	struct gone_op *o = CS_CONTAINER(w, struct gone_op, wop);

	if (w->rc < 0)
		cs_log(CS_LOG_ERROR, "bridge", "a subscription whose target is gone could not be ended", "connection_id=%lld code=%s",
		       (long long)o->conn_id, cs_err_name(w->rc));
	cs_engine_post_conn(o->engine, o->conn_id, false);
	free(o);
}

static void
engine_has_left(void *ctx)
{
	struct gone_op *o = ctx;

	if (!cs_writer_put(o->engine->c.writer, &o->wop))
		free(o);
}

void
cs_gone_end(struct cs_engine *e, const struct cs_context *c)
{
	struct gone_op *o = cs_xcalloc(1, sizeof(*o));

	o->engine = e;
	o->conn_id = c->conn_id;
	o->wop.apply = apply_gone;
	o->wop.committed = gone_committed;
	cs_engine_post_leave(e, c->conn_id, engine_has_left, o);
}

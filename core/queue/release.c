/* SPDX-License-Identifier: Apache-2.0 */
/*
 * release.c - finding the dead letters that have a connection now.
 */
#include "queue/release.h"
#include <stdlib.h>
#include <string.h>
#include "lead/lead.h"
#include "util/clock.h"

#define PAGE 256
#define RELEASE_MAX 5000

static int
fits(const struct cs_conn_row *c, const struct cs_delivery_row *d)
{
	return (c->subscribe & CS_SUB_ROUTED) != 0 && strcmp(c->crm, d->crm) == 0 &&
	    (d->crm_account_id[0] == '\0' || strcmp(c->crm_account_id, d->crm_account_id) == 0);
}

struct orphans {
	struct cs_delivery_row rows[PAGE];
	struct cs_arena mem;
	int n;
};

static int
collect(void *ctx, const struct cs_delivery_row *row)
{
	struct orphans *o = ctx;

	o->rows[o->n] = *row;
	o->rows[o->n].crm = cs_arena_strdup(&o->mem, row->crm);
	o->rows[o->n].crm_account_id = cs_arena_strdup(&o->mem, row->crm_account_id);
	return ++o->n == PAGE;
}

static enum cs_lane
lane_of(const struct cs_delivery_row *d)
{
	return d->urgency == CS_URGENCY_EMERGENCY ? CS_LANE_REPLAY_EMERGENCY : CS_LANE_REPLAY;
}

/* They go out one by one at the replay rate, so the clock of those behind runs longer. */
static int
release_row(struct cs_store *s, const struct cs_conn_row *conn, const struct cs_delivery_row *d, int64_t now_ms, int64_t span_ms,
            int ahead, struct cs_err *err)
{
	struct cs_move m = { .id = d->id, .gen = d->gen, .from = CS_STATE_BIT(CS_DEAD), .to = CS_DUE, .conn_id = conn->id,
		.lane = lane_of(d), .due_ms = now_ms,
		.expires_ms = now_ms + span_ms + ahead * CS_MINUTE_MS, .reason = "",
		.set = CS_SET_CONN | CS_SET_LANE | CS_SET_DUE | CS_SET_EXPIRES | CS_SET_BLAME | CS_SET_REASON };
	int rc = s->ops->delivery_move(s, &m, err);

	return rc == CS_ESTATE || rc == CS_EEXIST ? 0 : rc;
}

int
cs_release_orphans(struct cs_store *s, const struct cs_conn_row *conn, int64_t now_ms, int64_t span_ms, int64_t per_lane[CS_LANES],
                   struct cs_err *err)
{
	struct orphans *o = cs_xcalloc(1, sizeof(*o));
	struct cs_filter f = { .states = CS_STATE_BIT(CS_DEAD), .conn_id = 0, .crm = conn->crm, .blame = CS_BLAME_CONNECTION,
		.account = strcmp(conn->account, "*") == 0 ? NULL : conn->account, .urgency = -1, .limit = PAGE };
	int rc = 0, released = 0;

	cs_arena_init(&o->mem);
	for (int page = 0; page < RELEASE_MAX / PAGE && rc >= 0; page++) {
		o->n = 0;
		if ((rc = s->ops->delivery_list(s, &f, &o->mem, collect, o, err)) < 0 || o->n == 0)
			break;
		for (int i = 0; i < o->n && rc >= 0; i++)
			if (fits(conn, &o->rows[i])) {
				rc = release_row(s, conn, &o->rows[i], now_ms, span_ms, released, err);
				released += rc >= 0;
				if (rc >= 0 && per_lane != NULL)
					per_lane[lane_of(&o->rows[i])]++;
			}
		f.before_id = o->rows[o->n - 1].id;
	}
	cs_arena_fini(&o->mem);
	free(o);
	return rc < 0 ? rc : released;
}

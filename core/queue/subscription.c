/* SPDX-License-Identifier: Apache-2.0 */
/*
 * subscription.c - see subscription.h.
 */
#include "queue/subscription.h"
#include "log/log.h"
#include "util/text.h"

#define AT_ONCE 200
#define OPEN (CS_STATE_BIT(CS_DUE) | CS_STATES_IN_HAND | CS_STATE_BIT(CS_DEAD))

struct page {
	struct { int64_t id, gen; } v[AT_ONCE];
	int n;
};

static int
collect(void *ctx, const struct cs_delivery_row *row)
{
	struct page *p = ctx;

	p->v[p->n].id = row->id;
	p->v[p->n].gen = row->gen;
	return ++p->n == AT_ONCE;
}

static int
discard(struct cs_store *s, int64_t conn_id, const char *why, int64_t now_ms, int64_t *n, struct cs_err *err)
{
	const struct cs_filter f = { .states = OPEN, .conn_id = conn_id, .blame = -1, .urgency = -1, .limit = AT_ONCE };
	struct page page = { .n = 1 };
	struct cs_arena mem;
	int rc = 0;

	cs_arena_init(&mem);
	while (rc >= 0 && page.n > 0) {
		page.n = 0;
		rc = s->ops->delivery_list(s, &f, &mem, collect, &page, err);
		for (int i = 0; i < page.n && rc >= 0; i++) {
			const struct cs_move m = { .id = page.v[i].id, .gen = page.v[i].gen, .from = OPEN, .to = CS_DISCARDED,
				.set = CS_SET_REASON | CS_SET_DONE, .reason = why, .done_ms = now_ms };

			rc = s->ops->delivery_move(s, &m, err);
			*n += rc == 0;
		}
		cs_arena_reset(&mem);
	}
	cs_arena_fini(&mem);
	return rc < 0 ? rc : 0;
}

int
cs_subscription_end(struct cs_store *s, int64_t conn_id, const char *why, int64_t now_ms, struct cs_err *err)
{
	struct cs_conn_row row;
	struct cs_arena mem;
	int64_t n = 0;
	int rc;

	cs_arena_init(&mem);
	rc = s->ops->conn_get(s, conn_id, &mem, &row, err);
	if (rc == 0 && (row.subscribe & CS_SUB_BRIDGE) == 0)
		rc = cs_err_set(err, CS_ENOTFOUND, "it is no subscription");
	if (rc == 0 && (rc = discard(s, conn_id, why, now_ms, &n, err)) == 0 && (rc = s->ops->conn_delete(s, conn_id, err)) == 0)
		cs_log(CS_LOG_INFO, "bridge", "a subscription has ended", "connection=%s account=%s why=\"%s\" discarded=%lld", row.public_id,
		       row.account, why, (long long)n);
	cs_arena_fini(&mem);
	return rc;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * budget.c - what requests cost of the CRM's limits, and what the CRM says of them. See session_private.h.
 */
#include <string.h>
#include "deliver/call/exchange.h"
#include "deliver/call/session_private.h"
#include "deliver/engine_private.h"

#define LIMIT_DELAY_MAX_MS (30 * CS_SECOND_MS)
#define HOLD_DEFAULT_MS (2 * CS_SECOND_MS)

/* What a limit is counted by; where that is not known (yet), by the connection. */
static uint64_t
limit_key(const struct cs_session *s, const struct cs_limit_row *row)
{
	CS_CLEANUP(cs_buf_fini) struct cs_buf b = CS_BUF_INIT(1024);
	const char *by = "";

	if (strncmp(row->per, "fact:", 5) == 0)
		by = cs_context_fact(s->context, row->per + 5);
	else if (strncmp(row->per, "setting:", 8) == 0)
		by = cs_context_setting(s->context, row->per + 8);
	cs_buf_adds(&b, s->context->crm);
	cs_buf_addc(&b, '/');
	cs_buf_adds(&b, row->class);
	cs_buf_addc(&b, '/');
	cs_buf_adds(&b, by);
	if (by[0] == '\0' && strcmp(row->per, "crm") != 0) {
		cs_buf_addc(&b, '#');
		cs_buf_add_int(&b, s->context->conn_id);
	}
	return cs_hash64(cs_buf_str(&b), b.len);
}

/* What the CRM says about waiting holds for everybody who shares the limit, not only for this delivery. */
void
cs_budget_heed(struct cs_exchange *x, const struct cs_class *cl, int64_t now_ms)
{
	struct cs_session *s = x->s;

	if (cl->retry_after_ms > 0 && cl->outcome != CS_DONE)
		s->not_before_ms = now_ms + cl->retry_after_ms;
	if (cl->outcome == CS_WAIT && x->limit != NULL) {
		struct cs_limit_rule rule = { x->limit->count, x->limit->window_ms, x->limit->burst };

		cs_limit_hold(&s->engine->limits, limit_key(s, x->limit), &rule,
		    now_ms + (cl->retry_after_ms > 0 ? cl->retry_after_ms : HOLD_DEFAULT_MS));
	}
}

static int64_t
take(struct cs_session *s, const struct cs_limit_row *row, int64_t cost, int64_t now_ms, int64_t *retry_ms)
{
	struct cs_limit_rule rule = { row->count, row->window_ms, row->burst };

	return cs_limit_take(&s->engine->limits, limit_key(s, row), &rule, cost, now_ms, LIMIT_DELAY_MAX_MS, retry_ms);
}

/* From the limits that count every request, then from its own: how long to wait, or -1 and when to try again. */
int64_t
cs_budget_take(struct cs_exchange *x, int64_t now_ms, int64_t *retry_ms)
{
	const struct cs_manifest *m = x->s->context->manifest;
	int64_t longest = 0, delay;

	for (size_t i = 0; i < m->n_limits; i++) {
		if (!m->limits[i].every || &m->limits[i] == x->limit)
			continue;
		if ((delay = take(x->s, &m->limits[i], 1, now_ms, retry_ms)) < 0)
			return -1;
		longest = delay > longest ? delay : longest;
	}
	delay = x->limit != NULL ? take(x->s, x->limit, x->req.cost, now_ms, retry_ms) : 0;
	return delay < 0 || delay > longest ? delay : longest;
}

void
cs_session_on_budget(void *user, uint64_t call CS_UNUSED, const char *limit_class, int64_t left, int64_t restore_per_s CS_UNUSED)
{
	struct cs_session *s = user;
	const struct cs_limit_row *row = cs_manifest_limit(s->context->manifest, limit_class);

	if (row != NULL) {
		struct cs_limit_rule rule = { row->count, row->window_ms, row->burst };

		cs_limit_report(&s->engine->limits, limit_key(s, row), &rule, left, cs_now_ms(s->engine->c.clock));
	}
}

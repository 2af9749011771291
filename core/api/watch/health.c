/* SPDX-License-Identifier: Apache-2.0 */
/*
 * health.c - does it live, does it make progress, and a few figures.
 *
 * Ready means that a lead handed in now would be kept and looked at: the writer commits, the disk has room, the engine's
 * loop turns. That a CRM is down does not make csrelay unready; oldest_due_s shows it.
 */
#include "config.h"
#include "api/resources.h"

#include <string.h>
#include "api/watch/snapshot.h"
#include "log/metrics.h"

#define STUCK_MS 10000

struct health {
	const char *reasons[4];
	size_t n;
	int64_t writer_age_ms; /* since the last commit */
	bool disk_full;
};

static void
look(struct cs_api *api, struct health *h)
{
	struct cs_writer_stats *w = cs_writer_stats(api->writer);
	int64_t now_ms = cs_now_ms(api->clock), last = (int64_t)w->last_commit_ms;

	h->writer_age_ms = now_ms - (last != 0 ? last : api->started_ms);
	h->disk_full = w->disk_full;
	if (api->closing)
		h->reasons[h->n++] = "stopping";
	if (h->disk_full)
		h->reasons[h->n++] = "the disk is full";
	else if (cs_writer_waiting(api->writer) > 0 && h->writer_age_ms > STUCK_MS)
		h->reasons[h->n++] = "the writer does not come forward";
	if (api->engine != NULL && cs_engine_idle_ms(api->engine) > STUCK_MS)
		h->reasons[h->n++] = "the engine does not come forward";
}

bool
cs_api_is_ready(struct cs_api *api)
{
	struct health h = { 0 };

	look(api, &h);
	return h.n == 0;
}

void
cs_api_healthz(struct cs_api_call *call)
{
	static const char ok[] = "{\"status\":\"ok\"}\n";

	cs_http_reply_json(call->req, 200, ok, sizeof(ok) - 1);
}

void
cs_api_readyz(struct cs_api_call *call)
{
	CS_CLEANUP(cs_buf_fini) struct cs_buf b = CS_BUF_INIT(CS_API_ANSWER_MAX);
	struct health h = { 0 };
	const struct cs_api_snapshot *s;
	struct cs_err err;

	look(call->api, &h);
	if ((s = cs_api_snapshot_get(call->api, &err)) == NULL)
		h.reasons[h.n < CS_ARRAY_LEN(h.reasons) ? h.n++ : h.n - 1] = "the store cannot be read";
	cs_out_open(&b, NULL, '{');
	cs_out_bool(&b, "ready", h.n == 0);
	cs_out_open(&b, "reasons", '[');
	for (size_t i = 0; i < h.n; i++)
		cs_out_string(&b, NULL, h.reasons[i]);
	cs_out_close(&b, ']');
	if (s != NULL)
		cs_out_int(&b, "oldest_due_s", cs_api_oldest_due_s(s, cs_now_ms(call->api->clock)));
	else
		cs_out_null(&b, "oldest_due_s");
	cs_out_int(&b, "writer_age_ms", h.writer_age_ms);
	cs_out_bool(&b, "disk_full", h.disk_full);
	cs_out_close(&b, '}');
	cs_api_reply(call, h.n == 0 ? 200 : 503, &b);
}

struct states {
	int64_t n[CS_CONN_PENDING + 2]; /* the last one: failing */
};

static int
count_states(void *ctx, const char *crm, enum cs_conn_state state, bool failing, int64_t n)
{
	(void)crm;
	((struct states *)ctx)->n[failing ? CS_CONN_PENDING + 1 : state] += n;
	return 0;
}

static void
put_connections(struct cs_api *api, struct cs_buf *b)
{
	struct states s = { { 0 } };

	api->reader->ops->conn_count(api->reader, count_states, &s, NULL);
	cs_out_open(b, "connections", '{');
	for (int i = 0; i <= CS_CONN_PENDING; i++)
		cs_out_int(b, cs_conn_state_name((enum cs_conn_state)i), s.n[i]);
	cs_out_int(b, "failing", s.n[CS_CONN_PENDING + 1]);
	cs_out_close(b, '}');
}

void
cs_api_stats(struct cs_api_call *call)
{
	CS_CLEANUP(cs_buf_fini) struct cs_buf b = CS_BUF_INIT(CS_API_ANSWER_MAX);
	struct cs_api *api = call->api;
	int64_t now_ms = cs_now_ms(api->clock);
	const struct cs_api_snapshot *s;
	struct cs_metrics_totals totals;
	struct cs_err err;

	if (!cs_api_all_accounts(call))
		return;
	if ((s = cs_api_snapshot_get(api, &err)) == NULL) {
		cs_api_fail(call, &err);
		return;
	}
	cs_metrics_totals(&totals);
	cs_out_open(&b, NULL, '{');
	cs_out_int(&b, "accepted", (int64_t)totals.accepted);
	cs_out_int(&b, "delivered", (int64_t)totals.delivered);
	if (s->dead >= 0)
		cs_out_int(&b, "dead", s->dead);
	else
		cs_out_null(&b, "dead");
	cs_out_int(&b, "due", s->due);
	cs_out_int(&b, "in_hand", api->slots != NULL ? api->slots->in_hand : 0);
	cs_out_int(&b, "oldest_due_s", cs_api_oldest_due_s(s, now_ms));
	cs_out_int(&b, "uptime_s", (now_ms - api->started_ms) / 1000);
	put_connections(api, &b);
	cs_out_string(&b, "version", PACKAGE_VERSION);
	cs_out_close(&b, '}');
	cs_api_reply(call, 200, &b);
}

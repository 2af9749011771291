/* SPDX-License-Identifier: Apache-2.0 */
/*
 * metrics.c - GET /metrics: what was counted, and what is, at this moment.
 */
#include "config.h"
#include "api/resources.h"

#include <string.h>
#include "api/watch/snapshot.h"
#include "log/metrics.h"
#include "queue/outcome.h"
#include "vault/census.h"

#define ALERTS_MAX 1000
#define PLUGINS_MAX 64

static const char *
blame_word(int b)
{
	return cs_blame_name((enum cs_blame)b);
}

static const char *
urgency_word(int u)
{
	return cs_urgency_name((enum cs_urgency)u);
}

static void
put_one(struct cs_buf *b, const char *name, const char *type, const char *help, double value)
{
	cs_metric_head(b, name, type, help);
	cs_metric_value(b, name, NULL, "", value);
}

/* ---- the queue by CRM */

struct depth {
	const char *crm;
	int64_t n, earliest_ms;
};

static size_t
depths_of(struct cs_api *api, const struct cs_api_snapshot *s, struct depth out[CS_METRICS_CRMS])
{
	size_t n = 0, at;

	for (size_t i = 0; i < s->n; i++) {
		const char *crm = cs_api_crm_of(api, s->v[i].conn_id);

		for (at = 0; at < n && strcmp(out[at].crm, crm) != 0;)
			at++;
		if (at == CS_METRICS_CRMS)
			continue;
		if (at == n)
			out[n++] = (struct depth){ crm, 0, CS_NEVER };
		out[at].n += s->v[i].count;
		if (s->v[i].earliest_due_ms < out[at].earliest_ms)
			out[at].earliest_ms = s->v[i].earliest_due_ms;
	}
	return n;
}

static void
put_queue(struct cs_api *api, struct cs_buf *b)
{
	struct depth d[CS_METRICS_CRMS];
	const struct cs_api_snapshot *s = cs_api_snapshot_get(api, NULL);
	int64_t now_ms = cs_now_ms(api->clock);
	size_t n;

	if (s == NULL)
		return;
	n = depths_of(api, s, d);
	cs_metric_head(b, "csrelay_queue_depth", "gauge", "Deliveries that wait in the store.");
	for (size_t i = 0; i < n; i++)
		cs_metric_value(b, "csrelay_queue_depth", "crm", d[i].crm, (double)d[i].n);
	cs_metric_head(b, "csrelay_queue_oldest_due_seconds", "gauge", "How long the oldest due delivery has been due.");
	for (size_t i = 0; i < n; i++)
		cs_metric_value(b, "csrelay_queue_oldest_due_seconds", "crm", d[i].crm,
		                d[i].earliest_ms < now_ms ? (double)(now_ms - d[i].earliest_ms) / 1e3 : 0.0);
	if (s->dead >= 0)
		put_one(b, "csrelay_dead_letters", "gauge", "Deliveries that need a person or a recovery now.", (double)s->dead);
}

/* ---- writer, memory, alerts, ourselves */

static void
put_writer(struct cs_api *api, struct cs_buf *b)
{
	struct cs_writer_stats *w = cs_writer_stats(api->writer);

	put_one(b, "csrelay_store_commits_total", "counter", "Commits of the store.", (double)w->commits);
	put_one(b, "csrelay_store_operations_total", "counter", "Operations in these commits.", (double)w->ops);
	put_one(b, "csrelay_store_commit_seconds_total", "counter", "Time spent in batches and their commits.",
	        (double)w->commit_us / 1e6);
	put_one(b, "csrelay_store_commit_worst_seconds", "gauge", "The longest batch so far.", (double)w->worst_commit_us / 1e6);
	put_one(b, "csrelay_store_batch_largest", "gauge", "Most operations in one commit so far.", (double)w->batch_max);
	put_one(b, "csrelay_store_retried_batches_total", "counter", "Batches applied anew without a faulty operation.",
	        (double)w->retried_batches);
	put_one(b, "csrelay_store_disk_full", "gauge", "1 while the disk has no room.", w->disk_full ? 1 : 0);
	put_one(b, "csrelay_writer_queue", "gauge", "Operations that wait for the writer.", (double)cs_writer_waiting(api->writer));
}

static void
put_alerts(struct cs_api_call *call, struct cs_buf *b)
{
	struct cs_alert_row *rows = cs_arena_alloc(&call->mem, ALERTS_MAX * sizeof(*rows));
	struct cs_store *s = call->api->reader;
	int n = s->ops->alert_list(s, true, &call->mem, rows, ALERTS_MAX, NULL);

	int64_t mails = 0;

	if (n >= 0)
		put_one(b, "csrelay_alerts", "gauge", "Alerts that are on.", n);
	if (s->ops->mail_count(s, -1, &mails, NULL) == 0)
		put_one(b, "csrelay_mails_waiting", "gauge", "Mails that wait for their server.", (double)mails);
}

static void
put_plugins(struct cs_api_call *call, struct cs_buf *b)
{
	struct cs_plugin_info *all = cs_arena_alloc(&call->mem, PLUGINS_MAX * sizeof(*all));
	size_t n = call->api->engine != NULL ? cs_engine_plugins(call->api->engine, all, PLUGINS_MAX) : 0;

	cs_metric_head(b, "csrelay_plugin_deaths_total", "counter", "Processes of a plugin that died.");
	for (size_t i = 0; i < n; i++)
		cs_metric_value(b, "csrelay_plugin_deaths_total", "plugin", all[i].name, all[i].process.deaths);
	cs_metric_head(b, "csrelay_plugin_parked", "gauge", "1 while a plugin's process cannot stay up and its CRM waits.");
	for (size_t i = 0; i < n; i++)
		cs_metric_value(b, "csrelay_plugin_parked", "plugin", all[i].name, all[i].process.state == CS_REMOTE_PARKED);
	cs_engine_plugins_free(all, n);
}

/* By key ids, of which there are few; a reader pages through what there is. */
static void
put_secrets(struct cs_api *api, struct cs_buf *b)
{
	struct cs_census c;

	if (cs_census_take(api->reader, api->vault, &c, NULL) < 0)
		return;
	put_one(b, "csrelay_secrets_stale", "gauge", "Stored secrets that are still to be sealed under the first master key.", (double)c.stale);
	put_one(b, "csrelay_secrets_unreadable", "gauge", "Stored secrets whose master key is missing, or that are damaged.",
	        (double)c.unreadable);
}

static int
put_count(void *ctx, const char *crm, enum cs_conn_state state, bool failing, int64_t n)
{
	cs_buf_printf(ctx, "csrelay_connections{crm=\"%s\",state=\"%s\"} %lld\n", crm, failing ? "failing" : cs_conn_state_name(state), (long long)n);
	return 0;
}

static void
put_connections(struct cs_api *api, struct cs_buf *b)
{
	cs_metric_head(b, "csrelay_connections", "gauge", "Connections by CRM and state.");
	api->reader->ops->conn_count(api->reader, put_count, b, NULL);
}

static void
put_self(struct cs_api *api, struct cs_buf *b)
{
	put_one(b, "csrelay_ready", "gauge", "1 while /readyz says so.", cs_api_is_ready(api) ? 1 : 0);
	put_one(b, "csrelay_start_time_seconds", "gauge", "When this run began, in seconds since 1970.", (double)api->started_ms / 1e3);
	if (api->slots != NULL) {
		put_one(b, "csrelay_in_hand", "gauge", "Deliveries in hand, waiting or in flight.", (double)api->slots->in_hand);
		put_one(b, "csrelay_lead_bytes", "gauge", "Bytes of lead bodies in memory.", (double)api->slots->lead_bytes);
	}
	cs_metric_head(b, "csrelay_build_info", "gauge", "The version that runs.");
	cs_metric_value(b, "csrelay_build_info", "version", PACKAGE_VERSION, 1);
}

void
cs_api_metrics(struct cs_api_call *call)
{
	static const struct cs_metrics_words words = { cs_lead_kind_name, cs_outcome_name, blame_word, urgency_word };
	struct cs_http_reply r = { .status = 200, .content_type = "text/plain; version=0.0.4; charset=utf-8", .own = CS_BODY_TAKE };
	CS_CLEANUP(cs_buf_fini) struct cs_buf b = CS_BUF_INIT(CS_API_ANSWER_MAX);

	cs_metrics_render(&b, &words);
	put_queue(call->api, &b);
	put_writer(call->api, &b);
	put_alerts(call, &b);
	put_plugins(call, &b);
	put_connections(call->api, &b);
	put_secrets(call->api, &b);
	put_self(call->api, &b);
	r.body = cs_buf_steal(&b, &r.body_len);
	cs_http_reply(call->req, &r);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fresh.c - one signed request to CallSetter before the plugin runs.
 */
#include "deliver/attempt/fresh.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "auth/signature.h"
#include "deliver/engine_private.h"
#include "log/log.h"
#include "util/text.h"

#define LINKS_LIVE_MS CS_DAY_MS
#define TIMEOUT_MS 10000

struct asking {
	struct cs_list node;          /* in e->asking */
	struct cs_engine *engine;
	struct cs_job *job;
	void (*go)(void *);
	void *ctx;
	struct cs_http_xfer xfer;
	struct cs_http_header headers[4];
	struct cs_buf body, signature;
	char timestamp[24];
};

static int64_t
call_time(const struct cs_lead *v)
{
	int64_t ms;

	if (v->call->ended_at[0] != '\0' && cs_time_parse(v->call->ended_at, strlen(v->call->ended_at), true, &ms, NULL) == 0)
		return ms;
	return v->timestamp_ms != 0 ? v->timestamp_ms : v->received_ms;
}

static bool
links_are_old(const struct cs_lead *v, int64_t now_ms)
{
	if (v->call == NULL || (v->call->recording_url[0] == '\0' && v->call->transcript_url[0] == '\0'))
		return false;
	return now_ms - call_time(v) > LINKS_LIVE_MS;
}

static void
say_expired(struct cs_lead_doc *d)
{
	static const char words[] = "The recording and transcript links have expired and could not be renewed.";

	if (strstr(d->view.warnings, words) == NULL)
		d->view.warnings = cs_arena_printf(&d->mem, "%s%s%s", d->view.warnings, d->view.warnings[0] != '\0' ? "\n" : "", words);
}

static bool
take_links(struct cs_lead_doc *d, const struct cs_http_answer *a)
{
	json_object *o = NULL;
	const char *recording, *transcript;
	bool any;

	if (a->fault != CS_HTTP_OK || a->status != 200 || cs_json_parse(a->body, a->body_len, 8, &o, NULL) < 0)
		return false;
	recording = cs_json_str(o, "recording_url", "");
	transcript = cs_json_str(o, "transcript_url", "");
	any = strncmp(recording, "https://", 8) == 0 || strncmp(transcript, "https://", 8) == 0;
	if (strncmp(recording, "https://", 8) == 0)
		d->call.recording_url = cs_arena_strdup(&d->mem, recording);
	if (strncmp(transcript, "https://", 8) == 0)
		d->call.transcript_url = cs_arena_strdup(&d->mem, transcript);
	json_object_put(o);
	return any;
}

static void
asking_free(struct asking *q)
{
	cs_list_del(&q->node);
	cs_buf_fini(&q->body);
	cs_buf_fini(&q->signature);
	free(q);
}

static void
answered(struct cs_http_xfer *x, const struct cs_http_answer *a)
{
	struct asking *q = x->ctx;
	void (*go)(void *) = q->go;
	void *ctx = q->ctx;

	if (!take_links(q->job->lead->doc, a)) {
		cs_log(CS_LOG_WARN, "deliver", "fresh recording links could not be had", "event_id=%s status=%d fault=%s",
		    q->job->lead->doc->view.event_id, a->status, cs_http_fault_name(a->fault));
		say_expired(q->job->lead->doc);
	}
	asking_free(q);
	go(ctx);
}

static void
send_it(struct asking *q, const struct cs_lead *v, int64_t now_ms)
{
	const struct cs_conf *c = q->engine->c.conf;

	cs_buf_printf(&q->body, "{\"event_id\":\"%s\",\"call_id\":", v->event_id);
	cs_buf_add_json_string(&q->body, v->call->call_id, strlen(v->call->call_id));
	cs_buf_addc(&q->body, '}');
	snprintf(q->timestamp, sizeof(q->timestamp), "%lld", (long long)(now_ms / 1000));
	q->headers[0] = (struct cs_http_header){ "Content-Type", "application/json" };
	q->headers[1] = (struct cs_http_header){ "webhook-id", v->event_id };
	q->headers[2] = (struct cs_http_header){ "webhook-timestamp", q->timestamp };
	q->xfer = (struct cs_http_xfer){ .method = "POST", .url = c->callsetter.url_refresh, .headers = q->headers, .n_headers = 3,
		.body = cs_buf_str(&q->body), .body_len = q->body.len, .total_timeout_ms = TIMEOUT_MS, .done = answered, .ctx = q };
	if (c->callsetter.secret[0] != '\0' &&
	    cs_stdwebhooks_sign(c->callsetter.secret, v->event_id, now_ms / 1000, q->body.ptr, q->body.len, &q->signature) == 0) {
		q->headers[3] = (struct cs_http_header){ "webhook-signature", cs_buf_str(&q->signature) };
		q->xfer.n_headers = 4;
	}
	cs_http_client_start(q->engine->http, &q->xfer);
}

bool
cs_fresh_links(struct cs_engine *e, struct cs_job *j, void (*go)(void *ctx), void *ctx)
{
	int64_t now_ms = cs_now_ms(e->c.clock);
	struct cs_lead_doc *d = j->lead->doc;
	struct asking *q;

	if (d->is_event || !links_are_old(&d->view, now_ms))
		return false;
	if (e->c.conf->callsetter.url_refresh[0] == '\0') {
		say_expired(d);
		return false;
	}
	q = cs_xcalloc(1, sizeof(*q));
	q->engine = e;
	q->job = j;
	q->go = go;
	q->ctx = ctx;
	cs_list_init(&q->node);
	cs_list_push(&e->asking, &q->node);
	cs_buf_init(&q->body, 4096);
	cs_buf_init(&q->signature, 4096);
	send_it(q, &d->view, now_ms);
	return true;
}

void
cs_fresh_abandon_all(struct cs_engine *e, void (*gone)(void *ctx))
{
	CS_LIST_EACH_SAFE(n, tmp, &e->asking) {
		struct asking *q = CS_CONTAINER(n, struct asking, node);

		void *ctx = q->ctx;

		cs_http_client_cancel(e->http, &q->xfer);
		asking_free(q);
		gone(ctx);
	}
}

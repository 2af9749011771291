/* SPDX-License-Identifier: Apache-2.0 */
/*
 * intake.c - checking, accepting and answering.
 *
 * The server's thread does what costs CPU (signature, parsing, rules) and hands one operation per request to the writer. A batch
 * (NDJSON) is one operation too, so its good lines are kept together; each line gets its own result.
 */
#include "api/intake.h"
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "api/admission.h"
#include "api/auth.h"
#include "log/metrics.h"
#include "util/text.h"
#include "view/render.h"

#define RETRY_AFTER_S 2
#define BATCH_LINES_MAX 4096
#define WARNINGS_MAX (64u << 10)
#define KNOWN_MAX 64     /* deliveries of a duplicate that are listed */
#define ANSWER_USUAL 256 /* of an accepted lead with one connection */

struct line { /* one lead of a request */
	struct cs_accept *accept;       /* NULL: it was no lead */
	struct cs_lead_doc *refused;    /* why not; owned */
	struct cs_made *known;          /* of a duplicate: what became of it */
	size_t n_known;
};

struct intake_op {
	struct cs_wop wop;
	struct cs_intake *in;
	struct cs_http_request *req;
	struct cs_arena mem;
	struct line *lines;             /* of a batch: owned; else: single */
	struct line single;
	size_t n_lines;
	bool batch;
	char *body;                     /* of a batch: the lines point into it */
};

/* ---- answers */

static void
add_faults(struct cs_buf *b, const struct cs_lead_doc *d)
{
	for (size_t i = 0; i < d->n_faults; i++) {
		cs_buf_adds(b, i > 0 ? ",{\"pointer\":" : "{\"pointer\":");
		cs_buf_add_json_string(b, d->faults[i].pointer, strlen(d->faults[i].pointer));
		cs_buf_adds(b, ",\"detail\":");
		cs_buf_add_json_string(b, d->faults[i].detail, strlen(d->faults[i].detail));
		cs_buf_addc(b, '}');
	}
}

/* "": null */
static void
add_word(struct cs_buf *b, const char *key, const char *word)
{
	cs_buf_adds(b, key);
	if (word[0] == '\0')
		cs_buf_adds(b, "null");
	else
		cs_buf_add_json_string(b, word, strlen(word));
}

static void
add_delivery(struct cs_buf *b, size_t i, const struct cs_made *m)
{
	cs_buf_adds(b, i > 0 ? ",{\"id\":" : "{\"id\":");
	cs_buf_add_int(b, m->row.id);
	add_word(b, ",\"connection\":", m->connection);
	add_word(b, ",\"crm\":", m->crm);
	add_word(b, ",\"state\":", cs_delivery_state_name(m->row.state));
	if (m->why[0] != '\0')
		add_word(b, ",\"reason\":", m->why);
	cs_buf_addc(b, '}');
}

static int
line_status(const struct line *l)
{
	if (l->accept == NULL)
		return 400;
	if (l->accept->result == CS_ACCEPT_CONFLICT)
		return 409;
	if (l->accept->result == CS_ACCEPT_DUPLICATE)
		return 200;
	return l->accept->kind == CS_KIND_INVALID ? 422 : 202;
}

static const char *
line_detail(int status)
{
	switch (status) {
	case 400:
		return "this is not a lead: nothing was kept";
	case 409:
		return "this event_id came before with another content; the first one stands";
	case 422:
		return "a required field is missing or wrong: the lead is kept as a dead letter, to be fixed and replayed";
	default:
		return "";
	}
}

/* The members of the answer that describe the lead, without braces. */
static void
add_line(struct cs_buf *b, const struct line *l, int status)
{
	static const char *const words[] = { "accepted", "duplicate", "conflict" };
	const struct cs_accept *a = l->accept;
	const struct cs_lead_doc *d = a != NULL ? a->lead->doc : l->refused;

	if (a != NULL) {
		cs_buf_adds(b, "\"result\":\"");
		cs_buf_adds(b, status == 422 ? "kept" : words[a->result]);
		cs_buf_adds(b, "\",\"lead_id\":");
		cs_buf_add_int(b, a->lead_id);
		cs_buf_adds(b, ",\"event_id\":\"");
		cs_buf_adds(b, d->view.event_id);
		cs_buf_adds(b, "\",\"deliveries\":[");
		for (size_t i = 0; i < a->n_made; i++)
			add_delivery(b, i, &a->made[i]);
		for (size_t i = 0; i < l->n_known; i++)
			add_delivery(b, i, &l->known[i]);
		cs_buf_addc(b, ']');
	} else
		cs_buf_adds(b, "\"result\":\"refused\"");
	cs_buf_adds(b, status == 400 || status == 422 ? ",\"errors\":[" : ",\"warnings\":[");
	add_faults(b, d);
	cs_buf_addc(b, ']');
}

static void
reply_single(struct intake_op *o)
{
	CS_CLEANUP(cs_buf_fini) struct cs_buf b = CS_BUF_INIT(1u << 20);
	int status = line_status(&o->lines[0]);
	struct cs_http_reply r = { .status = status, .content_type = status < 300 ? "application/json" : CS_PROBLEM_TYPE };

	cs_buf_reserve(&b, ANSWER_USUAL);
	cs_buf_addc(&b, '{');
	if (status >= 300)
		cs_buf_printf(&b, "\"type\":\"about:blank\",\"title\":\"%s\",\"status\":%d,\"detail\":\"%s\",", cs_http_phrase(status), status,
		    line_detail(status));
	add_line(&b, &o->lines[0], status);
	cs_buf_adds(&b, "}\n");
	r.body = cs_buf_steal(&b, &r.body_len);
	r.own = CS_BODY_TAKE;
	cs_http_reply(o->req, &r);
}

static void
reply_batch(struct intake_op *o)
{
	CS_CLEANUP(cs_buf_fini) struct cs_buf b = CS_BUF_INIT(0);
	struct cs_http_reply r = { .status = 200, .content_type = "application/x-ndjson" };

	for (size_t i = 0; i < o->n_lines; i++) {
		int status = line_status(&o->lines[i]);

		cs_buf_printf(&b, "{\"line\":%zu,\"status\":%d,", i + 1, status);
		add_line(&b, &o->lines[i], status);
		cs_buf_adds(&b, "}\n");
	}
	r.body = cs_buf_steal(&b, &r.body_len);
	r.own = CS_BODY_TAKE;
	cs_http_reply(o->req, &r);
}

static void
refuse(struct cs_http_request *req, int status, const char *detail)
{
	struct cs_problem p = { .status = status, .detail = detail };

	cs_metrics_refused(status);
	cs_http_reply_problem(req, &p, status == 503 ? RETRY_AFTER_S : 0);
}

static void
refuse_sender(struct cs_http_request *req, const char *detail)
{
	cs_metrics_refused(401);
	cs_http_reply_error(req, 401, detail, "WWW-Authenticate", CS_AUTH_CHALLENGE);
}

/* ---- the writer's part */

static void
op_free(struct intake_op *o)
{
	for (size_t i = 0; i < o->n_lines; i++) {
		if (o->lines[i].accept != NULL)
			cs_accept_free(o->lines[i].accept);
		cs_lead_doc_free(o->lines[i].refused);
	}
	if (o->batch)
		free(o->lines);
	free(o->body);
	cs_arena_fini(&o->mem);
	free(o);
}

static int
look_up_known(struct intake_op *o, struct line *l, struct cs_store *s, struct cs_err *err)
{
	struct cs_delivery_row *rows = cs_arena_alloc(&o->mem, KNOWN_MAX * sizeof(*rows));
	int n = s->ops->deliveries_of_lead(s, l->accept->lead_id, &o->mem, rows, KNOWN_MAX, err);
	struct cs_conns conns;

	if (n < 0)
		return n == CS_ENOTFOUND ? 0 : n;
	cs_conns_init(&conns, s, &o->mem);
	l->known = cs_arena_alloc(&o->mem, (size_t)n * sizeof(*l->known) + 1);
	for (l->n_known = 0; l->n_known < (size_t)n; l->n_known++) {
		struct cs_made *m = &l->known[l->n_known];
		const struct cs_conn_row *c = cs_conns_get(&conns, rows[l->n_known].conn_id);

		*m = (struct cs_made){ .row = rows[l->n_known], .why = rows[l->n_known].reason };
		snprintf(m->crm, sizeof(m->crm), "%s", cs_conns_crm(&conns, &m->row));
		snprintf(m->connection, sizeof(m->connection), "%s", c != NULL ? c->public_id : "");
	}
	cs_conns_fini(&conns);
	return 0;
}

static int
apply(struct cs_wop *w, struct cs_store *s, int64_t now_ms, struct cs_err *err)
{
	struct intake_op *o = CS_CONTAINER(w, struct intake_op, wop);
	int rc = 0;

	for (size_t i = 0; i < o->n_lines && rc >= 0; i++) {
		struct line *l = &o->lines[i];

		if (l->accept == NULL)
			continue;
		l->accept->result = CS_ACCEPT_NEW;
		rc = cs_accept_apply(l->accept, &o->in->env, s, now_ms, err);
		if (rc >= 0 && l->accept->result == CS_ACCEPT_DUPLICATE)
			rc = look_up_known(o, l, s, err);
	}
	return rc;
}

static void
count(const struct line *l)
{
	if (l->accept == NULL)
		cs_metrics_refused(400);
	else if (l->accept->result == CS_ACCEPT_NEW)
		cs_metrics_accepted(l->accept->kind);
	else
		cs_metrics_duplicate(l->accept->result == CS_ACCEPT_CONFLICT);
}

static void
committed(struct cs_wop *w)
{
	struct intake_op *o = CS_CONTAINER(w, struct intake_op, wop);

	for (size_t i = 0; i < o->n_lines; i++) {
		if (o->lines[i].accept != NULL)
			cs_accept_committed(o->lines[i].accept, &o->in->env, w->rc);
		if (w->rc == 0)
			count(&o->lines[i]);
	}
	if (w->rc == CS_EFULL)
		refuse(o->req, 503, "the disk is full: nothing was kept");
	else if (w->rc < 0)
		refuse(o->req, 503, "the lead could not be written: nothing was kept");
	else if (o->batch)
		reply_batch(o);
	else
		reply_single(o);
	op_free(o);
}

/* ---- reading */

static char *
warnings_json(const struct cs_lead_doc *d)
{
	CS_CLEANUP(cs_buf_fini) struct cs_buf b = CS_BUF_INIT(WARNINGS_MAX);

	if (d->n_faults == 0)
		return NULL;
	cs_buf_addc(&b, '[');
	add_faults(&b, d);
	cs_buf_addc(&b, ']');
	return cs_buf_steal(&b, NULL);
}

/* Takes over `body`. */
static void
read_line(struct intake_op *o, struct line *l, char *body, size_t n, const struct cs_sender *from)
{
	struct cs_lead_doc *d = cs_lead_read(body, n, cs_now_ms(o->in->clock));
	enum cs_lead_kind kind = d->unqualified ? CS_KIND_UNQUALIFIED : CS_KIND_LEAD;
	struct cs_lead_ref *ref;

	if (d->worst < CS_FAULT_ENVELOPE && !cs_sender_may(from, d->view.account))
		cs_lead_refuse(d, "/callsetter_account_id", "this key may not send for this account");
	if (d->worst == CS_FAULT_ENVELOPE) {
		l->refused = d;
		o->body = o->batch ? o->body : body; /* the document may point into it */
		if (o->batch)
			free(body);
		return;
	}
	ref = cs_lead_ref_adopt(d, body, n, 0);
	ref->warnings = warnings_json(d);
	l->accept = cs_accept_new(ref, d->worst == CS_FAULT_REQUIRED ? CS_KIND_INVALID : kind);
}

static bool
read_batch(struct intake_op *o, char *body, size_t n, const struct cs_sender *from)
{
	const char *p = body, *end = body + n;
	size_t max = (size_t)o->in->conf->limits.lead_size, cap = 0;

	while (p < end) {
		const char *nl = memchr(p, '\n', (size_t)(end - p));
		size_t len = (size_t)((nl != NULL ? nl : end) - p);

		if (len > 0 && p[len - 1] == '\r')
			len--;
		if (len > 0) {
			if (o->n_lines == BATCH_LINES_MAX || len > max)
				return false;
			if (o->n_lines == cap) {
				cap = cap > 0 ? cap * 2 : 64;
				o->lines = cs_xrealloc(o->lines, cap * sizeof(*o->lines));
			}
			memset(&o->lines[o->n_lines], 0, sizeof(*o->lines));
			read_line(o, &o->lines[o->n_lines++], cs_xstrndup(p, len), len, from);
		}
		p += len;
		while (p < end && (*p == '\n' || *p == '\r'))
			p++;
	}
	return o->n_lines > 0;
}

static bool
is_ndjson(const struct cs_http_request *req)
{
	const char *ct = cs_http_request_header(req, "Content-Type");

	return ct != NULL && (strncasecmp(ct, "application/x-ndjson", 20) == 0 || strncasecmp(ct, "application/jsonl", 17) == 0);
}

static void
put(struct intake_op *o)
{
	o->wop.apply = apply;
	o->wop.committed = committed;
	o->wop.intake = true;
	if (!cs_writer_put(o->in->writer, &o->wop)) {
		refuse(o->req, 503, "the daemon is stopping");
		op_free(o);
	}
}

static void
take_leads(struct cs_intake *in, struct cs_http_request *req, const struct cs_sender *from)
{
	struct intake_op *o = cs_xcalloc(1, sizeof(*o));
	size_t n;
	char *body = cs_http_request_steal_body(req, &n);

	o->in = in;
	o->req = req;
	o->batch = is_ndjson(req);
	cs_arena_init(&o->mem);
	if (body == NULL)
		body = cs_xstrdup(""), n = 0;
	if (!o->batch) {
		o->lines = &o->single;
		o->n_lines = 1;
		read_line(o, &o->lines[0], body, n, from);
	} else {
		bool good = read_batch(o, body, n, from);

		free(body);
		if (!good) {
			refuse(req, 413, "a batch holds 1 to 4096 lines of at most limits.lead_size each: nothing was kept");
			op_free(o);
			return;
		}
	}
	if (!o->batch && o->lines[0].accept == NULL) { /* nothing to write: the writer need not hear of it */
		cs_metrics_refused(400);
		reply_single(o);
		op_free(o);
		return;
	}
	put(o);
}

/* ---- the request */

static void
take_over_conf(struct cs_intake *in)
{
	struct cs_conf *next = atomic_exchange(&in->next_conf, NULL);

	if (next == NULL)
		return;
	cs_conf_unref(in->conf);
	in->conf = next;
}

void
cs_intake_reload(struct cs_intake *in, struct cs_conf *conf)
{
	cs_conf_unref(atomic_exchange(&in->next_conf, cs_conf_ref(conf)));
}

size_t
cs_intake_on_headers(void *ctx, struct cs_http_request *req)
{
	const struct cs_intake *in = ctx;

	return (size_t)(is_ndjson(req) ? in->conf->limits.batch_size : in->conf->limits.lead_size);
}

static void
note_use(struct cs_intake *in, const struct cs_sender *from)
{
	int64_t now_ms = cs_now_ms(in->clock);

	if (from->key_id == 0 || (from->key_id == in->noted_key && now_ms - in->noted_ms < CS_MINUTE_MS))
		return;
	in->noted_key = from->key_id;
	in->noted_ms = now_ms;
	cs_key_used(in->writer, from->key_id, from->last_used_ms, now_ms);
}

static void
reply_health(struct cs_http_request *req)
{
	static const char ok[] = "{\"status\":\"ok\"}\n";

	if (strcmp(req->method, "GET") == 0 || strcmp(req->method, "HEAD") == 0)
		cs_http_reply_json(req, 200, ok, sizeof(ok) - 1);
	else
		cs_http_reply_error(req, 405, "health is asked for with GET", "Allow", "GET, HEAD");
}

void
cs_intake_handle(void *ctx, struct cs_http_request *req)
{
	struct cs_intake *in = ctx;
	struct cs_sender from = { 0 };
	struct cs_err err;

	take_over_conf(in);
	if (strcmp(req->path, "/healthz") == 0)
		reply_health(req);
	else if (strcmp(req->path, "/v1/leads") != 0)
		cs_http_reply_error(req, 404, "leads are sent to POST /v1/leads", NULL, NULL);
	else if (strcmp(req->method, "POST") != 0)
		cs_http_reply_error(req, 405, "leads are sent with POST", "Allow", "POST");
	else if (in->closing || cs_writer_waiting(in->writer) > (size_t)in->conf->limits.writer_queue)
		refuse(req, 503, in->closing ? "the daemon is stopping" : "too many leads at once");
	else if (cs_sender_check(in->conf, in->reader, req, cs_now_ms(in->clock), &from, &err) < 0)
		refuse_sender(req, err.msg);
	else {
		note_use(in, &from);
		take_leads(in, req, &from);
	}
}

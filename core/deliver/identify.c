/* SPDX-License-Identifier: Apache-2.0 */
/*
 * identify.c - the identify request, made by the core itself: no plugin code runs.
 *
 * It is a session without a call: the exchange is built, budgeted and classed like any other, and its answer comes here.
 */
#include "deliver/identify.h"
#include <stdlib.h>
#include <string.h>
#include "deliver/engine_private.h"
#include "deliver/exchange.h"
#include "deliver/results.h"
#include "log/log.h"

#define AGAIN_AFTER_MS (10 * CS_MINUTE_MS)

static const struct cs_session_ops no_ops;

static bool
something_is_missing(const struct cs_context *c)
{
	const struct cs_identify_row *row = &c->manifest->identify;

	for (size_t i = 0; i < row->n_facts; i++)
		if (cs_context_fact(c, row->facts[i].name)[0] == '\0')
			return true;
	return false;
}

static bool
take_facts(struct cs_context *c, const struct cs_http_answer *a)
{
	const struct cs_identify_row *row = &c->manifest->identify;
	json_object *doc = NULL;
	bool any = false;

	if (a->fault != CS_HTTP_OK || a->status != 200 || cs_json_parse(a->body, a->body_len, 32, &doc, NULL) < 0)
		return false;
	for (size_t i = 0; i < row->n_facts; i++) {
		const char *v = cs_json_pointer_text(doc, row->facts[i].value);

		if (v[0] == '\0')
			continue;
		cs_context_fact_put(c, row->facts[i].name, v, strlen(v));
		any = true;
	}
	json_object_put(doc);
	return any;
}

static void
forget(struct cs_session *s)
{
	s->context->identifying = false;
	cs_list_del(&s->node);
	cs_context_unref(s->context);
	cs_buf_fini(&s->exchanges);
	free(s);
}

void
cs_identify_abandon(struct cs_session *s)
{
	cs_session_drop(s);
	forget(s);
}

static void
answered(struct cs_session *s, const struct cs_http_answer *a, const struct cs_class *cl CS_UNUSED)
{
	struct cs_context *c = s->context;

	if (take_facts(c, a)) {
		cs_results_facts(s->engine, c);
		cs_log(CS_LOG_INFO, "deliver", "connection identified", "connection=%s crm=%s", c->public_id, c->crm);
	} else
		cs_log(CS_LOG_INFO, "deliver", "connection could not be identified yet", "connection=%s crm=%s status=%d fault=%s", c->public_id,
		    c->crm, a->status, cs_http_fault_name(a->fault));
	forget(s);
}

void
cs_identify_if_needed(struct cs_engine *e, struct cs_context *c, int64_t now_ms)
{
	const struct cs_identify_row *row = &c->manifest->identify;
	struct cs_http_req req = CS_REQ("identify", "GET", "");
	CS_CLEANUP(cs_buf_fini) struct cs_buf path = CS_BUF_INIT(4096);
	struct cs_lookup lk = cs_context_lookup(c, false);
	struct cs_session *s;

	if (row->path == NULL || row->path[0] == '\0' || c->identifying || now_ms < c->identify_after_ms || !something_is_missing(c))
		return;
	c->identify_after_ms = now_ms + AGAIN_AFTER_MS;
	if (cs_template_expand(row->path, CS_IN_URL, &lk, &path, NULL) < 0)
		return;
	c->identifying = true;
	s = cs_xcalloc(1, sizeof(*s));
	s->engine = e;
	s->context = cs_context_ref(c);
	s->ops = &no_ops;
	s->answered = answered;
	cs_list_init(&s->node);
	cs_buf_init(&s->exchanges, 1u << 16);
	req.url = cs_buf_str(&path);
	cs_list_push(&e->sessions, &s->node);
	cs_session_request(s, &req);
}

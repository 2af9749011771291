/* SPDX-License-Identifier: Apache-2.0 */
/*
 * map.c - what exactly would be sent? A lead goes through the plugin's map and the connection's overrides, and no further.
 *
 * The body is a lead, or {"lead_id": …} or {"lead": {…}} with, if wanted, "settings" and "overrides" that are tried in place of
 * the connection's own: a preview of a change.
 *
 * The plugin runs in the engine; the answer is given from its thread.
 */
#include "config.h"
#include "api/resources.h"

#include <stdlib.h>
#include <string.h>
#include "deliver/call/context.h"
#include "wire/wire.h"

struct preview {
	struct cs_engine_call call;
	struct cs_http_request *req;
	struct cs_candidate candidate;
};

static void
preview_done(struct cs_engine_call *call, int32_t outcome, const char *reason, const struct cs_buf *emitted)
{
	CS_CLEANUP(cs_buf_fini) struct cs_buf b = CS_BUF_INIT(0);
	struct preview *p = CS_CONTAINER(call, struct preview, call);

	if (outcome == CS_DONE) {
		cs_out_open(&b, NULL, '{');
		cs_out_json(&b, "document", cs_buf_str(emitted), emitted->len, "null");
		cs_out_close(&b, '}');
		cs_http_reply_json(p->req, 200, cs_buf_str(&b), b.len);
	} else
		cs_api_problem(p->req, outcome == CS_RETRY || outcome == CS_WAIT ? 503 : 422, NULL,
		               reason != NULL && reason[0] != '\0' ? reason : "the plugin gave no document");
	cs_lead_ref_put(p->call.lead);
	json_object_put(p->candidate.settings);
	json_object_put(p->candidate.overrides);
	free(p);
}

static struct cs_lead_ref *
lead_of(struct cs_api_call *call, json_object *body)
{
	json_object *id = cs_json_get(body, "lead_id"), *inside = cs_json_get(body, "lead");
	struct cs_lead_row lead;

	if (inside != NULL)
		return cs_lead_ref_new(cs_json_text(inside), strlen(cs_json_text(inside)), cs_now_ms(call->api->clock));
	if (id == NULL)
		return cs_lead_ref_new(call->req->body, call->req->body_len, cs_now_ms(call->api->clock));
	if (!cs_api_lead(call, json_object_get_string(id), &lead))
		return NULL;
	return cs_lead_ref_new(lead.body.ptr, lead.body.len, lead.received_ms);
}

static void
refuse_faulty(struct cs_api_call *call, const struct cs_lead_doc *d)
{
	struct cs_problem_row rows[CS_LEAD_FAULTS_MAX];
	struct cs_problem p = { .status = 422, .detail = "the lead breaks a rule that it must keep", .rows = rows };

	for (size_t i = 0; i < d->n_faults; i++)
		rows[p.n_rows++] = (struct cs_problem_row){ d->faults[i].pointer, d->faults[i].detail };
	cs_http_reply_problem(call->req, &p, 0);
}

/* False: answered. */
static bool
read_candidate(struct cs_api_call *call, json_object *body, struct cs_candidate *out)
{
	static const char *const names[] = { "settings", "overrides" };
	json_object *got[2];

	for (size_t i = 0; i < 2; i++)
		if ((got[i] = cs_json_get(body, names[i])) != NULL && !json_object_is_type(got[i], json_type_object)) {
			cs_api_refuse_at(call, 422, i == 0 ? "/settings" : "/overrides", "must be an object");
			return false;
		}
	*out = (struct cs_candidate){ got[0], got[1] };
	return true;
}

void
cs_api_connection_map(struct cs_api_call *call)
{
	CS_CLEANUP(cs_json_putp) json_object *body = NULL;
	struct cs_conn_row row;
	struct cs_lead_ref *lead;
	struct cs_candidate candidate;
	struct preview *p;

	if (!cs_api_body(call, &body) || !cs_api_connection(call, call->param[0], &row) || !read_candidate(call, body, &candidate))
		return;
	if (call->api->engine == NULL) {
		cs_api_refuse(call, 503, "no plugins are running");
		return;
	}
	if ((lead = lead_of(call, body)) == NULL)
		return;
	if (lead->doc->worst >= CS_FAULT_REQUIRED) {
		refuse_faulty(call, lead->doc);
		cs_lead_ref_put(lead);
		return;
	}
	p = cs_xcalloc(1, sizeof(*p));
	p->req = call->req;
	p->call = (struct cs_engine_call){ .conn_id = row.id, .kind = CS_CALL_MAP, .lead = lead, .done = preview_done };
	if (candidate.settings != NULL || candidate.overrides != NULL) {
		p->candidate = (struct cs_candidate){ json_object_get(candidate.settings), json_object_get(candidate.overrides) };
		p->call.candidate = &p->candidate;
		json_object_put(CS_STEAL(body)); /* the engine's from now on */
	}
	cs_engine_post_call(call->api->engine, &p->call);
}

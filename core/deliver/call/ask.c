/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ask.c - asking by the manifest's row, page by page, or by the plugin.
 *
 * A request of a row is a session without a call: it is built, budgeted, given a token and classed like any other, and its answer
 * comes here.
 */
#define _GNU_SOURCE
#include "deliver/call/ask.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "deliver/call/choices.h"
#include "deliver/engine_private.h"
#include "deliver/call/exchange.h"
#include "deliver/results.h"
#include "util/text.h"

#define PAGES_MAX 20
#define DEPTH 32

static const struct cs_session_ops ask_ops;

struct row_session {
	struct cs_session session; /* first */
	struct cs_ask *ask;
};

const char *
cs_said_name(enum cs_said s)
{
	static const char *const words[] = { [CS_SAID_YES] = "connected", [CS_SAID_BAD_KEY] = "bad_key",
		[CS_SAID_NO_API_ACCESS] = "no_api_access", [CS_SAID_MISSING_RIGHT] = "missing_right", [CS_SAID_REFUSED] = "refused",
		[CS_SAID_LATER] = "unreachable", [CS_SAID_CANNOT] = "unknown" };

	return words[s];
}

static void
say(struct cs_ask *a, enum cs_said said, const char *text)
{
	a->said = said;
	snprintf(a->text, sizeof(a->text), "%s", text);
}

static void
end(struct cs_ask *a)
{
	json_object *items;

	if (a->said == CS_SAID_YES && a->list != NULL)
		cs_choices_keep(a);
	cs_context_unref(a->context);
	a->context = NULL;
	items = a->items;
	a->done(a); /* it may be gone now */
	json_object_put(items);
}

/* ---- what an answer says */

static bool
fits(const struct cs_told_row *row, int status, json_object *doc, const struct cs_http_answer *a)
{
	if (row->status != status)
		return false;
	if (row->contains == NULL)
		return true;
	if (row->pointer != NULL)
		return doc != NULL && strcasestr(cs_json_pointer_text(doc, row->pointer), row->contains) != NULL;
	return a->body_len > 0 && memmem(a->body, a->body_len, row->contains, strlen(row->contains)) != NULL;
}

static bool
say_by_row(struct cs_ask *a, const struct cs_http_answer *answer, json_object *doc)
{
	static const enum cs_said said[] = { [CS_TOLD_NO_API_ACCESS] = CS_SAID_NO_API_ACCESS, [CS_TOLD_BAD_KEY] = CS_SAID_BAD_KEY,
		                             [CS_TOLD_MISSING_RIGHT] = CS_SAID_MISSING_RIGHT };
	const struct cs_identify_row *row = &a->context->manifest->identify;

	for (size_t i = 0; i < row->n_errors; i++)
		if (fits(&row->errors[i], answer->status, doc, answer)) {
			say(a, said[row->errors[i].kind], row->errors[i].text);
			return true;
		}
	return false;
}

static void
say_by_outcome(struct cs_ask *a, int32_t outcome, int status, const char *why)
{
	char text[300];

	if (outcome == CS_REAUTH)
		say(a, CS_SAID_BAD_KEY, "the CRM does not accept these credentials");
	else if (outcome == CS_REJECT || outcome == CS_DONE) {
		if (status > 0)
			snprintf(text, sizeof(text), "the CRM refuses this question with status %d", status);
		else
			snprintf(text, sizeof(text), "%.250s", why != NULL && why[0] != '\0' ? why : "the question could not be asked");
		say(a, CS_SAID_REFUSED, text);
	} else {
		snprintf(text, sizeof(text), "the CRM gave no answer (%.200s)", why != NULL && why[0] != '\0' ? why : "it is busy");
		say(a, CS_SAID_LATER, text);
	}
}

static void
learn(struct cs_ask *a, json_object *doc, const char *id, const char *name)
{
	snprintf(a->id, sizeof(a->id), "%s", id != NULL ? cs_json_pointer_text(doc, id) : "");
	snprintf(a->name, sizeof(a->name), "%s", name != NULL ? cs_json_pointer_text(doc, name) : "");
}

static void
take_fact(struct cs_ask *a, const char *name, const char *value)
{
	if (value[0] != '\0')
		cs_context_fact_put(a->context, name, value, strlen(value));
}

static void
take_who(struct cs_ask *a, json_object *doc)
{
	const struct cs_identify_row *row = &a->context->manifest->identify;

	learn(a, doc, row->id, row->name);
	for (size_t i = 0; i < row->n_facts; i++)
		take_fact(a, row->facts[i].name, cs_json_pointer_text(doc, row->facts[i].value));
	cs_results_facts(a->engine, a->context);
}

static void
add_item(struct cs_ask *a, const char *value, const char *label)
{
	json_object *o;

	if (value[0] == '\0' || json_object_array_length(a->items) >= CS_ASK_ITEMS) {
		a->is_cut |= value[0] != '\0';
		return;
	}
	o = json_object_new_object();
	json_object_object_add(o, "value", json_object_new_string(value));
	json_object_object_add(o, "label", json_object_new_string(label[0] != '\0' ? label : value));
	json_object_array_add(a->items, o);
}

/* ---- by the manifest's row */

static const struct cs_choice_list *
list_row(const struct cs_manifest *m, const char *list)
{
	for (size_t i = 0; i < m->n_choices; i++)
		if (strcmp(m->choices[i].list, list) == 0)
			return &m->choices[i];
	return NULL;
}

static void abandoned(struct cs_session *s);
static const struct cs_pair *
removal_row(const struct cs_manifest *m, const char *type)
{
	for (size_t i = 0; i < m->n_removals; i++)
		if (strcmp(m->removals[i].name, type) == 0)
			return &m->removals[i];
	return NULL;
}

static void send_row(struct cs_ask *a, const char *path, const char *param, const char *mark);

/* True: there is another page, and it was asked for. */
static bool
take_page(struct cs_ask *a, json_object *doc)
{
	const struct cs_choice_list *row = list_row(a->context->manifest, a->list);
	json_object *items = cs_json_pointer(doc, row->items);
	CS_CLEANUP(cs_freep) char *mark = NULL;

	for (size_t i = 0; json_object_is_type(items, json_type_array) && i < json_object_array_length(items); i++) {
		json_object *o = json_object_array_get_idx(items, i);

		add_item(a, cs_json_pointer_text(o, row->value), cs_json_pointer_text(o, row->label));
	}
	if (row->next == NULL || (mark = cs_xstrdup(cs_json_pointer_text(doc, row->next)))[0] == '\0')
		return false;
	if (++a->pages == PAGES_MAX || json_object_array_length(a->items) >= CS_ASK_ITEMS) {
		a->is_cut = true;
		return false;
	}
	send_row(a, row->path, row->next_param, mark);
	return true;
}

static void
drop_session(struct row_session *r)
{
	cs_list_del(&r->session.node);
	cs_context_unref(r->session.context);
	cs_buf_fini(&r->session.exchanges);
	free(r);
}

static void
answered(struct cs_session *s, const struct cs_http_answer *answer, const struct cs_class *cl)
{
	struct row_session *r = (struct row_session *)(void *)s;
	CS_CLEANUP(cs_json_putp) json_object *doc = NULL;
	struct cs_ask *a = r->ask;
	bool read;

	if (a->remove_type != NULL && answer->fault == CS_HTTP_OK &&
	    ((answer->status >= 200 && answer->status < 300) || answer->status == 404 || answer->status == 410)) {
		drop_session(r); /* it is gone, by us or before */
		end(a);
		return;
	}
	read = answer->fault == CS_HTTP_OK && cs_json_parse(answer->body, answer->body_len, DEPTH, &doc, NULL) == 0;
	if (answer->fault == CS_HTTP_OK && answer->status >= 200 && answer->status < 300 && read) {
		drop_session(r);
		if (a->list == NULL)
			take_who(a, doc);
		else if (take_page(a, doc))
			return;
		end(a);
		return;
	}
	if (answer->fault == CS_HTTP_OK && answer->status >= 200 && answer->status < 300)
		say(a, CS_SAID_REFUSED, "what answers there is not this CRM's interface: is the address right?");
	else if (answer->fault != CS_HTTP_OK || !say_by_row(a, answer, doc))
		say_by_outcome(a, cl->outcome, answer->fault == CS_HTTP_OK ? answer->status : 0,
		               answer->detail != NULL && answer->fault == CS_HTTP_OTHER ? answer->detail : cs_http_fault_name(answer->fault));
	drop_session(r);
	end(a);
}

static void
add_param(struct cs_buf *url, const char *param, const char *value)
{
	cs_buf_addc(url, strchr(cs_buf_str(url), '?') != NULL ? '&' : '?');
	cs_buf_adds(url, param);
	cs_buf_addc(url, '=');
	cs_url_add(url, value, strlen(value));
}

static void
send_row(struct cs_ask *a, const char *path, const char *param, const char *mark)
{
	CS_CLEANUP(cs_buf_fini) struct cs_buf url = CS_BUF_INIT(8192);
	const struct cs_choice_list *row = a->list != NULL ? list_row(a->context->manifest, a->list) : NULL;
	struct cs_http_req req = CS_REQ("identify", a->remove_type != NULL ? "DELETE" : "GET", "");
	struct cs_lookup lk = cs_context_lookup(a->context, false);
	struct row_session *r;

	lk.id = a->remove_id;
	if (cs_template_expand(path, CS_IN_URL, &lk, &url, NULL) < 0) {
		say(a, CS_SAID_REFUSED, "a setting that this question needs is not there yet");
		end(a);
		return;
	}
	if (row != NULL && row->filter_param != NULL && a->filter != NULL && a->filter[0] != '\0') {
		add_param(&url, row->filter_param, a->filter);
		a->is_filtered = true;
	}
	if (param != NULL)
		add_param(&url, param, mark);
	r = cs_xcalloc(1, sizeof(*r));
	r->ask = a;
	r->session.engine = a->engine;
	r->session.context = cs_context_ref(a->context);
	r->session.ops = &ask_ops;
	r->session.answered = answered;
	r->session.abandoned = abandoned;
	cs_list_init(&r->session.node);
	cs_buf_init(&r->session.exchanges, 1u << 16);
	req.url = cs_buf_str(&url);
	cs_list_push(&a->engine->sessions, &r->session.node);
	cs_session_request(&r->session, &req);
}

static void
abandoned(struct cs_session *s)
{
	struct row_session *r = (struct row_session *)(void *)s;
	struct cs_ask *a = r->ask;

	cs_session_drop(s);
	drop_session(r);
	say(a, CS_SAID_LATER, "the daemon is stopping");
	end(a);
}

/* ---- by the plugin */

static void
take_facts_of(struct cs_ask *a, json_object *doc)
{
	const struct cs_manifest *m = a->context->manifest;

	for (size_t i = 0; i < m->n_facts; i++)
		take_fact(a, m->facts[i].name, cs_json_str(doc, m->facts[i].name, ""));
	take_fact(a, "timezone", cs_json_str(doc, "timezone", ""));
	cs_results_facts(a->engine, a->context);
}

static void
take_line(struct cs_ask *a, const char *line, size_t n)
{
	CS_CLEANUP(cs_json_putp) json_object *doc = NULL;

	if (cs_json_parse(line, n, DEPTH, &doc, NULL) < 0)
		return;
	if (a->list != NULL)
		add_item(a, cs_json_pointer_text(doc, "/value"), cs_json_pointer_text(doc, "/label"));
	else {
		learn(a, doc, "/id", "/name");
		take_facts_of(a, doc);
	}
}

static void
plugin_done(struct cs_engine_call *call, int32_t outcome, const char *reason, const struct cs_buf *emitted)
{
	struct cs_ask *a = CS_CONTAINER(call, struct cs_ask, call);
	const char *at = emitted->len > 0 ? emitted->ptr : "", *stop = at + emitted->len;

	if (outcome == CS_UNSUPPORTED)
		say(a, CS_SAID_CANNOT, a->list != NULL ? "this plugin has no such list" : "this plugin cannot ask who is connected");
	else if (outcome != CS_DONE)
		say_by_outcome(a, outcome, 0, reason);
	while (outcome == CS_DONE && at < stop) {
		const char *nl = memchr(at, '\n', (size_t)(stop - at));
		size_t n = nl != NULL ? (size_t)(nl - at) : (size_t)(stop - at);

		take_line(a, at, n);
		at += n + 1;
	}
	end(a);
}

static void
ask_plugin(struct cs_ask *a)
{
	if (!cs_remote_can(a->context->remote, CS_CALL_PUSH)) {
		say(a, CS_SAID_CANNOT, "this plugin answers no questions");
		end(a);
		return;
	}
	a->call = (struct cs_engine_call){ .conn_id = a->conn_id, .kind = CS_CALL_PUSH,
		.what_kind = a->list != NULL ? CS_PUSH_CHOICES : CS_PUSH_IDENTIFY, .what = (char *)(uintptr_t)a->list,
		.candidate = a->candidate, .done = plugin_done };
	cs_engine_post_call(a->engine, &a->call);
}

/* ---- */

void
cs_ask_start(struct cs_engine *e, struct cs_ask *a)
{
	const struct cs_choice_list *row;
	struct cs_err err;

	a->engine = e;
	a->said = CS_SAID_YES;
	a->text[0] = a->id[0] = a->name[0] = '\0';
	a->is_cut = a->is_filtered = false;
	a->pages = 0;
	a->at_ms = cs_now_ms(e->c.clock);
	a->items = a->list != NULL ? json_object_new_array() : NULL;
	if ((a->context = cs_engine_try_context(e, a->conn_id, a->candidate, &err)) == NULL) {
		say(a, CS_SAID_REFUSED, err.msg);
		end(a);
		return;
	}
	row = a->list != NULL ? list_row(a->context->manifest, a->list) : NULL;
	if (row == NULL || row->filter_param == NULL)
		a->filter = NULL; /* it is for whoever asks */
	if (a->remove_type != NULL) {
		const struct cs_pair *removal = removal_row(a->context->manifest, a->remove_type);

		if (removal != NULL)
			send_row(a, removal->value, NULL, NULL);
		else {
			say(a, CS_SAID_CANNOT, "the CRM's interface cannot remove it: please do so by hand");
			end(a);
		}
	} else if (a->list == NULL && a->context->manifest->identify.path != NULL)
		send_row(a, a->context->manifest->identify.path, NULL, NULL);
	else if (a->list != NULL && !a->refresh && cs_choices_find(a)) {
		cs_context_unref(CS_STEAL(a->context));
		a->done(a);
	} else if (row != NULL)
		send_row(a, row->path, NULL, NULL);
	else
		ask_plugin(a);
}

static void
handle_ask(struct cs_engine *e, struct cs_msg *m)
{
	cs_ask_start(e, CS_CONTAINER(m, struct cs_ask, msg));
}

void
cs_engine_post_ask(struct cs_engine *e, struct cs_ask *a)
{
	a->msg.handle = handle_ask;
	if (cs_engine_post(e, &a->msg))
		return;
	say(a, CS_SAID_LATER, "the daemon is stopping");
	a->done(a);
}

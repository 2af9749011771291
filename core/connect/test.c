/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test.c - a test lead through the whole road, shown with what it became in the CRM, and removed again once somebody has seen it there.
 *
 * Where it is stands in the address (?lead=), so the page can be loaded again; while it is on its way it does so by itself.
 */
#include "config.h"
#include "connect/visit.h"

#include <string.h>

#define LOOK_EVERY_S 2

/* The number in the address or form; NULL: there is none, or it is none. */
static const char *
lead_of(struct cs_visit *v)
{
	const char *id = v->n_fields > 0 ? cs_visit_field(v, "lead") : cs_http_request_query(v->req, "lead");

	return id != NULL && id[0] != '\0' && strlen(id) < 20 && strspn(id, "0123456789") == strlen(id) ? cs_arena_strdup(&v->mem, id) : NULL;
}

static const char *
test_path(struct cs_visit *v, const char *lead, const char *rest)
{
	return cs_visit_conn_path(v, cs_arena_printf(&v->mem, "/test/%s%s", lead, rest));
}

/* ---- the page */

static void
put_button(struct cs_visit *v, struct cs_buf *b, const char *what, const char *lead, const char *words, bool other)
{
	cs_visit_form(v, b, "test");
	cs_html(b, "<input type=\"hidden\" name=\"lead\" value=\"%s\">\n", lead != NULL ? lead : "");
	cs_html(b, other ? "<button class=\"other\" name=\"do\" value=\"%s\">%s</button></form>\n" : "<button name=\"do\" value=\"%s\">%s</button></form>\n", what,
	        words);
}

static void
put_finish(struct cs_visit *v, struct cs_buf *b, const char *words, bool other)
{
	cs_visit_form(v, b, "finish");
	cs_html(b, other ? "<button class=\"other\">%s</button></form>\n" : "<button>%s</button></form>\n", words);
}

static void
begin(struct cs_visit *v, struct cs_buf *b, const char *title)
{
	cs_visit_begin(v, b, CS_STEP_TEST, title);
}

static void
put_offer(struct cs_visit *v, const char *trouble)
{
	struct cs_buf b = CS_BUF_INIT(CS_PAGE_MAX);

	begin(v, &b, "Try it with a test lead");
	if (trouble != NULL)
		cs_visit_note(&b, "bad", "The test lead could not be sent.", trouble);
	cs_html(&b, "<p class=\"lead\">It goes the way of a real one and is marked as a test. Look at it in %s, then it is removed again where %s allows that.</p>\n"
	            "<div class=\"actions\">",
	        v->manifest->title, v->manifest->title);
	put_button(v, &b, "send", NULL, "Send a test lead", false);
	put_finish(v, &b, "Finish without a test", true);
	cs_html(&b, "</div>\n");
	cs_visit_page(v, trouble != NULL ? 422 : 200, &b);
}

static void
put_wait(struct cs_visit *v, const char *lead)
{
	struct cs_buf b = CS_BUF_INIT(CS_PAGE_MAX);
	const char *here = cs_arena_printf(&v->mem, "/connect/test?lead=%s", lead);

	cs_page_begin(&b, &(struct cs_page_frame){ .title = "The test lead is on its way", .onward = here, .onward_s = LOOK_EVERY_S });
	cs_html(&b, "<p class=\"lead\" role=\"status\">This page looks again by itself.</p>\n<p class=\"actions\"><a class=\"button other\" href=\"%s\">Look now</a></p>\n",
	        here);
	cs_visit_page(v, 200, &b);
}

/* What it became, with the addresses where it can be seen. */
static void
put_records(struct cs_buf *b, json_object *records)
{
	size_t n = json_object_is_type(records, json_type_array) ? json_object_array_length(records) : 0;

	if (n == 0)
		return;
	cs_html(b, "<dl>\n");
	for (size_t i = 0; i < n; i++) {
		json_object *o = json_object_array_get_idx(records, i);
		const char *url = cs_json_str(o, "url", ""), *id = cs_json_str(o, "id", "");

		cs_html(b, "<dt>%s</dt><dd>", cs_json_str(o, "type", ""));
		if (url[0] != '\0') {
			cs_html(b, "<a target=\"_blank\" rel=\"noopener\"");
			cs_html_href(b, url);
			cs_html(b, ">%s</a></dd>\n", id);
		} else
			cs_html(b, "%s</dd>\n", id);
	}
	cs_html(b, "</dl>\n");
}

static void
put_arrived(struct cs_visit *v, const char *lead, json_object *delivery)
{
	struct cs_buf b = CS_BUF_INIT(CS_PAGE_MAX);
	bool stays = cs_http_request_query(v->req, "left") != NULL;

	begin(v, &b, stays ? "Please remove the test lead" : "The test lead has arrived");
	if (stays)
		cs_visit_note(&b, "wait", cs_arena_printf(&v->mem, "%s does not let other programs remove everything.", v->manifest->title),
		              "Please delete by hand there what is left of it. It is marked as a test.");
	else
		cs_visit_note(&b, "good", cs_arena_printf(&v->mem, "It is in %s.", v->manifest->title), "Have a look at it there: its name is \"TEST please ignore\".");
	put_records(&b, cs_json_get(delivery, "records"));
	cs_html(&b, "<div class=\"actions\">");
	if (!stays)
		put_button(v, &b, "seen", lead, "I have seen it", false);
	put_finish(v, &b, stays ? "Finish" : "Keep it and finish", !stays);
	cs_html(&b, "</div>\n");
	cs_visit_page(v, 200, &b);
}

static void
put_removed(struct cs_visit *v)
{
	struct cs_buf b = CS_BUF_INIT(CS_PAGE_MAX);

	begin(v, &b, "Everything works");
	cs_visit_note(&b, "good", "The test lead is removed again.", cs_arena_printf(&v->mem, "Nothing of it is left in %s.", v->manifest->title));
	cs_html(&b, "<div class=\"actions\">");
	put_finish(v, &b, "Finish", false);
	cs_html(&b, "</div>\n");
	cs_visit_page(v, 200, &b);
}

static void
put_failed(struct cs_visit *v, json_object *delivery)
{
	struct cs_buf b = CS_BUF_INIT(CS_PAGE_MAX);

	begin(v, &b, "The test lead did not arrive");
	cs_visit_note(&b, "bad", cs_arena_printf(&v->mem, "%s did not take it.", v->manifest->title), cs_json_str(delivery, "reason", "It does not say why."));
	cs_html(&b, "<p>Look at the settings again, or send another one.</p>\n<div class=\"actions\">");
	put_button(v, &b, "send", NULL, "Send another test lead", false);
	cs_html(&b, "<a class=\"button other\" href=\"/connect/settings\">Back to the settings</a></div>\n");
	cs_visit_page(v, 200, &b);
}

static void
looked_up(struct cs_visit *v, int status, json_object *delivery)
{
	const char *state = cs_json_str(delivery, "state", ""), *lead = lead_of(v);

	if (status >= 400 || lead == NULL)
		put_offer(v, NULL);
	else if (strcmp(state, "delivered") == 0)
		put_arrived(v, lead, delivery);
	else if (strcmp(state, "discarded") == 0)
		put_removed(v);
	else if (strcmp(state, "dead") == 0)
		put_failed(v, delivery);
	else
		put_wait(v, lead);
}

void
cs_connect_test(struct cs_visit *v)
{
	const char *lead = lead_of(v);

	if (lead != NULL)
		cs_visit_ask(v, "GET", test_path(v, lead, ""), NULL, looked_up);
	else
		put_offer(v, NULL);
}

/* ---- what was pressed */

static void
sent(struct cs_visit *v, int status, json_object *doc)
{
	if (status >= 400)
		put_offer(v, v->trouble);
	else
		cs_visit_go(v, cs_arena_printf(&v->mem, "/connect/test?lead=%lld", (long long)cs_json_int(doc, "test", 0)));
}

/* A second time it is gone already: the page says so. */
static void
seen(struct cs_visit *v, int status, json_object *doc)
{
	json_object *left = cs_json_get(doc, "left");
	bool stays = status < 400 && json_object_is_type(left, json_type_array) && json_object_array_length(left) > 0;

	cs_visit_go(v, cs_arena_printf(&v->mem, "/connect/test?lead=%s%s", cs_visit_field(v, "lead"), stays ? "&left=1" : ""));
}

void
cs_connect_test_sent(struct cs_visit *v)
{
	const char *what = cs_visit_field(v, "do"), *lead = lead_of(v);

	if (what != NULL && strcmp(what, "send") == 0)
		cs_visit_ask(v, "POST", cs_visit_conn_path(v, "/test"), NULL, sent);
	else if (what != NULL && strcmp(what, "seen") == 0 && lead != NULL)
		cs_visit_ask(v, "POST", test_path(v, lead, "/seen"), NULL, seen);
	else
		cs_visit_go(v, "/connect/test");
}

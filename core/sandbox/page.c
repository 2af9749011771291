/* SPDX-License-Identifier: Apache-2.0 */
/*
 * page.c - GET /: what the fake CRMs hold, for a person in a browser.
 *
 * No script, no outside assets, everything escaped, reloaded every two seconds. The newest 20 records per
 * collection.
 */
#include "config.h"

#include <string.h>
#include "sandbox/admin.h"

#define SHOWN 20

static void
put_html(struct cs_buf *b, const char *s, size_t n)
{
	for (; n > 0 && *s != '\0'; s++, n--) {
		if (*s == '&')
			cs_buf_adds(b, "&amp;");
		else if (*s == '<')
			cs_buf_adds(b, "&lt;");
		else if (*s == '>')
			cs_buf_adds(b, "&gt;");
		else if (*s == '"')
			cs_buf_adds(b, "&quot;");
		else
			cs_buf_addc(b, *s);
	}
}

static void
put_row(struct cs_buf *b, const struct cs_sb_tenant *t, const struct cs_sb_record *r)
{
	const char *doc = r->doc != NULL ? json_object_to_json_string_ext(r->doc, JSON_C_TO_STRING_PLAIN) : "";
	char at[CS_TIME_TEXT];

	cs_buf_printf(b, "<tr><td>%s</td><td>", cs_time_format(r->created_ms, at));
	put_html(b, r->id, 80);
	cs_buf_printf(b, "%s</td><td>", r->deleted ? " (deleted)" : "");
	put_html(b, t->name, 64);
	cs_buf_printf(b, "</td><td>%u</td><td>%u</td><td><code>", r->updates, r->repeats);
	put_html(b, doc, 600);
	cs_buf_adds(b, "</code></td></tr>\n");
}

/* The newest records over all tenants, without sorting: from each tenant's end, while its record is among the
 * newest. */
static size_t
newest(const struct cs_sb_crm_state *st, unsigned no, const struct cs_sb_record **out,
       const struct cs_sb_tenant **whose)
{
	size_t n = 0, place;

	for (size_t i = 0; i < st->ntenants; i++) {
		const struct cs_sb_table *tab = &st->by_no[i]->tables[no];

		for (size_t k = tab->n; k > 0 && !tab->v[k - 1]->seed; k--) {
			const struct cs_sb_record *r = tab->v[k - 1];

			if (n == SHOWN && out[n - 1]->request >= r->request)
				break;
			for (place = n < SHOWN ? n++ : n - 1;
			     place > 0 && out[place - 1]->request < r->request; place--) {
				out[place] = out[place - 1];
				whose[place] = whose[place - 1];
			}
			out[place] = r;
			whose[place] = st->by_no[i];
		}
	}
	return n;
}

static void
put_table(struct cs_buf *b, const struct cs_sb_crm_state *st, unsigned no)
{
	const struct cs_sb_record *rows[SHOWN];
	const struct cs_sb_tenant *whose[SHOWN];
	size_t n = newest(st, no, rows, whose);
	uint64_t created = 0, repeats = 0;

	for (size_t i = 0; i < st->ntenants; i++) {
		created += st->by_no[i]->tables[no].created;
		repeats += st->by_no[i]->tables[no].repeats;
	}
	if (created == 0)
		return;
	cs_buf_printf(
	    b,
	    "<h3>%s: %llu created, %llu repeats</h3>\n<table><tr><th>created</th><th>id</th><th>tenant</th>"
	    "<th>updates</th><th>repeats</th><th>record</th></tr>\n",
	    st->crm->collections[no].name, (unsigned long long)created, (unsigned long long)repeats);
	for (size_t i = 0; i < n; i++)
		put_row(b, whose[i], rows[i]);
	cs_buf_adds(b, "</table>\n");
}

void
cs_sb_page(struct cs_sb_engine *e, struct cs_sb_reply *reply)
{
	struct cs_buf *b = &reply->body;

	reply->type = "text/html; charset=utf-8";
	cs_sb_reply_header(reply, "Content-Security-Policy",
			   "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri "
			   "'none'; form-action 'none'");
	cs_sb_reply_header(reply, "X-Content-Type-Options", "nosniff");
	cs_sb_reply_header(reply, "Cache-Control", "no-store");
	cs_buf_adds(b, "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta "
		       "http-equiv=\"refresh\" content=\"2\">"
		       "<title>csrelay sandbox</title><style>body{font:14px "
		       "system-ui,sans-serif;margin:2em;max-width:90em}"
		       "table{border-collapse:collapse;width:100%}td,th{text-align:left;vertical-align:top;"
		       "padding:.2em .6em;"
		       "border-bottom:1px solid #ddd}code{font-size:12px;overflow-wrap:anywhere}</style>"
		       "<h1>csrelay sandbox</h1><p>Fake CRMs. Nothing here is real.</p>\n");
	for (size_t i = 0; i < e->ncrms; i++) {
		const struct cs_sb_crm_state *st = &e->crms[i];

		cs_buf_adds(b, "<h2>");
		put_html(b, st->crm->title, 80);
		cs_buf_printf(
		    b, "</h2><p>http://127.0.0.1:%u/%s, %llu requests, %llu refused, %llu faults</p>\n",
		    e->port, st->crm->name, (unsigned long long)st->requests, (unsigned long long)st->refused,
		    (unsigned long long)st->faults);
		for (unsigned k = 0; k < st->crm->ncollections; k++)
			put_table(b, st, k);
	}
	cs_buf_adds(b, "</html>\n");
}

// Paperdesk: a help desk from 2004. Form posts in, XML out, user name and password.
//
// A lead becomes a ticket. Our event_id goes into the ticket's external reference, and by that a ticket in doubt is found again.
// No helpers, no JSON: this is what a plugin looks like that only has cs/plugin_v1.h and libc.
#include <cs/plugin_v1.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "xml.h"

#define FORM_MAX (256 * 1024)

struct form {
	char *p;
	size_t n, cap;
};

static void
form_put(struct form *f, char c)
{
	if (f->n + 1 < f->cap)
		f->p[f->n++] = c;
}

// name=value, percent-encoded. Line feeds are kept, other control characters are not.
static void
form_add(struct form *f, const char *name, const char *value)
{
	static const char hex[] = "0123456789ABCDEF";

	if (*value == '\0')
		return;
	if (f->n > 0)
		form_put(f, '&');
	while (*name)
		form_put(f, *name++);
	form_put(f, '=');
	for (; *value; value++) {
		unsigned char c = (unsigned char)*value;

		if ((c < ' ' && c != '\n') || c == 0x7f)
			continue;
		if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || strchr("-._~", c)) {
			form_put(f, (char)c);
			continue;
		}
		form_put(f, '%');
		form_put(f, hex[c >> 4]);
		form_put(f, hex[c & 15]);
	}
}

// map's document must be JSON, so that operators can lay overrides on it; ours is the form as one string.
static int32_t
paperdesk_map(void *inst, struct cs_call *call, const struct cs_map_in *in)
{
	const struct cs_host_v1 *host = in->host;
	const struct cs_lead *lead = in->lead;
	const struct cs_lead_contact *who = lead->contact;
	struct form f = { host->alloc(call, FORM_MAX), 1, FORM_MAX };
	char name[300];

	(void)inst;
	snprintf(name, sizeof(name), "%s%s%s", who->first_name, *who->first_name && *who->last_name ? " " : "", who->last_name);
	f.p[0] = '"';
	f.p++, f.n = 0, f.cap -= 3;
	form_add(&f, "ref", lead->event_id);
	form_add(&f, "name", *name ? name : *who->phone ? who->phone : who->email);
	form_add(&f, "phone", who->phone);
	form_add(&f, "email", who->email);
	form_add(&f, "street", who->address->street);
	form_add(&f, "city", who->address->city);
	form_add(&f, "zip", who->address->zip);
	form_add(&f, "subject", lead->request->service_type);
	form_add(&f, "priority", strcmp(lead->request->urgency, "emergency") == 0 ? "1" : "3");
	form_add(&f, "text", lead->request->issue_description);
	form_add(&f, "summary", lead->call->transcript_summary);
	form_add(&f, "recording", lead->call->recording_url);
	f.p[f.n++] = '"';
	return host->emit(call, (struct cs_bytes){ f.p - 1, f.n + 1 });
}

struct answer {
	struct cs_http_res res;
	struct xml doc;
};

// An answer must be what it should be, and whole; anything else may come right the next time.
static int32_t
judge(struct cs_call *call, const struct cs_host_v1 *host, struct answer *a, const char *root)
{
	char why[200] = "no reason given";

	a->doc = (struct xml){ a->res.body.len ? a->res.body.ptr : "", a->res.body.len };
	if (a->res.status >= 300) {
		xml_attr(a->doc, "error", "message", why, sizeof(why));
		return host->fail(call, CS_REJECT, "Paperdesk refused with %d: %s", (int)a->res.status, why);
	}
	if (xml_is(a->doc, "error") && xml_attr(a->doc, "error", "message", why, sizeof(why)))
		return host->fail(call, CS_REJECT, "Paperdesk refused: %s", why);
	if (!xml_is(a->doc, root) || !xml_is_whole(a->doc, root))
		return host->fail(call, CS_RETRY, "Paperdesk answered, but not with <%s>", root);
	return CS_DONE;
}

static int32_t
find(struct cs_call *call, const struct cs_delivery *d, char *id, size_t cap)
{
	struct cs_http_req req = CS_REQ("find", "GET", "/tickets.xml");
	struct answer a = { .res = CS_RES_INIT };
	char query[200];
	int32_t rc;

	snprintf(query, sizeof(query), "ref=%s", d->lead->event_id); // a UUID: nothing to encode
	req.query = query;
	req.looks_for = "ticket";
	if ((rc = d->host->http(call, &req, &a.res)) != CS_DONE)
		return rc;
	if ((rc = judge(call, d->host, &a, "tickets")) != CS_DONE)
		return rc;
	if (!xml_attr(a.doc, "ticket", "id", id, cap))
		id[0] = '\0';
	return CS_DONE;
}

static int32_t
create(struct cs_call *call, const struct cs_delivery *d, char *id, size_t cap)
{
	struct cs_http_req req = CS_REQ("ticket", "POST", "/tickets.xml");
	struct answer a = { .res = CS_RES_INIT };
	int32_t rc;

	req.mutates = 1;
	req.content_type = "application/x-www-form-urlencoded";
	req.body = (struct cs_bytes){ d->document.ptr + 1, d->document.len - 2 };
	if ((rc = d->host->http(call, &req, &a.res)) != CS_DONE)
		return rc;
	if ((rc = judge(call, d->host, &a, "ticket")) != CS_DONE)
		return rc;
	return xml_attr(a.doc, "ticket", "id", id, cap) ? CS_DONE
	                                                : d->host->fail(call, CS_RETRY, "Paperdesk did not say the ticket's id");
}

static int32_t
paperdesk_push(void *inst, struct cs_call *call, const struct cs_delivery *d)
{
	const struct cs_host_v1 *host = d->host;
	struct cs_bytes known = { NULL, 0 };
	int32_t state = host->receipt(call, "ticket", &known), rc;
	char id[64] = "";

	(void)inst;
	if (d->kind != CS_PUSH_LEAD && d->kind != CS_PUSH_TEST)
		return CS_UNSUPPORTED;
	if (state == CS_RECEIPT_VALUE)
		return CS_DONE;
	if (d->document.len < 2 || d->document.ptr[0] != '"')
		return host->fail(call, CS_REJECT, "the document is no text: look at the connection's overrides");
	if (state == CS_RECEIPT_IN_DOUBT && (rc = find(call, d, id, sizeof(id))) != CS_DONE)
		return rc;
	if (id[0] == '\0' && (rc = create(call, d, id, sizeof(id))) != CS_DONE)
		return rc;
	host->receipt_put(call, "ticket", (struct cs_bytes){ id, strlen(id) });
	host->record(call, "ticket", id, NULL);
	return CS_DONE;
}

CS_PLUGIN_V1(.name = "paperdesk", .version = "0.3", .map = paperdesk_map, .push = paperdesk_push)

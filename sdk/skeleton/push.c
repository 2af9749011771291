/*
 * push.c - look for the caller, create a contact where there is none.
 *
 *   find     by phone, or by e-mail. In doubt (a create was sent and nobody knows whether it happened) by our reference.
 *   contact  created once. What it left behind, its id, is the step's receipt: the next attempt begins with that.
 *
 * An answer that cannot be understood is tried again; it must never pass for "nothing found".
 */
#include <string.h>
#include "@name@.h"

/* The id of the first row, or "". `looks_for` is the step whose doubt this settles, or NULL. */
static int32_t
find(const struct csh *h, const char *looks_for, const char *query, const char **id)
{
	struct cs_http_res res = CS_RES_INIT;
	CSH_JSON answer = NULL;
	int32_t rc = csh_read(h, "find", looks_for, "/contacts", query, &res, &answer);

	if (rc != CS_DONE)
		return rc; /* 401, 429, 5xx, time-outs: the host has classed them */
	if (res.status >= 300)
		return csh_refused(h, &res, "the search was refused");
	if ((rc = csh_need_list(h, answer, "/contacts")) == CS_DONE)
		*id = csh_printf(h, "%s", csh_get(answer, "/contacts/0/id"));
	return rc;
}

static int32_t
find_caller(const struct csh *h, const struct cs_lead *lead, const char **id)
{
	const struct cs_lead_contact *who = lead->contact;
	int32_t rc = CS_DONE;

	if (csh_in_doubt(h, "contact")) /* exact, and not of another caller */
		rc = find(h, "contact", csh_printf(h, "reference=%s", csh_url(h, lead->event_id)), id);
	else
		*id = csh_remembered(h, "contact");
	if (rc == CS_DONE && !**id && *who->phone)
		rc = find(h, NULL, csh_printf(h, "phone=%s", csh_url(h, who->phone)), id);
	if (rc == CS_DONE && !**id && *who->email)
		rc = find(h, NULL, csh_printf(h, "email=%s", csh_url(h, who->email)), id);
	return rc;
}

static int32_t
create(const struct csh *h, json_object *doc, const char **id)
{
	struct cs_http_res res = CS_RES_INIT;
	CSH_JSON answer = NULL;
	int32_t rc = csh_write(h, "contact", "POST", "/contacts", doc, &res, &answer);

	if (rc != CS_DONE)
		return rc;
	if (res.status >= 300)
		return csh_refused(h, &res, "the contact was refused");
	if ((rc = csh_need(h, answer, "/id")) == CS_DONE)
		*id = csh_printf(h, "%s", csh_get(answer, "/id"));
	return rc;
}

int32_t
@name@_push(void *inst, struct cs_call *call, const struct cs_delivery *d)
{
	const struct csh h = { d->host, call };
	CSH_JSON doc = NULL;
	const char *id = csh_receipt(&h, "contact");
	int32_t rc;

	(void)inst;
	if (d->kind != CS_PUSH_LEAD && d->kind != CS_PUSH_TEST)
		return CS_UNSUPPORTED;
	if (*id)
		return CS_DONE;
	doc = csh_json_parse(d->document);
	if ((rc = find_caller(&h, d->lead, &id)) != CS_DONE)
		return rc;
	if (!*id && (rc = create(&h, doc, &id)) != CS_DONE)
		return rc;
	csh_receipt_put(&h, "contact", id);
	d->host->record(call, "contact", id, NULL);
	return CS_DONE;
}

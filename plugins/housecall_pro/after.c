/* SPDX-License-Identifier: Apache-2.0 */
/*
 * after.c - what follows a lead that is in, where the connection's settings want it.
 *
 *   status   its place in the pipeline; the vendor allows steps forward only.
 *   convert  the estimate or job that is made of it, as by the button in the lead inbox. In doubt the lead is read: it names
 *            what it became.
 *   note     on the job, because the vendor does not say whether the lead's note goes along. In doubt the job is read, and its
 *            notes are searched for the marker.
 *
 * The lead is in, so refusals are remarks.
 */
#include <string.h>
#include "housecall_pro.h"

#define REFUSED "refused" /* receipt of what is not to be tried again */
#define NOTE_MAX 16000

static int32_t
set_status(struct hcp_push *p, const char *lead)
{
	const struct csh *h = &p->h;
	const char *status = csh_setting(h, "lead_status");
	CSH_JSON body = NULL;
	CSH_JSON answer = NULL;
	struct cs_http_res res = CS_RES_INIT;
	int32_t rc;

	if (!*status || *csh_receipt(h, "status"))
		return CS_DONE;
	body = json_object_new_object();
	csh_put(body, "resource_type", "lead");
	csh_put(body, "resource_id", lead);
	csh_put(body, "status_id", status);
	if ((rc = csh_write(h, "status", "PUT", "/pipeline/statuses", body, &res, &answer)) != CS_DONE)
		return rc;
	if (res.status >= 300)
		h->host->warn(h->call, "the lead is there, its status in the pipeline was refused: %s", csh_vendor_error(h, &res));
	csh_receipt_put(h, "status", res.status < 300 ? "set" : REFUSED);
	return CS_DONE;
}

/* ---- estimate or job */
static int32_t
read_conversion(struct hcp_push *p, const char *lead, const char **id)
{
	const struct csh *h = &p->h;
	struct cs_http_res res = CS_RES_INIT;
	CSH_JSON answer = NULL;
	json_object *row;
	int32_t rc = csh_read(h, "convert", "convert", csh_printf(h, "/leads/%s", csh_url(h, lead)), NULL, &res, &answer);

	if (rc != CS_DONE)
		return rc;
	if (res.status >= 300)
		return hcp_refused(h, &res, "the lead could not be read");
	if ((rc = csh_need(h, answer, "/id")) != CS_DONE)
		return rc;
	csh_each(i, row, csh_at(answer, "/conversions"))
		*id = csh_printf(h, "%s", csh_get(row, "/id"));
	return CS_DONE;
}

static int32_t
convert(struct hcp_push *p, const char *lead, const char *kind, const char **id)
{
	const struct csh *h = &p->h;
	CSH_JSON body = json_object_new_object();
	CSH_JSON answer = NULL;
	struct cs_http_res res = CS_RES_INIT;
	int32_t rc;

	csh_put(body, "type", kind);
	rc = csh_write(h, "convert", "POST", csh_printf(h, "/leads/%s/convert", csh_url(h, lead)), body, &res, &answer);
	if (rc != CS_DONE)
		return rc;
	if (res.status >= 300) {
		h->host->warn(h->call, "the lead is there, but no %s could be made of it: %s", kind, csh_vendor_error(h, &res));
		*id = REFUSED;
		return CS_DONE;
	}
	*id = csh_printf(h, "%s", csh_get(answer, strcmp(kind, "job") == 0 ? "/job_id" : "/estimate_id"));
	return **id ? CS_DONE : read_conversion(p, lead, id);
}

/* ---- note */
static int32_t
find_note(struct hcp_push *p, const char *job, int *found)
{
	const struct csh *h = &p->h;
	struct cs_http_res res = CS_RES_INIT;
	CSH_JSON answer = NULL;
	json_object *row;
	int32_t rc = csh_read(h, "note", "note", csh_printf(h, "/jobs/%s", csh_url(h, job)), NULL, &res, &answer);

	if (rc != CS_DONE)
		return rc;
	if (res.status >= 300)
		return hcp_refused(h, &res, "the job could not be read");
	if ((rc = csh_need_list(h, answer, "/notes")) != CS_DONE)
		return rc;
	csh_each(i, row, csh_at(answer, "/notes"))
		*found |= strstr(csh_get(row, "/content"), csh_marker(h, p->lead)) != NULL;
	return CS_DONE;
}

static int32_t
add_note(struct hcp_push *p, const char *job)
{
	const struct csh *h = &p->h;
	CSH_JSON body = json_object_new_object();
	CSH_JSON answer = NULL;
	struct cs_http_res res = CS_RES_INIT;
	int32_t rc;
	int found = 0;

	if (*csh_receipt(h, "note"))
		return CS_DONE;
	if (csh_in_doubt(h, "note") && (rc = find_note(p, job, &found)) != CS_DONE)
		return rc;
	if (!found) {
		csh_put(body, "content", csh_get_or(p->doc, "/note", csh_note(h, p->lead, CSH_PLAIN, NOTE_MAX)));
		rc = csh_write(h, "note", "POST", csh_printf(h, "/jobs/%s/notes", csh_url(h, job)), body, &res, &answer);
		if (rc != CS_DONE)
			return rc;
		if (res.status >= 300)
			h->host->warn(h->call, "the job is there, its note was refused: %s", csh_vendor_error(h, &res));
	}
	csh_receipt_put(h, "note", res.status < 300 ? "written" : REFUSED);
	return CS_DONE;
}

int32_t
hcp_after_lead(struct hcp_push *p, const char *lead)
{
	const struct csh *h = &p->h;
	const char *kind = csh_setting(h, "record"), *id = csh_receipt(h, "convert");
	int32_t rc = set_status(p, lead);

	if (rc != CS_DONE || strcmp(kind, "lead") == 0 || !*kind)
		return rc;
	if (csh_in_doubt(h, "convert") && (rc = read_conversion(p, lead, &id)) != CS_DONE)
		return rc;
	if (!*id && (rc = convert(p, lead, kind, &id)) != CS_DONE)
		return rc;
	csh_receipt_put(h, "convert", *id ? id : "made");
	if (!*id || strcmp(id, REFUSED) == 0 || strcmp(id, "made") == 0)
		return CS_DONE;
	h->host->record(h->call, kind, id, NULL);
	return strcmp(kind, "job") == 0 ? add_note(p, id) : CS_DONE;
}

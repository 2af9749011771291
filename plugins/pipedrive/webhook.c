/* SPDX-License-Identifier: Apache-2.0 */
/*
 * webhook.c - what Pipedrive tells about leads and deals, as events.
 *
 * A lead that is turned into a deal disappears, and the deal names it (source_lead_id): so every message about a deal reads the
 * deal, whatever came before it, and a lead that was deleted is looked for among the person's deals before it counts as lost.
 * There are no jobs and payments in Pipedrive: a deal that is won counts as converted with its value as quoted.
 */
#include <string.h>
#include "pipedrive.h"

#define DEALS 50

/* ---- deals */
static const char *
event_of_status(const char *status)
{
	if (strcmp(status, "lost") == 0 || strcmp(status, "deleted") == 0)
		return "lead.lost";
	return strcmp(status, "won") == 0 || strcmp(status, "open") == 0 ? "lead.converted" : "";
}

int32_t
pipedrive_tell_deal(const struct csh *h, json_object *deal, const char *occurred_at)
{
	const char *status = csh_get(deal, "/is_deleted"), *id = csh_get(deal, "/id"), *name;
	CSH_JSON event = NULL;

	status = strcmp(status, "true") == 0 ? "deleted" : csh_get(deal, "/status");
	name = event_of_status(status);
	if (!*name || !*id || !*csh_get(deal, "/source_lead_id"))
		return CS_DONE;
	event = csh_event(name, occurred_at, csh_printf(h, "%s:deal:%s:%s:%s", name, id, status, csh_money(h, deal, "/value")));
	csh_event_record(event, "lead", csh_get(deal, "/source_lead_id"));
	csh_event_record(event, "deal", id);
	csh_event_also(event, "person", csh_get(deal, "/person_id"));
	csh_event_match(event, "marker", csh_get(deal, "/origin_id"));
	csh_put(csh_event_job(event), "status", status);
	csh_event_amount(event, csh_money(h, deal, "/value"), csh_get(deal, "/currency"), "quoted");
	return csh_emit(h, event);
}

static int32_t
deal_changed(const struct csh *h, const char *id, const char *at)
{
	struct cs_http_res res = CS_RES_INIT;
	CSH_JSON answer = NULL;
	int32_t rc = pipedrive_read(h, "find", NULL, csh_printf(h, V2 "/deals/%s", csh_url(h, id)), NULL, &res, &answer);

	if (rc != CS_DONE || res.status == 404 || res.status == 410)
		return rc;
	if (res.status >= 300)
		return pipedrive_refused(h, &res, "the deal could not be read");
	if ((rc = csh_need(h, answer, "/data/id")) != CS_DONE)
		return rc;
	return pipedrive_tell_deal(h, csh_at(answer, "/data"), at);
}

/* ---- leads */
static int32_t
tell_lead(const struct csh *h, const char *name, const char *id, json_object *lead, const char *at)
{
	CSH_JSON event = csh_event(name, at, csh_printf(h, "%s:lead:%s:%s", name, id, strcmp(name, "lead.updated") == 0 ? at : ""));

	csh_event_record(event, "lead", id);
	csh_event_also(event, "person", csh_get(lead, "/person_id"));
	csh_event_match(event, "marker", csh_get(lead, "/origin_id"));
	return csh_emit(h, event);
}

static int32_t
lead_deleted(const struct csh *h, const char *id, json_object *was, const char *at)
{
	const char *person = csh_get(was, "/person_id");
	struct cs_http_res res = CS_RES_INIT;
	CSH_JSON answer = NULL;
	json_object *deal;
	int32_t rc;

	if (!csh_is_digits(person))
		return tell_lead(h, "lead.lost", id, was, at);
	rc = pipedrive_read(h, "find", NULL, V2 "/deals",
	    csh_printf(h, "person_id=%s&limit=%d&sort_by=add_time&sort_direction=desc", person, DEALS), &res, &answer);
	if (rc != CS_DONE)
		return rc;
	if (res.status >= 300 && res.status != 404)
		return pipedrive_refused(h, &res, "the person's deals could not be read");
	if (res.status < 300 && (rc = csh_need_list(h, answer, "/data")) != CS_DONE)
		return rc;
	csh_each(i, deal, csh_at(answer, "/data"))
		if (strcmp(csh_get(deal, "/source_lead_id"), id) == 0)
			return pipedrive_tell_deal(h, deal, at);
	return tell_lead(h, "lead.lost", id, was, at);
}

static int32_t
lead_changed(const struct csh *h, json_object *m, const char *id, const char *at)
{
	json_object *now = csh_at(m, "/data"), *was = csh_at(m, "/previous");

	if (strcmp(csh_get(m, "/meta/action"), "delete") == 0)
		return lead_deleted(h, id, was, at);
	if (strcmp(csh_get(m, "/meta/change_source"), "api") == 0)
		return CS_DONE; /* ourselves, or another program */
	if (strcmp(csh_get(now, "/is_archived"), "true") == 0)
		return tell_lead(h, "lead.lost", id, now, at);
	return tell_lead(h, "lead.updated", id, now, at);
}

int32_t
pipedrive_received(const struct csh *h, json_object *m)
{
	const char *entity = csh_get(m, "/meta/entity"), *id = csh_get(m, "/meta/entity_id"), *at = csh_get(m, "/meta/timestamp");

	if (!*id)
		return CS_DONE;
	if (strcmp(entity, "deal") == 0 && strcmp(csh_get(m, "/meta/action"), "delete") != 0)
		return deal_changed(h, id, at);
	if (strcmp(entity, "lead") == 0 && strcmp(csh_get(m, "/meta/action"), "create") != 0)
		return lead_changed(h, m, id, at);
	return CS_DONE;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * job.c - a lead in memory and its deliveries in hand.
 *
 * The body is held once, however many connections it goes to, and is parsed once.
 */
#include "deliver/engine.h"
#include <stdlib.h>
#include <string.h>

struct cs_lead_ref *
cs_lead_ref_adopt(struct cs_lead_doc *doc, char *body, size_t len, int64_t received_ms)
{
	struct cs_lead_ref *l = cs_xcalloc(1, sizeof(*l));

	l->refs = 1;
	l->doc = doc;
	l->body = body;
	l->len = len;
	l->received_ms = received_ms;
	return l;
}

struct cs_lead_ref *
cs_lead_ref_new(const char *body, size_t len, int64_t received_ms)
{
	char *copy = cs_xstrndup(body, len);
	struct cs_lead_doc *doc = cs_lead_read_stored(copy, len, received_ms);

	if (doc == NULL) /* neither lead nor event: it reads as one with faults, and the attempt says so */
		doc = cs_lead_read(copy, len, received_ms);
	return cs_lead_ref_adopt(doc, copy, len, received_ms);
}

struct cs_lead_ref *
cs_lead_ref_get(struct cs_lead_ref *l)
{
	l->refs++;
	return l;
}

void
cs_lead_ref_put(struct cs_lead_ref *l)
{
	if (l == NULL || --l->refs > 0)
		return;
	cs_lead_doc_free(l->doc);
	free(l->body);
	free(l->warnings);
	free(l);
}

struct cs_job *
cs_job_new(const struct cs_delivery_row *d, struct cs_lead_ref *lead, const char *progress)
{
	struct cs_job *j = cs_xcalloc(1, sizeof(*j));

	j->d = *d;
	j->d.crm = j->d.account = j->d.crm_account_id = j->d.reason = j->d.records = j->d.warnings = "";
	j->lead = cs_lead_ref_get(lead);
	j->d.phone_key = lead->doc->phone_key; /* of the lead as it is now: a person may have mended it */
	j->d.email_key = lead->doc->email_key;
	j->progress = progress != NULL && progress[0] != '\0' ? cs_xstrdup(progress) : NULL;
	j->item.lane = d->lane;
	j->item.since_ms = d->created_ms;
	cs_list_init(&j->item.node);
	cs_list_init(&j->node);
	cs_list_init(&j->msg.node);
	cs_list_init(&j->waiters);
	return j;
}

void
cs_job_free(struct cs_job *j)
{
	cs_lead_ref_put(j->lead);
	free(j->progress);
	free(j);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lead.c - the fields of a lead, as wire.c lists those of messages.
 */
#include "config.h"
#include "wire/codec.h"

/* All structs of one lead side by side; the reader fills one, the writer a copy. */
struct whole_lead {
	struct cs_lead lead;
	struct cs_lead_call call;
	struct cs_lead_contact contact;
	struct cs_lead_address address;
	struct cs_lead_request request;
	struct cs_lead_analysis analysis;
};

static void
gather_lead(struct whole_lead *w, const struct cs_lead *l)
{
	w->lead = *l;
	w->call = *l->call;
	w->contact = *l->contact;
	w->address = *l->contact->address;
	w->request = *l->request;
	w->analysis = *l->analysis;
}

static void
link_lead(struct whole_lead *w)
{
	w->lead.struct_size = sizeof(w->lead);
	w->call.struct_size = sizeof(w->call);
	w->contact.struct_size = sizeof(w->contact);
	w->address.struct_size = sizeof(w->address);
	w->request.struct_size = sizeof(w->request);
	w->analysis.struct_size = sizeof(w->analysis);
	w->lead.call = &w->call;
	w->lead.contact = &w->contact;
	w->contact.address = &w->address;
	w->lead.request = &w->request;
	w->lead.analysis = &w->analysis;
}

static void
lead_call_fields(struct cs_codec *c, struct cs_lead_call *m)
{
	cs_codec_i32(c, &m->has_duration);
	cs_codec_i64(c, &m->duration_s);
	cs_codec_text(c, &m->call_id);
	cs_codec_text(c, &m->direction);
	cs_codec_text(c, &m->started_at);
	cs_codec_text(c, &m->ended_at);
	cs_codec_text(c, &m->recording_url);
	cs_codec_text(c, &m->transcript_url);
	cs_codec_text(c, &m->transcript_summary);
}

static void
lead_contact_fields(struct cs_codec *c, struct cs_lead_contact *m, struct cs_lead_address *a)
{
	cs_codec_text(c, &m->first_name);
	cs_codec_text(c, &m->last_name);
	cs_codec_text(c, &m->phone);
	cs_codec_text(c, &m->email);
	cs_codec_text(c, &a->street);
	cs_codec_text(c, &a->city);
	cs_codec_text(c, &a->state);
	cs_codec_text(c, &a->zip);
	cs_codec_text(c, &a->country);
}

static void
lead_request_fields(struct cs_codec *c, struct cs_lead_request *m)
{
	cs_codec_i32(c, &m->is_existing_customer);
	cs_codec_text(c, &m->service_type);
	cs_codec_text(c, &m->sub_type);
	cs_codec_text(c, &m->urgency);
	cs_codec_text(c, &m->issue_description);
	cs_codec_text(c, &m->preferred_schedule);
	cs_codec_i64(c, &m->preferred_at_ms);
	cs_codec_i32(c, &m->has_preferred_at);
}

static void
lead_analysis_fields(struct cs_codec *c, struct cs_lead_analysis *m)
{
	cs_codec_i32(c, &m->has_score);
	cs_codec_f64(c, &m->score);
	cs_codec_text(c, &m->sentiment);
	cs_codec_text(c, &m->qualification_status);
	cs_codec_text(c, &m->disqualification_reason);
	cs_codec_bytes(c, &m->qualifier_answers);
}

void
cs_codec_lead(struct cs_codec *c, const struct cs_lead **lead)
{
	int32_t there = *lead != NULL;
	struct whole_lead copy, *w = &copy;

	cs_codec_i32(c, &there);
	if (c->out != NULL ? *lead == NULL : there == 0) {
		*lead = NULL;
		return;
	}
	if (c->out != NULL) {
		gather_lead(w, *lead);
	} else {
		w = cs_arena_alloc(c->mem, sizeof(*w));
		link_lead(w);
		*lead = &w->lead;
	}
	cs_codec_text(c, &w->lead.schema_version);
	cs_codec_text(c, &w->lead.event);
	cs_codec_text(c, &w->lead.event_id);
	cs_codec_text(c, &w->lead.timestamp_utc);
	cs_codec_text(c, &w->lead.account);
	cs_codec_text(c, &w->lead.destination_crm);
	cs_codec_text(c, &w->lead.crm_account_id);
	cs_codec_text(c, &w->lead.assigned_to);
	cs_codec_i64(c, &w->lead.received_ms);
	cs_codec_i64(c, &w->lead.timestamp_ms);
	cs_codec_text(c, &w->lead.warnings);
	cs_codec_bytes(c, &w->lead.raw);
	lead_call_fields(c, &w->call);
	lead_contact_fields(c, &w->contact, &w->address);
	lead_request_fields(c, &w->request);
	lead_analysis_fields(c, &w->analysis);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lead.c - the sample lead, and the typed view of a lead, for conversations. No rules are checked: a script may hold any lead.
 */
#include <string.h>
#include "check/run.h"
#include "util/clock.h"

/* The sample of lead-1.0, on which scripts lay their patch. */
const char cs_check_sample[] =
    "{\"schema_version\":\"1.0\",\"event\":\"lead.qualified\","
    "\"event_id\":\"7d1f4f0e-3c55-4b0e-9a7e-2f6f0a9c1b11\","
    "\"timestamp_utc\":\"2026-05-26T14:32:00Z\",\"callsetter_account_id\":\"acct_xyz\","
    "\"call\":{\"call_id\":\"call_abc123\",\"direction\":\"inbound\",\"duration_seconds\":142,"
    "\"started_at\":\"2026-05-26T14:29:38Z\",\"ended_at\":\"2026-05-26T14:32:00Z\","
    "\"recording_url\":\"https://storage.callsetter.ai/recordings/call_abc123.mp3\","
    "\"transcript_url\":\"https://storage.callsetter.ai/transcripts/call_abc123.txt\","
    "\"transcript_summary\":\"No heat. Furnace 12 years old. Wants same-week appointment.\"},"
    "\"contact\":{\"first_name\":\"Maria\",\"last_name\":\"Gonzalez\",\"phone\":\"+13055550182\","
    "\"email\":\"maria@example.com\",\"address\":{\"street\":\"1420 NW 7th Ave\","
    "\"city\":\"Miami\",\"state\":\"FL\",\"zip\":\"33136\",\"country\":\"US\"}},"
    "\"service_request\":{\"service_type\":\"HVAC\",\"sub_type\":\"heating_repair\","
    "\"urgency\":\"same_day\",\"issue_description\":\"No heat. Furnace not turning on.\","
    "\"preferred_schedule\":\"2026-05-27T08:00:00\",\"is_existing_customer\":false},"
    "\"ai_analysis\":{\"sentiment\":\"neutral\",\"conversion_intent_score\":0.87,"
    "\"qualification_status\":\"qualified\",\"disqualification_reason\":null,"
    "\"qualifier_answers\":{\"owns_home\":true,\"issue_type\":\"heating_repair\","
    "\"has_existing_service_contract\":false,\"urgency_window\":\"same_week\"}},"
    "\"routing\":{\"destination_crm\":\"housecall_pro\","
    "\"crm_account_id\":\"hcp_tenant_4829\",\"assigned_to\":null}}";

static const char *
text(struct cs_call *c, json_object *o, const char *pointer)
{
	return cs_arena_strdup(&c->mem, cs_json_pointer_text(o, pointer));
}

static int32_t
tri(json_object *o, const char *pointer)
{
	json_object *v = cs_json_pointer(o, pointer);

	return !v ? CS_TRI_UNKNOWN : json_object_get_boolean(v) ? CS_TRI_YES : CS_TRI_NO;
}

static struct cs_bytes
raw(struct cs_call *c, json_object *o)
{
	const char *s = o ? cs_json_text(o) : "";

	return (struct cs_bytes){ cs_arena_strdup(&c->mem, s), strlen(s) };
}

static const struct cs_lead_call *
lead_call(struct cs_call *c, json_object *o)
{
	struct cs_lead_call *x = cs_arena_alloc(&c->mem, sizeof(*x));
	json_object *duration = cs_json_pointer(o, "/call/duration_seconds");

	x->struct_size = sizeof(*x);
	x->has_duration = duration != NULL;
	x->duration_s = duration ? json_object_get_int64(duration) : 0;
	x->call_id = text(c, o, "/call/call_id");
	x->direction = text(c, o, "/call/direction");
	x->started_at = text(c, o, "/call/started_at");
	x->ended_at = text(c, o, "/call/ended_at");
	x->recording_url = text(c, o, "/call/recording_url");
	x->transcript_url = text(c, o, "/call/transcript_url");
	x->transcript_summary = text(c, o, "/call/transcript_summary");
	return x;
}

static const struct cs_lead_contact *
lead_contact(struct cs_call *c, json_object *o)
{
	struct cs_lead_contact *x = cs_arena_alloc(&c->mem, sizeof(*x));
	struct cs_lead_address *a = cs_arena_alloc(&c->mem, sizeof(*a));

	a->struct_size = sizeof(*a);
	a->street = text(c, o, "/contact/address/street");
	a->city = text(c, o, "/contact/address/city");
	a->state = text(c, o, "/contact/address/state");
	a->zip = text(c, o, "/contact/address/zip");
	a->country = text(c, o, "/contact/address/country");
	x->struct_size = sizeof(*x);
	x->first_name = text(c, o, "/contact/first_name");
	x->last_name = text(c, o, "/contact/last_name");
	x->phone = text(c, o, "/contact/phone");
	x->email = text(c, o, "/contact/email");
	x->address = a;
	return x;
}

static const struct cs_lead_request *
lead_request(struct cs_call *c, json_object *o)
{
	struct cs_lead_request *x = cs_arena_alloc(&c->mem, sizeof(*x));
	bool has_zone;

	x->struct_size = sizeof(*x);
	x->is_existing_customer = tri(o, "/service_request/is_existing_customer");
	x->service_type = text(c, o, "/service_request/service_type");
	x->sub_type = text(c, o, "/service_request/sub_type");
	x->urgency = text(c, o, "/service_request/urgency");
	x->issue_description = text(c, o, "/service_request/issue_description");
	x->preferred_schedule = text(c, o, "/service_request/preferred_schedule");
	/* with a zone it is resolved without knowing the connection's */
	x->has_preferred_at = cs_time_parse(x->preferred_schedule, strlen(x->preferred_schedule), true, &x->preferred_at_ms, &has_zone) == 0;
	return x;
}

static const struct cs_lead_analysis *
lead_analysis(struct cs_call *c, json_object *o)
{
	struct cs_lead_analysis *x = cs_arena_alloc(&c->mem, sizeof(*x));
	json_object *score = cs_json_pointer(o, "/ai_analysis/conversion_intent_score");

	x->struct_size = sizeof(*x);
	x->has_score = score != NULL;
	x->score = score ? json_object_get_double(score) : 0;
	x->sentiment = text(c, o, "/ai_analysis/sentiment");
	x->qualification_status = text(c, o, "/ai_analysis/qualification_status");
	x->disqualification_reason = text(c, o, "/ai_analysis/disqualification_reason");
	x->qualifier_answers = raw(c, cs_json_pointer(o, "/ai_analysis/qualifier_answers"));
	return x;
}

json_object *
cs_check_lead_of(json_object *script)
{
	static json_object *sample;
	json_object *patch = cs_json_get(script, "lead"), *copy = NULL;

	if (!sample)
		sample = json_tokener_parse(cs_check_sample);
	if (patch)
		return cs_json_merge_patch(sample, patch);
	json_object_deep_copy(sample, &copy, NULL);
	return copy;
}

const struct cs_lead *
cs_check_lead(struct cs_call *c, json_object *o)
{
	struct cs_lead *x = cs_arena_alloc(&c->mem, sizeof(*x));

	x->struct_size = sizeof(*x);
	x->schema_version = text(c, o, "/schema_version");
	x->event = text(c, o, "/event");
	x->event_id = text(c, o, "/event_id");
	x->timestamp_utc = text(c, o, "/timestamp_utc");
	x->account = text(c, o, "/callsetter_account_id");
	x->call = lead_call(c, o);
	x->contact = lead_contact(c, o);
	x->request = lead_request(c, o);
	x->analysis = lead_analysis(c, o);
	x->destination_crm = text(c, o, "/routing/destination_crm");
	x->crm_account_id = text(c, o, "/routing/crm_account_id");
	x->assigned_to = text(c, o, "/routing/assigned_to");
	if (cs_time_parse(x->timestamp_utc, strlen(x->timestamp_utc), true, &x->timestamp_ms, NULL) != 0)
		x->timestamp_ms = c->now_ms;
	x->received_ms = c->now_ms;
	x->warnings = text(c, c->plan->script, "/lead_warnings");
	x->raw = raw(c, o);
	if (cs_json_get(c->plan->script, "raw") && !c->plan->lead)
		x->raw = (struct cs_bytes){ text(c, c->plan->script, "/raw"),
		    strlen(cs_json_str(c->plan->script, "raw", "")) };
	return x;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * map.c - a lead as the body of POST /lead/create/, or of /job/create/, which has some names of its own. Job type, source and area are names out of the account's own lists; what
 * has no field stands in the notes, with the marker by which the lead is found again.
 */
#include <string.h>
#include "workiz.h"

#define NOTE_MAX 16000 /* the vendor names no bound */

/* Setting job_types: by service type, by *, else as the lead calls it. */
static const char *
job_type(const struct csh *h, const char *service_type)
{
	CSH_JSON types = csh_json_parse(h->host->setting(h->call, "job_types"));
	json_object *name = NULL;

	if (!json_object_object_get_ex(types, service_type, &name))
		json_object_object_get_ex(types, "*", &name);
	return json_object_is_type(name, json_type_string) ? csh_printf(h, "%s", json_object_get_string(name)) : service_type;
}

static void
put_caller(const struct csh *h, json_object *o, const struct cs_lead_contact *c)
{
	csh_put(o, "FirstName", *c->first_name || *c->last_name ? c->first_name : csh_full_name(h, c));
	csh_put(o, "LastName", c->last_name);
	csh_put(o, "Phone", csh_phone_national(h, c->phone));
	csh_put(o, "Email", c->email);
	csh_put(o, "Address", c->address->street);
	csh_put(o, "City", c->address->city);
	csh_put(o, "State", c->address->state);
	csh_put(o, "PostalCode", c->address->zip);
	csh_put(o, "Country", c->address->country);
}

int32_t
workiz_map(void *inst, struct cs_call *call, const struct cs_map_in *in)
{
	const struct csh h = { in->host, call };
	const struct cs_lead *lead = in->lead;
	CSH_JSON doc = json_object_new_object();
	int is_job = strcmp(csh_setting(&h, "record"), "job") == 0;
	json_object *o = csh_child(doc, is_job ? "job" : "lead");
	const char *user = *lead->assigned_to ? lead->assigned_to : csh_setting(&h, "assign_to");

	(void)inst;
	put_caller(&h, o, lead->contact);
	csh_put(o, "JobType", job_type(&h, lead->request->service_type));
	csh_put(o, "JobSource", csh_setting(&h, "job_source"));
	csh_put(o, "ServiceArea", csh_setting(&h, "service_area"));
	csh_put(o, "Timezone", csh_setting(&h, "lead_timezone"));
	if (lead->request->has_preferred_at && csh_setting_true(&h, "send_time"))
		csh_put(o, is_job ? "JobDateTime" : "LeadDateTime", csh_time(&h, lead->request->preferred_at_ms));
	csh_put(o, is_job ? "JobNotes" : "LeadNotes", csh_note(&h, lead, CSH_PLAIN, NOTE_MAX));
	if (*user)
		csh_put(csh_child(doc, "assign"), "User", user);
	return csh_emit(&h, doc);
}

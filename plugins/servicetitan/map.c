/* SPDX-License-Identifier: Apache-2.0 */
/*
 * map.c - a lead as ServiceTitan's booking. Members that it does not know are not allowed, and an address must be complete or
 * not be there; what has no place stands in the summary, which the office reads.
 */
#include <string.h>
#include "servicetitan.h"

#define SUMMARY_MAX 8000

static const char *
priority(const char *urgency)
{
	static const char *const rows[][2] = { { "emergency", "Urgent" }, { "same_day", "High" }, { "same_week", "Normal" }, { "flexible", "Low" } };

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (strcmp(urgency, rows[i][0]) == 0)
			return rows[i][1];
	return "Normal";
}

static json_object *
address(const struct cs_lead_address *a)
{
	json_object *o = json_object_new_object();

	if (!*a->street || !*a->city || !*a->state || !*a->zip || !*a->country)
		return o;
	csh_put(o, "street", a->street);
	csh_put(o, "city", a->city);
	csh_put(o, "state", a->state);
	csh_put(o, "zip", a->zip);
	csh_put(o, "country", a->country);
	return o;
}

static void
add_way(json_object *list, const char *type, const char *value, const char *memo)
{
	json_object *o;

	if (!*value)
		return;
	o = json_object_new_object();
	csh_put(o, "type", type);
	csh_put(o, "value", value);
	csh_put(o, "memo", memo);
	json_object_array_add(list, o);
}

static json_object *
contacts(const struct csh *h, const struct cs_lead_contact *c)
{
	json_object *list = json_object_new_array();
	int national = strcmp(csh_setting(h, "phone_form"), "national") == 0;

	add_way(list, "MobilePhone", national ? csh_phone_national(h, c->phone) : c->phone, "Caller");
	add_way(list, "Email", c->email, "");
	return list;
}

int32_t
st_map(void *inst, struct cs_call *call, const struct cs_map_in *in)
{
	const struct csh h = { in->host, call };
	const struct cs_lead *lead = in->lead;
	CSH_JSON o = json_object_new_object();

	(void)inst;
	csh_put(o, "source", csh_setting(&h, "source"));
	csh_put(o, "name", csh_full_name(&h, lead->contact));
	csh_put(o, "summary", csh_note(&h, lead, CSH_PLAIN, SUMMARY_MAX));
	csh_put_bool(o, "isFirstTimeClient", lead->request->is_existing_customer != CS_TRI_YES);
	csh_put(o, "externalId", lead->event_id);
	csh_put_new(o, "address", address(lead->contact->address));
	csh_put_new(o, "contacts", contacts(&h, lead->contact));
	csh_put(o, "customerType", csh_setting(&h, "customer_type"));
	csh_put(o, "start", lead->request->has_preferred_at ? csh_time(&h, lead->request->preferred_at_ms) : "");
	csh_put_number(o, "campaignId", csh_setting(&h, "campaign"));
	csh_put_number(o, "businessUnitId", csh_setting(&h, "business_unit"));
	csh_put_number(o, "jobTypeId", csh_setting(&h, "job_type"));
	csh_put(o, "priority", priority(lead->request->urgency));
	csh_put_bool(o, "isSendConfirmationEmail", csh_setting_true(&h, "confirmation_email"));
	return csh_emit(&h, o);
}

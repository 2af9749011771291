/* SPDX-License-Identifier: Apache-2.0 */
/*
 * map.c - a lead as ServiceTitan's booking, or as its lead. Members that it does not know are not allowed, and a booking's address
 * must be complete or not be there; what has no place stands in the summary, which the office reads.
 */
#include <stdlib.h>
#include <string.h>
#include "servicetitan.h"

#define SUMMARY_MAX 8000
#define HOUR_MS 3600000LL

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

static const char *
phone(const struct csh *h, const struct cs_lead_contact *c)
{
	return strcmp(csh_setting(h, "phone_form"), "national") == 0 ? csh_phone_national(h, c->phone) : c->phone;
}

static json_object *
contacts(const struct csh *h, const struct cs_lead_contact *c)
{
	json_object *list = json_object_new_array();

	add_way(list, "MobilePhone", phone(h, c), "Caller");
	add_way(list, "Email", c->email, "");
	return list;
}

/* What both have. */
static void
add_filing(const struct csh *h, json_object *o, const struct cs_lead *lead)
{
	csh_put(o, "summary", csh_note(h, lead, CSH_PLAIN, SUMMARY_MAX));
	csh_put_number(o, "campaignId", csh_setting(h, "campaign"));
	csh_put_number(o, "businessUnitId", csh_setting(h, "business_unit"));
	csh_put_number(o, "jobTypeId", csh_setting(h, "job_type"));
	csh_put(o, "priority", priority(lead->request->urgency));
}

static void
add_booking(const struct csh *h, json_object *o, const struct cs_lead *lead)
{
	csh_put(o, "source", csh_setting(h, "source"));
	csh_put(o, "name", csh_full_name(h, lead->contact));
	csh_put_bool(o, "isFirstTimeClient", lead->request->is_existing_customer != CS_TRI_YES);
	csh_put(o, "externalId", lead->event_id);
	csh_put_new(o, "address", address(lead->contact->address));
	csh_put_new(o, "contacts", contacts(h, lead->contact));
	csh_put(o, "customerType", csh_setting(h, "customer_type"));
	csh_put(o, "start", lead->request->has_preferred_at ? csh_time(h, lead->request->preferred_at_ms) : "");
	csh_put_bool(o, "isSendConfirmationEmail", csh_setting_true(h, "confirmation_email"));
}

/* Filed with a reason, or due to be followed up: one of the two must be there. */
static void
add_lead(const struct csh *h, json_object *o, const struct cs_lead *lead)
{
	const struct cs_lead_contact *c = lead->contact;
	const char *reason = csh_setting(h, "call_reason");

	csh_put(o, "leadCustomerName", csh_full_name(h, c));
	csh_put(o, "leadPhone", phone(h, c));
	csh_put(o, "leadEmail", c->email);
	csh_put(o, "leadStreet", c->address->street);
	csh_put(o, "leadCity", c->address->city);
	csh_put(o, "leadState", c->address->state);
	csh_put(o, "leadZip", c->address->zip);
	csh_put(o, "leadCountry", c->address->country);
	csh_put_number(o, "callReasonId", reason);
	if (!*reason)
		csh_put(o, "followUpDate", csh_time(h, lead->timestamp_ms + atoi(csh_setting(h, "follow_up_h")) * HOUR_MS));
}

int32_t
st_map(void *inst, struct cs_call *call, const struct cs_map_in *in)
{
	const struct csh h = { in->host, call };
	CSH_JSON o = json_object_new_object();

	(void)inst;
	add_filing(&h, o, in->lead);
	if (st_makes_leads(&h))
		add_lead(&h, o, in->lead);
	else
		add_booking(&h, o, in->lead);
	return csh_emit(&h, o);
}

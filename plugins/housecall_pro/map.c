/* SPDX-License-Identifier: Apache-2.0 */
/*
 * map.c - a lead as the body of POST /leads, as if the caller were new. There are no fields for time,
 * urgency or recording: they stand in the note. The tag callsetter:<event_id> is the only thing by which the
 * lead can be found again.
 */
#include <string.h>
#include "housecall_pro.h"

#define NOTE_MAX 16000 /* the vendor names no bound */

static json_object *
address(const struct cs_lead_address *a)
{
	json_object *o = json_object_new_object();

	csh_put(o, "street", a->street);
	csh_put(o, "city", a->city);
	csh_put(o, "state", a->state);
	csh_put(o, "zip", a->zip);
	return o;
}

static json_object *
tags(const struct csh *h, const char *marker)
{
	json_object *list = json_object_new_array();

	if (*csh_setting(h, "tag"))
		json_object_array_add(list, json_object_new_string(csh_setting(h, "tag")));
	if (*marker)
		json_object_array_add(list, json_object_new_string(marker));
	return list;
}

static json_object *
customer(const struct csh *h, const struct cs_lead_contact *c)
{
	json_object *o = json_object_new_object(), *addresses = json_object_new_array(),
	    *home = address(c->address);

	csh_put(o, "first_name", c->first_name);
	csh_put(o, "last_name", c->last_name);
	csh_put(o, "email", c->email);
	csh_put(o, "mobile_number", csh_phone_national(h, c->phone));
	json_object_object_add(o, "notifications_enabled",
	                       json_object_new_boolean(csh_setting_true(h, "notifications_enabled")));
	csh_put(o, "lead_source", csh_setting(h, "lead_source"));
	csh_put_new(o, "tags", tags(h, ""));
	if (json_object_object_length(home) > 0)
		json_object_array_add(addresses, json_object_get(home));
	json_object_put(home);
	csh_put_new(o, "addresses", addresses);
	return o;
}

int32_t
hcp_map(void *inst, struct cs_call *call, const struct cs_map_in *in)
{
	const struct csh h = { in->host, call };
	const struct cs_lead *lead = in->lead;
	CSH_JSON doc = json_object_new_object();

	(void)inst;
	json_object_object_add(doc, "customer", customer(&h, lead->contact));
	csh_put_new(doc, "address", address(lead->contact->address));
	csh_put(doc, "lead_source", csh_setting(&h, "lead_source"));
	csh_put(doc, "assigned_employee_id", strncmp(lead->assigned_to, "pro_", 4) == 0
	                                         ? lead->assigned_to : csh_setting(&h, "assigned_employee"));
	csh_put_new(doc, "tags", tags(&h, hcp_tag(&h, lead)));
	csh_put(doc, "note", csh_note(&h, lead, CSH_PLAIN, NOTE_MAX));
	return csh_emit(&h, doc);
}

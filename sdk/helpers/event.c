/* SPDX-License-Identifier: Apache-2.0 */
/*
 * event.c - what became of a lead, in the form that the core turns into an event-1.0 message.
 */
#include <cs/helpers.h>

json_object *
csh_event(const char *event, const char *occurred_at, const char *dedupe)
{
	json_object *o = json_object_new_object();

	csh_put(o, "event", event);
	csh_put(o, "occurred_at", occurred_at);
	csh_put(o, "dedupe", dedupe);
	json_object_object_add(o, "match", json_object_new_array());
	json_object_object_add(o, "records", json_object_new_array());
	return o;
}

static json_object *
record(const char *type, const char *id)
{
	json_object *o = json_object_new_object();

	csh_put(o, "type", type);
	csh_put(o, "id", id);
	return o;
}

void
csh_event_also(json_object *event, const char *type, const char *id)
{
	if (*id)
		json_object_array_add(csh_at(event, "/records"), record(type, id));
}

void
csh_event_record(json_object *event, const char *type, const char *id)
{
	if (*id)
		json_object_array_add(csh_at(event, "/match"), record(type, id));
	csh_event_also(event, type, id);
}

void
csh_event_match(json_object *event, const char *how, const char *value)
{
	json_object *o;

	if (!*value)
		return;
	o = json_object_new_object();
	csh_put(o, how, value);
	json_object_array_add(csh_at(event, "/match"), o);
}

json_object *
csh_event_job(json_object *event)
{
	json_object *job = csh_at(event, "/job");

	if (!job) {
		job = json_object_new_object();
		json_object_object_add(event, "job", job);
	}
	return job;
}

void
csh_event_amount(json_object *event, const char *value, const char *currency, const char *basis)
{
	json_object *o;

	if (!*value)
		return;
	o = json_object_new_object();
	csh_put(o, "value", value);
	csh_put(o, "currency", currency);
	csh_put(o, "basis", basis);
	json_object_object_add(csh_event_job(event), "amount", o);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * edit.c - see edit.h.
 *
 * All times move by the same distance, so that the call keeps its length. The wished-for time moves by whole
 * days: it stays at eight in the morning, and keeps being without a zone if it was.
 */
#include "config.h"
#include <string.h>
#include "ctl/edit.h"
#include "util/clock.h"
#include "util/text.h"

#define DEPTH 64

bool
cs_ctl_edit_any(const struct cs_ctl_edit *e)
{
	return e->fresh || e->to != NULL || e->account != NULL || e->crm_account_id != NULL;
}

static bool
read_time(const json_object *o, const char *key, int64_t *ms, bool *has_zone)
{
	const char *s = cs_json_str(o, key, NULL);

	return s != NULL && cs_time_parse(s, strlen(s), false, ms, has_zone) == 0;
}

static void
put_time(json_object *o, const char *key, int64_t ms, bool zone)
{
	char text[CS_TIME_TEXT];
	size_t n = strlen(cs_time_format(ms, text));

	json_object_object_add(o, key, json_object_new_string_len(text, (int)(zone ? n : n - 1)));
}

static void
move_time(json_object *o, const char *key, int64_t by_ms)
{
	bool has_zone;
	int64_t ms;

	if (o != NULL && read_time(o, key, &ms, &has_zone))
		put_time(o, key, ms + by_ms, has_zone);
}

static int64_t
whole_days(int64_t ms)
{
	int64_t days = ms / CS_DAY_MS;

	return (days + (ms % CS_DAY_MS > 0)) * CS_DAY_MS;
}

static void
make_fresh(json_object *lead, int64_t now_ms)
{
	int64_t now = now_ms / 1000 * 1000, old = now, by;
	char text[CS_UUID_TEXT];
	uint8_t uuid[16];
	bool has_zone;

	cs_uuid_v4(uuid);
	json_object_object_add(lead, "event_id", json_object_new_string(cs_uuid_format(uuid, text)));
	read_time(lead, "timestamp_utc", &old, &has_zone);
	by = now - old;
	put_time(lead, "timestamp_utc", now, true);
	move_time(cs_json_get(lead, "call"), "started_at", by);
	move_time(cs_json_get(lead, "call"), "ended_at", by);
	move_time(cs_json_get(lead, "service_request"), "preferred_schedule", whole_days(by));
}

static void
set_destination(const struct cs_ctl_edit *e, json_object *lead)
{
	json_object *routing = cs_json_get(lead, "routing");

	if (routing == NULL || !json_object_is_type(routing, json_type_object)) {
		routing = json_object_new_object();
		json_object_object_add(lead, "routing", routing);
	}
	if (e->to != NULL) {
		json_object_object_add(routing, "destination_crm", json_object_new_string(e->to));
		json_object_object_add(routing, "crm_account_id", NULL);
	}
	if (e->crm_account_id != NULL)
		json_object_object_add(routing, "crm_account_id", json_object_new_string(e->crm_account_id));
}

int
cs_ctl_edit_lead(const struct cs_ctl_edit *e, const char *lead, size_t n, struct cs_buf *out,
		 struct cs_err *err)
{
	CS_CLEANUP(cs_json_putp) json_object *o = NULL;
	int rc;

	if ((rc = cs_json_parse(lead, n, DEPTH, &o, err)) < 0)
		return rc;
	if (!json_object_is_type(o, json_type_object))
		return cs_err_set(err, CS_EINVAL, "a lead is a JSON object, this is not");
	if (e->fresh)
		make_fresh(o, e->now_ms);
	if (e->account != NULL)
		json_object_object_add(o, "callsetter_account_id", json_object_new_string(e->account));
	if (e->to != NULL || e->crm_account_id != NULL)
		set_destination(e, o);
	return cs_buf_adds(out, cs_json_text(o));
}

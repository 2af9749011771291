/* SPDX-License-Identifier: Apache-2.0 */
/*
 * event.c - is an emitted event one that the core can use? (core/hooks/match.c drops what it cannot.)
 */
#include <string.h>
#include "check/run.h"
#include "util/clock.h"

static const char *const names[] = { "lead.viewed", "lead.updated", "lead.converted", "lead.lost", "job.scheduled",
	"job.completed", "job.canceled", "job.paid" };
static const char *const bases[] = { "quoted", "invoiced", "paid" };

static bool
is_one_of(const char *s, const char *const *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(list[i], s) == 0)
			return true;
	return false;
}

/* {type, id}, {marker}, {phone} or {email}, with a value. */
static bool
is_match(json_object *m)
{
	static const char *const ways[] = { "marker", "phone", "email" };

	if (*cs_json_str(m, "type", "") && *cs_json_str(m, "id", ""))
		return true;
	for (size_t i = 0; i < CS_ARRAY_LEN(ways); i++)
		if (*cs_json_str(m, ways[i], ""))
			return true;
	return false;
}

static bool
names_something(json_object *event)
{
	json_object *list = cs_json_get(event, "match");

	for (size_t i = 0; json_object_is_type(list, json_type_array) && i < json_object_array_length(list); i++)
		if (is_match(json_object_array_get_idx(list, i)))
			return true;
	return false;
}

static bool
is_decimal(const char *s)
{
	size_t n = strspn(s, "0123456789");

	if (*s == '-')
		return is_decimal(s + 1);
	return n > 0 && (s[n] == '\0' || (s[n] == '.' && s[n + 1] && s[n + 1 + strspn(s + n + 1, "0123456789")] == '\0'));
}

static void
check_amount(struct cs_call *c, json_object *amount)
{
	const char *value = cs_json_str(amount, "value", "");

	if (!amount)
		return;
	if (!is_decimal(value))
		cs_fault(c, CS_RULE_EVENT, "the amount \"%.60s\" is no decimal number", value);
	if (!is_one_of(cs_json_str(amount, "basis", ""), bases, CS_ARRAY_LEN(bases)))
		cs_fault(c, CS_RULE_EVENT, "the amount's basis must be quoted, invoiced or paid");
}

void
cs_check_event(struct cs_call *c, json_object *event)
{
	const char *name = cs_json_str(event, "event", ""), *at = cs_json_str(event, "occurred_at", "");
	int64_t ms;

	if (!is_one_of(name, names, CS_ARRAY_LEN(names)))
		cs_fault(c, CS_RULE_EVENT, "the event \"%.60s\" is none that csrelay reports", name);
	if (*at && cs_time_parse(at, strlen(at), true, &ms, NULL) != 0)
		cs_fault(c, CS_RULE_EVENT, "%.60s: occurred_at \"%.60s\" is no RFC 3339 time", name, at);
	if (!names_something(event))
		cs_fault(c, CS_RULE_EVENT, "%.60s: names no record, marker, phone or e-mail, so no lead can be found", name);
	check_amount(c, cs_json_get(cs_json_get(event, "job"), "amount"));
}

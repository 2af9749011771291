/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rules.c - the table of lead-1.0 and the small tests of text that it names. Pure.
 */
#include "config.h"
#include "lead/rules.h"

#include <string.h>
#include <strings.h>
#include "util/clock.h"
#include "util/text.h"

static const char *const urgencies[] = { "emergency", "same_day", "same_week", "flexible" };

/* ISO 3166-1 alpha-2, the officially assigned ones. */
static const char countries[] =
    " AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ"
    " CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR"
    " GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP"
    " KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT"
    " MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW"
    " SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG"
    " UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW ";

static bool
all_digits(const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (s[i] < '0' || s[i] > '9')
			return false;
	return true;
}

static bool
version_fits(const char *s, size_t n)
{
	return n >= 3 && n <= 11 && s[0] == '1' && s[1] == '.' && all_digits(s + 2, n - 2);
}

static bool
event_fits(const char *s, size_t n CS_UNUSED)
{
	return cs_lead_is_event(s);
}

static bool
id_fits(const char *s, size_t n CS_UNUSED)
{
	return cs_is_ident(s, 128, "_.:-");
}

static bool
schedule_fits(const char *s, size_t n)
{
	int64_t ms;

	return cs_time_parse(s, n, false, &ms, NULL) == 0;
}

static bool
direction_fits(const char *s, size_t n CS_UNUSED)
{
	return strcmp(s, "inbound") == 0 || strcmp(s, "outbound") == 0;
}

/* A host behind the scheme and nothing invisible: what is behind that is the business of the server that signed it. */
static bool
url_fits(const char *s, size_t n)
{
	if (n < 9 || strncasecmp(s, "https://", 8) != 0 || strchr("/?#", s[8]) != NULL)
		return false;
	for (size_t i = 0; i < n; i++)
		if (s[i] <= ' ' || s[i] > '~')
			return false;
	return true;
}

static bool
phone_fits(const char *s, size_t n)
{
	return n >= 8 && n <= 16 && s[0] == '+' && all_digits(s + 1, n - 1);
}

static bool
email_fits(const char *s, size_t n)
{
	const char *at = memchr(s, '@', n);

	return at != NULL && at > s && at + 1 < s + n && memchr(at + 1, '@', n - (size_t)(at + 1 - s)) == NULL;
}

static bool
country_fits(const char *s, size_t n)
{
	char word[] = "    ";

	if (n != 2 || s[0] == ' ' || s[1] == ' ')
		return false;
	word[1] = s[0];
	word[2] = s[1];
	return strstr(countries, word) != NULL;
}

static bool
urgency_fits(const char *s, size_t n CS_UNUSED)
{
	for (size_t i = 0; i < CS_ARRAY_LEN(urgencies); i++)
		if (strcmp(s, urgencies[i]) == 0)
			return true;
	return false;
}

static bool
status_fits(const char *s, size_t n CS_UNUSED)
{
	return strcmp(s, "qualified") == 0 || strcmp(s, "unqualified") == 0;
}

static bool
crm_fits(const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!((s[i] >= 'a' && s[i] <= 'z') || (s[i] >= '0' && s[i] <= '9') || s[i] == '_'))
			return false;
	return n > 0;
}

#define SLOT(member) .slot = offsetof(struct cs_lead_doc, member)
#define VALUE(member) .value = offsetof(struct cs_lead_doc, member)
#define AT(path, name) .pointer = path "/" name, .key = name, .key_len = sizeof(name) - 1
#define ENVELOPE(name) AT("", name), .in = CS_GROUP_TOP, .class = CS_FAULT_ENVELOPE
#define REQUIRED(group, path, name) AT(path, name), .in = CS_GROUP_##group, .class = CS_FAULT_REQUIRED
#define OPTIONAL(group, path, name) AT(path, name), .in = CS_GROUP_##group, .class = CS_FAULT_OPTIONAL
#define OBJECT(group) .kind = CS_LEAD_OBJECT, .opens = CS_GROUP_##group, .allowed = "must be an object"
#define INSTANT(text, ms) .kind = CS_LEAD_INSTANT, SLOT(text), VALUE(ms), .max = 128, \
	.allowed = "must be RFC 3339 with Z or an offset, like 2026-05-26T14:32:00Z"
#define HTTPS_URL "must be an https URL of at most 2048 bytes"

const struct cs_lead_rule cs_lead_rules[CS_LEAD_RULES] = {
	{ ENVELOPE("schema_version"), SLOT(view.schema_version), .max = 11, .fits = version_fits,
	  .allowed = "must be 1. and a number, like 1.0" },
	{ ENVELOPE("event"), SLOT(view.event), .max = 32, .fits = event_fits,
	  .allowed = "must be lead.qualified or lead.unqualified" },
	{ ENVELOPE("event_id"), .kind = CS_LEAD_UUID, SLOT(view.event_id), VALUE(event_id), .allowed = "must be a UUID" },
	{ ENVELOPE("callsetter_account_id"), SLOT(view.account), .max = 128, .fits = id_fits,
	  .allowed = "must be 1 to 128 of A-Z a-z 0-9 _ . : -" },
	{ REQUIRED(TOP, "", "timestamp_utc"), INSTANT(view.timestamp_utc, view.timestamp_ms) },

	{ REQUIRED(TOP, "", "call"), OBJECT(CALL) },
	{ REQUIRED(CALL, "/call", "call_id"), SLOT(call.call_id), .max = 128, .fits = id_fits,
	  .allowed = "must be 1 to 128 of A-Z a-z 0-9 _ . : -" },
	{ REQUIRED(CALL, "/call", "direction"), SLOT(call.direction), .max = 8, .fits = direction_fits,
	  .allowed = "must be inbound or outbound" },
	{ OPTIONAL(CALL, "/call", "duration_seconds"), .kind = CS_LEAD_DURATION, .allowed = "must be an integer of 0 or more" },
	{ OPTIONAL(CALL, "/call", "started_at"), INSTANT(call.started_at, started_ms) },
	{ OPTIONAL(CALL, "/call", "ended_at"), INSTANT(call.ended_at, ended_ms) },
	{ OPTIONAL(CALL, "/call", "recording_url"), SLOT(call.recording_url), .max = 2048, .fits = url_fits, .allowed = HTTPS_URL },
	{ OPTIONAL(CALL, "/call", "transcript_url"), SLOT(call.transcript_url), .max = 2048, .fits = url_fits,
	  .allowed = HTTPS_URL },
	{ OPTIONAL(CALL, "/call", "transcript_summary"), SLOT(call.transcript_summary), .max = 8192 },

	{ REQUIRED(TOP, "", "contact"), OBJECT(CONTACT) },
	{ OPTIONAL(CONTACT, "/contact", "first_name"), SLOT(contact.first_name), .max = 128 },
	{ OPTIONAL(CONTACT, "/contact", "last_name"), SLOT(contact.last_name), .max = 128 },
	{ OPTIONAL(CONTACT, "/contact", "phone"), SLOT(contact.phone), .max = 16, .fits = phone_fits,
	  .allowed = "must be E.164: + and 7 to 15 digits" },
	{ OPTIONAL(CONTACT, "/contact", "email"), SLOT(contact.email), .max = 254, .fits = email_fits,
	  .allowed = "must be an address of at most 254 bytes with one @" },
	{ OPTIONAL(CONTACT, "/contact", "address"), OBJECT(ADDRESS) },
	{ OPTIONAL(ADDRESS, "/contact/address", "street"), SLOT(address.street), .max = 256 },
	{ OPTIONAL(ADDRESS, "/contact/address", "city"), SLOT(address.city), .max = 128 },
	{ OPTIONAL(ADDRESS, "/contact/address", "state"), SLOT(address.state), .max = 128 },
	{ OPTIONAL(ADDRESS, "/contact/address", "zip"), SLOT(address.zip), .max = 128 },
	{ OPTIONAL(ADDRESS, "/contact/address", "country"), SLOT(address.country), .max = 2, .fits = country_fits,
	  .allowed = "must be an ISO 3166 alpha-2 code in capitals, like US" },

	{ REQUIRED(TOP, "", "service_request"), OBJECT(REQUEST) },
	{ REQUIRED(REQUEST, "/service_request", "service_type"), SLOT(request.service_type), .max = 128,
	  .allowed = "must be text of 1 to 128 bytes, like HVAC" },
	{ OPTIONAL(REQUEST, "/service_request", "sub_type"), SLOT(request.sub_type), .max = 128 },
	{ REQUIRED(REQUEST, "/service_request", "urgency"), SLOT(request.urgency), .max = 16, .fits = urgency_fits,
	  .allowed = "must be emergency, same_day, same_week or flexible" },
	{ OPTIONAL(REQUEST, "/service_request", "issue_description"), SLOT(request.issue_description), .max = 8192 },
	{ OPTIONAL(REQUEST, "/service_request", "preferred_schedule"), SLOT(request.preferred_schedule), .max = 128,
	  .fits = schedule_fits, .allowed = "must be a date and time like 2026-05-27T08:00:00, with or without Z or an offset" },
	{ OPTIONAL(REQUEST, "/service_request", "is_existing_customer"), .kind = CS_LEAD_BOOL, .allowed = "must be true or false" },

	{ REQUIRED(TOP, "", "routing"), OBJECT(ROUTING), .qualified_only = true },
	{ REQUIRED(ROUTING, "/routing", "destination_crm"), SLOT(view.destination_crm), .qualified_only = true, .max = 64,
	  .fits = crm_fits, .allowed = "must be a plugin's name: 1 to 64 of a-z 0-9 _" },
	{ OPTIONAL(ROUTING, "/routing", "crm_account_id"), SLOT(view.crm_account_id), .max = 256 },
	{ OPTIONAL(ROUTING, "/routing", "assigned_to"), SLOT(view.assigned_to), .max = 128 },

	{ OPTIONAL(TOP, "", "ai_analysis"), OBJECT(ANALYSIS) },
	{ OPTIONAL(ANALYSIS, "/ai_analysis", "sentiment"), SLOT(analysis.sentiment), .max = 64 },
	{ OPTIONAL(ANALYSIS, "/ai_analysis", "conversion_intent_score"), .kind = CS_LEAD_SCORE,
	  .allowed = "must be a number from 0.0 to 1.0" },
	{ OPTIONAL(ANALYSIS, "/ai_analysis", "qualification_status"), SLOT(analysis.qualification_status), .max = 16,
	  .fits = status_fits, .allowed = "must be qualified or unqualified" },
	{ OPTIONAL(ANALYSIS, "/ai_analysis", "disqualification_reason"), SLOT(analysis.disqualification_reason), .max = 1024 },
	{ OPTIONAL(ANALYSIS, "/ai_analysis", "qualifier_answers"), .kind = CS_LEAD_ANSWERS,
	  .allowed = "must be an object of text, numbers, booleans and nulls" },
};

static size_t
find_between(size_t from, size_t to, enum cs_lead_group in, const char *key, size_t key_len)
{
	for (const struct cs_lead_rule *rule = &cs_lead_rules[from]; rule < &cs_lead_rules[to]; rule++)
		if (rule->key_len == key_len && rule->in == in && memcmp(rule->key, key, key_len) == 0)
			return (size_t)(rule - cs_lead_rules);
	return CS_LEAD_RULES;
}

size_t
cs_lead_rule_find(enum cs_lead_group in, const char *key, size_t key_len, size_t from)
{
	size_t i = find_between(from, CS_LEAD_RULES, in, key, key_len);

	return i < CS_LEAD_RULES ? i : find_between(0, from, in, key, key_len);
}

bool
cs_lead_is_event(const char *event)
{
	return strcmp(event, "lead.qualified") == 0 || cs_lead_is_unqualified(event);
}

bool
cs_lead_is_unqualified(const char *event)
{
	return strcmp(event, "lead.unqualified") == 0;
}

const char *
cs_urgency_name(enum cs_urgency u)
{
	return urgencies[u];
}

enum cs_urgency
cs_urgency_from(const char *name)
{
	for (size_t i = 0; i < CS_ARRAY_LEN(urgencies); i++)
		if (strcmp(name, urgencies[i]) == 0)
			return (enum cs_urgency)i;
	return CS_URGENCY_FLEXIBLE;
}

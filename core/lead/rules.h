/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rules.h - lead-1.0 as a table: one row per field, in the order in which faults are listed.
 *
 * The envelope stands first, so that its faults are never crowded out; qualifier_answers last, because it alone can have
 * any number of faults. What a table cannot say (three rules that look at two fields) is at the end of fields.c. The same
 * rules as a JSON Schema: sdk/schema/lead-1.0.schema.json; tests/contract/test_lead_schema.py holds the two together.
 */
#ifndef CS_LEAD_RULES_H
#define CS_LEAD_RULES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "lead/lead.h"

#define CS_LEAD_MAX_BYTES ((size_t)256 * 1024)
#define CS_LEAD_MAX_DEPTH 16
#define CS_LEAD_MAX_DURATION 9007199254740991 /* 2^53 - 1: exact in every JSON reader */
#define CS_LEAD_RULES 42

/* The objects that fields stand in. */
enum cs_lead_group { CS_GROUP_TOP, CS_GROUP_CALL, CS_GROUP_CONTACT, CS_GROUP_ADDRESS, CS_GROUP_REQUEST, CS_GROUP_ANALYSIS,
                     CS_GROUP_ROUTING, CS_GROUPS };
enum cs_lead_kind { CS_LEAD_TEXT, CS_LEAD_UUID, CS_LEAD_INSTANT, CS_LEAD_OBJECT, CS_LEAD_DURATION, CS_LEAD_SCORE, CS_LEAD_BOOL,
                    CS_LEAD_ANSWERS };

struct cs_lead_rule {
	const char *pointer;
	const char *key;           /* the last part of it, in `in` */
	size_t key_len;
	enum cs_lead_group in;
	enum cs_lead_kind kind;
	enum cs_fault_class class; /* of a fault here */
	bool qualified_only;       /* REQUIRED for lead.qualified, OPTIONAL for others */
	enum cs_lead_group opens;  /* of an OBJECT: its fields' group */
	size_t slot;               /* of a TEXT, UUID or INSTANT: offset of its const char * in struct cs_lead_doc */
	size_t value;              /* of a UUID or INSTANT: offset of its bytes or milliseconds there */
	size_t max;                /* of a TEXT: bytes */
	bool (*fits)(const char *s, size_t n); /* of a TEXT; NULL: any text up to max, required ones not empty */
	const char *allowed;       /* "must be ..."; NULL: made from max */
};
extern const struct cs_lead_rule cs_lead_rules[CS_LEAD_RULES];

/* The rule of this member, or CS_LEAD_RULES. The search begins at `from`: senders keep to an order, mostly to this one. */
size_t cs_lead_rule_find(enum cs_lead_group in, const char *key, size_t key_len, size_t from);

/* lead.qualified or lead.unqualified; the latter. */
bool cs_lead_is_event(const char *event);
bool cs_lead_is_unqualified(const char *event);
/* The urgency of a text that passed its rule; FLEXIBLE for others. */
enum cs_urgency cs_urgency_from(const char *name);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rules.h - lead-1.0 as a table: one row per field, in the order in which faults are listed.
 *
 * The envelope stands first, so that its faults are never crowded out; qualifier_answers last, because it alone can have
 * any number of faults. What a table cannot say (three rules that look at two fields) is at the end of lead.c. The same
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

/* The objects that fields stand in. */
enum cs_lead_group { CS_GROUP_TOP, CS_GROUP_CALL, CS_GROUP_CONTACT, CS_GROUP_ADDRESS, CS_GROUP_REQUEST, CS_GROUP_ANALYSIS,
                     CS_GROUP_ROUTING, CS_GROUPS };
enum cs_lead_kind { CS_LEAD_TEXT, CS_LEAD_OBJECT, CS_LEAD_DURATION, CS_LEAD_SCORE, CS_LEAD_BOOL, CS_LEAD_ANSWERS };

struct cs_lead_rule {
	const char *pointer;       /* the last part is the key in `in` */
	enum cs_lead_group in;
	enum cs_lead_kind kind;
	enum cs_fault_class class; /* of a fault here */
	bool qualified_only;       /* REQUIRED for lead.qualified, OPTIONAL for others */
	enum cs_lead_group opens;  /* of an OBJECT: its fields' group */
	size_t slot;               /* of a TEXT: offset of its const char * in struct cs_lead_doc */
	size_t max;                /* of a TEXT: bytes */
	bool (*fits)(const char *s, size_t n); /* of a TEXT; NULL: any text up to max, required ones not empty */
	const char *allowed;       /* "must be ..."; NULL: made from max */
};
extern const struct cs_lead_rule cs_lead_rules[];
extern const size_t cs_lead_n_rules;

/* lead.qualified or lead.unqualified; the latter. */
bool cs_lead_is_event(const char *event);
bool cs_lead_is_unqualified(const char *event);
/* The urgency of a text that passed its rule; FLEXIBLE for others. */
enum cs_urgency cs_urgency_from(const char *name);

#endif

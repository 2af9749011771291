/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rules.h - the part of JSON Schema (draft 2020-12) that request bodies and data files are described with.
 *
 * Known: $ref ("#/pointer" into the whole file; beside it required and anyOf alone count), type, const, enum,
 * pattern (POSIX extended), minLength, maxLength, minimum, maximum, minItems, maxItems, items, properties,
 * required, additionalProperties, propertyNames (text keywords), minProperties, anyOf; and two of our own:
 * "collection" {"name", "field"}: the text must stand in that field of a record of that collection; "error":
 * the named answer to give when this node is what failed. Other keywords are notes.
 */
#ifndef CS_SANDBOX_RULES_H
#define CS_SANDBOX_RULES_H

#include <stdbool.h>
#include "sandbox/rules/regexes.h"
#include "util/json.h"

struct cs_sb_rules {
	json_object *schema;
	json_object *root; /* what $ref points into */
	struct cs_sb_regexes *regexes;
	/* Does a record of `collection` have `value` at `field`? May be NULL where no schema says
	 * "collection". */
	bool (*has)(void *ctx, const char *collection, const char *field, const char *value);
	void *ctx;
};

struct cs_sb_breach {
	char pointer[200]; /* where in the value */
	char name[64];     /* last part of it */
	char keyword[24];
	char message[200];
	const char *error; /* borrowed from the schema; NULL when it names none */
};

/* True: `value` (NULL: JSON null) keeps the rules. Else *b tells the first breach. */
bool cs_sb_rules_check(const struct cs_sb_rules *r, json_object *value, struct cs_sb_breach *b);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * data.h - one fake CRM as its data file describes it. The format is explained on top of data.c.
 *
 * Read once at start and not changed afterwards. Texts and JSON are borrowed from `doc`.
 */
#ifndef CS_SANDBOX_DATA_H
#define CS_SANDBOX_DATA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "sandbox/rules/regexes.h"
#include "util/json.h"
#include "util/map.h"

#define CS_SB_MAX_PARAMS 12

struct cs_sb_segment {
	const char *text; /* a literal, or the parameter's name */
	size_t len;
	bool param;
};

struct cs_sb_path {
	struct cs_sb_segment *v;
	size_t n;
	bool slash; /* ends with one */
};

struct cs_sb_endpoint {
	const char *method;
	struct cs_sb_path *paths;
	size_t npaths;
	json_object *query, *when, *needs, *body, *tenant, *steps, *answer; /* each NULL when absent */
	const char *limit_class;
	json_object *cost;
};

struct cs_sb_collection {
	const char *name;
	unsigned no;
	const char *id_form, *id_prefix, *id_at; /* id_at: "/id" */
	int64_t id_start;
	int id_digits;
	bool id_base64, id_integer, nocase;
	int64_t lag_ms;
	json_object *unique, *seed, *computed;
	const char **index; /* pointers kept in the look-up table; [0] is id_at */
	size_t nindex;
};

struct cs_sb_limit {
	const char *name, *limit_class, *error;
	int64_t max, per_ms; /* a rolling window; per_ms 0: a bucket */
	double restore_per_s;
	json_object *headers;
};

struct cs_sb_crm {
	const char *name; /* of the file, and the first path segment */
	char *path;       /* of the file */
	json_object *doc;
	const char *title;
	struct cs_sb_endpoint *endpoints;
	size_t nendpoints;
	struct cs_sb_collection *collections;
	size_t ncollections;
	struct cs_sb_limit *limits;
	size_t nlimits;
	json_object *credentials, *needs, *tenant, *errors, *oauth; /* each NULL when absent */
	struct cs_sb_regexes *regexes;
};

/*
 * Read NAME/sandbox.json or NAME.sandbox.json. On failure CS_E* and *err says file, JSON pointer and fault.
 * The whole file is checked against sdk/schema/sandbox.schema.json (compiled in), then what a schema cannot
 * say: names that must exist, expressions, regular expressions, paths.
 */
int cs_sb_crm_load(struct cs_sb_crm **out, const char *name, const char *path, struct cs_err *err);
/* The same from text, for tests. */
int cs_sb_crm_parse(struct cs_sb_crm **out, const char *name, const char *text, size_t n, struct cs_err *err);
void cs_sb_crm_free(struct cs_sb_crm *crm);

const struct cs_sb_collection *cs_sb_crm_collection(const struct cs_sb_crm *crm, const char *name);

/* sdk/schema/sandbox.schema.json as text. */
extern const char cs_sb_schema_text[];

#endif

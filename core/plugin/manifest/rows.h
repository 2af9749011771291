/* SPDX-License-Identifier: Apache-2.0 */
/* rows.h - a manifest while it is being read. Private to core/plugin. */
#ifndef CS_PLUGIN_ROWS_H
#define CS_PLUGIN_ROWS_H

#include "plugin/manifest/fields.h"
#include "plugin/manifest/manifest.h"

/* The manifest, and beside it what is only checked or has another form in the file. */
struct cs_draft {
	struct cs_manifest m;
	int64_t format, reply_status, tolerance_s;
	const char *schema, *logo, *identify_step;
	json_object *auth;   /* one way, or an array of them */
	struct cs_setup_row *setup;
	size_t n_setup;
	struct cs_pair *headers, *query, *json, *form, *status;
	size_t n_headers, n_query, n_json, n_form, n_status;
	int sign_kind;
	int scope, timestamp_unit, retry_after_unit; /* scope 1: app; units 0: s, 1: ms */
	int challenge_method, challenge_reply;
};

extern const struct cs_field cs_manifest_fields[]; /* of a struct cs_draft */
extern const struct cs_field cs_auth_way_fields[]; /* of a struct cs_auth_way; auth.c */

/* "request", at the top and in a way: rows of a table whose struct has these members. */
#define CS_REQUEST_FIELDS(type) \
	{ .key = "headers", .kind = CS_FIELD_PAIRS, .at = offsetof(type, headers), .n_at = offsetof(type, n_headers), \
	  .check_name = cs_check_header_name }, \
	{ .key = "query", .kind = CS_FIELD_PAIRS, .at = offsetof(type, query), .n_at = offsetof(type, n_query), \
	  .check_name = cs_check_param }, \
	{ .key = "json", .kind = CS_FIELD_PAIRS, .at = offsetof(type, json), .n_at = offsetof(type, n_json), \
	  .check_name = cs_check_pointer }, \
	{ .key = "form", .kind = CS_FIELD_PAIRS, .at = offsetof(type, form), .n_at = offsetof(type, n_form), \
	  .check_name = cs_check_param }, \
	{ .key = NULL }

/* Checks of single texts that more than one table needs; see cs_field_check. */
int cs_check_ident(struct cs_fields *r, const char *s);
int cs_check_pointer(struct cs_fields *r, const char *s);
int cs_check_header_name(struct cs_fields *r, const char *s);
int cs_check_param(struct cs_fields *r, const char *s);

extern const struct cs_field cs_setup_fields[];     /* of a struct cs_setup_row */

/* rules.c. Is the template (or are all of them) at `key` below where the reader is good, with only these kinds of names? */
int cs_check_templates(struct cs_fields *r, const struct cs_manifest *m, const char *key, const char **v, size_t n, int allowed);
int cs_check_template(struct cs_fields *r, const struct cs_manifest *m, const char *key, const char *template, int allowed);
int cs_check_undeclared(struct cs_fields *r, const char *what, const char *name);
int cs_check_unique(struct cs_fields *r, const char *list, const void *rows, size_t n, size_t size, size_t name_at);
int cs_check_fact(struct cs_fields *r, const struct cs_manifest *m, const char *name);
bool cs_manifest_has_fact(const struct cs_manifest *m, const char *name);

/* auth.c: read d->auth into the manifest's ways. 0 or CS_EINVAL. */
int cs_auth_read(struct cs_fields *r, struct cs_draft *d);

#endif

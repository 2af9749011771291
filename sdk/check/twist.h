/* SPDX-License-Identifier: Apache-2.0 */
/*
 * twist.h - one answer in the place of the script's.
 */
#ifndef CS_CHECK_TWIST_H
#define CS_CHECK_TWIST_H

#include <stdbool.h>
#include "check/run.h"

struct cs_twist {
	int status;               /* 0: 200 */
	const char *body;         /* NULL: made, or the script's own */
	const char *header, *value; /* NULL: none but those of the script */
	const char *fault;        /* NULL: a whole answer */
	/* Make the body of the script's answer: as JSON (NULL: the script has a text there) and as text. */
	struct cs_bytes (*make)(struct cs_call *c, json_object *json, struct cs_bytes text);
	bool unreadable;          /* nobody could understand it: it must not pass for "nothing found" */
	bool costly;              /* large: tried once for each kind of request */
	bool goes_on;             /* what follows is answered as the script has it */
};

/* Fills res as the twist wants it; returns the fault or NULL. */
const char *cs_twist_apply(const struct cs_twist *t, struct cs_call *c, const struct cs_http_req *req, json_object *json,
    struct cs_http_res *res);

/* ---- makers */
struct cs_bytes cs_make_cut(struct cs_call *c, json_object *json, struct cs_bytes text);          /* half of it */
struct cs_bytes cs_make_huge(struct cs_call *c, json_object *json, struct cs_bytes text);         /* 5 MB around it */
struct cs_bytes cs_make_deep(struct cs_call *c, json_object *json, struct cs_bytes text);
struct cs_bytes cs_make_other_types(struct cs_call *c, json_object *json, struct cs_bytes text);  /* each value of another */
struct cs_bytes cs_make_without_ids(struct cs_call *c, json_object *json, struct cs_bytes text);
struct cs_bytes cs_make_nulls(struct cs_call *c, json_object *json, struct cs_bytes text);        /* every scalar null */
struct cs_bytes cs_make_null_rows(struct cs_call *c, json_object *json, struct cs_bytes text);    /* nulls between the rows */
struct cs_bytes cs_make_no_rows(struct cs_call *c, json_object *json, struct cs_bytes text);      /* empty lists */
struct cs_bytes cs_make_rows_twice(struct cs_call *c, json_object *json, struct cs_bytes text);
struct cs_bytes cs_make_huge_numbers(struct cs_call *c, json_object *json, struct cs_bytes text);
struct cs_bytes cs_make_bad_utf8(struct cs_call *c, json_object *json, struct cs_bytes text);
struct cs_bytes cs_make_trailing(struct cs_call *c, json_object *json, struct cs_bytes text);     /* rubbish behind it */
struct cs_bytes cs_make_endless(struct cs_call *c, json_object *json, struct cs_bytes text);      /* there is always one more page */

#endif

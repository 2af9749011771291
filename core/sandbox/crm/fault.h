/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fault.h - trouble on demand. POST /_faults adds one; the requests that it matches take it, `times` times.
 *
 * What is called "before" happens before anything was done in the CRM, "after" when it was done:
 *   latency                          the right answer, late
 *   429, 401                         the vendor's own refusal; retry_after adds that header to a 429
 *   error, error_after               a 500 (or "status"), without and with having done it
 *   status                           "status" with "body", nothing done
 *   cut, oversized, html, cut_json, empty
 *                                    done, but the body is half sent, 5 MB, HTML, half of its JSON, nothing
 *   timeout_before, timeout_after    never answers
 *   close_before, close_after        closes after reading
 */
#ifndef CS_SANDBOX_FAULT_H
#define CS_SANDBOX_FAULT_H

#include "sandbox/http.h"
#include "util/json.h"

enum cs_sb_fault_kind {
	CS_SB_LATENCY,
	CS_SB_429,
	CS_SB_401,
	CS_SB_ERROR,
	CS_SB_ERROR_AFTER,
	CS_SB_STATUS,
	CS_SB_CUT_BODY,
	CS_SB_OVERSIZED,
	CS_SB_HTML,
	CS_SB_CUT_JSON,
	CS_SB_EMPTY,
	CS_SB_TIMEOUT_BEFORE,
	CS_SB_TIMEOUT_AFTER,
	CS_SB_CLOSE_BEFORE,
	CS_SB_CLOSE_AFTER,
};

struct cs_sb_fault {
	uint64_t id;
	enum cs_sb_fault_kind kind;
	const char *name;
	bool before;
	char *crm, *match, *tenant; /* NULL: any */
	int64_t times;              /* how often still; -1: always */
	int64_t skip;               /* let that many pass first */
	int64_t latency_ms, retry_after;
	int status;
	char *body;
	uint64_t hits;
};

struct cs_sb_faults {
	struct cs_sb_fault **v;
	size_t n;
	uint64_t next_id;
};

/* Read {"fault", "crm", "match", "tenant", "times", "skip", "latency_ms", "retry_after", "status", "body"}. */
int cs_sb_fault_add(struct cs_sb_faults *f, json_object *o, uint64_t *id, struct cs_err *err);
/* The fault that this request gets, counted, or NULL. Valid until the next call. `path` begins behind the
 * CRM's name. */
const struct cs_sb_fault *cs_sb_fault_take(struct cs_sb_faults *f, const char *crm, const char *tenant,
                                           const struct cs_sb_request *req, const char *path);
/* Bend a finished reply. For kinds that happen before, the reply holds the refusal already. */
void cs_sb_fault_bend(const struct cs_sb_fault *f, struct cs_sb_reply *reply);
/* id 0: all. */
void cs_sb_faults_drop(struct cs_sb_faults *f, uint64_t id);
json_object *cs_sb_faults_show(const struct cs_sb_faults *f);
/* Is this request meant? See path_matches in fault.c for the patterns. */
bool cs_sb_fault_matches(const char *match, const char *method, const char *path, const char *body, size_t body_len);

#endif

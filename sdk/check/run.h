/* SPDX-License-Identifier: Apache-2.0 */
/*
 * run.h - one run of one conversation; shared by host.c and request.c (the plugin's host), lead.c and
 * conversation.c.
 */
#ifndef CS_CHECK_RUN_H
#define CS_CHECK_RUN_H

#include <stdbool.h>
#include "check/conversation.h"
#include "util/json.h"
#include "util/mem.h"

enum cs_check_mode {
	CS_CHECK_PLAIN,       /* as scripted; a receipt put is seen at once */
	CS_CHECK_SNAPSHOT,    /* as scripted; receipts are as they were when the call began */
	CS_CHECK_INTERLEAVED, /* as scripted; at each request another call runs in between */
	CS_CHECK_UGLY,        /* one answer is ugly, everything after it fails; only the rules count */
	CS_CHECK_OTHER,       /* the call in between: only the rules count */
};

struct cs_call { /* what is opaque to plugins */
	const struct cs_check_plugin *plugin;
	json_object *script;
	enum cs_check_mode mode;
	size_t ugly_at, ugly_kind;
	struct cs_arena mem;
	size_t next;             /* call of the script */
	bool pure;               /* within map: no requests */
	const struct cs_lead *lead;
	json_object *settings;   /* with the manifest's defaults */
	json_object *receipts;   /* now: step -> text, or {"in_doubt": true} */
	json_object *receipts_before;
	json_object *looked;     /* step -> true: a look-up for it was answered */
	json_object *facts, *records, *emitted, *cursor;
	struct cs_bytes last_emit; /* as it came */
	json_object *faults;     /* array of texts */
	struct cs_buf reason, warnings;
	int64_t retry_after_ms, now_ms;
};

extern const struct cs_host_v1 cs_check_host;
/* Note a fault of the plugin (or of the script). */
void cs_check_fault(struct cs_call *c, const char *fmt, ...) CS_PRINTF(2, 3);
/* Is `want` contained in `have`, as conversation.h says? Else *where tells the pointer of the first
 * difference. */
bool cs_check_match(struct cs_call *c, json_object *want, json_object *have, const char *at,
    const char **where);
/* request.c */
int32_t cs_check_http(struct cs_call *c, const struct cs_http_req *req, struct cs_http_res *res);
/* The row of a manifest's list whose `key` is `value`; NULL: none. */
json_object *cs_check_row(json_object *rows, const char *key, const char *value);
json_object *cs_check_step(const struct cs_call *c, const char *step);
bool cs_check_in_doubt(json_object *receipts, const char *step);
extern const char cs_check_sample[];
/* The typed view of a lead's JSON; lenient, memory of the call. */
const struct cs_lead *cs_check_lead(struct cs_call *c, json_object *lead);
const char *cs_check_outcome(int32_t outcome);
/* How many kinds of ugly answers there are. */
size_t cs_check_ugly_kinds(void);
/* The call in between (conversation.c). */
void cs_check_run_other(struct cs_call *c);

#endif

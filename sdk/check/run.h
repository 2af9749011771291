/* SPDX-License-Identifier: Apache-2.0 */
/*
 * run.h - one call of a plugin against a conversation, inside the confined child.
 *
 * A plan says what differs from the script; cs_run carries it out on a stack of the size that plugins really get; the
 * struct cs_call tells what happened and which rules were broken. Shared by host.c, request.c and answer.c (the plugin's
 * host), run.c (the call), lead.c, match.c, and all that try cases.
 */
#ifndef CS_CHECK_RUN_H
#define CS_CHECK_RUN_H

#include <stdbool.h>
#include <cs/plugin_v1.h>
#include "check/rules.h"
#include "plugin/manifest/manifest.h"
#include "util/json.h"
#include "util/mem.h"

#define CS_MAX_REQUESTS 200

struct cs_check_plugin {
	struct cs_plugin_v1 v1;
	struct cs_manifest *rows;
	json_object *manifest; /* of rows */
	const char *name;
};

/* ---- plan */
struct cs_twist;
enum cs_answers {
	CS_ANSWERS_SCRIPT,  /* in order; requests must be those of the script */
	CS_ANSWERS_ORDER,   /* in order; only the rules count */
	CS_ANSWERS_MATCHED, /* that of the script's request with the same method and address; else a time-out */
};
struct cs_plan {
	const struct cs_check_plugin *plugin;
	json_object *script;
	enum cs_answers answers;
	bool frozen_receipts;        /* what the call itself puts is not seen until the next */
	bool yields;                 /* another call runs at each switch */
	const struct cs_twist *twist; /* NULL: none */
	size_t twist_at;             /* which request it answers */
	bool then_fails;             /* everything after it times out */
	json_object *lead;           /* NULL: the script's */
	json_object *receipts;       /* NULL: the script's */
	json_object *facts;          /* NULL: the script's */
	int32_t kind;                /* CS_PUSH_* in place of the script's; -1: the script's */
	const struct cs_bytes *body; /* of a hook, in place of the script's */
	const char *what;            /* for lists and records; NULL: the script's */
	int64_t later_ms;            /* the clock is that much on */
	bool refuses_looks;          /* look-ups for steps that were done or may be done are answered 503 */
};

/* ---- call */
enum cs_phase { CS_IDLE, CS_LOADING, CS_IN_OPEN, CS_IN_MAP, CS_IN_PUSH, CS_IN_HOOK, CS_IN_SUBSCRIPTION, CS_IN_AUTH };

struct cs_call { /* what is opaque to plugins */
	const struct cs_plan *plan;
	struct cs_arena mem;
	enum cs_phase phase;
	struct cs_fiber *fiber;
	void *inst;                  /* what open() made */
	int32_t rc;
	char nonce[33];
	size_t next;                 /* request to come */
	const struct cs_lead *lead;
	json_object *settings;       /* with the manifest's defaults */
	json_object *receipts;       /* as the core has them now: step -> text, or {"in_doubt": true} */
	json_object *seen;           /* as the plugin sees them: those of the start and what it put */
	json_object *happened;       /* step -> true: answered with success, and no receipt yet */
	json_object *done;           /* mutating requests answered with success, as text */
	json_object *sent;           /* step -> true: a mutating request of it was made */
	json_object *doubtful;       /* step -> true: came into doubt in this call */
	json_object *looked;         /* step -> true: a look-up for it was answered */
	json_object *facts, *records, *emitted, *cursor;
	struct cs_bytes last_emit;   /* as it came */
	json_object *faults;         /* array of {rule, text} */
	struct cs_buf reason, warnings;
	int n_warnings;
	int64_t retry_after_ms, now_ms;
	const char *kind_of[CS_MAX_REQUESTS];  /* "find GET contact" */
	struct cs_bytes told[CS_MAX_REQUESTS]; /* what vendors said */
	bool absent;                 /* a read was answered 404 */
	bool usual;                  /* the twist came out as what this CRM says when there is nothing */
	bool blind;                  /* a read was answered with what cannot be understood */
	bool refused;                /* a mutating request was refused by the twist */
};

/* The result is valid until a few runs later; cs_call_end gives its memory back. */
struct cs_call *cs_run(const struct cs_plan *plan);
/* Both calls, alternately at each switch; a first. */
void cs_run_two(const struct cs_plan *a, const struct cs_plan *b, struct cs_call **out_a, struct cs_call **out_b);
/* map alone: the document as text (borrowed from the call), or NULL. */
struct cs_call *cs_run_map(const struct cs_plan *plan);
void cs_call_end(struct cs_call *c);
/* Compare with the script: outcome, requests, what is left. */
void cs_compare(struct cs_call *c);
/* What holds for every call, however it was answered. */
void cs_judge(struct cs_call *c);
/* With which receipts the next attempt begins; new. */
json_object *cs_receipts_after(const struct cs_call *c);

/* The call whose code is on the processor; NULL outside of plugin code. */
extern struct cs_call *cs_check_running;
/* From a host function that may switch. */
void cs_check_switch(struct cs_call *c);

extern const struct cs_host_v1 cs_check_host;
/* Note a fault of the plugin (or of the script). */
void cs_fault(struct cs_call *c, enum cs_rule rule, const char *fmt, ...) CS_PRINTF(3, 4);
/* Told of each request as it is made: {"step", "method", "url", "query", "type", "body"}, taken over. NULL: nobody is. */
extern void (*cs_check_tell)(json_object *request);
int32_t cs_check_http(struct cs_call *c, const struct cs_http_req *req, struct cs_http_res *res);
/* request.c: the rules for a request. */
void cs_check_request(struct cs_call *c, const struct cs_http_req *req);
/* match.c: is `want` contained in `have`, as conversation.h says? Else *where tells the pointer of the first difference. */
bool cs_check_match(struct cs_call *c, json_object *want, json_object *have, const char *at, const char **where);
void cs_check_expected(struct cs_call *c, const struct cs_http_req *req, json_object *expect);
/* Was this marker's nonce made for another call? */
bool cs_is_foreign_nonce(const struct cs_call *c, const char *nonce);

/* The row of a manifest's list whose `key` is `value`; NULL: none. */
json_object *cs_check_row(json_object *rows, const char *key, const char *value);
json_object *cs_check_step(const struct cs_call *c, const char *step);
bool cs_check_in_doubt(json_object *receipts, const char *step);
const char *cs_check_outcome(int32_t outcome);
int32_t cs_check_outcome_named(const char *name); /* -1: none */

/* lead.c */
extern const char cs_check_sample[];
/* The sample lead with the script's patch; new. */
json_object *cs_check_lead_of(json_object *script);
/* The typed view of a lead's JSON; lenient, memory of the call. */
const struct cs_lead *cs_check_lead(struct cs_call *c, json_object *lead);

/* event.c: an emitted event by the rules of plugin_v1.h. */
void cs_check_event(struct cs_call *c, json_object *event);
/* personal.c: did fail, warn or log say something about the caller that no vendor said? */
void cs_check_personal(struct cs_call *c, enum cs_rule rule, const char *text, bool vendor_may);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lead.h - reading lead-1.0: one parse, every rule, a typed view.
 *
 * cs_lead_read parses once and checks every field by one table (pointer, type, limits, class). Faults come back all at
 * once, each with its JSON pointer. The class of the worst fault decides what happens to the lead:
 *   envelope  nothing is kept, the answer is 400
 *   required  the lead is kept as a dead letter blamed on the lead, the answer is 422
 *   optional  accepted with a warning; the field counts as absent and its text goes to the note
 * A document is one piece of memory that holds a copy of the body, in which the texts of the view lie; it lives as long as
 * they do. A lead is read again from the store in the same way, so fixing the rules heals what is queued. Pure; any thread,
 * one object at a time.
 */
#ifndef CS_LEAD_LEAD_H
#define CS_LEAD_LEAD_H

#include <cs/plugin_v1.h>
#include "util/err.h"
#include "util/json.h"
#include "util/mem.h"

enum cs_fault_class { CS_FAULT_NONE = 0, CS_FAULT_OPTIONAL = 1, CS_FAULT_REQUIRED = 2, CS_FAULT_ENVELOPE = 3 };
enum cs_urgency { CS_URGENCY_EMERGENCY = 0, CS_URGENCY_SAME_DAY = 1, CS_URGENCY_SAME_WEEK = 2, CS_URGENCY_FLEXIBLE = 3 };

struct cs_fault {
	enum cs_fault_class class;
	const char *pointer; /* "/contact/phone" */
	const char *detail;  /* "must be E.164: + and 7 to 15 digits"; never the value itself */
};

#define CS_LEAD_FAULTS_MAX 64

struct cs_lead_doc {
	struct cs_arena mem;
	struct cs_lead view;        /* .raw points at the caller's bytes; .warnings: one "pointer: detail (given: text)" a line,
	                             * only for the note, since it repeats what the caller said */
	struct cs_lead_call call;
	struct cs_lead_contact contact;
	struct cs_lead_address address;
	struct cs_lead_request request;
	struct cs_lead_analysis analysis;
	struct cs_fault *faults;    /* at most CS_LEAD_FAULTS_MAX; more are counted only. NULL: none */
	size_t n_faults, n_more;
	enum cs_fault_class worst;
	uint8_t event_id[16];
	int64_t started_ms, ended_ms; /* of the call, where the view has the text */
	enum cs_urgency urgency;    /* FLEXIBLE when absent or faulty */
	bool unqualified;           /* event is lead.unqualified */
	bool is_event;              /* an event of ours (event-1.0), only from cs_lead_read_stored */
	uint8_t content_hash[32];   /* SHA-256 of the canonical JSON without timestamp_utc and without the query part of
	                             * recording_url and transcript_url, event_id in lower case: same hash, same lead
	                             * (hash.h); zeroes when worst is ENVELOPE, and from cs_lead_read_stored */
	uint64_t phone_key, email_key; /* cs_hash64-free stable keys (first 8 bytes of SHA-256 of the digits / lower-case
	                             * address) by which two leads share a caller; 0: none */
};

/*
 * Read `n` bytes as a lead. Always returns a document (never NULL); look at ->worst. The view's raw points at `s`, which must
 * outlive the document. now_ms is used for nothing but received_ms.
 */
struct cs_lead_doc *cs_lead_read(const char *s, size_t n, int64_t now_ms);
/* The same for a body that was accepted before (a lead, or one of our events: then only raw, event, event_id, account and
 * received_ms are set in the view). NULL when it is neither. */
struct cs_lead_doc *cs_lead_read_stored(const char *s, size_t n, int64_t received_ms);
void cs_lead_doc_free(struct cs_lead_doc *d);
/* The only fault from now on; a string constant. For what is wrong with the sender rather than with the lead. */
void cs_lead_refuse(struct cs_lead_doc *d, const char *pointer, const char *detail);
/* Does it say of itself that it is a test? One of our events never does. */
bool cs_lead_is_test(struct cs_lead_doc *d);
/* The body as json-c has it, read when first asked for; NULL if it is no JSON object. The document owns it. */
json_object *cs_lead_json(struct cs_lead_doc *d);

/* Resolve preferred_schedule with the connection's IANA zone ("" or unknown: only a text with its own zone is resolved).
 * Fills the view's has_preferred_at and preferred_at_ms. Reads a zone's file once, when it is first asked for: see zone.h. */
void cs_lead_resolve_time(struct cs_lead_doc *d, const char *timezone);

const char *cs_urgency_name(enum cs_urgency u);

#endif

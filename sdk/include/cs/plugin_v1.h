/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cs/plugin_v1.h - the whole contract between csrelay and a CRM plugin.   Version 1.0.
 *
 * A plugin is two files that lie side by side: NAME.so, which exports one function, and NAME.json, its manifest. What is
 * data (settings, secrets, hosts, auth, limits, steps, webhook verification) stands in the manifest, which csrelay reads
 * without running any plugin code. What is behaviour is at most four functions:
 *
 *     map             lead in, the CRM's document out. Pure: no request, no clock, no randomness.
 *     push            bring one delivery into the CRM (or identify the account, list choices, ...: see d->kind).
 *     auth_refresh    only where the manifest's OAuth description is not enough ("renew": "plugin").
 *     handle_webhook  a verified message of the CRM, or the time to poll it; emits events.
 *
 * A complete plugin:
 *
 *     #include <cs/plugin_v1.h>
 *
 *     static int32_t
 *     map(void *inst, struct cs_call *call, const struct cs_map_in *in)
 *     {
 *             return in->host->emit(call, in->lead->raw);
 *     }
 *
 *     static int32_t
 *     push(void *inst, struct cs_call *call, const struct cs_delivery *d)
 *     {
 *             struct cs_http_req req = CS_REQ("send", "POST", "/leads");
 *             struct cs_http_res res = CS_RES_INIT;
 *             int32_t rc;
 *
 *             req.mutates = 1;
 *             req.body = d->document;
 *             if ((rc = d->host->http(call, &req, &res)) != CS_DONE)
 *                     return rc;
 *             return res.status < 300 ? CS_DONE : d->host->fail(call, CS_REJECT, "refused with %d", res.status);
 *     }
 *
 *     CS_PLUGIN_V1(.name = "acme", .version = "1.0.0", .map = map, .push = push)
 *
 * Life of a push: the core takes a due delivery in hand, resolves settings and secrets, calls map, lays the connection's
 * overrides on the document and calls push. Each http() waits for its rate budget, gets its secrets, is sent, and comes
 * back classed. What push returns steers the queue. A later attempt starts with the receipts of the earlier ones.
 *
 * Threads: none to think of. Calls run on stacks of their own (256 KiB) in one thread and switch only inside the host
 * functions marked [s]; plugin code is never entered by two threads, but several calls of one plugin are open at once, so
 * nothing static may be held across an [s]. Start no threads; leave signals, locale and environment alone. There are no
 * files, sockets or processes: everything goes through the host.
 *
 * Ownership: inputs and answers are borrowed and live until the call returns (a cs_http_res until then, too: each has
 * its own memory). Outputs (emit, fail, receipt_put, ...) are copied by the host. Nobody frees the other side's memory;
 * `inst` belongs to the plugin.
 *
 * Never twice: every request that creates or changes something names its `step` (a row of the manifest's "steps") and sets
 * `mutates`. If it ends in anything but 2xx or a clear 4xx the step is *in doubt*, http() returns CS_UNKNOWN and the
 * plugin returns that. On the next attempt receipt() says CS_RECEIPT_IN_DOUBT for the step. Where the manifest says
 * on_doubt = "look", the host refuses to send the step again until a request with `looks_for` = that step was answered
 * (2xx or 404); if that finds the record, the plugin puts a receipt and goes on.
 *
 * Secrets never reach a plugin. The manifest places them in headers, paths and bodies; where that is not enough,
 * secret_ref() returns a marker for this call that the core replaces just before sending.
 *
 * Promise: within v1 structs only grow at the end. Whoever allocates a struct states its size in struct_size; the other
 * side touches only that much. New kinds of calls and new manifest keys are not ABI changes: answer a kind you do not
 * know with CS_UNSUPPORTED. Any other change is v2, with its own header and entry symbol.
 *
 * Changelog
 *   1.0  first release: frozen in November 2026, when seven CRMs and the signed webhook stood on it
 *
 * Includes three libc headers only; compiles as C11 and as C++17.
 */
#ifndef CS_PLUGIN_V1_H
#define CS_PLUGIN_V1_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define CS_ABI_V1_MINOR 0 /* 1.0: first release */

#if defined(__GNUC__)
#define CS_PRINTF(fmt_arg, first_arg) __attribute__((format(printf, fmt_arg, first_arg)))
#define CS_EXPORT __attribute__((visibility("default")))
#else
#define CS_PRINTF(fmt_arg, first_arg)
#define CS_EXPORT
#endif

/* ---- 1. Outcomes: what a call returns. Carried as int32_t; a value not in this list counts as CS_RETRY. */
enum {
	CS_DONE = 0,        /* the CRM has it (or: the answer is here) */
	CS_RETRY = 1,       /* not now: try again by the schedule */
	CS_REJECT = 2,      /* never: a dead letter, a person must look */
	CS_REAUTH = 3,      /* the grant is dead: the connection needs its owner */
	CS_WAIT = 4,        /* later, and no attempt is spent (rate limits) */
	CS_UNKNOWN = 5,     /* sent, and nobody knows whether it happened */
	CS_UNSUPPORTED = 6, /* this kind of call is not known to the plugin */
};

enum { CS_PRIO_ERROR = 0, CS_PRIO_WARN = 1, CS_PRIO_INFO = 2, CS_PRIO_DEBUG = 3 }; /* of log() */
enum { /* of secret_ref(): how the value is written where the marker stands */
	CS_ENC_RAW = 0,   /* as it is */
	CS_ENC_JSON = 1,  /* inside of a JSON string (RFC 8259 section 7) */
	CS_ENC_URL = 2,   /* percent-encoded but for unreserved characters (RFC 3986 section 2) */
	CS_ENC_FORM = 3,  /* application/x-www-form-urlencoded (WHATWG URL section 5) */
	CS_ENC_BASIC = 4, /* base64 of the secret "user:password" (RFC 7617) */
};
enum { CS_HMAC_SHA256 = 0, CS_HMAC_SHA1 = 1, CS_HMAC_SHA512 = 2 }; /* of hmac(): RFC 2104 over FIPS 180-4 */
enum { CS_RECEIPT_ABSENT = 0, CS_RECEIPT_VALUE = 1, CS_RECEIPT_IN_DOUBT = 2 }; /* of receipt() */
enum { CS_TRI_UNKNOWN = -1, CS_TRI_NO = 0, CS_TRI_YES = 1 }; /* a boolean that may be absent; of secret_equal() */

/* ---- 2. Plain types, frozen for v1 (they stand in arrays) */
struct cs_call; /* one call in progress; opaque, gone on return */

struct cs_bytes { /* borrowed; JSON (RFC 8259) travels as UTF-8 text. Where it is text a NUL stands behind it, not counted in len */
	const char *ptr;
	size_t len;
};

struct cs_header {
	const char *name;  /* a token (RFC 9110 section 5.6.2) in any case; in answers lower case */
	const char *value; /* without CR, LF and NUL (RFC 9110 section 5.5) */
};

enum { CS_CAPTURE_SECRET = 0, CS_CAPTURE_FACT = 1 }; /* what a captured value becomes */
struct cs_capture { /* a value in the JSON answer that becomes a secret or fact of the connection before the plugin reads
                     * the answer; a captured secret is blanked there */
	const char *pointer; /* RFC 6901 */
	const char *name;    /* declared in the manifest */
	int32_t kind, pad;
};

/* ---- 3. The lead (lead-1.0.schema.json). Text is never NULL: "" is absent. All text is valid UTF-8 without NUL. */
struct cs_lead_call { /* the phone call */
	uint32_t struct_size;
	int32_t has_duration;
	int64_t duration_s;
	const char *call_id, *direction; /* direction: inbound, outbound */
	const char *started_at, *ended_at; /* RFC 3339 */
	const char *recording_url, *transcript_url, *transcript_summary; /* the URLs are good for a day */
};

struct cs_lead_address { /* where the service is wanted */
	uint32_t struct_size, pad;
	const char *street, *city, *state, *zip, *country; /* country: two letters, ISO 3166-1 alpha-2 */
};

struct cs_lead_contact { /* the caller; phone or email is there */
	uint32_t struct_size, pad;
	const char *first_name, *last_name;
	const char *phone; /* ITU-T E.164: + and 7 to 15 digits */
	const char *email; /* one @, at most 254 bytes */
	const struct cs_lead_address *address; /* never NULL */
};

struct cs_lead_request { /* what is wanted */
	uint32_t struct_size;
	int32_t is_existing_customer; /* CS_TRI_* */
	const char *service_type, *sub_type; /* "HVAC", "heating_repair" */
	const char *urgency; /* emergency, same_day, same_week, flexible */
	const char *issue_description;  /* at most 8 KiB of what was said */
	const char *preferred_schedule; /* as given: a local time, or RFC 3339 */
	int64_t preferred_at_ms;        /* resolved with the connection's time zone */
	int32_t has_preferred_at, pad;  /* 0: no time given, or the zone is not known: text only */
};

struct cs_lead_analysis { /* what the voice agent made of it */
	uint32_t struct_size;
	int32_t has_score;
	double score; /* 0.0 to 1.0 */
	const char *sentiment, *qualification_status, *disqualification_reason;
	struct cs_bytes qualifier_answers; /* JSON object of text, numbers, booleans, nulls; len 0: absent */
};

struct cs_lead { /* one event of the universal payload */
	uint32_t struct_size, pad;
	const char *schema_version, *event, *event_id, *timestamp_utc, *account; /* event_id: a UUID (RFC 9562), the lead's identity */
	const struct cs_lead_call *call; /* these four are never NULL */
	const struct cs_lead_contact *contact;
	const struct cs_lead_request *request;
	const struct cs_lead_analysis *analysis;
	const char *destination_crm, *crm_account_id, *assigned_to;
	int64_t received_ms;     /* when csrelay had it on disk */
	int64_t timestamp_ms;    /* timestamp_utc */
	const char *warnings;    /* faults of optional fields and other remarks for the note, one a line; "" if none */
	struct cs_bytes raw;     /* the JSON as it came (for events: the event) */
};

/* ---- 4. Requests and answers */
struct cs_http_req { /* make one with CS_REQ, then fill in what else it needs */
	uint32_t struct_size;
	int32_t mutates;         /* 1: creates or changes something at the CRM */
	const char *step;        /* a step of the manifest */
	const char *looks_for;   /* a look-up that settles the doubt about this step; NULL: none */
	const char *method;      /* GET POST PUT PATCH DELETE (RFC 9110 section 9, RFC 5789) */
	const char *url;         /* a path ("/contacts", laid on the manifest's base_url) or an absolute URL with an allowed host */
	const char *query;       /* ready encoded (RFC 3986 section 3.4), without "?"; NULL: none */
	const char *content_type; /* NULL: application/json where there is a body */
	struct cs_bytes body;
	const struct cs_header *headers; /* beside those of the manifest */
	size_t n_headers;
	const char *limit_class; /* NULL: the manifest's first; waits inside http() for its budget */
	int64_t cost;            /* of that class; 0: 1 */
	const struct cs_capture *capture;
	size_t n_capture;
	int64_t timeout_ms;      /* 0: the core's */
};

struct cs_http_res { /* CS_RES_INIT, then http() fills it; it lives until the call returns */
	uint32_t struct_size;
	int32_t status;          /* RFC 9110 section 15; 0: no answer came */
	struct cs_bytes body;    /* at most 1 MiB */
	const struct cs_header *headers;
	size_t n_headers;
};

#define CS_REQ(step_, method_, url_)                                                                             \
	{ sizeof(struct cs_http_req), 0, (step_), NULL, (method_), (url_), NULL, NULL, { NULL, 0 }, NULL, 0, NULL, 0, \
	  NULL, 0, 0 }
#define CS_RES_INIT { sizeof(struct cs_http_res), 0, { NULL, 0 }, NULL, 0 }

/* ---- 5. The host. [s]: may switch to another call; hold nothing static across it. Test members with CS_HOST_HAS. */
struct cs_host_v1 {
	uint32_t struct_size, abi_minor;

	/* One line for operators. Never secrets or record contents. */
	void (*log)(struct cs_call *, int32_t prio, const char *fmt, ...) CS_PRINTF(3, 4);
	/* Say why, in words an office manager understands; returns `outcome`. The vendor's own words belong in it too:
	 * it goes to the store and the operator, never to the log. */
	int32_t (*fail)(struct cs_call *, int32_t outcome, const char *fmt, ...) CS_PRINTF(3, 4);
	/* Done, with a remark: the lead is in the CRM, but something beside it (a note) was refused. */
	void (*warn)(struct cs_call *, const char *fmt, ...) CS_PRINTF(2, 3);
	/* With CS_RETRY or CS_WAIT: not before this many milliseconds from now. */
	void (*retry_after)(struct cs_call *, int64_t ms);
	/* The result: map's document, an event (once per event), an item of a list. The host copies. Returns CS_DONE,
	 * or CS_REJECT when it is too large (1 MiB). */
	int32_t (*emit)(struct cs_call *, struct cs_bytes out);

	/* [s] One request, one answer. CS_DONE: an answer is there for the plugin to judge (2xx, 3xx, 4xx). Otherwise the host
	 * has classed it (401 after one refresh: CS_REAUTH; 408, 5xx, faults: CS_RETRY, or CS_UNKNOWN if it mutates;
	 * 425 (RFC 8470), 429 (RFC 6585): CS_WAIT; the manifest's "status" may class others) and the plugin may simply return
	 * that. res may still hold status and body then. Retry-After (RFC 9110 section 10.2.3) is honoured by the core. */
	int32_t (*http)(struct cs_call *, const struct cs_http_req *, struct cs_http_res *);

	/* What a step left behind, there again on the next attempt. A value clears doubt. */
	int32_t (*receipt_put)(struct cs_call *, const char *step, struct cs_bytes value);
	/* CS_RECEIPT_*; *value is set for a value. */
	int32_t (*receipt)(struct cs_call *, const char *step, struct cs_bytes *value);
	/* What the same step left behind for the newest earlier lead of the same caller (manifest: "per_caller"). */
	int32_t (*remembered)(struct cs_call *, const char *step, struct cs_bytes *value);
	/* Ids of what now exists at the CRM, for links and for matching webhooks: type "contact", id "51". */
	void (*record)(struct cs_call *, const char *type, const char *id, const char *url);

	/* Marker for a secret, good in this call only; enc says how it is encoded where it stands. */
	struct cs_bytes (*secret_ref)(struct cs_call *, const char *name, int32_t enc);
	/* [s] Make a random secret of len bytes (16 to 64), unseen, and keep it with the connection. */
	int32_t (*secret_new)(struct cs_call *, const char *name, size_t len);
	/* [s] Compare in constant time: CS_TRI_*. */
	int32_t (*secret_equal)(struct cs_call *, const char *name, struct cs_bytes);
	/* [s] HMAC of `in` with a secret, as raw bytes; a secret that begins with whsec_ is base64 (Standard Webhooks). */
	int32_t (*hmac)(struct cs_call *, int32_t alg, const char *secret, struct cs_bytes in, struct cs_bytes *mac);

	/* A fact of the connection as text; len 0: none. Booleans are "true" and "false", lists JSON. */
	struct cs_bytes (*fact)(struct cs_call *, const char *name);
	/* A setting, with the manifest's default. */
	struct cs_bytes (*setting)(struct cs_call *, const char *key);
	/* Learn a fact that the manifest declares; kept at once. */
	int32_t (*fact_put)(struct cs_call *, const char *name, struct cs_bytes value);
	/* What the vendor says is left of a limit, and how fast it comes back. */
	int32_t (*budget)(struct cs_call *, const char *limit_class, int64_t left, int64_t restore_per_s);
	/* [s] Let the core renew the token by the manifest's grant (RFC 6749 section 6). */
	int32_t (*oauth_refresh)(struct cs_call *);
	/* Poll: where to go on next time; committed together with the events. */
	int32_t (*cursor_put)(struct cs_call *, struct cs_bytes cursor);
	/* Milliseconds since 1970, UTC. */
	int64_t (*now_ms)(struct cs_call *);
	/* 1: nobody waits for the call any more; end it. */
	int32_t (*cancelled)(struct cs_call *);
	/* Memory that lives until the call returns; zeroed; NULL never. */
	void *(*alloc)(struct cs_call *, size_t n);
	/* minor 1 continues here */
};
#define CS_HOST_HAS(h, m) ((h)->struct_size >= offsetof(struct cs_host_v1, m) + sizeof((h)->m) && (h)->m != NULL)

/* ---- 6. What a call gets */
struct cs_map_in { /* of map */
	uint32_t struct_size, pad;
	const struct cs_host_v1 *host; /* of it only: emit, fail, log, setting, fact, alloc */
	const struct cs_lead *lead;
};

enum { /* kinds of push */
	CS_PUSH_LEAD = 0,     /* bring the lead in */
	CS_PUSH_IDENTIFY = 1, /* who is connected? emit one JSON object {id, name, facts...}; without it the manifest's row serves */
	CS_PUSH_CHOICES = 2,  /* emit one {value, label} per item of the list `what` */
	CS_PUSH_TEST = 3,     /* as LEAD, but mark it as a test where the CRM can */
	CS_PUSH_FETCH = 4,    /* read the record `what` ("type/id") and emit it */
};

struct cs_delivery { /* of push */
	uint32_t struct_size;
	int32_t kind;                  /* CS_PUSH_* */
	const struct cs_host_v1 *host;
	const char *delivery_id;       /* stable across attempts: fit for an idempotency key */
	int32_t attempt;               /* 1 for the first */
	int32_t may_exist;             /* 1: an earlier attempt may have created something (some step is in doubt) */
	const struct cs_lead *lead;    /* never NULL; all "" for kinds without a lead */
	struct cs_bytes document;      /* what map emitted, with the connection's overrides laid on it */
	const char *what;              /* for CHOICES and FETCH; "" otherwise */
};

enum { /* kinds of handle_webhook */
	CS_HOOK_RECEIVED = 0,    /* a message of the CRM: emit what it means */
	CS_HOOK_POLL = 1,        /* ask the CRM what has changed since the cursor, emit it, put the new cursor */
	CS_HOOK_SUBSCRIBE = 2,   /* register the address `channel` with the CRM; it may be there already */
	CS_HOOK_RENEW = 3,       /* see that what is registered for `channel` is there, and prolong it */
	CS_HOOK_UNSUBSCRIBE = 4, /* remove what is registered for `channel`: it is not wanted any more */
};

struct cs_webhook { /* of handle_webhook */
	uint32_t struct_size;
	int32_t kind;                  /* CS_HOOK_* */
	const struct cs_host_v1 *host;
	struct cs_bytes body;          /* RECEIVED: one event (the core has split an array by the manifest's pointer) */
	const struct cs_header *headers;
	size_t n_headers;
	const char *query;             /* of the CRM's request, as it came */
	const char *channel;           /* SUBSCRIBE and after: our address for this connection; ids that the CRM gives are facts */
	struct cs_bytes cursor;        /* POLL: what cursor_put left; len 0: first time */
	int32_t is_verified, pad;      /* 0: an unsigned hint; read the record before emitting */
};
/*
 * An emitted event: {"event":"job.paid","occurred_at":"...","match":[{"type":"job","id":"..."}, {"phone":"+1..."}],
 * "records":[{"type":"job","id":"...","url":"..."}], "dedupe":"...", "job":{...}}. The core matches it to a lead by the
 * records that deliveries left (then marker, phone, e-mail), adds identity and account, and queues it (event-1.0.md).
 */

/* ---- 7. The descriptor */
struct cs_plugin_v1 { /* what the entry function returns; make it with CS_PLUGIN_V1 */
	uint32_t struct_size; /* filled in by CS_PLUGIN_V1 */
	uint32_t abi_minor;
	const char *name;     /* equals the file's stem and the manifest's name */
	const char *version;  /* equals the manifest's version */
	/* Optional: a cache per connection, rebuildable at any time; never I/O, never state. *inst comes with each call. */
	int32_t (*open)(const struct cs_host_v1 *, struct cs_call *, void **inst);
	/* Optional: give it back. No call comes after it. */
	void (*close)(void *inst);
	/* Required: the lead as the CRM's document, emitted once. Pure. */
	int32_t (*map)(void *inst, struct cs_call *, const struct cs_map_in *);
	/* Required: bring one delivery in, or what else `kind` says. */
	int32_t (*push)(void *inst, struct cs_call *, const struct cs_delivery *);
	/* Optional: renew the tokens, for a way of the manifest's "auth" with "renew": "plugin"; one at a time per connection. What its
	 * requests capture is committed together, before anybody works with it; the way's access_token must be among it. The
	 * manifest's "request" is on these requests, too; a header of the plugin's own takes the place of the same one there.
	 * oauth_refresh() makes the manifest's own token request, as if captured. An answer that is emitted tells the token's life and
	 * facts, at the way's "answer" pointers. CS_REAUTH (so comes a 401): the grant is dead. Anything else but CS_DONE is tried again later, longer
	 * each time; a request that says `mutates` and stays without an answer counts as a lost refresh ("lost_refresh"). */
	int32_t (*auth_refresh)(void *inst, struct cs_call *, const struct cs_host_v1 *);
	/* Optional: a verified message of the CRM, or the time to poll it. */
	int32_t (*handle_webhook)(void *inst, struct cs_call *, const struct cs_webhook *);
	/* minor 1 continues here */
};

/* The one exported symbol. A function, so that the descriptor can grow and its symbol has no size to copy. */
#define CS_PLUGIN_V1_ENTRY "cs_plugin_v1_entry"
typedef const struct cs_plugin_v1 *(*cs_plugin_v1_entry_fn)(void);

#define CS_PLUGIN_V1(...)                                                                                        \
	CS_EXPORT const struct cs_plugin_v1 *cs_plugin_v1_entry(void);                                           \
	const struct cs_plugin_v1 *cs_plugin_v1_entry(void)                                                      \
	{                                                                                                        \
		static const struct cs_plugin_v1 descriptor = { .struct_size = sizeof(struct cs_plugin_v1),      \
			.abi_minor = CS_ABI_V1_MINOR, __VA_ARGS__ };                                             \
		return &descriptor;                                                                              \
	}

#ifdef __cplusplus
}
#endif
#endif

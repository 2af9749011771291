/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wire.h - the messages between core and plugin runner, and their encoding.
 *
 * A frame is u32 length (of what follows), u16 type, u16 zero, u64 call, then the fields of the type in fixed order:
 * little-endian integers, and texts or byte strings as u32 length, bytes, one NUL (so that the reader can hand out C strings
 * that point into the frame). A frame is at most CS_WIRE_MAX bytes. Every reader checks every length and ends with "nothing
 * left over"; a frame that does not decode ends the connection. Encoders take the structs below and decoders fill them
 * with pointers into the frame, so nothing is copied and no JSON is parsed at the boundary.
 *
 * Shared by both sides; knows nothing of either.
 */
#ifndef CS_WIRE_WIRE_H
#define CS_WIRE_WIRE_H

#include <stdint.h>
#include <stdbool.h>
#include <cs/plugin_v1.h>
#include "util/mem.h"

#define CS_WIRE_MAX (4u << 20)
#define CS_WIRE_HEADER 16

enum cs_wire_type { /* core -> runner below 64, runner -> core from 64 */
	CS_WIRE_CALL = 1, CS_WIRE_HTTP_RESULT, CS_WIRE_SERVICE_RESULT, CS_WIRE_CANCEL,
	CS_WIRE_HTTP = 64, CS_WIRE_SERVICE, CS_WIRE_RECEIPT, CS_WIRE_RECORD, CS_WIRE_EMIT, CS_WIRE_FACT, CS_WIRE_BUDGET,
	CS_WIRE_CURSOR, CS_WIRE_LOG, CS_WIRE_DONE,
	CS_WIRE_HELLO, /* the first one of a process; names no call */
};

/* ---- core -> runner */
enum cs_wire_call_kind { CS_CALL_MAP, CS_CALL_PUSH, CS_CALL_AUTH, CS_CALL_HOOK, CS_CALL_MAP_PUSH /* map, then push with its
	document, in one call; only CS_CALL_MAP sends the document back, as an emit */ };

struct cs_wire_pair { /* settings, facts: name and value as text */
	const char *name;
	struct cs_bytes value;
};
struct cs_wire_receipt {
	const char *step;
	int32_t state; /* CS_RECEIPT_*, or CS_WIRE_REMEMBERED: left by an earlier lead of the caller */
	struct cs_bytes value;
};
#define CS_WIRE_REMEMBERED 16

struct cs_wire_call {
	int32_t kind;                /* enum cs_wire_call_kind */
	int32_t what_kind;           /* CS_PUSH_* or CS_HOOK_* */
	int64_t now_ms;              /* the core's clock at the start of the call */
	uint8_t nonce[16];           /* of this call's secret markers */
	uint64_t instance;           /* connection id, for open/close; 0: none */
	uint64_t instance_version;   /* settings version: another one closes the old instance */
	const char *delivery_id;
	int32_t attempt, may_exist;
	const struct cs_lead *lead;  /* NULL: a lead of empty texts */
	struct cs_bytes document;
	const char *what;
	const struct cs_wire_pair *settings, *facts;
	size_t n_settings, n_facts;
	const struct cs_wire_receipt *receipts;
	size_t n_receipts;
	/* hooks */
	struct cs_bytes body, cursor;
	const struct cs_header *headers;
	size_t n_headers;
	const char *query, *channel;
	int32_t is_verified;
};

struct cs_wire_http_result {
	int32_t outcome;             /* what http() returns */
	int32_t status;
	struct cs_bytes body;
	const struct cs_header *headers;
	size_t n_headers;
};
struct cs_wire_service_result {
	int32_t rc;
	struct cs_bytes bytes;
};

/* ---- runner -> core. A request is struct cs_http_req itself. */
struct cs_wire_http {
	struct cs_http_req req;
	struct cs_header headers[32];
	struct cs_capture captures[16];
};
enum cs_wire_service_kind { CS_SERVICE_SECRET_NEW, CS_SERVICE_SECRET_EQUAL, CS_SERVICE_HMAC, CS_SERVICE_OAUTH_REFRESH };
struct cs_wire_service {
	int32_t kind, arg;           /* arg: length or algorithm */
	const char *name;
	struct cs_bytes bytes;
};
struct cs_wire_done {
	int32_t outcome;             /* as the plugin returned it, unchecked */
	int32_t has_retry_after;
	int64_t retry_after_ms;
	const char *reason;          /* of fail(); "" */
	const char *warnings;        /* of warn(), one a line; "" */
	int32_t crash;               /* the call did not return by itself: signal number, or CS_WIRE_LOST */
};
#define CS_WIRE_LOST (-1) /* through no fault of its own: its process is gone and it cannot be run again */

/* What a process is, once it has loaded the plugin or has not. */
struct cs_wire_hello {
	const char *build;           /* cs_wire_build */
	const char *refused;         /* why there will be no calls; "" when there may be */
	int32_t has_auth, has_hook;  /* the functions that a plugin may leave out */
	int32_t landlock, seccomp;   /* what it is held by; see plughost/confine.h */
	int64_t memory;
};
/* Made from the sources of both ends at build time: only ends of one build speak with each other. */
extern const char cs_wire_build[];

/* ---- encoding: append one whole frame. 0 or CS_ELIMIT. */
int cs_wire_put_call(struct cs_buf *b, uint64_t call, const struct cs_wire_call *m);
int cs_wire_put_http_result(struct cs_buf *b, uint64_t call, const struct cs_wire_http_result *m);
int cs_wire_put_service_result(struct cs_buf *b, uint64_t call, const struct cs_wire_service_result *m);
int cs_wire_put_cancel(struct cs_buf *b, uint64_t call);
int cs_wire_put_http(struct cs_buf *b, uint64_t call, const struct cs_http_req *req);
int cs_wire_put_service(struct cs_buf *b, uint64_t call, const struct cs_wire_service *m);
int cs_wire_put_receipt(struct cs_buf *b, uint64_t call, const char *step, struct cs_bytes value);
int cs_wire_put_record(struct cs_buf *b, uint64_t call, const char *type, const char *id, const char *url);
int cs_wire_put_emit(struct cs_buf *b, uint64_t call, struct cs_bytes out);
int cs_wire_put_fact(struct cs_buf *b, uint64_t call, const char *name, struct cs_bytes value);
int cs_wire_put_budget(struct cs_buf *b, uint64_t call, const char *limit_class, int64_t left, int64_t restore_per_s);
int cs_wire_put_cursor(struct cs_buf *b, uint64_t call, struct cs_bytes cursor);
int cs_wire_put_log(struct cs_buf *b, uint64_t call, int32_t prio, const char *text);
int cs_wire_put_done(struct cs_buf *b, uint64_t call, const struct cs_wire_done *m);
int cs_wire_put_hello(struct cs_buf *b, const struct cs_wire_hello *m);

/* ---- decoding */
struct cs_wire_frame {
	uint16_t type;
	uint64_t call;
	const char *body;
	size_t len;
};
/* Look at the first frame in n bytes: its whole size, 0 when more bytes are needed, or CS_ECORRUPT. */
long cs_wire_peek(const void *p, size_t n, struct cs_wire_frame *f);

/* Each fills the struct with pointers into the frame; arrays (and the lead's structs) come from `mem`. 0 or CS_ECORRUPT. */
int cs_wire_get_call(const struct cs_wire_frame *f, struct cs_arena *mem, struct cs_wire_call *m);
int cs_wire_get_http_result(const struct cs_wire_frame *f, struct cs_arena *mem, struct cs_wire_http_result *m);
int cs_wire_get_service_result(const struct cs_wire_frame *f, struct cs_wire_service_result *m);
int cs_wire_get_http(const struct cs_wire_frame *f, struct cs_wire_http *m);
int cs_wire_get_service(const struct cs_wire_frame *f, struct cs_wire_service *m);
int cs_wire_get_receipt(const struct cs_wire_frame *f, const char **step, struct cs_bytes *value);
int cs_wire_get_record(const struct cs_wire_frame *f, const char **type, const char **id, const char **url);
int cs_wire_get_bytes(const struct cs_wire_frame *f, struct cs_bytes *out); /* emit, cursor */
int cs_wire_get_fact(const struct cs_wire_frame *f, const char **name, struct cs_bytes *value);
int cs_wire_get_budget(const struct cs_wire_frame *f, const char **limit_class, int64_t *left, int64_t *restore_per_s);
int cs_wire_get_log(const struct cs_wire_frame *f, int32_t *prio, const char **text);
int cs_wire_get_done(const struct cs_wire_frame *f, struct cs_wire_done *m);
int cs_wire_get_hello(const struct cs_wire_frame *f, struct cs_wire_hello *m);

/*
 * A secret marker: "CS-" 32 hex digits of the nonce "." encoding digit "." name "." Only characters that no encoding
 * (JSON, URL, form) changes; the nonce, new for each call, makes it unguessable for whoever wrote the lead.
 */
#define CS_MARKER_OPEN "CS-"
int cs_wire_marker(struct cs_buf *b, const uint8_t nonce[16], int32_t enc, const char *name);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * slot.h - private to the client: one curl easy handle with everything one request needs while it is under way.
 *
 * Slots are pooled. Options that never change are set once; load() sets the others for each request, all of them.
 */
#ifndef CS_HTTP_SLOT_H
#define CS_HTTP_SLOT_H

#include <curl/curl.h>
#include "http/client.h"
#include "util/mem.h"

#define CS_SLOT_SHARE ((size_t)64 << 10) /* of the budget, for every answer without asking */

struct cs_http_client {
	struct cs_http_client_conf conf;
	char *ca_file, *unix_socket;
	CURLM *multi;
	struct cs_list idle, active; /* slots */
	struct cs_list paused;       /* slots whose answer waits for room, oldest first */
	struct cs_list waiting;      /* requests without a slot, oldest first */
	struct cs_list refused;      /* requests that will be told so in the next run */
	size_t n_active, n_waiting;
	size_t granted; /* bytes of the budget given to slots */
	bool started;   /* something was handed to curl since it last moved */
	struct curl_waitfd *wait;
	size_t wait_cap;
};

struct slot {
	struct cs_list link;   /* idle or active */
	struct cs_list paused; /* on the client's list while held back */
	CURL *easy;
	CURLU *parsed;         /* the URL of this request, or between two of the last one */
	struct cs_buf url;     /* its text */
	struct cs_http_client *client;
	struct cs_http_xfer *xfer;
	struct cs_http_answer answer;
	struct cs_buf body;
	size_t granted;
	unsigned sends;     /* times the request was about to go onto the wire */
	bool plain;         /* http:// */
	bool opened;        /* a new connection: the guard has judged it */
	bool head_over;     /* the blank line has come: what follows are trailers */
	bool too_big, resend, broken;
	const char *refused; /* the guard's reason */
	int64_t start_us;
	struct cs_buf out;  /* text of our headers */
	struct curl_slist out_nodes[CS_HTTP_MAX_REQUEST_HEADERS + 3];
	struct cs_buf head; /* text of the answer's headers */
	size_t head_seen;   /* bytes of headers, kept or not */
	size_t n_head;
	uint32_t head_at[CS_HTTP_MAX_ANSWER_HEADERS][2]; /* offsets of name and value */
	struct cs_http_header headers[CS_HTTP_MAX_ANSWER_HEADERS];
	char error[CURL_ERROR_SIZE];
};

struct slot *cs_slot_new(struct cs_http_client *c);
void cs_slot_free(struct slot *s);
/* NULL, or why the request is not acceptable (static text). */
const char *cs_slot_check(const struct cs_http_xfer *x);
/* Set everything for this request. False: libcurl refused an option. */
bool cs_slot_load(struct slot *s, struct cs_http_xfer *x);
/* What has become of it, in s->answer. */
void cs_slot_conclude(struct slot *s, CURLcode code);
/* Ready for the next request; memory of ordinary size is kept. */
void cs_slot_clear(struct slot *s);

#endif

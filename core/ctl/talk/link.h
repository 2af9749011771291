/* SPDX-License-Identifier: Apache-2.0 */
/*
 * link.h - where answers come from: the daemon, or its store when it is down.
 *
 * The control socket needs no key: the daemon sees who we are. With --url the admin listener is asked, with
 * --key-file as the key. What cannot be reached is CS_CTL_UNREACHABLE, except that a GET of a command that
 * may read the store is then answered from there (offline.h), with a word on stderr.
 */
#ifndef CS_CTL_TALK_LINK_H
#define CS_CTL_TALK_LINK_H

#include "ctl/ctl.h"

struct cs_ctl_answer {
	int status;         /* HTTP; 0 when nobody answered */
	struct cs_buf body; /* as it came */
	json_object *json;  /* NULL when it is none */
	int64_t retry_after_s; /* 0: nothing said */
	struct cs_err err;  /* with status 0: why */
};
void cs_ctl_answer_fini(struct cs_ctl_answer *a);

struct cs_ctl_header {
	const char *name, *value;
};
struct cs_ctl_request {
	const char *method, *path; /* path: with the query, encoded */
	const char *body;          /* NULL: none */
	size_t body_len;
	const char *content_type;  /* NULL: application/json */
	const struct cs_ctl_header *headers;
	size_t n_headers;
	int64_t timeout_ms;        /* 0: 30 s */
};

/* An address to send requests to; several can be open. NULL with *err when it is not acceptable. */
struct cs_ctl_link;
struct cs_ctl_link *cs_ctl_link_unix(const char *socket_path);
struct cs_ctl_link *cs_ctl_link_url(const char *url, const char *key_file, struct cs_err *err);
void cs_ctl_link_free(struct cs_ctl_link *l);
/* Send and wait for the whole answer. Fills *a, whatever happens; the caller finishes it. */
void cs_ctl_link_ask(struct cs_ctl_link *l, const struct cs_ctl_request *r, struct cs_ctl_answer *a);

/* ---- what commands use: to the daemon's admin API, as the options say */
/*
 * GET path. 0 and *out (the caller's), or an exit status that was told on stderr. Falls back on the store for
 * commands that may.
 */
int cs_ctl_get(struct cs_ctl *c, const char *path, json_object **out);
/* Send to the daemon that the options name; the caller looks at the answer. CS_CTL_OK, or a status that was
 * told. */
int cs_ctl_ask(struct cs_ctl *c, const struct cs_ctl_request *r, struct cs_ctl_answer *a);
/* Any other method; body may be NULL. *out (may be NULL) gets the JSON of a 2xx answer, or NULL when it had
 * none. */
int cs_ctl_change(struct cs_ctl *c, const char *method, const char *path, const json_object *body,
		  json_object **out);
/* GET of a list, page by page, until `limit` items are there: {"items":[...],"next":...}. `query`: "" or
 * "a=b&c=d". */
int cs_ctl_get_list(struct cs_ctl *c, const char *path, const char *query, int64_t limit, const char *before,
                    json_object **out);
/* Tell an answer that is no success on stderr (problem rows one a line); returns the exit status for it. */
int cs_ctl_told(const struct cs_ctl_answer *a);
/* The text of a file with a key or secret, at most 4 KiB, without white space around it; wiped by the caller.
 * NULL with *err. */
char *cs_ctl_read_secret(const char *path, struct cs_err *err);

#endif

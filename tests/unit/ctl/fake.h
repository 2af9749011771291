/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fake.h - a daemon that says what it is told to say, on a unix socket in a folder of its own.
 *
 * Answers are a list of rows; a request takes the first row of its method and target that is not used up (the
 * last one for them is never used up). What was asked is kept.
 */
#ifndef TESTS_CTL_FAKE_H
#define TESTS_CTL_FAKE_H

#include <pthread.h>
#include <stdatomic.h>
#include "fixture.h"
#include "http/server.h"

struct fake_row {
	const char *method, *target; /* target as sent, with the query; NULL: any */
	int status;
	const char *body;            /* ' for " */
};
struct fake_request {
	char method[8], target[512], content_type[64], id[64], timestamp[24], signature[128],
	    authorization[128];
	char *body;
	size_t body_len;
};
struct fake {
	char dir[64], socket[96];
	struct cs_http_server *server;
	const struct fake_row *rows;
	int used[16];                /* by row */
	pthread_mutex_t lock;
	struct fake_request seen[64];
	size_t n_seen;
};

static inline void
fake_header(const struct cs_http_request *req, const char *name, char *to, size_t cap)
{
	const char *value = cs_http_request_header(req, name);

	snprintf(to, cap, "%s", value != NULL ? value : "");
}

static inline void
fake_note(struct fake *f, const struct cs_http_request *req)
{
	struct fake_request *s = &f->seen[f->n_seen < CS_ARRAY_LEN(f->seen) - 1 ? f->n_seen++ : f->n_seen];

	snprintf(s->method, sizeof(s->method), "%s", req->method);
	snprintf(s->target, sizeof(s->target), "%s", req->target);
	fake_header(req, "content-type", s->content_type, sizeof(s->content_type));
	fake_header(req, "webhook-id", s->id, sizeof(s->id));
	fake_header(req, "webhook-timestamp", s->timestamp, sizeof(s->timestamp));
	fake_header(req, "webhook-signature", s->signature, sizeof(s->signature));
	fake_header(req, "authorization", s->authorization, sizeof(s->authorization));
	free(s->body);
	s->body = cs_xstrndup(req->body, req->body_len);
	s->body_len = req->body_len;
}

static inline bool
fake_fits(const struct fake_row *r, const struct cs_http_request *req)
{
	return strcmp(r->method, req->method) == 0 &&
	       (r->target == NULL || strcmp(r->target, req->target) == 0);
}

static inline const struct fake_row *
fake_find(struct fake *f, const struct cs_http_request *req)
{
	int at = -1;

	for (int i = 0; f->rows[i].method != NULL && (at < 0 || f->used[at] > 0); i++)
		if (fake_fits(&f->rows[i], req))
			at = i;
	if (at < 0)
		return NULL;
	f->used[at]++;
	return &f->rows[at];
}

static inline void
fake_handle(void *ctx, struct cs_http_request *req)
{
	struct fake *f = ctx;
	const struct fake_row *r;
	char *text;

	pthread_mutex_lock(&f->lock);
	fake_note(f, req);
	r = fake_find(f, req);
	pthread_mutex_unlock(&f->lock);
	if (r == NULL) {
		cs_http_reply_error(req, 501, "the test has no answer for this", NULL, NULL);
		return;
	}
	text = cs_xstrdup(r->body);
	for (char *p = text; (p = strchr(p, '\'')) != NULL;)
		*p = '"';
	cs_http_reply_json(req, r->status, text, strlen(text));
	free(text);
}

/* From now on; at most 16, the last with a NULL method. */
static inline void
fake_answers(struct fake *f, const struct fake_row *rows)
{
	pthread_mutex_lock(&f->lock);
	f->rows = rows;
	f->n_seen = 0;
	memset(f->used, 0, sizeof(f->used));
	pthread_mutex_unlock(&f->lock);
}
#define ANSWERS(f, ...) fake_answers((f), (const struct fake_row[]){ __VA_ARGS__, { 0 } })

static inline void
fake_start(struct fake *f)
{
	static const struct fake_row none[] = { { 0 } };
	struct cs_http_server_conf conf = { .ctx = f, .handle = fake_handle, .max_body = 8u << 20 };
	char listen[112];
	struct cs_err err;

	memset(f, 0, sizeof(*f));
	pthread_mutex_init(&f->lock, NULL);
	f->rows = none;
	strcpy(f->dir, "/tmp/cs-ctl-fake-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(f->dir));
	snprintf(f->socket, sizeof(f->socket), "%s/s", f->dir);
	snprintf(listen, sizeof(listen), "unix:%s", f->socket);
	conf.listen = listen;
	f->server = cs_http_server_start(&conf, &err);
	if (f->server == NULL)
		ck_abort_msg("%s", err.msg);
}

/* A file in the fake's folder; its path. */
static inline const char *
fake_file(struct fake *f, const char *name, const char *text)
{
	static char path[160];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", f->dir, name);
	file = fopen(path, "w");
	ck_assert_ptr_nonnull(file);
	fputs(text, file);
	ck_assert_int_eq(fclose(file), 0);
	return path;
}

static inline void
fake_stop(struct fake *f)
{
	char command[96];

	cs_http_server_stop(f->server, 0);
	for (size_t i = 0; i < CS_ARRAY_LEN(f->seen); i++)
		free(f->seen[i].body);
	snprintf(command, sizeof(command), "rm -rf '%s'", f->dir);
	ck_assert_int_eq(system(command), 0);
}

#endif

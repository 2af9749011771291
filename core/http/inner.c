/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inner.c - see inner.h. cs_http_reply and the functions of fields.c know such a request by its `divert`.
 */
#include "config.h"
#include "http/inner.h"

#include <stdlib.h>
#include <string.h>
#include "util/text.h"

static void
divert(struct cs_http_request *req, const struct cs_http_reply *a)
{
	struct cs_http_inner *in = CS_CONTAINER(req, struct cs_http_inner, pub);
	const void *body = a->body;
	bool ours = a->own == CS_BODY_TAKE;

	in->answered(in, a);
	if (ours)
		free((void *)(uintptr_t)body);
}

void
cs_http_inner_init(struct cs_http_inner *in, const char *method, const char *target, const char *body, struct cs_arena *mem,
                   void (*answered)(struct cs_http_inner *, const struct cs_http_reply *))
{
	in->pub = (struct cs_http_request){ .method = method, .target = target, .path = cs_arena_strndup(mem, target, strcspn(target, "?")),
		.body = body != NULL ? body : "", .body_len = body != NULL ? strlen(body) : 0, .divert = divert };
	cs_list_init(&in->pub.link);
	in->mem = mem;
	in->answered = answered;
}

/* ---- forms */

/* A NUL ends the text, as it would everywhere later on. */
static char *
decoded(const char *s, size_t n, struct cs_arena *mem)
{
	char *out = cs_arena_alloc(mem, n + 1);

	cs_url_decode(s, n, true, out);
	return out;
}

bool
cs_http_form_next(const char **at, struct cs_arena *mem, char **name, char **value)
{
	size_t n, eq;

	*at += strspn(*at, "&");
	if ((n = strcspn(*at, "&")) == 0)
		return false;
	eq = strcspn(*at, "=&");
	*name = decoded(*at, eq, mem);
	*value = eq < n ? decoded(*at + eq + 1, n - eq - 1, mem) : cs_arena_strdup(mem, "");
	*at += n;
	return true;
}

const char *
cs_http_inner_query(const struct cs_http_request *req, const char *name)
{
	const struct cs_http_inner *in = CS_CONTAINER(req, struct cs_http_inner, pub);
	const char *at = strchr(req->target, '?');
	char *key, *value;

	at = at != NULL ? at + 1 : "";
	while (cs_http_form_next(&at, in->mem, &key, &value))
		if (strcmp(key, name) == 0)
			return value;
	return NULL;
}

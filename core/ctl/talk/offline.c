/* SPDX-License-Identifier: Apache-2.0 */
/*
 * offline.c - the store opened, the path of a request taken apart, the answer found. The answers are in
 * offline_read.c.
 */
#include "config.h"
#include <stdlib.h>
#include <string.h>
#include "ctl/talk/offline_read.h"
#include "ctl/talk/place.h"
#include "lead/lead.h"

#define READ_MS 60000 /* nobody is kept waiting by us */
#define ANSWER_DEPTH 96

int
cs_ctl_store_open(struct cs_ctl *c, struct cs_store **out, struct cs_err *err)
{
	struct cs_store_conf conf = { .read_only = true, .reader_ms = READ_MS };
	int rc;

	if ((rc = cs_ctl_place(c, "store.path", &conf.path, err)) < 0)
		return rc;
	return cs_store_open_sqlite(&conf, out, err);
}

/* ---- the query */

static int
hex_digit(char ch)
{
	static const char digits[] = "0123456789abcdef";
	const char *at = ch != '\0' ? strchr(digits, ch | 0x20) : NULL;

	return at != NULL ? (int)(at - digits) : 0;
}

static const char *
decoded(struct cs_arena *mem, const char *s, size_t n)
{
	char *out = cs_arena_alloc(mem, n + 1), *to = out;

	for (size_t i = 0; i < n; i++) {
		if (s[i] == '%' && i + 2 < n) {
			*to++ = (char)(hex_digit(s[i + 1]) << 4 | hex_digit(s[i + 2]));
			i += 2;
		} else
			*to++ = s[i];
	}
	return out;
}

const char *
cs_ctl_offline_param(const struct cs_ctl_offline *o, const char *name)
{
	size_t n = strlen(name);

	for (const char *p = o->query; p != NULL && *p != '\0'; p += strcspn(p, "&"), p += *p == '&')
		if (strncmp(p, name, n) == 0 && p[n] == '=')
			return decoded(o->view.mem, p + n + 1, strcspn(p + n + 1, "&"));
	return NULL;
}

/* ---- the routes that work without a daemon */

static const struct route {
	const char *before, *after; /* around the id; after NULL: no id */
	int (*answer)(struct cs_ctl_offline *o, struct cs_err *err);
} routes[] = {
	{ "/v1/leads", NULL, cs_ctl_offline_leads },
	{ "/v1/leads/", "/story", cs_ctl_offline_story },
	{ "/v1/deliveries", NULL, cs_ctl_offline_deliveries },
	{ "/v1/dead-letters", NULL, cs_ctl_offline_dead_letters },
	{ "/v1/dead-letters/", "", cs_ctl_offline_dead_letter },
	{ "/v1/queue", NULL, cs_ctl_offline_queue },
	{ "/v1/connections", NULL, cs_ctl_offline_connections },
	{ "/v1/connections/", "", cs_ctl_offline_connection },
	{ "/v1/connections/", "/versions", cs_ctl_offline_versions },
	{ "/v1/alerts", NULL, cs_ctl_offline_alerts },
	{ "/v1/secrets", NULL, cs_ctl_offline_secrets },
};

/* Does the path fit? Fills o->id. */
static bool
fits(const struct route *r, const char *path, size_t n, struct cs_ctl_offline *o)
{
	size_t before = strlen(r->before), after = r->after != NULL ? strlen(r->after) : 0;

	if (r->after == NULL)
		return n == before && memcmp(path, r->before, n) == 0;
	if (n <= before + after || memcmp(path, r->before, before) != 0 ||
	    memcmp(path + n - after, r->after, after) != 0 ||
	    memchr(path + before, '/', n - before - after) != NULL)
		return false;
	o->id = decoded(o->view.mem, path + before, n - before - after);
	return true;
}

static int
answer(struct cs_ctl *c, const struct route *r, struct cs_ctl_offline *o, json_object **out, struct cs_err *err)
{
	struct cs_store *store;
	int rc;

	if ((rc = cs_ctl_store_open(c, &store, err)) < 0)
		return rc == CS_ENOTFOUND ? err->code = CS_EUNSUPPORTED : rc; /* neither daemon nor store */
	cs_view_init(&o->view, store, &c->mem, 0);
	if ((rc = r->answer(o, err)) >= 0)
		rc = cs_json_parse(cs_buf_str(&o->view.out), o->view.out.len, ANSWER_DEPTH, out, err);
	cs_view_fini(&o->view);
	cs_store_close(store);
	return rc;
}

int
cs_ctl_offline_get(struct cs_ctl *c, const char *path, json_object **out, struct cs_err *err)
{
	struct cs_ctl_offline o = { .view.mem = &c->mem, .ctl = c, .now_ms = c->now_ms };
	size_t n = strcspn(path, "?");
	int rc = cs_err_set(err, CS_EUNSUPPORTED, "only a running daemon can answer that");

	o.query = path[n] == '?' ? path + n + 1 : "";
	for (size_t i = 0; i < CS_ARRAY_LEN(routes); i++)
		if (fits(&routes[i], path, n, &o)) {
			rc = answer(c, &routes[i], &o, out, err);
			break;
		}
	return rc;
}

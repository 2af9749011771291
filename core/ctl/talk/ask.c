/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ask.c - what commands ask of the admin API, and what is said when it does not do it.
 */
#include "config.h"
#include <stdlib.h>
#include <string.h>
#include "ctl/talk/link.h"
#include "ctl/talk/offline.h"
#include "ctl/talk/place.h"
#include "ctl/show/text.h"

static int
exit_of_status(int http)
{
	if (http >= 200 && http < 300)
		return CS_CTL_OK;
	if (http == 404)
		return CS_CTL_NOT_FOUND;
	return http == 429 || http >= 500 || http < 400 ? CS_CTL_TROUBLE : CS_CTL_REFUSED;
}

static int
exit_of_err(int code)
{
	switch (code) {
	case CS_ENOTFOUND:
		return CS_CTL_NOT_FOUND;
	case CS_EINVAL:
		return CS_CTL_USAGE;
	case CS_EUNSUPPORTED:
		return CS_CTL_UNREACHABLE;
	default:
		return CS_CTL_TROUBLE;
	}
}

static void
tell_rows(struct cs_arena *mem, json_object *rows)
{
	for (size_t i = 0; i < cs_ctl_json_count(rows); i++) {
		json_object *row = json_object_array_get_idx(rows, i);
		const char *pointer = cs_ctl_json_text(mem, row, "pointer");

		fprintf(stderr, "  %s%s%s\n", pointer, pointer[0] != '\0' ? ": " : "",
			cs_ctl_json_text(mem, row, "detail"));
	}
}

int
cs_ctl_told(const struct cs_ctl_answer *a)
{
	struct cs_arena mem;
	const char *detail;

	if (a->status == 0)
		return cs_ctl_fail_err(a->err.code == CS_ECLOSED ? CS_CTL_UNREACHABLE : CS_CTL_TROUBLE,
				       &a->err);
	cs_arena_init(&mem);
	detail = cs_ctl_json_text(&mem, a->json, "detail");
	if (detail[0] == '\0')
		detail = cs_ctl_json_text(&mem, a->json, "title");
	cs_ctl_fail(0, "%s (status %d)", detail[0] != '\0' ? detail : "the daemon gave no reason", a->status);
	tell_rows(&mem, cs_json_get(a->json, "errors"));
	cs_arena_fini(&mem);
	return exit_of_status(a->status);
}

/* ---- the link that the options name */

static int
socket_of_conf(struct cs_ctl *c, const char **path)
{
	struct cs_err err = { 0 };
	const char *control;

	if (cs_ctl_place(c, "listen.control", &control, &err) < 0)
		return cs_ctl_fail_err(CS_CTL_USAGE, &err);
	if (strncmp(control, "unix:", 5) != 0)
		return cs_ctl_fail(CS_CTL_USAGE,
				   "listen.control is \"%s\", not a unix socket; use --socket or --url",
				   control);
	*path = control + 5;
	return CS_CTL_OK;
}

static int
open_link(struct cs_ctl *c)
{
	const char *url = cs_ctl_opt(c, "url"), *path = cs_ctl_opt(c, "socket");
	struct cs_err err = { 0 };
	int rc;

	if (c->link != NULL)
		return CS_CTL_OK;
	if (url != NULL) {
		c->link = cs_ctl_link_url(url, cs_ctl_opt(c, "key-file"), &err);
		return c->link != NULL ? CS_CTL_OK : cs_ctl_fail_err(CS_CTL_USAGE, &err);
	}
	if (path == NULL && (rc = socket_of_conf(c, &path)) != CS_CTL_OK)
		return rc;
	c->link = cs_ctl_link_unix(path);
	return CS_CTL_OK;
}

/* ---- from the store */

static int
get_offline(struct cs_ctl *c, const char *path, json_object **out)
{
	struct cs_err err = { 0 };

	if (cs_ctl_offline_get(c, path, out, &err) < 0)
		return cs_ctl_fail_err(exit_of_err(err.code), &err);
	return CS_CTL_OK;
}

/* A daemon that is not there is no reason for not looking; one at another address (--url) is. */
static int
fall_back(struct cs_ctl *c, const char *path, const struct cs_err *why, json_object **out)
{
	static bool said;

	if (!said)
		cs_ctl_fail(0, "%s; reading the store instead", why->msg);
	said = true;
	return get_offline(c, path, out);
}

int
cs_ctl_ask(struct cs_ctl *c, const struct cs_ctl_request *r, struct cs_ctl_answer *a)
{
	int rc = open_link(c);

	memset(a, 0, sizeof(*a));
	if (rc == CS_CTL_OK)
		cs_ctl_link_ask(c->link, r, a);
	return rc;
}

int
cs_ctl_get(struct cs_ctl *c, const char *path, json_object **out)
{
	const struct cs_ctl_request r = { .method = "GET", .path = path };
	struct cs_ctl_answer a;
	int rc;

	*out = NULL;
	if (cs_ctl_has(c, "offline"))
		return get_offline(c, path, out);
	if ((rc = cs_ctl_ask(c, &r, &a)) != CS_CTL_OK)
		return rc;
	if (a.status == 0 && a.err.code == CS_ECLOSED && c->cmd->offline && !cs_ctl_has(c, "url"))
		rc = fall_back(c, path, &a.err, out);
	else if (a.status != 200)
		rc = cs_ctl_told(&a);
	else if (a.json == NULL)
		rc = cs_ctl_fail(CS_CTL_TROUBLE, "the daemon's answer to GET %s is no JSON", path);
	else
		*out = CS_STEAL(a.json);
	cs_ctl_answer_fini(&a);
	return rc;
}

int
cs_ctl_change(struct cs_ctl *c, const char *method, const char *path, const json_object *body,
	      json_object **out)
{
	const char *text = body != NULL ? cs_json_text(body) : NULL;
	const struct cs_ctl_request r = {
		.method = method, .path = path, .body = text, .body_len = text != NULL ? strlen(text) : 0
	};
	struct cs_ctl_answer a;
	int rc;

	if (out != NULL)
		*out = NULL;
	if ((rc = cs_ctl_ask(c, &r, &a)) != CS_CTL_OK)
		return rc;
	if ((rc = exit_of_status(a.status)) != CS_CTL_OK)
		rc = cs_ctl_told(&a);
	else if (out != NULL)
		*out = CS_STEAL(a.json);
	cs_ctl_answer_fini(&a);
	return rc;
}

/* ---- lists */

#define PAGE_MAX 500

static const char *
page_path(struct cs_ctl *c, const char *path, const char *query, int64_t n, const char *before)
{
	return cs_arena_printf(&c->mem, "%s?limit=%lld%s%s%s%s", path, (long long)(n < PAGE_MAX ? n : PAGE_MAX),
	                       query[0] != '\0' ? "&" : "", query, before != NULL ? "&before=" : "",
	                       before != NULL ? before : "");
}

/* Move the items of a page over; returns how many came. */
static size_t
take_items(json_object *page, json_object *items)
{
	json_object *from = cs_json_get(page, "items");
	size_t n = cs_ctl_json_count(from);

	for (size_t i = 0; i < n; i++)
		json_object_array_add(items, json_object_get(json_object_array_get_idx(from, i)));
	return n;
}

static const char *
next_of(struct cs_ctl *c, const json_object *page)
{
	json_object *next = cs_json_get(page, "next");

	return next != NULL ? cs_arena_strdup(&c->mem, json_object_get_string(next)) : NULL;
}

int
cs_ctl_get_list(struct cs_ctl *c, const char *path, const char *query, int64_t limit, const char *before,
                json_object **out)
{
	json_object *list = json_object_new_object(), *items = json_object_new_array();
	const char *next = before;
	int rc;

	json_object_object_add(list, "items", items);
	do {
		CS_CLEANUP(cs_json_putp) json_object *page = NULL;

		if ((rc = cs_ctl_get(c, page_path(c, path, query, limit, next), &page)) != CS_CTL_OK) {
			json_object_put(list);
			return rc;
		}
		limit -= (int64_t)take_items(page, items);
		next = next_of(c, page);
	} while (next != NULL && limit > 0);
	json_object_object_add(list, "next", next != NULL ? json_object_new_string(next) : NULL);
	*out = list;
	return CS_CTL_OK;
}

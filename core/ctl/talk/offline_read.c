/* SPDX-License-Identifier: Apache-2.0 */
/*
 * offline_read.c - see offline_read.h: the parameters of each request, and the view that answers it.
 */
#include "config.h"
#include <stdlib.h>
#include <string.h>
#include "ctl/talk/offline_read.h"
#include "ctl/talk/place.h"
#include "view/words.h"

#define LIMIT 50
#define LIMIT_MAX 500

static int64_t
number(const struct cs_ctl_offline *o, const char *name, int64_t dflt)
{
	const char *s = cs_ctl_offline_param(o, name);

	return s != NULL ? strtoll(s, NULL, 10) : dflt;
}

static int64_t
limit(const struct cs_ctl_offline *o)
{
	int64_t n = number(o, "limit", LIMIT);

	return n < 1 ? 1 : n > LIMIT_MAX ? LIMIT_MAX : n;
}

int
cs_ctl_offline_leads(struct cs_ctl_offline *o, struct cs_err *err)
{
	return cs_view_leads(&o->view, cs_ctl_offline_param(o, "account"), number(o, "before", 0), (int)limit(o), err);
}

int
cs_ctl_offline_story(struct cs_ctl_offline *o, struct cs_err *err)
{
	struct cs_lead_row lead;
	int rc = cs_view_find_lead(o->view.store, o->view.mem, o->id, cs_ctl_offline_param(o, "account"), "", &lead, err);

	return rc < 0 ? rc : cs_view_story(&o->view, &lead, err);
}

/* ---- deliveries */

static int
read_connection(struct cs_ctl_offline *o, const char *name, struct cs_filter *f, struct cs_err *err)
{
	struct cs_conn_row row;
	int rc;

	if (strcmp(name, "none") == 0) {
		f->conn_id = 0;
		return 0;
	}
	if ((rc = cs_view_find_conn(o->view.store, o->view.mem, name, &row, err)) == 0)
		f->conn_id = row.id;
	return rc;
}

static int
read_filter(struct cs_ctl_offline *o, struct cs_filter *f, struct cs_err *err)
{
	int rc;

	*f = cs_filter_any();
	f->limit = (size_t)limit(o);
	f->before_id = number(o, "before", 0);
	for (size_t i = 0; i < CS_FILTER_WORDS; i++) {
		const char *word = cs_filter_words[i], *text = cs_ctl_offline_param(o, word), *fault;

		if (text == NULL)
			continue;
		if (strcmp(word, "connection") == 0) {
			if ((rc = read_connection(o, text, f, err)) < 0)
				return rc;
		} else if ((fault = cs_filter_read(f, word, text, o->view.mem)) != NULL)
			return cs_err_set(err, CS_EINVAL, "%s %s", word, fault);
	}
	return 0;
}

static int
put_list(struct cs_ctl_offline *o, uint32_t states, struct cs_err *err)
{
	struct cs_filter f;
	int rc;

	if ((rc = read_filter(o, &f, err)) < 0)
		return rc;
	if (states != 0)
		f.states = states;
	return cs_view_deliveries(&o->view, &f, err);
}

int
cs_ctl_offline_deliveries(struct cs_ctl_offline *o, struct cs_err *err)
{
	return put_list(o, 0, err);
}

int
cs_ctl_offline_dead_letters(struct cs_ctl_offline *o, struct cs_err *err)
{
	return put_list(o, CS_STATE_BIT(CS_DEAD), err);
}

int
cs_ctl_offline_dead_letter(struct cs_ctl_offline *o, struct cs_err *err)
{
	struct cs_delivery_row row;
	char *end;
	int64_t id = strtoll(o->id, &end, 10);
	int rc;

	if (*end != '\0' || id <= 0)
		return cs_err_set(err, CS_ENOTFOUND, "a delivery's id is a number above 0");
	rc = o->view.store->ops->delivery_get(o->view.store, id, o->view.mem, &row, err);
	return rc < 0 ? rc : cs_view_dead_letter(&o->view, &row, err);
}

int
cs_ctl_offline_queue(struct cs_ctl_offline *o, struct cs_err *err)
{
	return cs_view_queue(&o->view, o->now_ms, err);
}

/* ---- connections and alerts */

struct backlog {
	struct cs_backlog *v;
	size_t n, cap;
};

static int
note(void *ctx, const struct cs_backlog *b)
{
	struct backlog *all = ctx;

	if (all->n == all->cap) {
		all->cap = all->cap > 0 ? all->cap * 2 : 64;
		all->v = cs_xrealloc(all->v, all->cap * sizeof(*all->v));
	}
	all->v[all->n++] = *b;
	return 0;
}

/* One connection, or, where c is NULL, a page of them. */
static int
put_connections(struct cs_ctl_offline *o, const struct cs_conn_row *c, struct cs_err *err)
{
	struct cs_view_conns w = { .crm = cs_ctl_offline_param(o, "crm"), .account = cs_ctl_offline_param(o, "account"), .accounts = "",
		.limit = limit(o), .after_id = number(o, "before", 0) };
	struct backlog all = { 0 };
	int rc = o->view.store->ops->backlogs(o->view.store, note, &all, err);

	w.waiting = all.v;
	w.n_waiting = all.n;
	if (rc >= 0)
		rc = c != NULL ? cs_view_connection(&o->view, &w, c, err) : cs_view_connections(&o->view, &w, err);
	free(all.v);
	return rc;
}

int
cs_ctl_offline_connections(struct cs_ctl_offline *o, struct cs_err *err)
{
	return put_connections(o, NULL, err);
}

int
cs_ctl_offline_connection(struct cs_ctl_offline *o, struct cs_err *err)
{
	struct cs_conn_row row;
	int rc = cs_view_find_conn(o->view.store, o->view.mem, o->id, &row, err);

	return rc < 0 ? rc : put_connections(o, &row, err);
}

int
cs_ctl_offline_versions(struct cs_ctl_offline *o, struct cs_err *err)
{
	struct cs_conn_row row;
	int rc = cs_view_find_conn(o->view.store, o->view.mem, o->id, &row, err);

	return rc < 0 ? rc : cs_view_versions(&o->view, &row, number(o, "before", 0), (int)limit(o), err);
}

int
cs_ctl_offline_alerts(struct cs_ctl_offline *o, struct cs_err *err)
{
	return cs_view_alerts(&o->view, number(o, "on", 0) != 0, err);
}

int
cs_ctl_offline_secrets(struct cs_ctl_offline *o, struct cs_err *err)
{
	struct cs_vault *vault = NULL;
	const char *path;
	int rc;

	if ((rc = cs_ctl_key_file(o->ctl, &path, err)) < 0)
		return rc;
	if ((rc = cs_vault_open(path, &vault, err)) < 0 && rc != CS_ENOTFOUND)
		return rc;
	rc = cs_view_secrets(&o->view, vault, err);
	cs_vault_close(vault);
	return rc;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * shape.c - see view.h: what waits, by CRM, connection and age: the idea of Postfix's qshape.
 */
#include "config.h"
#include "view/view.h"

#include <stdlib.h>
#include <string.h>

#define AGES 10

struct shape_row {
	char crm[65];
	int64_t conn_id, ages[AGES];
};

struct shape {
	struct shape_row *v;
	size_t n, cap;
};

static int
note(void *ctx, const char *crm, int64_t conn_id, const int64_t age[AGES])
{
	struct shape *s = ctx;
	struct shape_row *row;

	if (s->n == s->cap) {
		s->cap = s->cap > 0 ? s->cap * 2 : 64;
		s->v = cs_xrealloc(s->v, s->cap * sizeof(*s->v));
	}
	row = &s->v[s->n++];
	row->conn_id = conn_id;
	strncpy(row->crm, crm, sizeof(row->crm) - 1);
	row->crm[sizeof(row->crm) - 1] = '\0';
	memcpy(row->ages, age, sizeof(row->ages));
	return 0;
}

static int64_t
sum(const int64_t ages[AGES])
{
	int64_t n = 0;

	for (int i = 0; i < AGES; i++)
		n += ages[i];
	return n;
}

/* By CRM, the fullest connection first. */
static int
compare(const void *a, const void *b)
{
	const struct shape_row *x = a, *y = b;
	int by_crm = strcmp(x->crm, y->crm);
	int64_t nx = sum(x->ages), ny = sum(y->ages);

	return by_crm != 0 ? by_crm : nx != ny ? (nx < ny ? 1 : -1) : x->conn_id < y->conn_id ? -1 : 1;
}

static void
put_counts(struct cs_buf *b, const int64_t ages[AGES])
{
	cs_out_int(b, "total", sum(ages));
	cs_out_open(b, "ages", '[');
	for (int i = 0; i < AGES; i++)
		cs_out_int(b, NULL, ages[i]);
	cs_out_close(b, ']');
}

static void
put_connection(struct cs_view *v, const struct shape_row *row)
{
	const struct cs_conn_row *c = cs_conns_get(&v->conns, row->conn_id);
	struct cs_buf *b = &v->out;

	cs_out_open(b, NULL, '{');
	cs_out_text(b, "connection", c != NULL ? c->public_id : NULL);
	cs_out_text(b, "name", c != NULL ? c->name : NULL);
	cs_out_text(b, "label", c != NULL ? c->label : NULL);
	cs_out_text(b, "state", c != NULL ? cs_conn_state_name(c->state) : NULL);
	put_counts(b, row->ages);
	cs_out_close(b, '}');
}

/* rows[0 .. n-1] are of one CRM. */
static void
put_crm(struct cs_view *v, const struct shape_row *rows, size_t n)
{
	struct cs_buf *b = &v->out;
	int64_t ages[AGES] = { 0 };

	for (size_t i = 0; i < n; i++)
		for (int k = 0; k < AGES; k++)
			ages[k] += rows[i].ages[k];
	cs_out_open(b, NULL, '{');
	cs_out_string(b, "crm", rows[0].crm);
	put_counts(b, ages);
	cs_out_open(b, "connections", '[');
	for (size_t i = 0; i < n; i++)
		put_connection(v, &rows[i]);
	cs_out_close(b, ']');
	cs_out_close(b, '}');
}

static void
put_shape(struct cs_view *v, const struct shape *s)
{
	struct cs_buf *b = &v->out;
	size_t end;

	cs_out_open(b, NULL, '{');
	cs_out_open(b, "crms", '[');
	for (size_t at = 0; at < s->n; at = end) {
		for (end = at; end < s->n && strcmp(s->v[end].crm, s->v[at].crm) == 0;)
			end++;
		put_crm(v, &s->v[at], end - at);
	}
	cs_out_close(b, ']');
	cs_out_open(b, "buckets_minutes", '[');
	for (int64_t edge = 5, i = 0; i < AGES - 1; i++, edge *= 2)
		cs_out_int(b, NULL, edge);
	cs_out_close(b, ']');
	cs_out_close(b, '}');
}

int
cs_view_queue(struct cs_view *v, int64_t now_ms, struct cs_err *err)
{
	struct shape shape = { 0 };
	int rc = v->store->ops->queue_shape(v->store, now_ms, note, &shape, err);

	if (rc >= 0) {
		if (shape.n > 0)
			qsort(shape.v, shape.n, sizeof(*shape.v), compare);
		put_shape(v, &shape);
	}
	free(shape.v);
	return rc < 0 ? rc : 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * find.c - candidates, conditions, order, page.
 *
 * Candidates come from the look-up table where a condition is an equality on an indexed pointer, else from the
 * whole table. Every candidate is then tested on the document that the caller may see: the present one, or with
 * "lag" the one in the search index.
 */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "sandbox/crm/find.h"
#include "util/text.h"

enum op {
	OP_EQ,
	OP_NE,
	OP_IN,
	OP_NOT_IN,
	OP_CONTAINS,
	OP_HAS,
	OP_LACKS,
	OP_GT,
	OP_GTE,
	OP_LT,
	OP_LTE,
	OP_NONE
};

static const char *const op_names[] = { "eq", "ne", "in", "not_in", "contains", "has", "lacks",
	                                "gt", "gte", "lt", "lte" };

struct test {
	char *pointer;
	enum op op;
	char *value;
	json_object *list; /* in, not_in; borrowed from the request */
	int group;
};

struct hit {
	struct cs_sb_record *r;
	json_object *doc;
	const char *key;
};

struct query {
	struct cs_sb_scope *sc;
	const struct cs_sb_collection *c;
	struct test *tests; /* group 0: all must hold; of groups 1.. one must hold whole */
	size_t ntests;
	int ngroups;
	char *text, *text_digits;
	json_object *text_in, *groups;
	bool lag;
	struct hit *hits;
	size_t nhits, cap;
};

/* ---- conditions */

static void
add_test(struct query *q, int group, char *pointer, enum op op, char *value, json_object *list)
{
	q->tests = cs_xrealloc(q->tests, (q->ntests + 1) * sizeof(*q->tests));
	q->tests[q->ntests++] = (struct test){ pointer, op, value, list, group };
}

static enum op
op_of(json_object *operators, const char *name)
{
	const char *ours = operators != NULL ? cs_json_str(operators, name, "") : name;

	for (size_t i = 0; i < CS_ARRAY_LEN(op_names); i++) {
		if (strcmp(ours, op_names[i]) == 0)
			return (enum op)i;
	}
	return OP_NONE;
}

/* "where": {pointer: template}; a condition whose value is absent does not apply. */
static void
read_where(struct query *q, json_object *where)
{
	if (where == NULL)
		return;
	CS_SB_MEMBERS(e, where) {
		char *value = cs_sb_eval_text(q->sc, CS_SB_VALUE(e)), *pointer;

		if (value == NULL)
			continue;
		if ((pointer = cs_sb_eval_string(q->sc, CS_SB_NAME(e))) == NULL)
			free(value);
		else
			add_test(q, 0, pointer, OP_EQ, value, NULL);
	}
}

static int
read_filter(struct query *q, json_object *spec, json_object *filter, struct cs_err *err)
{
	const char *field = cs_json_pointer_text(filter, cs_json_str(spec, "field", "/field"));
	const char *name = cs_json_pointer_text(filter, cs_json_str(spec, "operator", "/operator"));
	json_object *list = cs_json_pointer(filter, cs_json_str(spec, "list", "/values"));
	enum op op = op_of(cs_json_get(spec, "operators"), name);

	if (op == OP_NONE)
		return cs_err_set(err, CS_EINVAL, "the filter operator \"%.40s\" is not known here", name);
	if ((op == OP_IN || op == OP_NOT_IN) && !json_object_is_type(list, json_type_array))
		return cs_err_set(err, CS_EINVAL, "the filter operator \"%.40s\" needs a list of values", name);
	add_test(q, q->ngroups, cs_xasprintf("%s%s", cs_json_str(spec, "at", "/"), field), op,
	         cs_xstrdup(cs_json_pointer_text(filter, cs_json_str(spec, "value", "/value"))), list);
	return 0;
}

/* Filters as the request brings them; the data file says where their parts stand. */
static int
read_groups(struct query *q, json_object *spec, struct cs_err *err)
{
	json_object *filters;
	int rc = 0;

	if (spec == NULL || !cs_sb_eval(q->sc, cs_json_get(spec, "in"), &q->groups) ||
	    !json_object_is_type(q->groups, json_type_array))
		return 0;
	for (size_t i = 0; i < json_object_array_length(q->groups); i++) {
		filters = cs_json_pointer(json_object_array_get_idx(q->groups, i),
					  cs_json_str(spec, "filters", "/filters"));
		if (!json_object_is_type(filters, json_type_array))
			continue;
		q->ngroups++;
		for (size_t k = 0; rc == 0 && k < json_object_array_length(filters); k++)
			rc = read_filter(q, spec, json_object_array_get_idx(filters, k), err);
	}
	return rc;
}

static void
read_text(struct query *q, json_object *spec)
{
	if (spec == NULL || (q->text = cs_sb_eval_text(q->sc, cs_json_get(spec, "value"))) == NULL)
		return;
	q->text_in = cs_json_get(spec, "in");
	q->text_digits = cs_xmalloc(strlen(q->text) + 1);
	cs_digits(q->text, q->text_digits, strlen(q->text) + 1);
}

static bool
in_list(json_object *list, const char *value)
{
	for (size_t i = 0; i < json_object_array_length(list); i++) {
		if (strcasecmp(cs_sb_scalar(json_object_array_get_idx(list, i)), value) == 0)
			return true;
	}
	return false;
}

static int
compare_values(const char *a, const char *b)
{
	char *ea, *eb;
	double x = strtod(a, &ea), y = strtod(b, &eb);

	if (*a != '\0' && *b != '\0' && *ea == '\0' && *eb == '\0')
		return (x > y) - (x < y);
	return strcmp(a, b);
}

static bool
holds(const struct query *q, const struct test *t, json_object *doc)
{
	const char *have = cs_json_pointer_text(doc, t->pointer);
	bool there = *have != '\0';
	int cmp;

	switch (t->op) {
	case OP_EQ:
		return cs_sb_same(q->c, doc, t->pointer, t->value);
	case OP_NE:
		return there && !cs_sb_same(q->c, doc, t->pointer, t->value);
	case OP_IN:
		return there && in_list(t->list, have);
	case OP_NOT_IN:
		return there && !in_list(t->list, have);
	case OP_CONTAINS:
		return there && strcasestr(have, t->value) != NULL;
	case OP_HAS:
		return there;
	case OP_LACKS:
		return !there;
	default:
		cmp = compare_values(have, t->value);
		return there && (t->op == OP_GT	   ? cmp > 0
				 : t->op == OP_GTE ? cmp >= 0
				 : t->op == OP_LT  ? cmp < 0
						   : cmp <= 0);
	}
}

static bool
group_holds(const struct query *q, int group, json_object *doc)
{
	for (size_t i = 0; i < q->ntests; i++) {
		if (q->tests[i].group == group && !holds(q, &q->tests[i], doc))
			return false;
	}
	return true;
}

/* Is the text in one of the fields, as it is or digits in digits? Several fields joined by a space stand as
 * "/a /b". */
static bool
text_matches(const struct query *q, json_object *doc)
{
	if (q->text == NULL)
		return true;
	for (size_t i = 0; i < json_object_array_length(q->text_in); i++) {
		char *spec = cs_xstrdup(cs_sb_scalar(json_object_array_get_idx(q->text_in, i))), *rest = spec,
		     *p;
		struct cs_buf have = CS_BUF_INIT(0);
		char digits[64];
		bool hit;

		while ((p = strsep(&rest, " ")) != NULL)
			cs_buf_printf(&have, "%s%s", have.len > 0 ? " " : "", cs_json_pointer_text(doc, p));
		cs_digits(cs_buf_str(&have), digits, sizeof(digits));
		hit = strcasestr(cs_buf_str(&have), q->text) != NULL ||
		      (strlen(q->text_digits) >= 7 && strstr(digits, q->text_digits) != NULL);
		cs_buf_fini(&have);
		free(spec);
		if (hit)
			return true;
	}
	return false;
}

static bool
matches(const struct query *q, json_object *doc)
{
	bool one = q->ngroups == 0;

	if (!group_holds(q, 0, doc) || !text_matches(q, doc))
		return false;
	for (int g = 1; !one && g <= q->ngroups; g++)
		one = group_holds(q, g, doc);
	return one;
}

/* ---- candidates */

static void
try_record(struct query *q, struct cs_sb_record *r)
{
	json_object *doc = cs_sb_record_seen(r, q->lag, q->sc->now_ms);

	if (doc == NULL || r->mark == q->sc->tenant->crm->store->mark || !matches(q, doc))
		return;
	r->mark = q->sc->tenant->crm->store->mark;
	if (q->nhits == q->cap) {
		q->cap = q->cap == 0 ? 16 : q->cap * 2;
		q->hits = cs_xrealloc(q->hits, q->cap * sizeof(*q->hits));
	}
	q->hits[q->nhits++] = (struct hit){ r, doc, "" };
}

static bool
try_indexed(struct query *q, int group)
{
	struct cs_sb_index_entry *at = NULL;
	struct cs_sb_record *r;
	int index;

	for (size_t i = 0; i < q->ntests; i++) {
		const struct test *t = &q->tests[i];

		if (t->group != group || t->op != OP_EQ || (index = cs_sb_index_of(q->c, t->pointer)) < 0)
			continue;
		while ((r = cs_sb_index_next(q->sc->tenant, q->c, index, t->value, &at)) != NULL)
			try_record(q, r);
		return true;
	}
	return false;
}

static void
collect(struct query *q)
{
	struct cs_sb_table *tab = &q->sc->tenant->tables[q->c->no];
	bool narrow = q->ngroups > 0;

	q->sc->tenant->crm->store->mark++;
	if (try_indexed(q, 0))
		return;
	for (int g = 1; narrow && g <= q->ngroups; g++)
		narrow = try_indexed(q, g);
	for (size_t i = tab->n; !narrow && i > 0; i--)
		try_record(q, tab->v[i - 1]);
}

/* The way of reading by id works for records of which only the id was kept. */
static void
read_by_id(struct query *q)
{
	struct cs_sb_record *r;

	if (q->nhits > 0 || q->ntests != 1 || q->tests[0].group != 0 ||
	    strcmp(q->tests[0].pointer, q->c->id_at) != 0)
		return;
	r = cs_sb_record_by_id(q->sc->tenant, q->c, q->tests[0].value);
	if (r == NULL || r->doc != NULL)
		return;
	q->hits = cs_xrealloc(q->hits, sizeof(*q->hits));
	q->hits[q->nhits++] = (struct hit){ r, NULL, "" };
}

/* ---- order and page */

static int
by_age(const void *a, const void *b)
{
	const struct hit *x = a, *y = b;

	return (x->r->no > y->r->no) - (x->r->no < y->r->no);
}

static int
by_key(const void *a, const void *b)
{
	int cmp = compare_values(((const struct hit *)a)->key, ((const struct hit *)b)->key);

	return cmp != 0 ? cmp : by_age(a, b);
}

static void
sort_hits(struct query *q, json_object *spec)
{
	char *by = spec != NULL ? cs_sb_eval_text(q->sc, cs_json_get(spec, "by")) : NULL;
	char *order = spec != NULL ? cs_sb_eval_text(q->sc, cs_json_get(spec, "order")) : NULL;
	struct hit swap;

	if (q->nhits > 1 && by == NULL)
		qsort(q->hits, q->nhits, sizeof(*q->hits), by_age);
	if (q->nhits > 1 && by != NULL) {
		for (size_t i = 0; i < q->nhits; i++)
			q->hits[i].key = cs_json_pointer_text(q->hits[i].doc, by);
		qsort(q->hits, q->nhits, sizeof(*q->hits), by_key);
	}
	if (order != NULL && strncasecmp(order, "desc", 4) == 0) {
		for (size_t i = 0; i < q->nhits / 2; i++) {
			swap = q->hits[i];
			q->hits[i] = q->hits[q->nhits - 1 - i];
			q->hits[q->nhits - 1 - i] = swap;
		}
	}
	free(by);
	free(order);
}

static json_object *
page_of(struct query *q, json_object *spec)
{
	json_object *found = json_object_new_object(), *items = json_object_new_array();
	int64_t total = (int64_t)q->nhits, max = spec != NULL ? cs_json_int(spec, "max", 1000) : 1000;
	int64_t size = spec != NULL ? cs_sb_eval_int(q->sc, cs_json_get(spec, "size"), max) : total;
	int64_t number = spec != NULL ? cs_sb_eval_int(q->sc, cs_json_get(spec, "number"), 1) : 1, from;
	char next[24];

	size = size < 1 ? 1 : spec != NULL && size > max ? max : size;
	number = number < 1 ? 1 : number > 1000000 ? 1000000 : number;
	from = spec != NULL ? cs_sb_eval_int(q->sc, cs_json_get(spec, "after"), (number - 1) * size) : 0;
	for (int64_t i = from < 0 ? 0 : from; i < total && i < from + size; i++)
		json_object_array_add(items, q->hits[i].doc != NULL ? json_object_get(q->hits[i].doc) :
		                                                      cs_sb_record_doc(q->c, q->hits[i].r));
	json_object_object_add(found, "items", items);
	json_object_object_add(found, "total", json_object_new_int64(total));
	json_object_object_add(found, "page", json_object_new_int64(number));
	json_object_object_add(found, "size", json_object_new_int64(size));
	json_object_object_add(found, "pages", json_object_new_int64((total + size - 1) / size));
	snprintf(next, sizeof(next), "%" PRId64, from + size);
	if (from + size < total)
		json_object_object_add(found, "after", json_object_new_string(next));
	return found;
}

static void
query_fini(struct query *q)
{
	for (size_t i = 0; i < q->ntests; i++) {
		free(q->tests[i].pointer);
		free(q->tests[i].value);
	}
	free(q->tests);
	free(q->text);
	free(q->text_digits);
	free(q->hits);
	json_object_put(q->groups);
}

int
cs_sb_find(struct cs_sb_scope *sc, json_object *step, const struct cs_sb_collection *c, json_object **found,
           struct cs_sb_record **first, struct cs_err *err)
{
	struct query q = { .sc = sc, .c = c, .lag = cs_json_bool(step, "lag", false) };
	int rc;

	read_where(&q, cs_json_get(step, "where"));
	read_text(&q, cs_json_get(step, "text"));
	if ((rc = read_groups(&q, cs_json_get(step, "groups"), err)) == 0) {
		collect(&q);
		read_by_id(&q);
		sort_hits(&q, cs_json_get(step, "sort"));
		*first = q.nhits > 0 ? q.hits[0].r : NULL;
		*found = page_of(&q, cs_json_get(step, "page"));
	}
	query_fini(&q);
	return rc;
}

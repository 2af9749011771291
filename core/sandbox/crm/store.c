/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store.c - records, ids and the look-up table of the fake CRMs.
 */
#include "config.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "sandbox/crm/limit.h"
#include "sandbox/crm/store.h"
#include "sandbox/rules/value.h"
#include "util/clock.h"
#include "util/text.h"

struct cs_sb_index_entry {
	struct cs_sb_index_entry *next;
	struct cs_sb_record *record;
};

#define MAX_KEY 200 /* longer values share an entry; readers compare */

/* ---- the look-up table */

static uint64_t
index_key(const struct cs_sb_tenant *t, const struct cs_sb_collection *c, int index, const char *value)
{
	unsigned char key[12 + MAX_KEY];
	uint32_t head[3] = { t->no, c->no, (uint32_t)index };
	size_t n = 0;

	memcpy(key, head, sizeof(head));
	for (; n < MAX_KEY && value[n] != '\0'; n++)
		key[12 + n] = (unsigned char)tolower((unsigned char)value[n]);
	return cs_hash64(key, 12 + n);
}

static void
index_put(struct cs_sb_tenant *t, const struct cs_sb_collection *c, int index, const char *value,
          struct cs_sb_record *r)
{
	uint64_t key = index_key(t, c, index, value);
	struct cs_sb_index_entry *e = cs_xmalloc(sizeof(*e));

	e->next = cs_map_get(&t->crm->index, key);
	e->record = r;
	cs_map_put(&t->crm->index, key, e);
}

static void
index_doc(struct cs_sb_tenant *t, const struct cs_sb_collection *c, struct cs_sb_record *r, json_object *was)
{
	const char *value;

	for (size_t i = 1; r->doc != NULL && i < c->nindex; i++) {
		value = cs_json_pointer_text(r->doc, c->index[i]);
		if (*value != '\0' && (was == NULL || !cs_sb_same(c, was, c->index[i], value)))
			index_put(t, c, (int)i, value, r);
	}
}

static void
index_clear(struct cs_map *m)
{
	struct cs_sb_index_entry *e, *next;
	size_t at = 0;

	while ((e = cs_map_next(m, &at, NULL)) != NULL) {
		for (; e != NULL; e = next) {
			next = e->next;
			free(e);
		}
	}
	cs_map_fini(m);
	cs_map_init(m);
}

int
cs_sb_index_of(const struct cs_sb_collection *c, const char *pointer)
{
	for (size_t i = 0; i < c->nindex; i++) {
		if (strcmp(c->index[i], pointer) == 0)
			return (int)i;
	}
	return -1;
}

struct cs_sb_record *
cs_sb_index_next(const struct cs_sb_tenant *t, const struct cs_sb_collection *c, int index, const char *value,
                 struct cs_sb_index_entry **at)
{
	*at = *at != NULL ? (*at)->next : cs_map_get(&t->crm->index, index_key(t, c, index, value));
	return *at != NULL ? (*at)->record : NULL;
}

bool
cs_sb_same(const struct cs_sb_collection *c, json_object *doc, const char *pointer, const char *value)
{
	json_object *at = cs_json_pointer(doc, pointer);

	if (at == NULL)
		return false;
	return (c->nocase ? strcasecmp : strcmp)(cs_sb_scalar(at), value) == 0;
}

struct cs_sb_record *
cs_sb_record_by_id(const struct cs_sb_tenant *t, const struct cs_sb_collection *c, const char *id)
{
	struct cs_sb_index_entry *at = NULL;
	struct cs_sb_record *r;

	while ((r = cs_sb_index_next(t, c, 0, id, &at)) != NULL) {
		if (!r->deleted && strcmp(r->id, id) == 0)
			return r;
	}
	return NULL;
}

/* ---- tenants */

static bool
tenant_name_ok(const char *name)
{
	return *name != '\0' && cs_is_ident(name, CS_SB_TENANT_NAME, "_-.:");
}

static void
seed(struct cs_sb_tenant *t)
{
	const struct cs_sb_crm *crm = t->crm->crm;
	struct cs_sb_made made = { 0 };

	for (size_t i = 0; i < crm->ncollections; i++) {
		const struct cs_sb_collection *c = &crm->collections[i];

		for (size_t k = 0; c->seed != NULL && k < json_object_array_length(c->seed); k++) {
			json_object *doc = json_object_array_get_idx(c->seed, k);
			const char *id = cs_json_pointer_text(doc, c->id_at);
			struct cs_sb_record *r = cs_sb_record_add(t, c, cs_xstrdup(id), doc, &made);

			if (r != NULL)
				r->seed = true;
			t->tables[i].created--;
		}
	}
}

static struct cs_sb_tenant *
tenant_new(struct cs_sb_crm_state *st, const char *name)
{
	struct cs_sb_tenant *t = cs_xcalloc(1, sizeof(*t));

	snprintf(t->name, sizeof(t->name), "%s", name);
	t->no = (uint32_t)st->ntenants;
	t->crm = st;
	t->tables = cs_xcalloc(st->crm->ncollections + 1, sizeof(*t->tables));
	if ((st->ntenants & (st->ntenants - 1)) == 0)
		st->by_no = cs_xrealloc(st->by_no, (st->ntenants == 0 ? 1 : st->ntenants * 2) *
						       sizeof(struct cs_sb_tenant *));
	st->by_no[st->ntenants++] = t;
	cs_map_put(&st->tenants, cs_hash64_str(name), t);
	seed(t);
	return t;
}

struct cs_sb_tenant *
cs_sb_tenant_get(struct cs_sb_crm_state *st, const char *name)
{
	struct cs_sb_tenant *t = cs_map_get(&st->tenants, cs_hash64_str(name));

	if (t != NULL && strcmp(t->name, name) == 0)
		return t;
	if (t != NULL || !tenant_name_ok(name) || st->ntenants >= CS_SB_MAX_TENANTS)
		return NULL;
	return tenant_new(st, name);
}

const char *
cs_sb_tenant_name(const struct cs_sb_tenant *t)
{
	return t->name;
}

int64_t
cs_sb_tenant_number(const struct cs_sb_tenant *t)
{
	return 1000000 + (int64_t)t->no;
}

static void
record_free(struct cs_sb_record *r)
{
	json_object_put(r->doc);
	json_object_put(r->old);
	free(r->id);
	free(r);
}

static void
tenant_clear(struct cs_sb_tenant *t)
{
	struct cs_sb_store *store = t->crm->store;

	for (size_t i = 0; i < t->crm->crm->ncollections; i++) {
		struct cs_sb_table *tab = &t->tables[i];

		store->records -= tab->n;
		for (size_t k = 0; k < tab->n; k++) {
			store->docs -= tab->v[k]->doc != NULL && !tab->v[k]->seed;
			record_free(tab->v[k]);
		}
		free(tab->v);
		*tab = (struct cs_sb_table){ 0 };
	}
}

void
cs_sb_crm_state_init(struct cs_sb_crm_state *st, const struct cs_sb_crm *crm, struct cs_sb_store *store)
{
	*st = (struct cs_sb_crm_state){ .crm = crm, .store = store };
	cs_map_init(&st->tenants);
	cs_map_init(&st->index);
	st->next_id = cs_xcalloc(crm->ncollections + 1, sizeof(*st->next_id));
}

void
cs_sb_crm_state_reset(struct cs_sb_crm_state *st)
{
	index_clear(&st->index);
	for (size_t i = 0; i < st->ntenants; i++)
		tenant_clear(st->by_no[i]);
	for (size_t i = 0; i < st->ntenants; i++)
		seed(st->by_no[i]);
}

void
cs_sb_crm_state_fini(struct cs_sb_crm_state *st)
{
	index_clear(&st->index);
	for (size_t i = 0; i < st->ntenants; i++) {
		tenant_clear(st->by_no[i]);
		cs_sb_limits_free(st->by_no[i]);
		free(st->by_no[i]->tables);
		free(st->by_no[i]);
	}
	cs_map_fini(&st->tenants);
	cs_map_fini(&st->index);
	free(st->by_no);
	free(st->next_id);
}

/* ---- records */

static char *
encode_id(const struct cs_sb_collection *c, const char *body)
{
	struct cs_buf b = CS_BUF_INIT(0);
	char *plain = cs_xasprintf("%s%s", c->id_prefix, body);

	if (!c->id_base64)
		return plain;
	cs_base64_add(&b, plain, strlen(plain));
	free(plain);
	return cs_buf_steal(&b, NULL);
}

char *
cs_sb_id_new(struct cs_sb_tenant *t, const struct cs_sb_collection *c)
{
	uint64_t n = t->crm->next_id[c->no]++;
	uint8_t bytes[32];
	char text[CS_UUID_TEXT];
	struct cs_buf b = CS_BUF_INIT(0);
	char *id;

	if (strcmp(c->id_form, "uuid") == 0) {
		cs_uuid_v4(bytes);
		return encode_id(c, cs_uuid_format(bytes, text));
	}
	if (strcmp(c->id_form, "hex") == 0) {
		cs_random_bytes(bytes, sizeof(bytes));
		cs_hex_add(&b, bytes, sizeof(bytes));
		b.ptr[c->id_digits] = '\0';
		id = encode_id(c, b.ptr);
		cs_buf_fini(&b);
		return id;
	}
	snprintf(text, sizeof(text), "%" PRIu64, (uint64_t)c->id_start + n);
	return encode_id(c, text);
}

struct cs_sb_record *
cs_sb_conflict(struct cs_sb_tenant *t, const struct cs_sb_collection *c, json_object *doc,
               const struct cs_sb_record *except, json_object **rule)
{
	for (size_t i = 0; c->unique != NULL && i < json_object_array_length(c->unique); i++) {
		json_object *u = json_object_array_get_idx(c->unique, i);
		const char *at = cs_json_str(u, "at", ""), *value = cs_json_pointer_text(doc, at);
		struct cs_sb_index_entry *e = NULL;
		struct cs_sb_record *r;

		while (*value != '\0' &&
		       (r = cs_sb_index_next(t, c, cs_sb_index_of(c, at), value, &e)) != NULL) {
			if (r == except || r->deleted || !cs_sb_same(c, r->doc, at, value))
				continue;
			*rule = u;
			return r;
		}
	}
	return NULL;
}

static void
table_push(struct cs_sb_table *tab, struct cs_sb_record *r)
{
	if (tab->n == tab->cap) {
		tab->cap = tab->cap == 0 ? 8 : tab->cap * 2;
		tab->v = cs_xrealloc(tab->v, tab->cap * sizeof(struct cs_sb_record *));
	}
	r->no = (uint32_t)tab->n;
	tab->v[tab->n++] = r;
}

static int64_t
lag_of(const struct cs_sb_tenant *t, const struct cs_sb_collection *c)
{
	int64_t lag = t->crm->store->lag_ms;

	return lag >= 0 && c->lag_ms > 0 ? lag : c->lag_ms;
}

struct cs_sb_record *
cs_sb_record_add(struct cs_sb_tenant *t, const struct cs_sb_collection *c, char *id, json_object *doc,
                 const struct cs_sb_made *made)
{
	struct cs_sb_store *store = t->crm->store;
	struct cs_sb_record *r;
	bool is_seed = made->request == 0;

	t->tables[c->no].created++;
	if (store->records >= CS_SB_MAX_RECORDS) {
		free(id);
		return NULL;
	}
	store->records++;
	r = cs_xcalloc(1, sizeof(*r));
	r->id = id;
	r->created_ms = r->last_ms = made->now_ms;
	r->request = r->last_request = made->request;
	r->fresh_ms = is_seed ? 0 : made->now_ms + lag_of(t, c);
	table_push(&t->tables[c->no], r);
	index_put(t, c, 0, id, r);
	if (is_seed || store->docs < store->keep_docs) {
		store->docs += !is_seed;
		r->doc = json_object_get(doc);
		index_doc(t, c, r, NULL);
	}
	return r;
}

void
cs_sb_record_update(struct cs_sb_tenant *t, const struct cs_sb_collection *c, struct cs_sb_record *r,
		    json_object *doc, const struct cs_sb_made *made)
{
	json_object *was = r->doc;

	t->tables[c->no].updated++;
	r->updates++;
	r->last_ms = made->now_ms;
	r->last_request = made->request;
	if (was == NULL)
		return;
	if (made->now_ms >= r->fresh_ms) {
		json_object_put(r->old);
		r->old = json_object_get(was);
	}
	r->fresh_ms = made->now_ms + lag_of(t, c);
	r->doc = json_object_get(doc);
	index_doc(t, c, r, was);
	json_object_put(was);
}

void
cs_sb_record_delete(struct cs_sb_tenant *t, const struct cs_sb_collection *c, struct cs_sb_record *r)
{
	t->tables[c->no].deleted++;
	r->deleted = true;
}

void
cs_sb_record_repeat(struct cs_sb_tenant *t, const struct cs_sb_collection *c, struct cs_sb_record *r,
                    const struct cs_sb_made *made)
{
	t->tables[c->no].repeats++;
	r->repeats++;
	r->last_ms = made->now_ms;
	r->last_request = made->request;
}

json_object *
cs_sb_record_doc(const struct cs_sb_collection *c, const struct cs_sb_record *r)
{
	if (r->doc != NULL)
		return json_object_get(r->doc);
	return cs_sb_with_member(json_object_new_object(), c->id_at + 1, json_object_new_string(r->id));
}

json_object *
cs_sb_record_seen(const struct cs_sb_record *r, bool lagging, int64_t now_ms)
{
	if (r->deleted)
		return NULL;
	return !lagging || now_ms >= r->fresh_ms ? r->doc : r->old;
}

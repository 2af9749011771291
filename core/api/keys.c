/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keys.c - API keys: made here, shown once, kept as a hash.
 */
#include "config.h"
#include "api/resources.h"

#include <stdlib.h>
#include <string.h>
#include "auth/signature.h"
#include "log/log.h"
#include "util/text.h"

#define KEYS_MAX 1000
#define NAME_MAX_BYTES 100
#define ACCOUNTS_MAX_BYTES 1000
#define OVERLAP_MS CS_DAY_MS
#define OVERLAP_MAX_MS (366 * CS_DAY_MS)
#define USED_EVERY_MS (10 * CS_MINUTE_MS)

void
cs_api_keys_list(struct cs_api_call *call)
{
	CS_CLEANUP(cs_buf_fini) struct cs_buf b = CS_BUF_INIT(CS_API_ANSWER_MAX);
	struct cs_key_row *rows = cs_arena_alloc(&call->mem, KEYS_MAX * sizeof(*rows));
	struct cs_store *s = call->api->reader;
	struct cs_err err;
	int n;

	if (!cs_api_all_accounts(call))
		return;
	if ((n = s->ops->key_list(s, &call->mem, rows, KEYS_MAX, &err)) < 0) {
		cs_api_fail(call, &err);
		return;
	}
	cs_out_open_list(&b);
	for (int i = 0; i < n; i++) {
		cs_out_open(&b, NULL, '{');
		cs_render_key(&b, &rows[i]);
		cs_out_close(&b, '}');
	}
	cs_out_close_list(&b, 0);
	cs_api_reply(call, 200, &b);
}

/* ---- new */

/* ["a","b"] as "a b"; NULL when it is no array of words. */
static const char *
words_of(struct cs_arena *mem, const json_object *array)
{
	CS_CLEANUP(cs_buf_fini) struct cs_buf b = CS_BUF_INIT(ACCOUNTS_MAX_BYTES);

	if (array == NULL)
		return "";
	if (!json_object_is_type(array, json_type_array))
		return NULL;
	for (size_t i = 0; i < json_object_array_length(array); i++) {
		json_object *v = json_object_array_get_idx(array, i);
		const char *word = json_object_is_type(v, json_type_string) ? json_object_get_string(v) : "";

		if (word[0] == '\0' || strcspn(word, " \t\r\n") != strlen(word))
			return NULL;
		cs_buf_printf(&b, "%s%s", i > 0 ? " " : "", word);
	}
	return b.failed ? NULL : cs_arena_strdup(mem, cs_buf_str(&b));
}

static bool
read_expiry(const json_object *body, int64_t now_ms, int64_t *out)
{
	json_object *v = cs_json_get(body, "expires_at");
	const char *text;
	bool has_zone;

	*out = 0;
	if (v == NULL)
		return true;
	if (json_object_is_type(v, json_type_int))
		*out = json_object_get_int64(v);
	else if (!json_object_is_type(v, json_type_string) || (text = json_object_get_string(v)) == NULL ||
	         cs_time_parse(text, strlen(text), true, out, &has_zone) < 0)
		return false;
	return *out > now_ms;
}

/* Fills c->key from the body; the pointer of what is wrong, or NULL. */
static const char *
read_key(struct cs_change *c, const json_object *body, int64_t now_ms, const char **detail)
{
	struct cs_key_row *k = &c->key;
	const char *name = cs_json_str(body, "name", "");

	k->name = cs_arena_strdup(&c->keep, name);
	*detail = "must be 1 to 100 bytes";
	if (name[0] == '\0' || strlen(name) > NAME_MAX_BYTES)
		return "/name";
	*detail = "must be an array of intake, read, admin, bridge";
	if ((k->scopes = words_of(&c->keep, cs_json_get(body, "scopes"))) == NULL || cs_auth_scopes(k->scopes) == 0)
		return "/scopes";
	*detail = "must be an array of account ids without spaces, 1000 bytes in all";
	if ((k->accounts = words_of(&c->keep, cs_json_get(body, "accounts"))) == NULL)
		return "/accounts";
	*detail = "a key for a bridge lies in somebody else's cloud: it has the scope bridge alone, and one account";
	if ((cs_auth_scopes(k->scopes) & CS_SCOPE_BRIDGE) != 0) {
		if (cs_auth_scopes(k->scopes) != CS_SCOPE_BRIDGE)
			return "/scopes";
		if (k->accounts[0] == '\0' || strchr(k->accounts, ' ') != NULL)
			return "/accounts";
	}
	*detail = "must be a time to come, like 2027-01-01T00:00:00Z";
	if (!read_expiry(body, now_ms, &k->expires_ms))
		return "/expires_at";
	return NULL;
}

static int
apply_new(struct cs_change *c, struct cs_store *s, int64_t now_ms, struct cs_err *err)
{
	int rc;

	c->key.id = 0;
	c->key.created_ms = now_ms;
	if ((rc = s->ops->key_put(s, &c->key, err)) < 0)
		return rc;
	c->wrote = true;
	c->status = 201;
	cs_out_open(&c->out, NULL, '{');
	cs_render_key(&c->out, &c->key);
	cs_out_string(&c->out, "key", c->text);
	cs_out_close(&c->out, '}');
	return 0;
}

void
cs_api_key_new_handler(struct cs_api_call *call)
{
	CS_CLEANUP(cs_json_putp) json_object *body = NULL;
	const char *pointer, *detail;
	struct cs_change *c;

	if (!cs_api_all_accounts(call) || !cs_api_body(call, &body))
		return;
	c = cs_change_new(call, apply_new);
	if ((pointer = read_key(c, body, cs_now_ms(call->api->clock), &detail)) != NULL) {
		cs_change_free(c);
		cs_api_refuse_at(call, 422, pointer, "%s", detail);
		return;
	}
	c->text = cs_xcalloc(1, CS_API_KEY_TEXT);
	cs_api_key_new(c->text, c->key.hash);
	cs_change_put(c);
}

/* ---- rotate */

static int
find_key(struct cs_change *c, struct cs_store *s, struct cs_key_row *out, struct cs_err *err)
{
	struct cs_key_row *rows = cs_arena_alloc(&c->mem, KEYS_MAX * sizeof(*rows));
	int n = s->ops->key_list(s, &c->mem, rows, KEYS_MAX, err);

	for (int i = 0; i < n; i++)
		if (rows[i].id == c->id) {
			*out = rows[i];
			return 0;
		}
	return n < 0 ? n : cs_err_set(err, CS_ENOTFOUND, "there is no such key");
}

/* The new one is like the old one; c->key.expires_ms says when the old one ends. */
static int
apply_rotate(struct cs_change *c, struct cs_store *s, int64_t now_ms, struct cs_err *err)
{
	struct cs_key_row old, fresh;
	int rc;

	if ((rc = find_key(c, s, &old, err)) < 0)
		return rc;
	if (old.expires_ms != 0 && old.expires_ms <= now_ms)
		return cs_err_set(err, CS_ESTATE, "this key has expired: make a new one");
	fresh = old;
	fresh.id = 0;
	fresh.created_ms = now_ms;
	fresh.last_used_ms = 0;
	memcpy(fresh.hash, c->key.hash, sizeof(fresh.hash));
	if (old.expires_ms == 0 || old.expires_ms > c->key.expires_ms)
		old.expires_ms = c->key.expires_ms;
	if ((rc = s->ops->key_put(s, &fresh, err)) < 0)
		return rc;
	c->wrote = true;
	if ((rc = s->ops->key_put(s, &old, err)) < 0)
		return rc;
	c->status = 201;
	cs_out_open(&c->out, NULL, '{');
	cs_render_key(&c->out, &fresh);
	cs_out_string(&c->out, "key", c->text);
	cs_out_open(&c->out, "replaces", '{');
	cs_out_int(&c->out, "id", old.id);
	cs_out_time(&c->out, "expires_at", old.expires_ms);
	cs_out_close(&c->out, '}');
	cs_out_close(&c->out, '}');
	return 0;
}

void
cs_api_key_rotate(struct cs_api_call *call)
{
	CS_CLEANUP(cs_json_putp) json_object *body = NULL;
	int64_t now_ms = cs_now_ms(call->api->clock), id, overlap;
	struct cs_change *c;

	if (!cs_api_all_accounts(call) || !cs_api_id(call, &id) || !cs_api_body(call, &body))
		return;
	c = cs_change_new(call, apply_rotate);
	c->id = id;
	overlap = cs_json_int(body, "overlap_ms", OVERLAP_MS);
	if (overlap < 0 || overlap > OVERLAP_MAX_MS || (cs_json_get(body, "overlap_ms") != NULL &&
	                                                !json_object_is_type(cs_json_get(body, "overlap_ms"), json_type_int))) {
		cs_change_free(c);
		cs_api_refuse_at(call, 422, "/overlap_ms", "must be how long the old key lives on, 0 to a year in milliseconds");
		return;
	}
	c->key.expires_ms = now_ms + overlap;
	c->text = cs_xcalloc(1, CS_API_KEY_TEXT);
	cs_api_key_new(c->text, c->key.hash);
	cs_change_put(c);
}

/* ---- delete */

static int
apply_delete(struct cs_change *c, struct cs_store *s, int64_t now_ms, struct cs_err *err)
{
	int rc;

	(void)now_ms;
	if ((rc = s->ops->key_delete(s, c->id, err)) < 0)
		return rc;
	return cs_change_answer_deleted(c);
}

void
cs_api_key_delete(struct cs_api_call *call)
{
	struct cs_change *c;
	int64_t id;

	if (!cs_api_all_accounts(call) || !cs_api_id(call, &id))
		return;
	c = cs_change_new(call, apply_delete);
	c->id = id;
	cs_change_put(c);
}

/* ---- last used */

struct used_op {
	struct cs_wop op;
	int64_t id;
};

static int
apply_used(struct cs_wop *op, struct cs_store *s, int64_t now_ms, struct cs_err *err)
{
	int rc = s->ops->key_used(s, CS_CONTAINER(op, struct used_op, op)->id, now_ms, err);

	return rc == CS_ENOTFOUND ? 0 : rc; /* deleted meanwhile */
}

static void
used_committed(struct cs_wop *op)
{
	free(CS_CONTAINER(op, struct used_op, op));
}

void
cs_key_used(struct cs_writer *w, int64_t id, int64_t last_used_ms, int64_t now_ms)
{
	struct used_op *u;

	if (id == 0 || now_ms - last_used_ms < USED_EVERY_MS)
		return;
	u = cs_xcalloc(1, sizeof(*u));
	u->id = id;
	u->op.apply = apply_used;
	u->op.committed = used_committed;
	if (!cs_writer_put(w, &u->op))
		free(u);
}

void
cs_api_key_used(struct cs_api *api, const struct cs_auth *who)
{
	cs_key_used(api->writer, who->key_id, who->last_used_ms, cs_now_ms(api->clock));
}

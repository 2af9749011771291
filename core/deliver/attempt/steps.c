/* SPDX-License-Identifier: Apache-2.0 */
/*
 * steps.c - reading, changing and writing the state of steps.
 */
#include "deliver/attempt/steps.h"
#include <string.h>

static void
doubt(struct cs_step_state *st, int64_t since_ms)
{
	st->state = CS_RECEIPT_IN_DOUBT;
	st->doubt_ms = since_ms;
	st->looked = false;
}

static void
read_stored(struct cs_steps *s, const char *json)
{
	json_object *o = NULL;

	if (json == NULL || json[0] == '\0' || cs_json_parse(json, strlen(json), 8, &o, NULL) < 0)
		return;
	for (size_t i = 0; i < s->n; i++) {
		struct cs_step_state *st = &s->v[i];
		json_object *row = cs_json_get(o, st->row->name);
		json_object *value = row != NULL ? cs_json_get(row, "value") : NULL;

		if (row == NULL)
			continue;
		st->sent_ms = cs_json_int(row, "sent_ms", 0);
		if (value != NULL) {
			st->state = CS_RECEIPT_VALUE;
			st->value = cs_arena_strdup(s->mem, json_object_get_string(value));
		} else if (cs_json_get(row, "doubt_ms") != NULL)
			doubt(st, cs_json_int(row, "doubt_ms", 0));
	}
	json_object_put(o);
}

void
cs_steps_read(struct cs_steps *s, const struct cs_manifest *m, const char *json, int64_t crashed_ms, struct cs_arena *mem)
{
	s->mem = mem;
	s->n = 0;
	s->dirty = false;
	for (size_t i = 0; i < m->n_steps && s->n < CS_STEPS_MAX; i++)
		s->v[s->n++] = (struct cs_step_state){ .row = &m->steps[i] };
	read_stored(s, json);
	for (size_t i = 0; crashed_ms != 0 && i < s->n; i++) {
		struct cs_step_state *st = &s->v[i];

		if (!st->row->mutates || st->state == CS_RECEIPT_VALUE || st->row->on_doubt == CS_DOUBT_REPEAT)
			continue;
		if (st->state == CS_RECEIPT_IN_DOUBT && st->doubt_ms >= crashed_ms)
			continue; /* older doubt may have been looked up, and the step sent again */
		if (st->row->on_doubt == CS_DOUBT_ASK && st->sent_ms == 0)
			continue;
		doubt(st, crashed_ms);
		s->dirty = true;
	}
}

bool
cs_step_creates_caller(const struct cs_step_row *row)
{
	return row->per_caller && row->mutates && row->on_doubt == CS_DOUBT_LOOK && row->lookup_lag_ms > 0;
}

void
cs_steps_write(const struct cs_steps *s, struct cs_buf *out)
{
	size_t n = 0;

	for (size_t i = 0; i < s->n; i++) {
		const struct cs_step_state *st = &s->v[i];

		if (st->state == CS_RECEIPT_ABSENT && st->sent_ms == 0)
			continue;
		cs_buf_printf(out, "%s\"%s\":{", n++ == 0 ? "{" : ",", st->row->name);
		if (st->state == CS_RECEIPT_VALUE) {
			cs_buf_adds(out, "\"value\":");
			cs_buf_add_json_string(out, st->value, strlen(st->value));
		} else if (st->state == CS_RECEIPT_IN_DOUBT)
			cs_buf_printf(out, "\"doubt_ms\":%lld", (long long)st->doubt_ms);
		if (st->sent_ms != 0)
			cs_buf_printf(out, "%s\"sent_ms\":%lld", st->state != CS_RECEIPT_ABSENT ? "," : "", (long long)st->sent_ms);
		cs_buf_addc(out, '}');
	}
	if (n > 0)
		cs_buf_addc(out, '}');
}

struct cs_step_state *
cs_steps_find(struct cs_steps *s, const char *name)
{
	for (size_t i = 0; i < s->n; i++)
		if (strcmp(s->v[i].row->name, name) == 0)
			return &s->v[i];
	return NULL;
}

void
cs_steps_receipt(struct cs_steps *s, const char *name, struct cs_bytes value)
{
	struct cs_step_state *st = cs_steps_find(s, name);

	if (st == NULL)
		return;
	st->state = CS_RECEIPT_VALUE;
	st->value = cs_arena_strndup(s->mem, value.ptr, value.len);
	st->sent_ms = 0;
	st->happened = false;
	s->dirty = true;
}

int32_t
cs_steps_may_send(struct cs_steps *s, const char *name)
{
	struct cs_step_state *st = cs_steps_find(s, name);

	if (st == NULL || st->state != CS_RECEIPT_IN_DOUBT || st->row->on_doubt == CS_DOUBT_REPEAT)
		return CS_DONE;
	if (st->row->on_doubt == CS_DOUBT_ASK)
		return CS_UNKNOWN;
	return st->looked ? CS_DONE : CS_RETRY;
}

void
cs_steps_sent(struct cs_steps *s, const char *name, bool in_doubt, int status, int64_t now_ms)
{
	struct cs_step_state *st = cs_steps_find(s, name);

	if (st == NULL)
		return;
	st->happened = !in_doubt && status >= 200 && status < 300;
	if (in_doubt) {
		doubt(st, now_ms);
		s->dirty = true;
	} else if (st->state == CS_RECEIPT_IN_DOUBT || st->sent_ms != 0) { /* answered clearly: whatever it was, it is known now */
		st->state = CS_RECEIPT_ABSENT;
		st->sent_ms = 0;
		s->dirty = true;
	}
}

void
cs_steps_end(struct cs_steps *s, int64_t now_ms)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->v[i].happened && s->v[i].row->mutates) {
			doubt(&s->v[i], now_ms);
			s->dirty = true;
		}
}

void
cs_steps_looked(struct cs_steps *s, const char *name)
{
	struct cs_step_state *st = cs_steps_find(s, name);

	if (st != NULL)
		st->looked = true;
}

bool
cs_steps_in_doubt(const struct cs_steps *s, bool *ask, int64_t *look_after_ms)
{
	bool any = false;

	*ask = false;
	*look_after_ms = 0;
	for (size_t i = 0; i < s->n; i++) {
		const struct cs_step_state *st = &s->v[i];

		if (st->state != CS_RECEIPT_IN_DOUBT)
			continue;
		any = true;
		*ask |= st->row->on_doubt == CS_DOUBT_ASK;
		if (st->row->on_doubt == CS_DOUBT_LOOK && st->doubt_ms + st->row->lookup_lag_ms > *look_after_ms)
			*look_after_ms = st->doubt_ms + st->row->lookup_lag_ms;
	}
	return any;
}

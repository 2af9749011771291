/* SPDX-License-Identifier: Apache-2.0 */
/*
 * filter.c - reading a filter by a table of its words.
 */
#include "config.h"
#include "api/filter.h"

#include <stdlib.h>
#include <string.h>
#include "lead/lead.h"

struct reading {
	struct cs_api_call *call;
	struct cs_filter *f;
	const char *detail; /* of what is wrong */
	bool answered;
};

static bool
wrong(struct reading *r, const char *detail)
{
	r->detail = detail;
	return false;
}

static bool
read_state(struct reading *r, const char *text)
{
	for (enum cs_state s = CS_DUE; s <= CS_DISCARDED; s++)
		if (strcmp(cs_state_name(s), text) == 0) {
			r->f->states = s == CS_IN_HAND ? CS_STATES_IN_HAND : CS_STATE_BIT(s);
			return true;
		}
	return wrong(r, "must be due, in_hand, delivered, dead or discarded");
}

static bool
read_crm(struct reading *r, const char *text)
{
	r->f->crm = cs_arena_strdup(&r->call->mem, text);
	return true;
}

static bool
read_account(struct reading *r, const char *text)
{
	if (!cs_auth_may(&r->call->who, text))
		return wrong(r, "is not an account that this key may see");
	r->f->account = cs_arena_strdup(&r->call->mem, text);
	return true;
}

/* "none": what has no connection. */
static bool
read_connection(struct reading *r, const char *text)
{
	struct cs_conn_row row;

	if (strcmp(text, "none") == 0) {
		r->f->conn_id = 0;
		return true;
	}
	if (!cs_api_connection(r->call, text, &row)) {
		r->answered = true;
		return false;
	}
	r->f->conn_id = row.id;
	return true;
}

static bool
read_blame(struct reading *r, const char *text)
{
	for (int b = CS_BLAME_NONE; b <= CS_BLAME_US; b++)
		if (strcmp(cs_blame_name((enum cs_blame)b), text) == 0) {
			r->f->blame = b;
			return true;
		}
	return wrong(r, "must be none, lead, credential, connection, crm or us");
}

static bool
read_urgency(struct reading *r, const char *text)
{
	for (int u = CS_URGENCY_EMERGENCY; u <= CS_URGENCY_FLEXIBLE; u++)
		if (strcmp(cs_urgency_name((enum cs_urgency)u), text) == 0) {
			r->f->urgency = u;
			return true;
		}
	return wrong(r, "must be emergency, same_day, same_week or flexible");
}

static bool
read_time(struct reading *r, const char *text, int64_t *out)
{
	bool has_zone;

	if (text[0] != '\0' && strlen(text) < 19 && strspn(text, "0123456789") == strlen(text)) {
		*out = strtoll(text, NULL, 10);
		return true;
	}
	if (cs_time_parse(text, strlen(text), true, out, &has_zone) == 0)
		return true;
	return wrong(r, "must be a time like 2026-05-26T14:00:00Z, or milliseconds since 1970");
}

static bool
read_since(struct reading *r, const char *text)
{
	return read_time(r, text, &r->f->created_from_ms);
}

static bool
read_until(struct reading *r, const char *text)
{
	return read_time(r, text, &r->f->created_to_ms);
}

static const struct word {
	const char *name;
	bool (*read)(struct reading *r, const char *text);
} words[] = { { "state", read_state }, { "crm", read_crm }, { "connection", read_connection }, { "account", read_account },
	      { "blame", read_blame }, { "urgency", read_urgency }, { "since", read_since }, { "until", read_until } };

static const char *
given(struct cs_api_call *call, const json_object *body, const char *name)
{
	json_object *v;

	if (body == NULL)
		return cs_http_request_query(call->req, name);
	v = cs_json_get(body, name);
	return v == NULL ? NULL : json_object_get_string(v);
}

static bool
only_known(struct cs_api_call *call, const json_object *body)
{
	json_object_object_foreach(body, key, val) {
		bool known = false;

		(void)val;
		for (size_t i = 0; i < CS_ARRAY_LEN(words); i++)
			known |= strcmp(words[i].name, key) == 0;
		if (!known) {
			cs_api_refuse_at(call, 422, "/filter",
			                 "knows state, crm, connection, account, blame, urgency, since and until only");
			return false;
		}
	}
	return true;
}

/* A key that is bound to one account means that one. */
static bool
bind_account(struct cs_api_call *call, struct cs_filter *f)
{
	const char *only = call->who.accounts;

	if (f->account != NULL || only[0] == '\0')
		return true;
	if (strchr(only, ' ') == NULL) {
		f->account = only;
		return true;
	}
	cs_api_refuse(call, 403, "this key is bound to several accounts: say which one");
	return false;
}

bool
cs_api_filter(struct cs_api_call *call, const json_object *body, struct cs_filter *out)
{
	struct reading r = { .call = call, .f = out };

	*out = (struct cs_filter){ .conn_id = -1, .blame = -1, .urgency = -1 };
	if (body != NULL && !only_known(call, body))
		return false;
	for (size_t i = 0; i < CS_ARRAY_LEN(words); i++) {
		const char *text = given(call, body, words[i].name);
		char pointer[32] = "/filter/";

		if (text == NULL || words[i].read(&r, text))
			continue;
		if (r.answered)
			return false;
		if (body != NULL)
			cs_api_refuse_at(call, 422, strcat(pointer, words[i].name), "%s", r.detail);
		else
			cs_api_refuse(call, 400, "%s %s", words[i].name, r.detail);
		return false;
	}
	return bind_account(call, out);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * filter.c - which deliveries a request means, and whether its key may see them.
 */
#include "config.h"
#include "api/list/filter.h"

#include <string.h>
#include "view/words.h"

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
read_word(struct reading *r, const char *word, const char *text)
{
	if (strcmp(word, "connection") == 0)
		return read_connection(r, text);
	if (strcmp(word, "account") == 0 && !cs_auth_may(&r->call->who, text))
		return wrong(r, "is not an account that this key may see");
	r->detail = cs_filter_read(r->f, word, text, &r->call->mem);
	return r->detail == NULL;
}

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
		for (size_t i = 0; i < CS_FILTER_WORDS; i++)
			known |= strcmp(cs_filter_words[i], key) == 0;
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

	*out = cs_filter_any();
	if (body != NULL && !only_known(call, body))
		return false;
	for (size_t i = 0; i < CS_FILTER_WORDS; i++) {
		const char *word = cs_filter_words[i], *text = given(call, body, word);
		char pointer[32] = "/filter/";

		if (text == NULL || read_word(&r, word, text))
			continue;
		if (r.answered)
			return false;
		if (body != NULL)
			cs_api_refuse_at(call, 422, strcat(pointer, word), "%s", r.detail);
		else
			cs_api_refuse(call, 400, "%s %s", word, r.detail);
		return false;
	}
	return bind_account(call, out);
}

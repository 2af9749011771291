/* SPDX-License-Identifier: Apache-2.0 */
/*
 * account.c - who is connected, and reading single records.
 */
#include <string.h>
#include "jobber.h"

#define WHO "query Who { account { id name } users(first: 1) { nodes { timezone } } }"

/* The text behind standard base64; "" for what is none. */
static const char *
decoded(const struct csh *h, const char *s)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	char *out = csh_printf(h, "%s", s);
	unsigned bits = 0, n = 0;
	size_t len = 0;

	for (; *s && *s != '='; s++) {
		const char *d = strchr(digits, *s);

		if (!d)
			return "";
		bits = bits << 6 | (unsigned)(d - digits);
		if ((n += 6) < 8)
			continue;
		n -= 8;
		out[len++] = (char)(bits >> n & 0xFF);
	}
	out[len] = '\0';
	return out;
}

/* Ids are encoded numbers, in a long form and a short one; webhooks may use the other one. The number is the same. */
static const char *
number_of(const struct csh *h, const char *id)
{
	const char *text = csh_is_digits(id) ? id : decoded(h, id), *at = text + strlen(text);

	while (at > text && at[-1] >= '0' && at[-1] <= '9')
		at--;
	return at;
}

int32_t
jobber_identify(const struct csh *h)
{
	struct csh_graphql q = { .step = "find", .text = WHO, .cost = 10, .variables = json_object_new_object() };
	CSH_JSON data = NULL;
	CSH_JSON out = json_object_new_object();
	const char *id, *zone;
	int32_t rc;

	if ((rc = csh_graphql(h, &q, &data)) != CS_DONE || (rc = csh_need(h, data, "/account/id")) != CS_DONE)
		return rc;
	id = csh_get(data, "/account/id");
	zone = csh_get(data, "/users/nodes/0/timezone");
	csh_put(out, "id", id);
	csh_put(out, "name", csh_get(data, "/account/name"));
	csh_put(out, "account_id", id);
	csh_put(out, "account_number", number_of(h, id));
	csh_put(out, "timezone", strchr(zone, '/') ? zone : ""); /* older accounts have names of zones of another kind */
	return csh_emit(h, out);
}

int32_t
jobber_fetch(const struct csh *h, const char *what)
{
	static const char *const types[] = { "client", "request", "quote", "job", "invoice" };
	struct csh_graphql q = { .step = "find", .cost = 10 };
	CSH_JSON data = NULL;
	const char *id = NULL;
	json_object *record;
	size_t i = 0;
	int32_t rc;

	while (i < sizeof(types) / sizeof(types[0]) && !(id = csh_id_of(what, types[i])))
		i++;
	if (!id)
		return CS_UNSUPPORTED;
	q.text = csh_printf(h, "query Fetch($id: EncodedId!) { %s(id: $id) { id jobberWebUri createdAt updatedAt } }", types[i]);
	q.variables = jobber_variable("id", id);
	if ((rc = csh_graphql(h, &q, &data)) != CS_DONE)
		return rc;
	record = csh_at(data, csh_printf(h, "/%s", types[i]));
	return record ? csh_emit(h, record) : h->host->fail(h->call, CS_REJECT, "there is no such %s in Jobber", types[i]);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * graphql.c - GraphQL over the host: errors come with status 200, and every question has a price.
 *
 * Such manifests limit points, not requests: each question names its cost and waits in http() for it. What the answer says
 * is left goes back to the core by budget(), where it holds for all deliveries of the connection.
 */
#include <string.h>
#include <cs/helpers.h>

static void
heed_cost(const struct csh *h, const char *limit_class, json_object *answer)
{
	json_object *throttle = csh_at(answer, "/extensions/cost/throttleStatus");
	int64_t left = csh_get_int(throttle, "/currentlyAvailable", -1), per_s = csh_get_int(throttle, "/restoreRate", 0);

	if (left >= 0 && per_s >= 0)
		h->host->budget(h->call, limit_class, left, per_s);
}

/* Errors inside 200: which of them pass by themselves? */
static int32_t
judge_errors(const struct csh *h, json_object *answer)
{
	static const char *const own[] = { "INTERNAL_SERVER_ERROR", "INTERNAL_ERROR", "TIMEOUT", "SERVICE_UNAVAILABLE", NULL };
	const char *code = csh_get(answer, "/errors/0/extensions/code");

	if (strcmp(code, "THROTTLED") == 0)
		return h->host->fail(h->call, CS_WAIT, "the CRM asks to slow down");
	if (strcmp(code, "UNAUTHENTICATED") == 0)
		return h->host->fail(h->call, CS_REAUTH, "the CRM no longer knows the token");
	if (csh_is_one_of(code, own))
		return h->host->fail(h->call, CS_RETRY, "the CRM had an error of its own");
	return h->host->fail(h->call, CS_REJECT, "the CRM refused: %s", csh_errors_text(h, csh_at(answer, "/errors")));
}

int32_t
csh_graphql(const struct csh *h, const struct csh_graphql *q, json_object **data)
{
	CSH_JSON body = json_object_new_object();
	CSH_JSON answer = NULL;
	struct cs_http_req req = CS_REQ(q->step, "POST", q->path ? q->path : "/graphql");
	struct cs_http_res res = CS_RES_INIT;
	int32_t rc;

	csh_put(body, "query", q->text);
	if (q->variables)
		json_object_object_add(body, "variables", q->variables);
	req.body = csh_json_bytes(body);
	req.mutates = q->mutates;
	req.looks_for = q->looks_for;
	req.limit_class = q->limit_class;
	req.cost = q->cost;
	*data = NULL;
	if ((rc = h->host->http(h->call, &req, &res)) != CS_DONE)
		return rc;
	if (res.status >= 300)
		return csh_refused(h, &res, "the CRM refused");
	if ((rc = csh_understand(h, &res, &answer)) != CS_DONE)
		return rc;
	heed_cost(h, q->limit_class ? q->limit_class : "points", answer);
	if (csh_count(csh_at(answer, "/errors")) > 0)
		return judge_errors(h, answer);
	if (!json_object_is_type(csh_at(answer, "/data"), json_type_object))
		return h->host->fail(h->call, CS_RETRY, "the answer has no data");
	*data = json_object_get(csh_at(answer, "/data"));
	return CS_DONE;
}

int32_t
csh_graphql_id(const struct csh *h, json_object *data, const char *at_errors, const char *at_id, const char *what,
               const char **id)
{
	json_object *errors = csh_at(data, at_errors);
	int32_t rc;

	if (csh_count(errors) > 0) {
		const char *words = csh_errors_text(h, errors);

		return h->host->fail(h->call, CS_REJECT, "%s: %s", what, *words ? words : "the CRM does not say why");
	}
	if ((rc = csh_need(h, data, at_id)) == CS_DONE)
		*id = csh_printf(h, "%s", csh_get(data, at_id));
	return rc;
}

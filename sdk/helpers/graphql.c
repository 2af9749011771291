/* SPDX-License-Identifier: Apache-2.0 */
/*
 * graphql.c - GraphQL over the host: errors come with status 200, and every question has a price.
 *
 * Such manifests limit points, not requests: each question names its cost and waits in http() for it. What the answer says
 * is left goes back to the core by budget(), where it holds for all deliveries of the connection.
 */
#include <string.h>
#include <cs/helpers.h>

#define POINTS_MAX 1000000 /* of one question */

static void
heed(const struct csh *h, const char *limit_class, json_object *answer)
{
	json_object *throttle = csh_at(answer, "/extensions/cost/throttleStatus");
	int64_t left = csh_get_int(throttle, "/currentlyAvailable", -1), per_s = csh_get_int(throttle, "/restoreRate", 0);

	if (left >= 0 && per_s >= 0)
		h->host->budget(h->call, limit_class, left, per_s);
	if (*csh_get(answer, "/extensions/versioning/warning"))
		h->host->log(h->call, CS_PRIO_WARN, "the CRM warns that the API version in use will end");
}

/* As long as the points need that are missing. */
static int32_t
wait_for_points(const struct csh *h, json_object *answer)
{
	json_object *cost = csh_at(answer, "/extensions/cost");
	int64_t wanted = csh_get_int(cost, "/requestedQueryCost", 0), per_s = csh_get_int(cost, "/throttleStatus/restoreRate", 0);
	int64_t missing = wanted - csh_get_int(cost, "/throttleStatus/currentlyAvailable", 0);

	if (missing > 0 && missing <= POINTS_MAX && per_s > 0)
		h->host->retry_after(h->call, missing * 1000 / per_s + 1000);
	return h->host->fail(h->call, CS_WAIT, "the CRM asks to slow down");
}

/* The token of the next attempt is a new one; but this answer came with 2xx, so a mutation is not simply sent again. */
static int32_t
renew_token(const struct csh *h)
{
	int32_t rc = h->host->oauth_refresh(h->call) == CS_DONE ? CS_RETRY : CS_REAUTH;

	return h->host->fail(h->call, rc, "the CRM no longer knows the token");
}

/* Errors inside 200: which of them pass by themselves? */
static int32_t
judge_errors(const struct csh *h, json_object *answer)
{
	static const char *const own[] = { "INTERNAL_SERVER_ERROR", "INTERNAL_ERROR", "TIMEOUT", "SERVICE_UNAVAILABLE", NULL };
	static const char *const scopes[] = { "FORBIDDEN", "ACCESS_DENIED", "MISSING_SCOPES", NULL };
	const char *code = csh_get(answer, "/errors/0/extensions/code"), *words = csh_errors_text(h, csh_at(answer, "/errors"));

	if (strcmp(code, "THROTTLED") == 0)
		return wait_for_points(h, answer);
	if (strcmp(code, "UNAUTHENTICATED") == 0)
		return renew_token(h);
	if (csh_is_one_of(code, own))
		return h->host->fail(h->call, CS_RETRY, "the CRM had an error of its own");
	if (csh_is_one_of(code, scopes))
		return h->host->fail(h->call, CS_REAUTH,
		    "the CRM app lacks a scope; connect it again with the scopes of the set-up guide: %s", words);
	return h->host->fail(h->call, CS_REJECT, "the CRM did not accept the question: %s", words);
}

/* Errors beside data: what could be read was read. */
static int
has_data(json_object *data)
{
	if (!json_object_is_type(data, json_type_object))
		return 0;
	json_object_object_foreach(data, name, value) {
		(void)name;
		if (value)
			return 1;
	}
	return 0;
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
	heed(h, q->limit_class ? q->limit_class : "points", answer);
	if (csh_count(csh_at(answer, "/errors")) > 0 && !has_data(csh_at(answer, "/data")))
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

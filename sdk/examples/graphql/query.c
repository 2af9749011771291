/*
 * query.c - GraphQL over the host: errors come with status 200, and every question has a price.
 *
 * The manifest limits points, not requests: each question names its cost and waits in http() for it. What the answer says is
 * left goes back to the core by budget(), where it holds for all deliveries of the connection.
 */
#include <string.h>
#include "graphql.h"

static void
heed_cost(const struct csh *h, json_object *answer)
{
	json_object *throttle = csh_at(answer, "/extensions/cost/throttleStatus");
	int64_t left = csh_get_int(throttle, "/currentlyAvailable", -1), per_s = csh_get_int(throttle, "/restoreRate", 0);

	if (left >= 0 && per_s >= 0)
		h->host->budget(h->call, "points", left, per_s);
}

/* Errors inside 200: which of them pass by themselves? */
static int32_t
judge_errors(const struct csh *h, const struct cs_http_res *res, json_object *answer)
{
	const char *code = csh_get(answer, "/errors/0/extensions/code");

	if (strcmp(code, "THROTTLED") == 0)
		return h->host->fail(h->call, CS_WAIT, "the CRM asks to slow down");
	if (strcmp(code, "UNAUTHENTICATED") == 0)
		return h->host->fail(h->call, CS_REAUTH, "the CRM no longer knows the token");
	if (strcmp(code, "INTERNAL_SERVER_ERROR") == 0)
		return h->host->fail(h->call, CS_RETRY, "the CRM had an error of its own");
	return csh_refused(h, res, "the CRM refused");
}

int32_t
graphql_ask(const struct csh *h, const struct question *q, json_object **data)
{
	CSH_JSON body = json_object_new_object();
	CSH_JSON answer = NULL;
	struct cs_http_req req = CS_REQ(q->step, "POST", "/graphql");
	struct cs_http_res res = CS_RES_INIT;
	int32_t rc;

	csh_put(body, "query", q->text);
	json_object_object_add(body, "variables", q->variables);
	req.body = csh_json_bytes(body);
	req.mutates = q->mutates;
	req.looks_for = q->looks_for;
	req.cost = q->cost;
	if ((rc = h->host->http(h->call, &req, &res)) != CS_DONE)
		return rc;
	if (res.status >= 300)
		return csh_refused(h, &res, "the CRM refused");
	if ((rc = csh_understand(h, &res, &answer)) != CS_DONE)
		return rc;
	heed_cost(h, answer);
	if (csh_count(csh_at(answer, "/errors")) > 0)
		return judge_errors(h, &res, answer);
	if (!json_object_is_type(csh_at(answer, "/data"), json_type_object))
		return h->host->fail(h->call, CS_RETRY, "the answer has no data");
	*data = json_object_get(csh_at(answer, "/data"));
	return CS_DONE;
}

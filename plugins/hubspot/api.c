/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api.c - HubSpot's requests: the dated path, the rate limits it reports, what its refusals mean.
 *
 * A 429 names its policy in the body: the ten-second window, the one-second window of search, or the day's
 * quota.
 */
#include <stdlib.h>
#include <string.h>
#include "hubspot.h"

char *
hubspot_path(const struct csh *h, const char *objects, const char *rest)
{
	return csh_printf(h, "/crm/objects/%s/%s%s", csh_setting(h, "api_version"), objects, rest);
}

static int64_t
policy_wait_ms(const char *policy)
{
	if (strcmp(policy, "SECONDLY") == 0)
		return 1000;
	if (strcmp(policy, "DAILY") == 0)
		return 3600 * 1000;
	return 10 * 1000;
}

static void
heed_limits(const struct csh *h, const struct cs_http_res *res)
{
	const char *left = csh_header(res, "x-hubspot-ratelimit-remaining");
	int64_t max = atoll(csh_header(res, "x-hubspot-ratelimit-max"));
	int64_t window_ms = atoll(csh_header(res, "x-hubspot-ratelimit-interval-milliseconds"));

	if (*left && max > 0 && window_ms > 0 && window_ms <= 60000)
		h->host->budget(h->call, "api", atoll(left), max * 1000 / window_ms);
	if (res->status == 429 && !*csh_header(res, "retry-after")) {
		CSH_JSON body = csh_json_parse(res->body);

		h->host->retry_after(h->call, policy_wait_ms(csh_get(body, "/policyName")));
	}
}

int32_t
hubspot_read(const struct csh *h, const char *step, const char *looks_for, const char *path,
             const char *query,
             struct cs_http_res *res, json_object **answer)
{
	int32_t rc = csh_read(h, step, looks_for, path, query, res, answer);

	heed_limits(h, res);
	return rc;
}

int32_t
hubspot_write(const struct csh *h, const char *step, const char *method, const char *path, json_object *body,
              struct cs_http_res *res, json_object **answer)
{
	int32_t rc = csh_write(h, step, method, path, body, res, answer);

	heed_limits(h, res);
	return rc;
}

int32_t
hubspot_search(const struct csh *h, const char *step, const char *looks_for, json_object *body,
               struct cs_http_res *res,
               json_object **answer)
{
	struct cs_http_req req = CS_REQ(step, "POST", hubspot_path(h, "contacts", "/search"));
	int32_t rc;

	req.looks_for = looks_for;
	req.limit_class = "search";
	req.body = csh_json_bytes(body);
	*answer = NULL;
	if ((rc = h->host->http(h->call, &req, res)) == CS_DONE)
		rc = csh_understand(h, res, answer);
	heed_limits(h, res);
	return rc;
}

const char *
hubspot_words(const struct csh *h, const struct cs_http_res *res)
{
	CSH_JSON body = csh_json_parse(res->body);
	const char *single = csh_errors_text(h, csh_at(body, "/errors"));

	return *single ? single : csh_vendor_error(h, res);
}

int32_t
hubspot_refused(const struct csh *h, const struct cs_http_res *res, const char *what)
{
	CSH_JSON body = csh_json_parse(res->body);
	const char *why = "this HubSpot app or user may not do that; look at its rights, or connect it again";

	if (strcmp(csh_get(body, "/category"), "MISSING_SCOPES") == 0)
		why = "the HubSpot app lacks a scope; connect it again with the scopes of the set-up guide";
	if (res->status == 403)
		return h->host->fail(h->call, CS_REAUTH, "%s: %s (%s)", what, why, hubspot_words(h, res));
	return h->host->fail(h->call, CS_REJECT, "%s: %s", what, hubspot_words(h, res));
}

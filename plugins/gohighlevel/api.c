/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api.c - HighLevel's requests: the rate limits that each answer reports, and what its refusals mean.
 *
 * 100 requests in 10 seconds and 200,000 a day, per app and location. There is no Retry-After: when the day is used up, an hour is
 * waited, else the interval.
 */
#include <stdlib.h>
#include <string.h>
#include "gohighlevel.h"

#define HOUR_MS INT64_C(3600000)

int
ghl_is_v3(const struct csh *h)
{
	return strcmp(csh_setting(h, "api_version"), "v3") == 0;
}

const char *
ghl_location(const struct csh *h)
{
	const char *learnt = csh_fact(h, "location_id");

	return *learnt ? learnt : csh_setting(h, "location_id");
}

static void
heed(const struct csh *h, const struct cs_http_res *res)
{
	const char *day_left = csh_header(res, "x-ratelimit-daily-remaining");
	int64_t interval_ms = atoll(csh_header(res, "x-ratelimit-interval-milliseconds"));

	csh_heed_left(h, res, "api", "x-ratelimit-remaining", 10);
	csh_heed_left(h, res, "day", "x-ratelimit-daily-remaining", 2);
	if (res->status != 429)
		return;
	if (*day_left && atoll(day_left) <= 0)
		h->host->retry_after(h->call, HOUR_MS);
	else
		h->host->retry_after(h->call, interval_ms > 0 && interval_ms <= HOUR_MS ? interval_ms : 10 * 1000);
}

int32_t
ghl_read(const struct csh *h, const char *step, const char *looks_for, const char *path, const char *query, struct cs_http_res *res,
         json_object **answer)
{
	int32_t rc = csh_read(h, step, looks_for, path, query, res, answer);

	heed(h, res);
	return rc;
}

int32_t
ghl_write(const struct csh *h, const char *step, const char *method, const char *path, json_object *body, struct cs_http_res *res,
          json_object **answer)
{
	int32_t rc = csh_write(h, step, method, path, body, res, answer);

	heed(h, res);
	return rc;
}

int32_t
ghl_refused(const struct csh *h, const struct cs_http_res *res, const char *what)
{
	if (res->status == 403)
		return h->host->fail(h->call, CS_REAUTH,
		    "%s: the token does not reach this sub-account or lacks a scope; connect it again by the set-up guide: %s", what,
		    csh_vendor_error(h, res));
	return csh_refused(h, res, what);
}

int
ghl_is_gone(const struct cs_http_res *res, json_object *answer)
{
	return res->status == 404 || (res->status == 400 && strstr(csh_get(answer, "/message"), "not found"));
}

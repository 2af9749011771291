/* SPDX-License-Identifier: Apache-2.0 */
/*
 * classify.c - what an answer means.
 *
 * Design, "never twice": a request that mutates and ends in anything but 2xx or a clear 4xx leaves its step in doubt. What was
 * certainly not sent never does.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <curl/curl.h>
#include "deliver/call/exchange.h"

static int64_t
retry_after(const struct cs_manifest *m, const struct cs_http_answer *a, int64_t now_ms)
{
	const char *name = m->retry_after_header != NULL ? m->retry_after_header : "retry-after";
	int64_t unit = m->retry_after_unit_ms > 0 ? m->retry_after_unit_ms : 1000;

	for (size_t i = 0; i < a->n_headers; i++) {
		const char *v = a->headers[i].value;
		time_t t;

		if (strcasecmp(a->headers[i].name, name) != 0)
			continue;
		if (isdigit((unsigned char)v[0]))
			return strtoll(v, NULL, 10) * unit;
		t = curl_getdate(v, NULL);
		return t > 0 && t * 1000LL > now_ms ? t * 1000LL - now_ms : 0;
	}
	return 0;
}

static void
classify_fault(bool mutates, const struct cs_http_answer *a, struct cs_class *out)
{
	out->blame = CS_BLAME_CRM;
	if (a->fault == CS_HTTP_URL || a->fault == CS_HTTP_REFUSED) {
		out->outcome = CS_REJECT;
		out->blame = CS_BLAME_CONNECTION;
	} else if (a->sent && mutates) {
		out->outcome = CS_UNKNOWN;
		out->doubt = true;
	} else
		out->outcome = CS_RETRY;
}

void
cs_exchange_classify(const struct cs_manifest *m, bool mutates, const struct cs_http_answer *a, int64_t now_ms,
                     struct cs_class *out)
{
	int st = a->status, own;

	*out = (struct cs_class){ .outcome = CS_DONE, .blame = CS_BLAME_NONE };
	if (a->fault != CS_HTTP_OK) {
		classify_fault(mutates, a, out);
		return;
	}
	out->retry_after_ms = retry_after(m, a, now_ms);
	if ((own = cs_manifest_status(m, st)) >= 0)
		out->outcome = own;
	else if (st == 401)
		out->outcome = CS_REAUTH;
	else if (st == 425 || st == 429)
		out->outcome = CS_WAIT;
	else if (st == 408 || st >= 500)
		out->outcome = mutates ? CS_UNKNOWN : CS_RETRY;
	if (st == 503 && out->retry_after_ms > 0 && own < 0 && !mutates)
		out->outcome = CS_WAIT;
	out->doubt = mutates && (out->outcome == CS_UNKNOWN || (own >= 0 && own == CS_RETRY && (st == 408 || st >= 500)));
	if (out->outcome != CS_DONE && out->outcome != CS_REJECT)
		out->blame = out->outcome == CS_REAUTH ? CS_BLAME_CREDENTIAL : CS_BLAME_CRM;
}

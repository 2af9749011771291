/* SPDX-License-Identifier: Apache-2.0 */
/*
 * openapi.c - GET /openapi.json. Whoever has it already asks with its tag and is told that nothing has changed.
 */
#include "config.h"
#include "api/watch/openapi.h"
#include "api/resources.h"

#include <string.h>

/* A list of tags, weak ones too, or "*". Ours has no comma in it, so finding it with its quotes is enough. */
static bool
has_it(const struct cs_http_request *req)
{
	const char *known = cs_http_request_header(req, "If-None-Match");

	return known != NULL && (strcmp(known, "*") == 0 || strstr(known, cs_openapi_etag) != NULL);
}

void
cs_api_openapi(struct cs_api_call *call)
{
	const struct cs_http_header headers[] = { { "ETag", cs_openapi_etag }, { "Cache-Control", "no-cache" } };
	struct cs_http_reply r = { .status = 304, .headers = headers, .n_headers = CS_ARRAY_LEN(headers), .own = CS_BODY_STATIC };

	if (!has_it(call->req)) {
		r.status = 200;
		r.content_type = "application/json";
		r.body = cs_openapi_text;
		r.body_len = strlen(cs_openapi_text);
	}
	cs_http_reply(call->req, &r);
}

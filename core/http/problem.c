/* SPDX-License-Identifier: Apache-2.0 */
/*
 * problem.c - see problem.h.
 */
#include "http/problem.h"

#include <string.h>

static const struct {
	int status;
	const char *phrase;
} phrases[] = {
	{ 200, "OK" },
	{ 201, "Created" },
	{ 202, "Accepted" },
	{ 204, "No Content" },
	{ 303, "See Other" },
	{ 304, "Not Modified" },
	{ 400, "Bad Request" },
	{ 401, "Unauthorized" },
	{ 403, "Forbidden" },
	{ 404, "Not Found" },
	{ 405, "Method Not Allowed" },
	{ 406, "Not Acceptable" },
	{ 408, "Request Timeout" },
	{ 409, "Conflict" },
	{ 410, "Gone" },
	{ 411, "Length Required" },
	{ 412, "Precondition Failed" },
	{ 413, "Content Too Large" },
	{ 414, "URI Too Long" },
	{ 415, "Unsupported Media Type" },
	{ 421, "Misdirected Request" },
	{ 422, "Unprocessable Content" },
	{ 425, "Too Early" },
	{ 429, "Too Many Requests" },
	{ 431, "Request Header Fields Too Large" },
	{ 500, "Internal Server Error" },
	{ 501, "Not Implemented" },
	{ 502, "Bad Gateway" },
	{ 503, "Service Unavailable" },
	{ 504, "Gateway Timeout" },
	{ 507, "Insufficient Storage" },
};

const char *
cs_http_phrase(int status)
{
	for (size_t i = 0; i < CS_ARRAY_LEN(phrases); i++)
		if (phrases[i].status == status)
			return phrases[i].phrase;
	return "Error";
}

static void
member(struct cs_buf *out, const char *key, const char *value)
{
	if (out->len > 0 && out->ptr[out->len - 1] != '{')
		cs_buf_addc(out, ',');
	cs_buf_printf(out, "\"%s\":", key);
	cs_buf_add_json_string(out, value, strlen(value));
}

static void
add_row(struct cs_buf *out, const struct cs_problem_row *row)
{
	cs_buf_addc(out, '{');
	if (row->pointer != NULL)
		member(out, "pointer", row->pointer);
	member(out, "detail", row->detail != NULL ? row->detail : "");
	cs_buf_addc(out, '}');
}

void
cs_problem_write(struct cs_buf *out, const struct cs_problem *p)
{
	cs_buf_addc(out, '{');
	member(out, "type", p->type != NULL ? p->type : "about:blank");
	member(out, "title", p->title != NULL ? p->title : cs_http_phrase(p->status));
	cs_buf_printf(out, ",\"status\":%d", p->status);
	if (p->detail != NULL)
		member(out, "detail", p->detail);
	if (p->n_rows > 0) {
		cs_buf_adds(out, ",\"errors\":[");
		for (size_t i = 0; i < p->n_rows; i++) {
			if (i > 0)
				cs_buf_addc(out, ',');
			add_row(out, &p->rows[i]);
		}
		cs_buf_addc(out, ']');
	}
	cs_buf_adds(out, "}\n");
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reply.c - statuses, problems, parameters.
 */
#include "config.h"
#include "api/reply.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "log/log.h"

#define BODY_DEPTH 32
#define BUSY_S 2

/* ---- answers */

void
cs_api_reply(struct cs_api_call *call, int status, struct cs_buf *out)
{
	struct cs_http_reply r = { .status = status, .content_type = "application/json", .own = CS_BODY_TAKE };
	static const struct cs_http_header headers[] = { { "Cache-Control", "no-store" } };

	if (out->failed) {
		cs_api_refuse(call, 500, "the answer is too large");
		return;
	}
	cs_buf_addc(out, '\n');
	r.body = cs_buf_steal(out, &r.body_len);
	r.headers = headers;
	r.n_headers = CS_ARRAY_LEN(headers);
	cs_http_reply(call->req, &r);
}

void
cs_api_problem(struct cs_http_request *req, int status, const char *pointer, const char *detail)
{
	const struct cs_problem_row row = { pointer, detail };
	const struct cs_problem p = { .status = status, .detail = detail, .rows = &row, .n_rows = pointer != NULL ? 1 : 0 };

	cs_http_reply_problem(req, &p, status == 503 ? BUSY_S : 0);
}

void
cs_api_refuse(struct cs_api_call *call, int status, const char *fmt, ...)
{
	char text[400];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	cs_api_problem(call->req, status, NULL, text);
}

void
cs_api_refuse_at(struct cs_api_call *call, int status, const char *pointer, const char *fmt, ...)
{
	char text[400];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	cs_api_problem(call->req, status, pointer, text);
}

int
cs_api_status_of(int code)
{
	switch (code) {
	case CS_ENOTFOUND:
		return 404;
	case CS_ESTATE:
	case CS_EEXIST:
	case CS_ECONFLICT:
		return 409;
	case CS_EINVAL:
		return 422;
	case CS_EPERM:
		return 403;
	case CS_ELIMIT: /* the time of a read */
	case CS_EFULL:
	case CS_EBUSY:
	case CS_ECLOSED:
		return 503;
	default:
		return 500;
	}
}

void
cs_api_fail(struct cs_api_call *call, const struct cs_err *err)
{
	int status = cs_api_status_of(err->code);
	char text[CS_ERR_TEXT];

	if (status == 500)
		cs_log(CS_LOG_ERROR, "api", "a read failed", "path=%s why=\"%s\"", call->route->path, err->msg);
	cs_api_problem(call->req, status, NULL, status == 500 ? "the store could not be read; the daemon's log says why"
	                                                    : cs_err_text(err, text, sizeof(text)));
}

void
cs_api_view(struct cs_api_call *call, struct cs_view *v)
{
	cs_view_init(v, call->api->reader, &call->mem, CS_API_ANSWER_MAX);
}

void
cs_api_reply_view(struct cs_api_call *call, struct cs_view *v, int rc, const struct cs_err *err)
{
	if (rc < 0)
		cs_api_fail(call, err);
	else
		cs_api_reply(call, 200, &v->out);
	cs_view_fini(v);
}

/* ---- what was asked */

bool
cs_api_body(struct cs_api_call *call, json_object **out)
{
	struct cs_err err;

	if (call->req->body_len == 0) {
		*out = json_object_new_object();
		return true;
	}
	if (cs_json_parse(call->req->body, call->req->body_len, BODY_DEPTH, out, &err) < 0) {
		cs_api_refuse(call, 400, "the body is not JSON: %s", err.msg);
		return false;
	}
	if (json_object_is_type(*out, json_type_object))
		return true;
	json_object_put(*out);
	*out = NULL;
	cs_api_refuse_at(call, 422, "", "must be an object");
	return false;
}

static bool
number(const char *text, int64_t min, int64_t max, int64_t *out)
{
	char *end;

	if (text[0] == '\0' || strspn(text, "-0123456789") != strlen(text))
		return false;
	errno = 0;
	*out = strtoll(text, &end, 10);
	return errno == 0 && *end == '\0' && *out >= min && *out <= max;
}

bool
cs_api_id(struct cs_api_call *call, int64_t *id)
{
	if (number(call->param[0], 1, INT64_MAX, id))
		return true;
	cs_api_refuse(call, 404, "there is nothing under this id");
	return false;
}

bool
cs_api_query_int(struct cs_api_call *call, const char *name, int64_t min, int64_t max, int64_t dflt, int64_t *out)
{
	const char *text = cs_http_request_query(call->req, name);

	*out = dflt;
	if (text == NULL || number(text, min, max, out))
		return true;
	cs_api_refuse(call, 400, "%s must be a number from %lld to %lld", name, (long long)min, (long long)max);
	return false;
}

bool
cs_api_page(struct cs_api_call *call, int64_t *limit, int64_t *before)
{
	return cs_api_query_int(call, "limit", 1, CS_API_LIMIT_MAX, 50, limit) &&
	       cs_api_query_int(call, "before", 1, INT64_MAX, 0, before);
}

bool
cs_api_all_accounts(struct cs_api_call *call)
{
	if (call->who.accounts[0] == '\0')
		return true;
	cs_api_refuse(call, 403, "this key is bound to accounts, and this is about all of them");
	return false;
}

bool
cs_api_account(struct cs_api_call *call, const char **account)
{
	const char *only = call->who.accounts;

	*account = cs_http_request_query(call->req, "account");
	if (*account == NULL && only[0] != '\0' && strchr(only, ' ') == NULL)
		*account = only;
	if (*account == NULL && only[0] != '\0') {
		cs_api_refuse(call, 403, "this key is bound to several accounts: say which with ?account=");
		return false;
	}
	if (*account == NULL || cs_auth_may(&call->who, *account))
		return true;
	cs_api_refuse(call, 403, "this key may not see that account");
	return false;
}

bool
cs_api_connection(struct cs_api_call *call, const char *name, struct cs_conn_row *out)
{
	struct cs_err err;

	if (cs_view_find_conn(call->api->reader, &call->mem, name, out, &err) < 0) {
		cs_api_fail(call, &err);
		return false;
	}
	if (cs_auth_may(&call->who, out->account))
		return true;
	cs_api_refuse(call, 404, "no such connection");
	return false;
}

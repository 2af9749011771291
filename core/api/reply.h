/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reply.h - answers of handlers, and reading what was asked.
 *
 * A handler ends with one of the reply functions. The reading functions return false when they have answered 400 or 422
 * already.
 */
#ifndef CS_API_REPLY_H
#define CS_API_REPLY_H

#include "api/router.h"
#include "util/json.h"
#include "view/view.h"

#define CS_API_ANSWER_MAX ((size_t)32 << 20) /* a story with all its exchanges stays far below */
#define CS_API_LIMIT_MAX 500

/* The JSON text in *out; takes its memory. Answers 500 when it did not fit. */
void cs_api_reply(struct cs_api_call *call, int status, struct cs_buf *out);
/* A problem without rows, or with one. pointer NULL: the detail speaks for itself. */
void cs_api_refuse(struct cs_api_call *call, int status, const char *fmt, ...) CS_PRINTF_LIKE(3, 4);
void cs_api_refuse_at(struct cs_api_call *call, int status, const char *pointer, const char *fmt, ...) CS_PRINTF_LIKE(4, 5);
/* What a read of the store came to: the status by err->code. */
void cs_api_fail(struct cs_api_call *call, const struct cs_err *err);
int cs_api_status_of(int code);
/* The request without its call: for other threads. Texts are copied. */
void cs_api_problem(struct cs_http_request *req, int status, const char *pointer, const char *detail);

/* A view of the store for this request, and its answer: 200, or by err when rc < 0. It is gone afterwards. */
void cs_api_view(struct cs_api_call *call, struct cs_view *v);
void cs_api_reply_view(struct cs_api_call *call, struct cs_view *v, int rc, const struct cs_err *err);

/* The body as a JSON object, dflt "{}" when it is empty. */
bool cs_api_body(struct cs_api_call *call, json_object **out);
/* {id} as a number above 0. */
bool cs_api_id(struct cs_api_call *call, int64_t *id);
/* A number in the query; absent: dflt. */
bool cs_api_query_int(struct cs_api_call *call, const char *name, int64_t min, int64_t max, int64_t dflt, int64_t *out);
/* The usual two of a list: limit (1 to 500, else 50) and before (an id; 0 absent). */
bool cs_api_page(struct cs_api_call *call, int64_t *limit, int64_t *before);
/* True, or 403 answered: this key does not see all accounts, but the resource is about all. */
bool cs_api_all_accounts(struct cs_api_call *call);
/* The account of a list: that of the query, or the only one of the key; NULL: all. Answers 403 when it may not be seen. */
bool cs_api_account(struct cs_api_call *call, const char **account);
/* A connection that this key may see, by public id, NAME, CRM/NAME or CRM:NAME. */
bool cs_api_connection(struct cs_api_call *call, const char *name, struct cs_conn_row *out);

#endif

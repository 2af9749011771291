/* SPDX-License-Identifier: Apache-2.0 */
/*
 * call.c - the host's functions with the JSON around them: settings and receipts as text, requests whose
 * body and answer are JSON, lists page by page, and what a vendor means when it refuses.
 */
#include <stdlib.h>
#include <string.h>
#include <cs/helpers.h>

#define ERROR_MAX 500

static const char *
text_of(struct cs_bytes b)
{
	return b.len ? b.ptr : "";
}

const char *
csh_setting(const struct csh *h, const char *key)
{
	return text_of(h->host->setting(h->call, key));
}

int
csh_setting_true(const struct csh *h, const char *key)
{
	return strcmp(csh_setting(h, key), "true") == 0;
}

int
csh_setting_has(const struct csh *h, const char *key, const char *value)
{
	CSH_JSON list = csh_json_parse(h->host->setting(h->call, key));
	json_object *one;

	csh_each(i, one, list)
		if (json_object_is_type(one, json_type_string) && strcmp(json_object_get_string(one), value) == 0)
			return 1;
	return 0;
}

json_object *
csh_mapped(const struct csh *h, const char *key, const struct cs_lead *lead)
{
	CSH_JSON map = csh_json_parse(h->host->setting(h->call, key));
	CSH_JSON raw = json_object_is_type(map, json_type_object) ? csh_json_parse(lead->raw) : NULL;
	json_object *out = json_object_new_object(), *value;

	if (!raw)
		return out;
	json_object_object_foreach(map, field, pointer) {
		value = json_object_is_type(pointer, json_type_string) ? csh_at(raw, json_object_get_string(pointer)) : NULL;
		if (value && *json_object_get_string(value))
			json_object_object_add(out, field, json_object_get(value));
	}
	return out;
}

const char *
csh_fact(const struct csh *h, const char *name)
{
	return text_of(h->host->fact(h->call, name));
}

const char *
csh_receipt(const struct csh *h, const char *step)
{
	struct cs_bytes v = { NULL, 0 };

	return h->host->receipt(h->call, step, &v) == CS_RECEIPT_VALUE ? text_of(v) : "";
}

int
csh_in_doubt(const struct csh *h, const char *step)
{
	struct cs_bytes v = { NULL, 0 };

	return h->host->receipt(h->call, step, &v) == CS_RECEIPT_IN_DOUBT;
}

const char *
csh_remembered(const struct csh *h, const char *step)
{
	struct cs_bytes v = { NULL, 0 };

	return h->host->remembered(h->call, step, &v) == CS_RECEIPT_VALUE ? text_of(v) : "";
}

void
csh_receipt_put(const struct csh *h, const char *step, const char *value)
{
	h->host->receipt_put(h->call, step, csh_bytes(value));
}

int32_t
csh_emit(const struct csh *h, json_object *o)
{
	return h->host->emit(h->call, csh_json_bytes(o));
}

int32_t
csh_emit_choice(const struct csh *h, const char *value, const char *label)
{
	CSH_JSON item = json_object_new_object();

	csh_put(item, "value", value);
	csh_put(item, "label", *label ? label : value);
	return *value ? csh_emit(h, item) : CS_DONE;
}

const char *
csh_id_of(const char *what, const char *type)
{
	size_t n = strlen(type);

	return strncmp(what, type, n) == 0 && what[n] == '/' ? what + n + 1 : NULL;
}

const char *
csh_header(const struct cs_http_res *res, const char *lower_case_name)
{
	for (size_t i = 0; i < res->n_headers; i++)
		if (strcmp(res->headers[i].name, lower_case_name) == 0)
			return res->headers[i].value;
	return "";
}

void
csh_heed_left(const struct csh *h, const struct cs_http_res *res, const char *limit_class, const char *header,
              int64_t restore_per_s)
{
	const char *left = csh_header(res, header);

	if (csh_is_digits(left) && strlen(left) < 10)
		h->host->budget(h->call, limit_class, atoll(left), restore_per_s);
}

int32_t
csh_send(const struct csh *h, const struct cs_http_req *req, struct cs_http_res *res, json_object **answer)
{
	int32_t rc;

	*answer = NULL;
	if ((rc = h->host->http(h->call, req, res)) != CS_DONE)
		return rc;
	if (!req->mutates)
		return csh_understand(h, res, answer);
	*answer = csh_json_parse(res->body);
	return CS_DONE;
}

int32_t
csh_read(const struct csh *h, const char *step, const char *looks_for, const char *path, const char *query,
         struct cs_http_res *res, json_object **answer)
{
	struct cs_http_req req = CS_REQ(step, "GET", path);

	req.looks_for = looks_for;
	req.query = query;
	return csh_send(h, &req, res, answer);
}

int32_t
csh_understand(const struct csh *h, const struct cs_http_res *res, json_object **answer)
{
	*answer = csh_json_parse(res->body);
	if (*answer || res->status >= 300)
		return CS_DONE;
	return h->host->fail(h->call, CS_RETRY, "answered %d, but not with JSON", (int)res->status);
}

int32_t
csh_need(const struct csh *h, json_object *answer, const char *pointer)
{
	if (*csh_get(answer, pointer))
		return CS_DONE;
	return h->host->fail(h->call, CS_RETRY, "the answer has nothing at %s", pointer);
}

int32_t
csh_need_list(const struct csh *h, json_object *answer, const char *pointer)
{
	if (json_object_is_type(csh_at(answer, pointer), json_type_array))
		return CS_DONE;
	return h->host->fail(h->call, CS_RETRY, "the answer has no list at %s", pointer);
}

int32_t
csh_write(const struct csh *h, const char *step, const char *method, const char *path, json_object *body,
          struct cs_http_res *res, json_object **answer)
{
	struct cs_http_req req = CS_REQ(step, method, path);

	req.mutates = 1;
	req.body = csh_json_bytes(body);
	return csh_send(h, &req, res, answer);
}

/* {"field":["is too short"]}, ["..."], [{"message":"..."}], "..." */
static void
add_errors(struct csh_str *s, json_object *v, int depth)
{
	static const char *const words[] = { "/message", "/detail", "/title", "/error_description" };
	size_t i;

	if (!v || depth > 4 || s->len > ERROR_MAX)
		return;
	if (json_object_is_type(v, json_type_array)) {
		for (i = 0; i < json_object_array_length(v); i++)
			add_errors(s, json_object_array_get_idx(v, i), depth + 1);
		return;
	}
	if (!json_object_is_type(v, json_type_object)) {
		csh_adds(s, s->len ? "; " : "");
		csh_adds(s, json_object_get_string(v));
		return;
	}
	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (csh_at(v, words[i])) {
			add_errors(s, csh_at(v, words[i]), depth + 1);
			return;
		}
	json_object_object_foreach(v, key, val) {
		struct csh_str one = CSH_STR(s->h);

		add_errors(&one, val, depth + 1);
		if (!one.len)
			continue;
		csh_adds(s, s->len ? "; " : "");
		csh_adds(s, key);
		csh_adds(s, ": ");
		csh_adds(s, csh_text(&one));
	}
}

const char *
csh_errors_text(const struct csh *h, json_object *errors)
{
	struct csh_str s = CSH_STR(h);

	add_errors(&s, errors, 0);
	return csh_cut(h, csh_text(&s), ERROR_MAX);
}

static void
add_shapes(struct csh_str *s, json_object *o)
{
	static const char *const shapes[] = { "/message", "/msg", "/error_description", "/error/message", "/error",
	    "/detail", "/title", "/hint", "/errors" };

	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++)
		if (csh_at(o, shapes[i]) && !json_object_is_type(csh_at(o, shapes[i]), json_type_boolean)) {
			add_errors(s, csh_at(o, shapes[i]), 0);
			break;
		}
	add_errors(s, csh_at(o, "/details"), 0);
	add_errors(s, csh_at(o, "/attr"), 0);
}

const char *
csh_vendor_error(const struct csh *h, const struct cs_http_res *res)
{
	CSH_JSON o = csh_json_parse(res->body);
	struct csh_str s = CSH_STR(h);

	if (json_object_is_type(o, json_type_object))
		add_shapes(&s, o);
	else if (o)
		add_errors(&s, o, 0);
	else if (res->body.len && res->body.ptr[0] != '<')
		csh_adds(&s, csh_cut(h, csh_strndup(h, res->body.ptr, res->body.len < 210 ? res->body.len : 210), 200));
	return s.len ? csh_cut(h, csh_text(&s), ERROR_MAX) : csh_printf(h, "HTTP %d", (int)res->status);
}

int32_t
csh_refused(const struct csh *h, const struct cs_http_res *res, const char *what)
{
	return h->host->fail(h->call, CS_REJECT, "%s: %s", what, csh_vendor_error(h, res));
}

/* ---- page by page */
static const char *
page_query(const struct csh *h, const struct csh_pages *p)
{
	const char *base = p->query ? p->query : "", *join = *base ? "&" : "";

	if (p->page_param)
		return csh_printf(h, "%s%s%s=%d", base, join, p->page_param, p->page + 1);
	return p->cursor ? csh_printf(h, "%s%s%s=%s", base, join, p->next_param,
	    csh_url(h, p->cursor)) : p->query;
}

static int
is_last(const struct csh_pages *p)
{
	return p->page_param ? csh_get_int(p->answer, p->total, 0) <= p->page : !p->cursor;
}

static void
take_cursor(const struct csh *h, struct csh_pages *p)
{
	const char *next = p->next ? csh_get(p->answer, p->next) : "";

	p->cursor = *next ? csh_strndup(h, next, strlen(next)) : NULL;
}

int
csh_next_page(const struct csh *h, struct csh_pages *p)
{
	struct cs_http_req req = CS_REQ(p->step, "GET", p->path);
	struct cs_http_res res = CS_RES_INIT;
	int last = p->page > 0 && is_last(p);

	csh_pages_end(p);
	p->more = !last && p->page >= p->max;
	if (last || p->more)
		return 0;
	req.looks_for = p->looks_for;
	req.query = page_query(h, p);
	req.limit_class = p->limit_class;
	req.cost = p->cost;
	p->rc = csh_send(h, &req, &res, &p->answer);
	if (p->rc != CS_DONE)
		return 0;
	if (res.status >= 300 || !p->answer) {
		p->rc = (p->refused ? p->refused : csh_refused)(h, &res, "the list could not be read");
		csh_pages_end(p);
		return 0;
	}
	if (p->items && (p->rc = csh_need_list(h, p->answer, p->items)) != CS_DONE) {
		csh_pages_end(p);
		return 0;
	}
	p->page++;
	take_cursor(h, p);
	return 1;
}

void
csh_pages_end(struct csh_pages *p)
{
	csh_json_putp(&p->answer);
}

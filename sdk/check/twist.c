/* SPDX-License-Identifier: Apache-2.0 */
/*
 * twist.c - ugly bodies made of good ones.
 *
 * JSON answers are rebuilt value by value. Where a script answers with text (XML, a form), the same is done to what stands
 * between the tags.
 */
#include "config.h"
#include <ctype.h>
#include <string.h>
#include <strings.h>
#include "check/twist.h"

#define HUGE (5u << 20)
#define DEEP (256u << 10)

/* ---- bytes */
static struct cs_bytes
bytes(struct cs_call *c, const char *p, size_t n)
{
	return (struct cs_bytes){ cs_arena_strndup(&c->mem, p, n), n };
}

struct cs_bytes
cs_make_cut(struct cs_call *c, json_object *json, struct cs_bytes text)
{
	(void)json;
	return text.len > 1 ? bytes(c, text.ptr, text.len / 2) : bytes(c, "{\"id\":", 6);
}

/* White space before it: whole and right, but huge. */
struct cs_bytes
cs_make_huge(struct cs_call *c, json_object *json, struct cs_bytes text)
{
	char *p = cs_arena_alloc(&c->mem, HUGE + text.len + 1);

	(void)json;
	memset(p, ' ', HUGE);
	memcpy(p + HUGE, text.ptr, text.len);
	return (struct cs_bytes){ p, HUGE + text.len };
}

struct cs_bytes
cs_make_deep(struct cs_call *c, json_object *json, struct cs_bytes text)
{
	char *p = cs_arena_alloc(&c->mem, DEEP + 1);

	(void)json, (void)text;
	return (struct cs_bytes){ memset(p, '[', DEEP), DEEP };
}

struct cs_bytes
cs_make_bad_utf8(struct cs_call *c, json_object *json, struct cs_bytes text)
{
	char *p = cs_arena_strndup(&c->mem, text.ptr, text.len);
	bool inside = false;

	for (size_t i = 0; i < text.len; i++) {
		inside ^= p[i] == '"';
		if ((inside || !json) && isalpha((unsigned char)p[i]) && i % 3 == 0)
			p[i] = (char)0xfe;
	}
	return (struct cs_bytes){ p, text.len };
}

struct cs_bytes
cs_make_trailing(struct cs_call *c, json_object *json, struct cs_bytes text)
{
	char *p = cs_arena_printf(&c->mem, "%.*s\n<!-- served in 12 ms -->", (int)text.len, text.ptr);

	(void)json;
	return (struct cs_bytes){ p, strlen(p) };
}

/* ---- text between tags: each run of it is replaced */
static struct cs_bytes
between_tags(struct cs_call *c, struct cs_bytes text, const char *with)
{
	struct cs_buf b = CS_BUF_INIT(1 << 20);
	struct cs_bytes out;

	for (size_t i = 0; i < text.len; i++) {
		cs_buf_addc(&b, text.ptr[i]);
		if (text.ptr[i] != '>' || i + 1 >= text.len || text.ptr[i + 1] == '<')
			continue;
		cs_buf_adds(&b, with);
		while (i + 1 < text.len && text.ptr[i + 1] != '<')
			i++;
	}
	out = bytes(c, cs_buf_str(&b), b.len);
	cs_buf_fini(&b);
	return out;
}

/* ---- JSON, rebuilt. A visitor takes a scalar and gives another (new), or NULL for null. */
struct visit {
	json_object *(*scalar)(json_object *v);
	bool (*drops)(const char *key);
	json_object *(*list)(json_object *built);
};

static json_object *rebuild(json_object *v, const struct visit *how);

static json_object *
rebuild_object(json_object *v, const struct visit *how)
{
	json_object *out = json_object_new_object();

	json_object_object_foreach(v, key, value)
		if (!how->drops || !how->drops(key))
			json_object_object_add(out, key, rebuild(value, how));
	return out;
}

static json_object *
rebuild_array(json_object *v, const struct visit *how)
{
	json_object *out = json_object_new_array();

	for (size_t i = 0; i < json_object_array_length(v); i++)
		json_object_array_add(out, rebuild(json_object_array_get_idx(v, i), how));
	return how->list ? how->list(out) : out;
}

static json_object *
rebuild(json_object *v, const struct visit *how)
{
	if (json_object_is_type(v, json_type_object))
		return rebuild_object(v, how);
	if (json_object_is_type(v, json_type_array))
		return rebuild_array(v, how);
	return how->scalar ? how->scalar(v) : json_object_get(v);
}

static struct cs_bytes
rebuilt(struct cs_call *c, json_object *json, const struct visit *how)
{
	json_object *o = rebuild(json, how);
	const char *s = cs_json_text(o);
	struct cs_bytes out = bytes(c, s, strlen(s));

	json_object_put(o);
	return out;
}

static json_object *
other_scalar(json_object *v)
{
	switch (json_object_get_type(v)) {
	case json_type_string:
		return json_object_new_int(7);
	case json_type_int:
	case json_type_double:
		return json_object_new_string("many");
	case json_type_boolean:
		return json_object_new_array();
	default:
		return json_object_new_object();
	}
}

/* An array becomes an object. */
static json_object *
other_list(json_object *built)
{
	json_object *out = json_object_new_object();

	json_object_object_add(out, "0", built);
	return out;
}

struct cs_bytes
cs_make_other_types(struct cs_call *c, json_object *json, struct cs_bytes text)
{
	static const struct visit how = { .scalar = other_scalar, .list = other_list };

	return json ? rebuilt(c, json, &how) : between_tags(c, text, "?");
}

static bool
is_id(const char *key)
{
	size_t n = strlen(key);

	return strcasecmp(key, "id") == 0 || (n > 2 && (strcmp(key + n - 2, "Id") == 0 || strcmp(key + n - 3, "_id") == 0 ||
	                                                  strcmp(key + n - 2, "ID") == 0));
}

struct cs_bytes
cs_make_without_ids(struct cs_call *c, json_object *json, struct cs_bytes text)
{
	static const struct visit how = { .drops = is_id };

	return json ? rebuilt(c, json, &how) : between_tags(c, text, "");
}

static json_object *
null_scalar(json_object *v)
{
	(void)v;
	return NULL;
}

struct cs_bytes
cs_make_nulls(struct cs_call *c, json_object *json, struct cs_bytes text)
{
	static const struct visit how = { .scalar = null_scalar };

	return json ? rebuilt(c, json, &how) : between_tags(c, text, "");
}

static json_object *
with_null_rows(json_object *built)
{
	json_object *out = json_object_new_array();

	json_object_array_add(out, NULL);
	json_object_array_add(out, json_object_new_int(7));
	for (size_t i = 0; i < json_object_array_length(built); i++)
		json_object_array_add(out, json_object_get(json_object_array_get_idx(built, i)));
	json_object_array_add(out, json_object_new_array());
	json_object_put(built);
	return out;
}

struct cs_bytes
cs_make_null_rows(struct cs_call *c, json_object *json, struct cs_bytes text)
{
	static const struct visit how = { .list = with_null_rows };

	return json ? rebuilt(c, json, &how) : between_tags(c, text, "\xC2\xA0");
}

static json_object *
without_rows(json_object *built)
{
	json_object_put(built);
	return json_object_new_array();
}

struct cs_bytes
cs_make_no_rows(struct cs_call *c, json_object *json, struct cs_bytes text)
{
	static const struct visit how = { .list = without_rows };

	return json ? rebuilt(c, json, &how) : between_tags(c, text, " ");
}

static json_object *
rows_twice(json_object *built)
{
	size_t n = json_object_array_length(built);

	for (size_t i = 0; i < n; i++)
		json_object_array_add(built, json_object_get(json_object_array_get_idx(built, i)));
	return built;
}

/* Of text: what is inside of the outermost tag stands there twice. */
static struct cs_bytes
text_twice(struct cs_call *c, struct cs_bytes text)
{
	const char *from = memmem(text.ptr, text.len, "><", 2), *to = NULL;
	char *p;

	for (size_t i = 0; i + 1 < text.len; i++)
		if (text.ptr[i] == '<' && text.ptr[i + 1] == '/')
			to = text.ptr + i;
	if (!from || !to || to < from)
		return text;
	p = cs_arena_printf(&c->mem, "%.*s%.*s%.*s", (int)(to - text.ptr), text.ptr, (int)(to - from - 1), from + 1,
	    (int)(text.ptr + text.len - to), to);
	return (struct cs_bytes){ p, strlen(p) };
}

struct cs_bytes
cs_make_rows_twice(struct cs_call *c, json_object *json, struct cs_bytes text)
{
	static const struct visit how = { .list = rows_twice };

	return json ? rebuilt(c, json, &how) : text_twice(c, text);
}

static json_object *
huge_number(json_object *v)
{
	if (json_object_is_type(v, json_type_string))
		return json_object_get(v);
	return json_object_new_double_s(1e300, "99999999999999999999999999999999e270");
}

struct cs_bytes
cs_make_huge_numbers(struct cs_call *c, json_object *json, struct cs_bytes text)
{
	static const struct visit how = { .scalar = huge_number };

	return json ? rebuilt(c, json, &how) : between_tags(c, text, "-99999999999999999999999999999999e270");
}

/* Every count of pages is large, every mark of a next page says that there is one. */
static json_object *
one_more(json_object *v)
{
	switch (json_object_get_type(v)) {
	case json_type_int:
	case json_type_double:
		return json_object_new_int(1000000);
	case json_type_boolean:
		return json_object_new_boolean(1);
	case json_type_null:
		return json_object_new_string("next");
	default:
		return json_object_get(v);
	}
}

struct cs_bytes
cs_make_endless(struct cs_call *c, json_object *json, struct cs_bytes text)
{
	static const struct visit how = { .scalar = one_more };

	return json ? rebuilt(c, json, &how) : between_tags(c, text, "1000000");
}

/* ---- put together */
static void
add_header(struct cs_call *c, const struct cs_twist *t, struct cs_http_res *res)
{
	struct cs_header *all;

	if (!t->header)
		return;
	all = cs_arena_alloc(&c->mem, sizeof(*all) * (res->n_headers + 1));
	if (res->n_headers)
		memcpy(all, res->headers, sizeof(*all) * res->n_headers);
	all[res->n_headers++] = (struct cs_header){ t->header, t->value };
	res->headers = all;
}

static bool
is_usual(const struct cs_twist *t, json_object *json, struct cs_bytes text, struct cs_bytes body)
{
	if (body.len == text.len && memcmp(body.ptr, text.ptr, body.len) == 0)
		return true;
	return t->body && ((strcmp(t->body, "[]") == 0 && json_object_is_type(json, json_type_array)) ||
	                   (strcmp(t->body, "{}") == 0 && json_object_is_type(json, json_type_object) &&
	                       json_object_object_length(json) == 0));
}

const char *
cs_twist_apply(const struct cs_twist *t, struct cs_call *c, const struct cs_http_req *req, json_object *json,
    struct cs_http_res *res)
{
	struct cs_bytes text = res->body;

	(void)req;
	res->status = t->status ? t->status : 200;
	if (t->make)
		res->body = t->make(c, json, text);
	else if (t->body)
		res->body = (struct cs_bytes){ t->body, strlen(t->body) };
	c->usual = is_usual(t, json, text, res->body);
	add_header(c, t, res);
	return t->fault;
}

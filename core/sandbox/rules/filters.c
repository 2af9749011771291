/* SPDX-License-Identifier: Apache-2.0 */
/*
 * filters.c - one small function per filter, in one table.
 */
#include "config.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include "sandbox/rules/filters.h"
#include "util/mem.h"
#include "util/text.h"

static int
hex_digit(int c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

char *
cs_sb_percent_decode(const char *s, size_t n, bool form)
{
	char *out = cs_xmalloc(n + 1), *p = out;

	for (size_t i = 0; i < n; i++) {
		if (s[i] == '%' && i + 2 < n && hex_digit(s[i + 1]) >= 0 && hex_digit(s[i + 2]) >= 0) {
			*p++ = (char)(hex_digit(s[i + 1]) << 4 | hex_digit(s[i + 2]));
			i += 2;
		} else {
			*p++ = form && s[i] == '+' ? ' ' : s[i];
		}
	}
	*p = '\0';
	if (!cs_utf8_valid(out, (size_t)(p - out), true)) {
		for (char *q = out; q < p; q++) {
			if (*q == '\0' || (unsigned char)*q >= 0x80)
				*q = '?';
		}
	}
	return out;
}

/* ---- filters: take v over, give the result; NULL: absent */

static json_object *
take_text(json_object *v, char *text)
{
	json_object *o = json_object_new_string(text);

	json_object_put(v);
	free(text);
	return o;
}

static json_object *
take_buf(json_object *v, struct cs_buf *b)
{
	json_object *o = json_object_new_string_len(cs_buf_str(b), (int)b->len);

	json_object_put(v);
	cs_buf_fini(b);
	return o;
}

static char *
digits_of(json_object *v)
{
	const char *s = json_object_get_string(v);
	char *d = cs_xmalloc(strlen(s) + 1);

	cs_digits(s, d, strlen(s) + 1);
	return d;
}

static json_object *
f_digits(json_object *v, const char *arg CS_UNUSED)
{
	return take_text(v, digits_of(v));
}

/* National digits: a leading 1 of an eleven-digit number goes (+1 is the only country these CRMs are sold
 * in). */
static json_object *
f_national(json_object *v, const char *arg CS_UNUSED)
{
	char *d = digits_of(v);

	if (strlen(d) == 11 && d[0] == '1')
		memmove(d, d + 1, 11);
	if (*d == '\0') {
		free(d);
		json_object_put(v);
		return NULL;
	}
	return take_text(v, d);
}

static json_object *
change_case(json_object *v, int (*change)(int))
{
	char *s = cs_xstrdup(json_object_get_string(v));

	for (char *p = s; *p != '\0'; p++)
		*p = (char)change((unsigned char)*p);
	return take_text(v, s);
}

static json_object *
f_lower(json_object *v, const char *arg CS_UNUSED)
{
	return change_case(v, tolower);
}

static json_object *
f_upper(json_object *v, const char *arg CS_UNUSED)
{
	return change_case(v, toupper);
}

static json_object *
f_string(json_object *v, const char *arg CS_UNUSED)
{
	return take_text(v, cs_xstrdup(json_object_get_string(v)));
}

static json_object *
f_int(json_object *v, const char *arg CS_UNUSED)
{
	json_object *o = json_object_new_int64(json_object_get_int64(v));

	json_object_put(v);
	return o;
}

/* Text that holds JSON, read. */
static json_object *
f_parse(json_object *v, const char *arg CS_UNUSED)
{
	json_object *o = NULL;

	cs_json_parse(json_object_get_string(v), strlen(json_object_get_string(v)), 32, &o, NULL);
	json_object_put(v);
	return o;
}

static json_object *
f_split(json_object *v, const char *arg)
{
	json_object *list = json_object_new_array();
	char *s, *rest, *part;

	if (json_object_is_type(v, json_type_array)) {
		json_object_put(list);
		return v;
	}
	rest = s = cs_xstrdup(json_object_get_string(v));
	while ((part = strsep(&rest, *arg != '\0' ? arg : ",")) != NULL) {
		if (*part != '\0')
			json_object_array_add(list, json_object_new_string(part));
	}
	free(s);
	json_object_put(v);
	return list;
}

static json_object *
element(json_object *v, bool last)
{
	size_t n = json_object_is_type(v, json_type_array) ? json_object_array_length(v) : 0;
	json_object *o = n > 0 ? json_object_get(json_object_array_get_idx(v, last ? n - 1 : 0)) : NULL;

	json_object_put(v);
	return o;
}

static json_object *
f_first(json_object *v, const char *arg CS_UNUSED)
{
	return element(v, false);
}

static json_object *
f_last(json_object *v, const char *arg CS_UNUSED)
{
	return element(v, true);
}

static json_object *
f_length(json_object *v, const char *arg CS_UNUSED)
{
	size_t n = json_object_is_type(v, json_type_array)  ? json_object_array_length(v) :
	           json_object_is_type(v, json_type_object) ? (size_t)json_object_object_length(v) :
	                                                      strlen(json_object_get_string(v));

	json_object_put(v);
	return json_object_new_int64((int64_t)n);
}

static json_object *
f_keys(json_object *v, const char *arg CS_UNUSED)
{
	json_object *list = json_object_new_array();

	if (json_object_is_type(v, json_type_object)) {
		json_object_object_foreach(v, name, value) {
			(void)value;
			json_object_array_add(list, json_object_new_string(name));
		}
	}
	json_object_put(v);
	return list;
}

static json_object *
f_url(json_object *v, const char *arg CS_UNUSED)
{
	struct cs_buf b = CS_BUF_INIT(0);
	const char *s = json_object_get_string(v);

	cs_url_add(&b, s, strlen(s));
	return take_buf(v, &b);
}

static json_object *
f_base64(json_object *v, const char *arg CS_UNUSED)
{
	struct cs_buf b = CS_BUF_INIT(0);
	const char *s = json_object_get_string(v);

	cs_base64_add(&b, s, strlen(s));
	return take_buf(v, &b);
}

static json_object *
f_html(json_object *v, const char *arg CS_UNUSED)
{
	struct cs_buf b = CS_BUF_INIT(0);

	for (const char *s = json_object_get_string(v); *s != '\0'; s++) {
		const char *e = *s == '&' ? "&amp;" : *s == '<' ? "&lt;" : *s == '>' ? "&gt;" :
		                *s == '"' ? "&quot;" : *s == '\'' ? "&#39;" : NULL;

		if (e != NULL)
			cs_buf_adds(&b, e);
		else
			cs_buf_addc(&b, *s);
	}
	return take_buf(v, &b);
}

static const struct {
	const char *name;
	json_object *(*run)(json_object *v, const char *arg);
} filters[] = {
	{ "base64", f_base64 }, { "digits", f_digits }, { "first", f_first },       { "html", f_html },
	{ "int", f_int },       { "keys", f_keys },     { "last", f_last },
	{ "length", f_length }, { "lower", f_lower },   { "national", f_national }, { "parse", f_parse },
	{ "split", f_split },   { "string", f_string }, { "upper", f_upper },       { "url", f_url },
};

bool
cs_sb_filter_known(const char *name)
{
	for (size_t i = 0; i < CS_ARRAY_LEN(filters); i++) {
		if (strcmp(name, filters[i].name) == 0)
			return true;
	}
	return strcmp(name, "or") == 0 || strcmp(name, "null") == 0;
}

bool
cs_sb_filter(const char *name, const char *arg, json_object **v, bool there)
{
	if (strcmp(name, "null") == 0)
		return true;
	if (strcmp(name, "or") == 0) {
		if (!there || *v == NULL)
			*v = json_object_new_string(arg);
		return true;
	}
	if (!there || *v == NULL)
		return there;
	for (size_t i = 0; i < CS_ARRAY_LEN(filters); i++) {
		if (strcmp(name, filters[i].name) == 0) {
			*v = filters[i].run(*v, arg);
			return *v != NULL;
		}
	}
	return there;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * doc.c - JSON made short: read by pointer with a default, write what is there.
 */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <cs/helpers.h>

#define MAX_DEPTH 32
#define SHORT (16 << 10)

/*
 * One parser serves all texts that are not long: making one costs as much as reading one, and no call switches away while it is in
 * use. Its room for a string is made at once as large as it can ever be needed, so it never grows afterwards.
 */
static struct json_tokener *shared;

__attribute__((destructor)) static void
free_shared(void)
{
	if (shared)
		json_tokener_free(shared);
}

static struct json_tokener *
new_shared(void)
{
	struct json_tokener *t = json_tokener_new_ex(MAX_DEPTH);
	char *longest = t ? malloc(SHORT) : NULL;

	if (longest) {
		memset(longest, 'x', SHORT);
		longest[0] = longest[SHORT - 1] = '"';
		json_object_put(json_tokener_parse_ex(t, longest, SHORT));
		free(longest);
	}
	return t;
}

static struct json_tokener *
take_parser(size_t len)
{
	if (len > SHORT)
		return json_tokener_new_ex(MAX_DEPTH);
	if (!shared)
		shared = new_shared();
	return shared;
}

json_object *
csh_json_parse(struct cs_bytes text)
{
	struct json_tokener *t;
	json_object *o = NULL;

	if (text.len == 0 || text.len > INT_MAX || !(t = take_parser(text.len)))
		return NULL;
	json_tokener_set_flags(t, JSON_TOKENER_VALIDATE_UTF8);
	o = json_tokener_parse_ex(t, text.ptr, (int)text.len);
	if (json_tokener_get_error(t) == json_tokener_continue) /* a bare number ends only with the text */
		o = json_tokener_parse_ex(t, "", 1);
	if (json_tokener_get_error(t) != json_tokener_success) {
		json_object_put(o);
		o = NULL;
	}
	if (t == shared)
		json_tokener_reset(t); /* what a text that ended too early left in it */
	else
		json_tokener_free(t);
	return o;
}

void
csh_json_putp(json_object **o)
{
	json_object_put(*o);
	*o = NULL;
}

json_object *
csh_at(json_object *o, const char *pointer)
{
	json_object *found = NULL;

	if (!o || json_pointer_get(o, pointer, &found) != 0)
		return NULL;
	return found;
}

const char *
csh_get_or(json_object *o, const char *pointer, const char *dflt)
{
	json_object *v = csh_at(o, pointer);

	if (!v || json_object_is_type(v, json_type_object) || json_object_is_type(v, json_type_array))
		return dflt;
	return json_object_get_string(v);
}

const char *
csh_get(json_object *o, const char *pointer)
{
	return csh_get_or(o, pointer, "");
}

int64_t
csh_get_int(json_object *o, const char *pointer, int64_t dflt)
{
	json_object *v = csh_at(o, pointer);

	return v && (json_object_is_type(v, json_type_int) || json_object_is_type(v, json_type_double))
	    ? json_object_get_int64(v) : dflt;
}

size_t
csh_count(json_object *array)
{
	return json_object_is_type(array, json_type_array) ? json_object_array_length(array) : 0;
}

void
csh_put(json_object *o, const char *key, const char *text)
{
	if (*text)
		json_object_object_add(o, key, json_object_new_string(text));
}

void
csh_put_new(json_object *o, const char *key, json_object *value)
{
	if ((json_object_is_type(value, json_type_object) && json_object_object_length(value) == 0) ||
	    (json_object_is_type(value, json_type_array) && json_object_array_length(value) == 0)) {
		json_object_put(value);
		return;
	}
	json_object_object_add(o, key, value);
}

void
csh_put_number(json_object *o, const char *key, const char *text)
{
	int64_t n;

	errno = 0;
	n = csh_is_digits(text) ? strtoll(text, NULL, 10) : 0;
	if (csh_is_digits(text) && errno == 0)
		json_object_object_add(o, key, json_object_new_int64(n));
}

void
csh_put_bool(json_object *o, const char *key, int value)
{
	json_object_object_add(o, key, json_object_new_boolean(value));
}

json_object *
csh_child(json_object *o, const char *key)
{
	json_object *child = json_object_new_object();

	json_object_object_add(o, key, child);
	return child;
}

static int
is_gap(json_object *v)
{
	return !v || (json_object_is_type(v, json_type_string) && json_object_get_string_len(v) == 0) ||
	    (json_object_is_type(v, json_type_array) && json_object_array_length(v) == 0);
}

json_object *
csh_gaps(json_object *have, json_object *want)
{
	json_object *gaps = json_object_new_object(), *there;

	if (!json_object_is_type(want, json_type_object))
		return gaps;
	json_object_object_foreach(want, key, value)
		if (value && (!json_object_object_get_ex(have, key, &there) || is_gap(there)))
			json_object_object_add(gaps, key, json_object_get(value));
	return gaps;
}

static const char *
member_text(json_object *o, const char *key)
{
	json_object *v = NULL;

	return json_object_object_get_ex(o, key, &v) && json_object_is_type(v, json_type_string) ? json_object_get_string(v) : "";
}

static int
is_other(json_object *have, json_object *want, const char *key)
{
	const char *there = member_text(have, key), *wanted = member_text(want, key);

	return *there && *wanted && !csh_same_text(there, wanted);
}

int
csh_gaps_keep_name(json_object *gaps, json_object *have, json_object *want, const char *first, const char *last)
{
	if (!is_other(have, want, first) && !is_other(have, want, last))
		return 0;
	json_object_object_del(gaps, first);
	json_object_object_del(gaps, last);
	return 1;
}

void
csh_gaps_keep_address(json_object *gaps, json_object *have, const char *const *parts)
{
	int there = 0;

	for (size_t i = 0; i < 3; i++)
		there |= *member_text(have, parts[i]) != '\0';
	for (size_t i = 0; there && parts[i]; i++)
		json_object_object_del(gaps, parts[i]);
}

/* Digits, at most 15 before the point, and at most two behind it that are kept. */
const char *
csh_money(const struct csh *h, json_object *o, const char *pointer)
{
	const char *s = csh_get(o, pointer), *point;
	char whole[16], cents[3] = "00";
	size_t n = 0;
	int minus = *s == '-';

	if (json_object_is_type(csh_at(o, pointer), json_type_boolean))
		return "";
	for (s += minus; (*s >= '0' && *s <= '9') || (*s == ',' && n > 0); s++) {
		if (*s != ',' && n + 1 == sizeof(whole))
			return "";
		if (*s != ',')
			whole[n++] = *s;
	}
	whole[n] = '\0';
	point = *s == '.' ? s + 1 : s;
	if (n == 0 || point[strspn(point, "0123456789")] != '\0' || (*s && *s != '.'))
		return "";
	for (n = 0; n < 2 && point[n]; n++)
		cents[n] = point[n];
	return csh_printf(h, "%s%s.%s", minus ? "-" : "", whole, cents);
}

struct cs_bytes
csh_json_bytes(json_object *o)
{
	struct cs_bytes out;

	out.ptr = json_object_to_json_string_length(o,
	    JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, &out.len);
	return out;
}

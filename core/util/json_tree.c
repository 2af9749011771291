/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json_tree.c - what is asked of nodes, and json-c objects made of them. They are read by json_read.c.
 *
 * What stands behind a number in the text is a bracket, a comma, a space or a NUL, so it can be converted where it is; in
 * particular nothing that strtod would take for a hexadecimal one.
 */
#include "config.h"
#include "util/json_tree.h"

#include <errno.h>
#include <float.h>
#include <locale.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define NUMBER_MAX 64
#define DIGITS_SAFE 18 /* so many fit 64 bits, whatever they are */

const struct cs_json_node *
cs_json_node_get(const struct cs_json_node *object, const char *name)
{
	size_t n = strlen(name);

	if (object->kind != CS_JSON_OBJECT)
		return NULL;
	CS_JSON_EACH(m, object)
		if (m->name_len == n && memcmp(m->name, name, n) == 0)
			return m;
	return NULL;
}

/* ---- numbers */

static locale_t c_locale;
static pthread_once_t locale_once = PTHREAD_ONCE_INIT;

static void
make_locale(void)
{
	c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
	if (c_locale == (locale_t)0)
		abort();
}

/*
 * Few digits, perhaps with a point among them: they and the power of ten are exact doubles, so their quotient is the nearest
 * one. False for every other number, and where the machine divides with more than a double has.
 */
static bool
short_decimal(const struct cs_json_node *number, double *out)
{
	static const double tens[] = { 1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15 };
	bool minus = number->text[0] == '-';
	size_t point = number->len - 1;
	int64_t v = 0;

	if (number->len > CS_ARRAY_LEN(tens) || FLT_EVAL_METHOD != 0)
		return false;
	for (size_t i = minus; i < number->len; i++) {
		if (number->text[i] == '.')
			point = i;
		else if (number->text[i] >= '0' && number->text[i] <= '9')
			v = v * 10 + (number->text[i] - '0');
		else
			return false;
	}
	if (v > (int64_t)1 << DBL_MANT_DIG)
		return false;
	*out = (double)v / tens[number->len - 1 - point];
	*out = minus ? -*out : *out;
	return true;
}

double
cs_json_node_double(const struct cs_json_node *number)
{
	int saved = errno;
	double d;

	if (short_decimal(number, &d))
		return d;
	pthread_once(&locale_once, make_locale);
	d = strtod_l(number->text, NULL, c_locale);
	errno = saved;
	return d;
}

bool
cs_json_node_int64(const struct cs_json_node *number, int64_t *out)
{
	bool minus = number->text[0] == '-';
	int saved = errno;
	int64_t v = 0;

	if (!number->integer || (minus && number->text[1] == '0'))
		return false;
	if (number->len <= DIGITS_SAFE) {
		for (size_t i = minus; i < number->len; i++)
			v = v * 10 + (number->text[i] - '0');
		*out = minus ? -v : v;
		return true;
	}
	errno = 0;
	*out = strtoll(number->text, NULL, 10);
	minus = errno == 0;
	errno = saved;
	return minus;
}

bool
cs_json_node_uint64(const struct cs_json_node *number, uint64_t *out)
{
	int saved = errno;
	bool fits;

	if (!number->integer || number->text[0] == '-')
		return false;
	errno = 0;
	*out = strtoull(number->text, NULL, 10);
	fits = errno == 0;
	errno = saved;
	return fits;
}

/* ---- writing */

static void
write_string(struct cs_buf *out, const char *s, size_t n, bool escaped)
{
	if (escaped) {
		cs_buf_add_json_string(out, s, n);
		return;
	}
	cs_buf_addc(out, '"');
	cs_buf_add(out, s, n);
	cs_buf_addc(out, '"');
}

void
cs_json_node_write_member(const struct cs_json_node *member, struct cs_buf *out)
{
	write_string(out, member->name, member->name_len, member->name_escaped);
	cs_buf_addc(out, ':');
	cs_json_node_write(member, out);
}

static void
write_container(const struct cs_json_node *node, struct cs_buf *out)
{
	bool object = node->kind == CS_JSON_OBJECT;

	cs_buf_addc(out, object ? '{' : '[');
	CS_JSON_EACH(child, node) {
		if (child != node + 1)
			cs_buf_addc(out, ',');
		if (object)
			cs_json_node_write_member(child, out);
		else
			cs_json_node_write(child, out);
	}
	cs_buf_addc(out, object ? '}' : ']');
}

void
cs_json_node_write(const struct cs_json_node *node, struct cs_buf *out)
{
	switch (node->kind) {
	case CS_JSON_NULL:
		cs_buf_add(out, "null", 4);
		break;
	case CS_JSON_FALSE:
		cs_buf_add(out, "false", 5);
		break;
	case CS_JSON_TRUE:
		cs_buf_add(out, "true", 4);
		break;
	case CS_JSON_NUMBER:
		cs_buf_add(out, node->text, node->len);
		break;
	case CS_JSON_TEXT:
		write_string(out, node->text, node->len, node->escaped);
		break;
	default:
		write_container(node, out);
	}
}

/* ---- json-c */

static json_object *
new_number(const struct cs_json_node *node)
{
	char text[NUMBER_MAX + 1];
	uint64_t u;
	int64_t i;

	if (cs_json_node_int64(node, &i))
		return json_object_new_int64(i);
	if (cs_json_node_uint64(node, &u))
		return json_object_new_uint64(u);
	memcpy(text, node->text, node->len);
	text[node->len] = '\0';
	return json_object_new_double_s(cs_json_node_double(node), text);
}

static bool
fill_array(const struct cs_json_node *node, json_object *array)
{
	CS_JSON_EACH(child, node) {
		json_object *item;

		if (!cs_json_node_object(child, &item))
			return false;
		if (json_object_array_add(array, item) < 0) {
			json_object_put(item);
			return false;
		}
	}
	return true;
}

static bool
fill_object(const struct cs_json_node *node, json_object *object)
{
	CS_JSON_EACH(child, node) {
		json_object *value;

		if (!cs_json_node_object(child, &value))
			return false;
		if (json_object_object_add_ex(object, child->name, value, JSON_C_OBJECT_ADD_KEY_IS_NEW) < 0) {
			json_object_put(value);
			return false;
		}
	}
	return true;
}

static bool
new_container(const struct cs_json_node *node, json_object **out)
{
	bool array = node->kind == CS_JSON_ARRAY;

	*out = array ? json_object_new_array_ext(4) : json_object_new_object();
	if (*out != NULL && (array ? fill_array(node, *out) : fill_object(node, *out)))
		return true;
	json_object_put(*out);
	*out = NULL;
	return false;
}

bool
cs_json_node_object(const struct cs_json_node *node, json_object **out)
{
	*out = NULL;
	switch (node->kind) {
	case CS_JSON_NULL:
		return true;
	case CS_JSON_FALSE:
	case CS_JSON_TRUE:
		*out = json_object_new_boolean(node->kind == CS_JSON_TRUE);
		break;
	case CS_JSON_NUMBER:
		*out = new_number(node);
		break;
	case CS_JSON_TEXT:
		*out = json_object_new_string_len(node->text, (int)node->len);
		break;
	default:
		return new_container(node, out);
	}
	return *out != NULL;
}

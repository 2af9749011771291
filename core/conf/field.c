/* SPDX-License-Identifier: Apache-2.0 */
/*
 * field.c - the only place that knows how each type of option lies in struct cs_conf.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "conf/field.h"
#include "conf/value.h"
#include "util/text.h"

#define FIELD(conf, o, T) ((T *)(void *)((char *)(conf) + (o)->offset))
#define CONST_FIELD(conf, o, T) ((T const *)(const void *)((const char *)(conf) + (o)->offset))

static int
wrong_type(const struct cs_opt *o, struct cs_err *err)
{
	return cs_err_set(err, CS_EINVAL, cs_opt_is_list(o) ? "the value is not a list" : "the value is of the wrong type");
}

static int
set_number(struct cs_conf *conf, const struct cs_opt *o, int64_t value, struct cs_err *err)
{
	char text[CS_CONF_VALUE_TEXT];

	if (value >= o->min && value <= o->max) {
		*FIELD(conf, o, int64_t) = value;
		return 0;
	}
	if (o->type == CS_OPT_DURATION)
		cs_conf_duration_text(value, text);
	else if (o->type == CS_OPT_SIZE)
		cs_conf_size_text(value, text);
	else
		snprintf(text, sizeof(text), "%" PRId64, value);
	return cs_err_set(err, CS_EINVAL, "%s is too %s", text, value < o->min ? "small" : "large");
}

int
cs_conf_set_int(struct cs_conf *conf, const struct cs_opt *o, int64_t value, struct cs_err *err)
{
	if (o->type != CS_OPT_INT && o->type != CS_OPT_SIZE && o->type != CS_OPT_DURATION)
		return wrong_type(o, err);
	return set_number(conf, o, value, err);
}

int
cs_conf_set_bool(struct cs_conf *conf, const struct cs_opt *o, bool value, struct cs_err *err)
{
	if (o->type != CS_OPT_BOOL)
		return wrong_type(o, err);
	*FIELD(conf, o, bool) = value;
	return 0;
}

static int
set_enum(struct cs_conf *conf, const struct cs_opt *o, const char *text, struct cs_err *err)
{
	for (int i = 0; o->words[i] != NULL; i++) {
		if (strcmp(o->words[i], text) != 0)
			continue;
		*FIELD(conf, o, int) = i;
		return 0;
	}
	return cs_err_set(err, CS_EINVAL, "\"%.60s\" is not known", text);
}

static int
set_path(struct cs_conf *conf, const struct cs_opt *o, const char *text, struct cs_err *err)
{
	if (text[0] != '\0' && text[0] != '/')
		return cs_err_set(err, CS_EINVAL, "\"%.200s\" is not an absolute path", text);
	if (strlen(text) >= 4096)
		return cs_err_set(err, CS_EINVAL, "the path is too long");
	*FIELD(conf, o, const char *) = cs_arena_strdup(&conf->mem, text);
	return 0;
}

static int
set_url(struct cs_conf *conf, const struct cs_opt *o, const char *text, struct cs_err *err)
{
	size_t n = strlen(text);
	int rc;

	if (n > 0 && (rc = cs_conf_check_url(text, err)) < 0)
		return rc;
	while (n > 0 && text[n - 1] == '/')
		n--;
	*FIELD(conf, o, const char *) = cs_arena_strndup(&conf->mem, text, n);
	return 0;
}

static int
set_string(struct cs_conf *conf, const struct cs_opt *o, const char *text, struct cs_err *err)
{
	if ((int64_t)strlen(text) > o->max)
		return cs_err_set(err, CS_EINVAL, "the text is longer than %" PRId64 " bytes", o->max);
	*FIELD(conf, o, const char *) = cs_arena_strdup(&conf->mem, text);
	return 0;
}

static int
set_mail_url(struct cs_conf *conf, const struct cs_opt *o, const char *text, struct cs_err *err)
{
	int rc;

	if (text[0] != '\0' && (rc = cs_conf_check_mail_url(text, err)) < 0)
		return rc;
	*FIELD(conf, o, const char *) = cs_arena_strdup(&conf->mem, text);
	return 0;
}

static int
set_secret(struct cs_conf *conf, const struct cs_opt *o, const char *text, struct cs_err *err)
{
	size_t n = strlen(text);
	int rc;

	if (n > 0 && o->type == CS_OPT_SECRET && (rc = cs_conf_check_whsec(text, n, err)) < 0)
		return rc;
	*FIELD(conf, o, const char *) = cs_conf_hold_secret(conf, text, n);
	return 0;
}

static int
set_listen(struct cs_conf *conf, const struct cs_opt *o, const char *text, struct cs_err *err)
{
	struct cs_conf_listen l;
	int rc = cs_conf_parse_listen(cs_arena_strdup(&conf->mem, text), &l, err);

	if (rc == 0)
		*FIELD(conf, o, struct cs_conf_listen) = l;
	return rc;
}

int
cs_conf_set_text(struct cs_conf *conf, const struct cs_opt *o, const char *text, struct cs_err *err)
{
	int64_t n;
	int rc;

	switch (o->type) {
	case CS_OPT_SIZE:
		return (rc = cs_conf_parse_size(text, &n, err)) < 0 ? rc : set_number(conf, o, n, err);
	case CS_OPT_DURATION:
		return (rc = cs_conf_parse_duration(text, &n, err)) < 0 ? rc : set_number(conf, o, n, err);
	case CS_OPT_ENUM:
		return set_enum(conf, o, text, err);
	case CS_OPT_PATH:
		return set_path(conf, o, text, err);
	case CS_OPT_URL:
		return set_url(conf, o, text, err);
	case CS_OPT_STRING:
		return set_string(conf, o, text, err);
	case CS_OPT_MAIL_URL:
		return set_mail_url(conf, o, text, err);
	case CS_OPT_SECRET:
	case CS_OPT_PASSWORD:
		return set_secret(conf, o, text, err);
	case CS_OPT_LISTEN:
		return set_listen(conf, o, text, err);
	default:
		return wrong_type(o, err);
	}
}

/* ---- lists */
static int
check_item(const struct cs_opt *o, const char *item, struct cs_err *err)
{
	if (o->type == CS_OPT_ADDRESSES)
		return cs_conf_check_address(item, err);
	if (o->type == CS_OPT_SECRETS)
		return cs_conf_check_whsec(item, strlen(item), err);
	if (item[0] == '\0' || strlen(item) > 255 || strpbrk(item, " \t\r\n\"\\") != NULL)
		return cs_err_set(err, CS_EINVAL, "\"%.60s\" is empty, too long, or holds a space, quote or backslash", item);
	return 0;
}

static int
set_list(struct cs_conf *conf, const struct cs_opt *o, const char *const *items, size_t n, struct cs_err *err)
{
	const char **v = cs_arena_alloc(&conf->mem, (n + 1) * sizeof(*v));
	int rc;

	for (size_t i = 0; i < n; i++) {
		if ((rc = check_item(o, items[i], err)) < 0)
			return rc;
		v[i] = o->type == CS_OPT_SECRETS ? cs_conf_hold_secret(conf, items[i], strlen(items[i])) :
		                                   cs_arena_strdup(&conf->mem, items[i]);
	}
	*FIELD(conf, o, struct cs_conf_list) = (struct cs_conf_list){ v, n };
	return 0;
}

static int
set_waits(struct cs_conf *conf, const struct cs_opt *o, const char *const *items, size_t n, struct cs_err *err)
{
	struct cs_conf_wait *v = cs_arena_alloc(&conf->mem, (n + 1) * sizeof(*v));
	int rc;

	for (size_t i = 0; i < n; i++)
		if ((rc = cs_conf_parse_wait(items[i], &v[i], err)) < 0)
			return rc;
	*FIELD(conf, o, struct cs_conf_waits) = (struct cs_conf_waits){ v, n };
	return 0;
}

static int
set_keys(struct cs_conf *conf, const struct cs_opt *o, const char *const *items, size_t n, struct cs_err *err)
{
	struct cs_conf_key *v = cs_arena_alloc(&conf->mem, (n + 1) * sizeof(*v));
	size_t len = 0;
	int rc;

	for (size_t i = 0; i < n; i++) {
		if ((rc = cs_conf_parse_key(items[i], &len, v[i].sha256, err)) < 0)
			return rc;
		v[i].name = cs_arena_strndup(&conf->mem, items[i], len);
		for (size_t j = 0; j < i; j++)
			if (strcmp(v[j].name, v[i].name) == 0)
				return cs_err_set(err, CS_EINVAL, "there are two keys named \"%s\"", v[i].name);
	}
	*FIELD(conf, o, struct cs_conf_keys) = (struct cs_conf_keys){ v, n };
	return 0;
}

int
cs_conf_set_items(struct cs_conf *conf, const struct cs_opt *o, const char *const *items, size_t n, struct cs_err *err)
{
	if (!cs_opt_is_list(o))
		return wrong_type(o, err);
	if ((int64_t)n < o->min || (int64_t)n > o->max)
		return cs_err_set(err, CS_EINVAL, "the list has %zu items", n);
	if (o->type == CS_OPT_WAITS)
		return set_waits(conf, o, items, n, err);
	if (o->type == CS_OPT_KEYS)
		return set_keys(conf, o, items, n, err);
	return set_list(conf, o, items, n, err);
}

/* ---- defaults, through the same road as what a person writes */
char *
cs_conf_default_item(const char **at, char *buf, size_t cap)
{
	size_t n;

	*at += strspn(*at, " ,");
	n = strcspn(*at, ",");
	if (n == 0 || n >= cap)
		return NULL;
	memcpy(buf, *at, n);
	buf[n] = '\0';
	*at += n;
	return buf;
}

static int
default_items(struct cs_conf *conf, const struct cs_opt *o, struct cs_err *err)
{
	const char *items[16], *at = o->dflt;
	char buf[64];
	size_t n = 0;

	while (n < CS_ARRAY_LEN(items) && cs_conf_default_item(&at, buf, sizeof(buf)) != NULL)
		items[n++] = cs_arena_strdup(&conf->mem, buf);
	return cs_conf_set_items(conf, o, items, n, err);
}

int
cs_conf_set_default(struct cs_conf *conf, const struct cs_opt *o, struct cs_err *err)
{
	if (cs_opt_is_list(o))
		return default_items(conf, o, err);
	if (o->type == CS_OPT_BOOL)
		return cs_conf_set_bool(conf, o, strcmp(o->dflt, "true") == 0, err);
	if (o->type == CS_OPT_INT)
		return cs_conf_set_int(conf, o, strtoll(o->dflt, NULL, 10), err);
	return cs_conf_set_text(conf, o, o->dflt, err);
}

/* ---- printing */
/* In the escapes of libconfig, which are those of C. */
static void
print_quoted(const char *s, struct cs_buf *out)
{
	cs_buf_addc(out, '"');
	for (; *s != '\0'; s++) {
		if (*s == '"' || *s == '\\')
			cs_buf_addc(out, '\\');
		if (*s == '\n')
			cs_buf_adds(out, "\\n");
		else
			cs_buf_addc(out, *s);
	}
	cs_buf_addc(out, '"');
}

static void
print_list(const struct cs_conf_list *l, struct cs_buf *out)
{
	cs_buf_addc(out, '[');
	for (size_t i = 0; i < l->n; i++) {
		cs_buf_adds(out, i > 0 ? ", " : " ");
		print_quoted(l->v[i], out);
	}
	cs_buf_adds(out, " ]");
}

static void
print_waits(const struct cs_conf_waits *w, struct cs_buf *out)
{
	char wait[CS_CONF_VALUE_TEXT], spread[CS_CONF_VALUE_TEXT];

	cs_buf_addc(out, '[');
	for (size_t i = 0; i < w->n; i++)
		cs_buf_printf(out, "%s\"%s +- %s\"", i > 0 ? ", " : " ", cs_conf_duration_text(w->v[i].wait_ms, wait),
		              cs_conf_duration_text(w->v[i].spread_ms, spread));
	cs_buf_adds(out, " ]");
}

static void
print_keys(const struct cs_conf_keys *k, struct cs_buf *out)
{
	cs_buf_addc(out, '[');
	for (size_t i = 0; i < k->n; i++) {
		cs_buf_printf(out, "%s\"%s:", i > 0 ? ", " : " ", k->v[i].name);
		cs_hex_add(out, k->v[i].sha256, sizeof(k->v[i].sha256));
		cs_buf_addc(out, '"');
	}
	cs_buf_adds(out, " ]");
}

static void
print_secret(const char *s, struct cs_buf *out)
{
	if (s[0] != '\0')
		cs_buf_printf(out, "set, %zu bytes", strlen(s));
	else
		cs_buf_adds(out, "not set");
}

static void
print_secrets(const struct cs_conf_list *l, struct cs_buf *out)
{
	if (l->n == 0)
		cs_buf_adds(out, "not set");
	for (size_t i = 0; i < l->n; i++) {
		cs_buf_adds(out, i > 0 ? "; " : "");
		print_secret(l->v[i], out);
	}
}

void
cs_conf_print_value(const struct cs_conf *conf, const struct cs_opt *o, struct cs_buf *out)
{
	char text[CS_CONF_VALUE_TEXT];

	switch (o->type) {
	case CS_OPT_BOOL:
		cs_buf_adds(out, *CONST_FIELD(conf, o, bool) ? "true" : "false");
		return;
	case CS_OPT_INT:
		cs_buf_printf(out, "%" PRId64, *CONST_FIELD(conf, o, int64_t));
		return;
	case CS_OPT_SIZE:
		cs_buf_printf(out, "\"%s\"", cs_conf_size_text(*CONST_FIELD(conf, o, int64_t), text));
		return;
	case CS_OPT_DURATION:
		cs_buf_printf(out, "\"%s\"", cs_conf_duration_text(*CONST_FIELD(conf, o, int64_t), text));
		return;
	case CS_OPT_ENUM:
		print_quoted(o->words[*CONST_FIELD(conf, o, int)], out);
		return;
	case CS_OPT_STRING:
	case CS_OPT_PATH:
	case CS_OPT_URL:
	case CS_OPT_MAIL_URL:
		print_quoted(*CONST_FIELD(conf, o, const char *), out);
		return;
	case CS_OPT_LISTEN:
		print_quoted(CONST_FIELD(conf, o, struct cs_conf_listen)->text, out);
		return;
	case CS_OPT_SECRET:
	case CS_OPT_PASSWORD:
		print_secret(*CONST_FIELD(conf, o, const char *), out);
		return;
	case CS_OPT_SECRETS:
		print_secrets(CONST_FIELD(conf, o, struct cs_conf_list), out);
		return;
	case CS_OPT_LIST:
	case CS_OPT_ADDRESSES:
		print_list(CONST_FIELD(conf, o, struct cs_conf_list), out);
		return;
	case CS_OPT_WAITS:
		print_waits(CONST_FIELD(conf, o, struct cs_conf_waits), out);
		return;
	case CS_OPT_KEYS:
		print_keys(CONST_FIELD(conf, o, struct cs_conf_keys), out);
		return;
	}
}

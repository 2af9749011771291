/* SPDX-License-Identifier: Apache-2.0 */
/*
 * settings.c - are a connection's settings what the manifest's rows say?
 *
 * JSON null counts as not given. Required means: there is a value, given or default, that is not an empty text; a setting that
 * depends on another is required only when that one has a value other than false. Values never stand in messages, since
 * operators paste tokens into the wrong field.
 */
#include "config.h"
#include "plugin/manifest/settings.h"
#include "plugin/manifest/fields.h"

#include <regex.h>
#include <string.h>
#include <strings.h>
#include "util/nearest.h"

const char *const cs_setting_types[] = { "text", "url", "int", "number", "bool", "choice", "list", "map", "fieldmap", NULL };

static int
refuse(const struct cs_setting_row *row, struct cs_err *err, const char *expected)
{
	return cs_err_set(err, CS_EINVAL, "setting %s: expected %s", row->key, expected);
}

static int
check_pattern(const struct cs_setting_row *row, const char *text, struct cs_err *err)
{
	regex_t re;
	int rc;

	if (row->pattern == NULL || text[0] == '\0')
		return 0;
	if (regcomp(&re, row->pattern, REG_EXTENDED | REG_NOSUB) != 0)
		return cs_err_set(err, CS_EINVAL, "setting %s: its pattern is no regular expression", row->key);
	rc = regexec(&re, text, 0, NULL, 0);
	regfree(&re);
	return rc == 0 ? 0 : cs_err_set(err, CS_EINVAL, "setting %s: expected a text like %s", row->key, row->pattern);
}

static int
check_url(const struct cs_setting_row *row, const char *text, struct cs_err *err)
{
	size_t scheme = strncasecmp(text, "https://", 8) == 0 ? 8 : strncasecmp(text, "http://", 7) == 0 ? 7 : 0;

	if (text[0] == '\0')
		return 0;
	if (scheme == 0 || strcspn(text + scheme, "/?#") == 0 || strpbrk(text, " \t\r\n\"<>\\") != NULL)
		return refuse(row, err, "an address that begins with https://");
	return check_pattern(row, text, err);
}

static int
check_number(const struct cs_setting_row *row, double v, struct cs_err *err)
{
	if (row->min > row->max || (v >= row->min && v <= row->max))
		return 0;
	return cs_err_set(err, CS_EINVAL, "setting %s: expected a number from %.15g to %.15g", row->key, row->min, row->max);
}

static int
check_choice(const struct cs_setting_row *row, const char *text, struct cs_err *err)
{
	const char *known[64];
	size_t n = 0;

	if (row->n_choices == 0) /* the list comes from the CRM */
		return 0;
	for (; n < row->n_choices && n < CS_ARRAY_LEN(known); n++)
		if (strcmp(known[n] = row->choices[n].value, text) == 0)
			return 0;
	refuse(row, err, "one of its choices");
	cs_hint_words(err, "allowed", known, n);
	return CS_EINVAL;
}

static int
check_list(const struct cs_setting_row *row, const json_object *value, struct cs_err *err)
{
	for (size_t i = 0; i < json_object_array_length(value); i++)
		if (!json_object_is_type(json_object_array_get_idx(value, i), json_type_string))
			return refuse(row, err, "a list of texts");
	return 0;
}

static int
check_map(const struct cs_setting_row *row, const json_object *value, struct cs_err *err)
{
	json_object_object_foreach(value, key, v) {
		(void)key;
		if (!json_object_is_type(v, json_type_string))
			return refuse(row, err, "an object whose values are texts");
	}
	return 0;
}

static int
check_type(const struct cs_setting_row *row, const json_object *value, struct cs_err *err)
{
	static const struct {
		json_type json;
		const char *name;
	} types[] = {
		[CS_SETTING_TEXT] = { json_type_string, "a text" },
		[CS_SETTING_URL] = { json_type_string, "an address as text" },
		[CS_SETTING_INT] = { json_type_int, "a whole number" },
		[CS_SETTING_NUMBER] = { json_type_double, "a number" },
		[CS_SETTING_BOOL] = { json_type_boolean, "true or false" },
		[CS_SETTING_CHOICE] = { json_type_string, "one of its choices as text" },
		[CS_SETTING_LIST] = { json_type_array, "a list of texts" },
		[CS_SETTING_MAP] = { json_type_object, "an object whose values are texts" },
		[CS_SETTING_FIELDMAP] = { json_type_object, "an object" },
	};

	if (json_object_is_type(value, types[row->type].json) ||
	    (row->type == CS_SETTING_NUMBER && json_object_is_type(value, json_type_int)))
		return 0;
	return refuse(row, err, types[row->type].name);
}

int
cs_setting_check(const struct cs_setting_row *row, const json_object *value, struct cs_err *err)
{
	json_object *v = (json_object *)value;
	int rc;

	if ((rc = check_type(row, value, err)) < 0)
		return rc;
	switch (row->type) {
	case CS_SETTING_TEXT:
		return check_pattern(row, json_object_get_string(v), err);
	case CS_SETTING_URL:
		return check_url(row, json_object_get_string(v), err);
	case CS_SETTING_INT:
	case CS_SETTING_NUMBER:
		return check_number(row, json_object_get_double(v), err);
	case CS_SETTING_CHOICE:
		return check_choice(row, json_object_get_string(v), err);
	case CS_SETTING_LIST:
		return check_list(row, v, err);
	case CS_SETTING_MAP:
		return check_map(row, v, err);
	default:
		return 0;
	}
}

static int
unknown(const struct cs_manifest *m, const char *key, struct cs_err *err)
{
	const char *known[64], *nearest;
	size_t n = 0;

	for (; n < m->n_settings && n < CS_ARRAY_LEN(known); n++)
		known[n] = m->settings[n].key;
	if ((nearest = cs_nearest(key, known, n)) != NULL)
		cs_err_set(err, CS_EINVAL, "setting %.60s: %s has no such setting; did you mean \"%s\"?", key, m->name, nearest);
	else
		cs_err_set(err, CS_EINVAL, "setting %.60s: %s has no such setting", key, m->name);
	cs_hint_words(err, "known", known, n);
	return CS_EINVAL;
}

static bool
has_value(const json_object *settings, const char *key)
{
	json_object *v = cs_json_get(settings, key);

	if (json_object_is_type(v, json_type_string))
		return json_object_get_string_len(v) > 0;
	return v != NULL && !(json_object_is_type(v, json_type_boolean) && !json_object_get_boolean(v));
}

static int
check_required_row(const struct cs_setting_row *row, const json_object *settings, struct cs_err *err)
{
	bool asked = row->depends_on == NULL || has_value(settings, row->depends_on);
	bool there = row->type == CS_SETTING_BOOL ? cs_json_get(settings, row->key) != NULL : has_value(settings, row->key);

	if (!row->required || !asked || there)
		return 0;
	return cs_err_set(err, CS_EINVAL, "setting %s: is required (%s)", row->key, row->label);
}

static int
check_required(const struct cs_manifest *m, const json_object *settings, struct cs_err *err)
{
	int rc = 0;

	for (size_t i = 0; i < m->n_settings && rc == 0; i++)
		rc = check_required_row(&m->settings[i], settings, err);
	return rc;
}

static int
lay_rows(const struct cs_manifest *m, const json_object *given, json_object *out, struct cs_err *err)
{
	for (size_t i = 0; i < m->n_settings; i++) {
		const struct cs_setting_row *row = &m->settings[i];
		json_object *v = cs_json_get(given, row->key), *copy = NULL;
		int rc;

		if (v == NULL)
			v = row->dflt;
		else if ((rc = cs_setting_check(row, v, err)) < 0)
			return rc;
		if (v != NULL)
			json_object_deep_copy(v, &copy, NULL);
		json_object_object_add(out, row->key, copy);
	}
	return 0;
}

int
cs_manifest_settings(const struct cs_manifest *m, const json_object *given, json_object **out, struct cs_err *err)
{
	CS_CLEANUP(cs_json_putp) json_object *o = json_object_new_object();
	int rc;

	*out = NULL;
	if (given != NULL && !json_object_is_type(given, json_type_object))
		return cs_err_set(err, CS_EINVAL, "settings: expected an object");
	if (given != NULL) {
		json_object_object_foreach(given, key, v) {
			(void)v;
			if (cs_manifest_setting(m, key) == NULL)
				return unknown(m, key, err);
		}
	}
	if ((rc = lay_rows(m, given, o, err)) < 0 || (rc = check_required(m, o, err)) < 0)
		return rc;
	*out = CS_STEAL(o);
	return 0;
}

/* ---- all at once */

struct teller {
	void (*tell)(void *ctx, const char *key, const char *detail);
	void *ctx;
	size_t n;
};

/* "setting KEY: expected ..." without what the caller says by himself, and with the hint. */
static void
tell(struct teller *t, const char *key, const struct cs_err *err)
{
	const char *at = strncmp(err->msg, "setting ", 8) == 0 ? strstr(err->msg, ": ") : NULL;
	CS_CLEANUP(cs_buf_fini) struct cs_buf b = CS_BUF_INIT(0);

	cs_buf_adds(&b, at != NULL ? at + 2 : err->msg);
	if (err->hint[0] != '\0')
		cs_buf_printf(&b, " (%s)", err->hint);
	t->tell(t->ctx, key, cs_buf_str(&b));
	t->n++;
}

static void
tell_missing(const struct cs_manifest *m, const json_object *all, struct teller *t)
{
	for (size_t i = 0; i < m->n_settings; i++) {
		struct cs_err err = { 0 };

		if (check_required_row(&m->settings[i], all, &err) < 0)
			tell(t, m->settings[i].key, &err);
	}
}

size_t
cs_manifest_settings_faults(const struct cs_manifest *m, json_object *shared, json_object *own,
                            void (*fn)(void *ctx, const char *key, const char *detail), void *ctx)
{
	CS_CLEANUP(cs_json_putp) json_object *all = json_object_new_object();
	struct teller t = { fn, ctx, 0 };

	for (size_t i = 0; i < m->n_settings; i++)
		json_object_object_add(all, m->settings[i].key, json_object_get(m->settings[i].dflt));
	if (shared != NULL) {
		json_object_object_foreach(shared, key, v)
			json_object_object_add(all, key, json_object_get(v));
	}
	json_object_object_foreach(own, key, v) {
		const struct cs_setting_row *row = cs_manifest_setting(m, key);
		struct cs_err err = { 0 };

		if (row == NULL ? unknown(m, key, &err) < 0 : v != NULL && cs_setting_check(row, v, &err) < 0)
			tell(&t, key, &err);
		if (v != NULL)
			json_object_object_add(all, key, json_object_get(v));
	}
	tell_missing(m, all, &t);
	return t.n;
}

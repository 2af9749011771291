/* SPDX-License-Identifier: Apache-2.0 */
/* field.c - see field.h. Values of the manifest and the configuration belong to all threads: they are only read or copied here. */
#include "config.h"
#include "connect/field.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SETTING "set_"
#define SECRET "key_"

/* ---- what holds */

static void
lay(json_object *on, const json_object *more)
{
	if (!json_object_is_type(more, json_type_object))
		return;
	json_object_object_foreach(more, key, v) {
		json_object *copy = NULL;

		if (v != NULL && json_object_deep_copy(v, &copy, NULL) == 0)
			json_object_object_add(on, key, copy);
	}
}

json_object *
cs_field_effective(struct cs_visit *v)
{
	CS_CLEANUP(cs_json_putp) json_object *own = cs_visit_own_settings(v);
	const struct cs_conf_crm *shared = cs_visit_shared(v);
	json_object *all = json_object_new_object();

	for (size_t i = 0; i < v->manifest->n_settings; i++) {
		const struct cs_setting_row *r = &v->manifest->settings[i];
		json_object *copy = NULL;

		if (r->dflt != NULL && json_object_deep_copy(r->dflt, &copy, NULL) == 0)
			json_object_object_add(all, r->key, copy);
	}
	lay(all, shared != NULL ? shared->values.settings : NULL);
	lay(all, own);
	return all;
}

bool
cs_field_is_shown(const struct cs_setting_row *r)
{
	return !r->advanced;
}

/* Do the addresses of the CRM, what stands in them as facts until better is learnt, or the client of a grant depend on it? */
static bool
is_part_of_access(const struct cs_manifest *m, const char *key)
{
	char name[140];
	bool found;

	snprintf(name, sizeof(name), "${setting:%s}", key);
	found = strstr(m->base_url, name) != NULL;
	for (size_t i = 0; i < m->n_facts; i++)
		found |= m->facts[i].dflt != NULL && strstr(m->facts[i].dflt, name) != NULL;
	for (size_t i = 0; i < m->n_ways; i++) {
		const char *const texts[] = { m->ways[i].client_id, m->ways[i].authorize_url, m->ways[i].token_url };

		for (size_t k = 0; k < CS_ARRAY_LEN(texts); k++)
			found |= texts[k] != NULL && strstr(texts[k], name) != NULL;
	}
	return found;
}

bool
cs_field_is_needed_first(struct cs_visit *v, const struct cs_setting_row *r)
{
	const struct cs_conf_crm *shared = cs_visit_shared(v);

	return cs_field_is_shown(r) && r->dflt == NULL && (shared == NULL || cs_json_get(shared->values.settings, r->key) == NULL) &&
	       (r->required || is_part_of_access(v->manifest, r->key));
}

/* ---- texts of values; in the visit's memory */

static const char *
text_of(struct cs_visit *v, json_object *value)
{
	return value == NULL ? "" : cs_arena_strdup(&v->mem, json_object_get_string(value));
}

/* A list or map, a line for each. */
static const char *
lines_of(struct cs_visit *v, json_object *value)
{
	CS_CLEANUP(cs_buf_fini) struct cs_buf b = CS_BUF_INIT(1u << 16);

	if (json_object_is_type(value, json_type_array))
		for (size_t i = 0; i < json_object_array_length(value); i++)
			cs_buf_printf(&b, "%s\n", json_object_get_string(json_object_array_get_idx(value, i)));
	else if (json_object_is_type(value, json_type_object)) {
		json_object_object_foreach(value, key, to)
			cs_buf_printf(&b, "%s = %s\n", key, to != NULL ? json_object_get_string(to) : "");
	}
	return cs_arena_strdup(&v->mem, cs_buf_str(&b));
}

static bool
holds(json_object *array, const char *text)
{
	for (size_t i = 0; json_object_is_type(array, json_type_array) && i < json_object_array_length(array); i++)
		if (strcmp(json_object_get_string(json_object_array_get_idx(array, i)), text) == 0)
			return true;
	return false;
}

/* ---- writing */

/* Help and fault below a field, and the attributes that point there. */
static void
put_marks(struct cs_buf *b, const char *id, const char *help, const char *fault)
{
	if (fault != NULL)
		cs_html(b, " aria-invalid=\"true\" aria-describedby=\"%s-fault\"", id);
	else if (help[0] != '\0')
		cs_html(b, " aria-describedby=\"%s-help\"", id);
}

static void
put_below(struct cs_buf *b, const char *id, const char *help, const char *fault)
{
	if (fault != NULL)
		cs_html(b, "<p class=\"fault\" id=\"%s-fault\">%s</p>\n", id, fault);
	if (help[0] != '\0')
		cs_html(b, "<p class=\"help\" id=\"%s-help\">%s</p>\n", id, help);
}

static void
put_option(struct cs_buf *b, const char *value, const char *label, bool selected)
{
	cs_html(b, "<option value=\"%s\"", value);
	cs_html(b, selected ? " selected>" : ">");
	cs_html(b, "%s</option>\n", label);
}

/* One of the manifest's choices, or of a list of the CRM; what is set and not among them stays choosable. */
static void
put_select(struct cs_visit *v, struct cs_buf *b, const struct cs_setting_row *r, const char *id, json_object *value, json_object *items,
           const char *fault)
{
	const char *now = text_of(v, value), *help = r->help != NULL ? r->help : "";
	bool there = now[0] == '\0';

	cs_html(b, "<select id=\"%s\" name=\"%s\"", id, id);
	put_marks(b, id, help, fault);
	cs_html(b, ">\n");
	put_option(b, "", r->required ? "Please choose" : "None", now[0] == '\0');
	for (size_t i = 0; i < r->n_choices; i++) {
		bool it = strcmp(r->choices[i].value, now) == 0;

		put_option(b, r->choices[i].value, r->choices[i].label, it);
		there |= it;
	}
	for (size_t i = 0; items != NULL && i < json_object_array_length(items); i++) {
		json_object *o = json_object_array_get_idx(items, i);
		const char *choice = cs_json_str(o, "value", ""), *label = cs_json_str(o, "label", choice);
		bool it = strcmp(choice, now) == 0;

		put_option(b, choice, label[0] != '\0' ? label : choice, it);
		there |= it;
	}
	if (!there)
		put_option(b, now, cs_arena_printf(&v->mem, "%s (not in the list)", now), true);
	cs_html(b, "</select>\n");
}

static void
put_tick(struct cs_buf *b, const char *id, const char *choice, const char *label, bool on)
{
	cs_html(b, "<label class=\"tick\"><input type=\"checkbox\" name=\"%s\" value=\"%s\"", id, choice);
	cs_html(b, on ? " checked>" : ">");
	cs_html(b, "<span>%s</span></label>\n", label[0] != '\0' ? label : choice);
}

static bool
offers(json_object *items, const char *choice)
{
	for (size_t i = 0; i < json_object_array_length(items); i++)
		if (strcmp(cs_json_str(json_object_array_get_idx(items, i), "value", ""), choice) == 0)
			return true;
	return false;
}

static void
put_ticks(struct cs_visit *v, struct cs_buf *b, const char *id, json_object *value, json_object *items)
{
	for (size_t i = 0; i < json_object_array_length(items); i++) {
		json_object *o = json_object_array_get_idx(items, i);
		const char *choice = cs_json_str(o, "value", "");

		put_tick(b, id, choice, cs_json_str(o, "label", choice), holds(value, choice));
	}
	for (size_t i = 0; json_object_is_type(value, json_type_array) && i < json_object_array_length(value); i++) {
		const char *choice = json_object_get_string(json_object_array_get_idx(value, i));

		if (!offers(items, choice))
			put_tick(b, id, choice, cs_arena_printf(&v->mem, "%s (not in the list)", choice), true);
	}
}

static void
put_label(struct cs_buf *b, const char *id, const char *label, bool required)
{
	cs_html(b, "<label for=\"%s\">%s", id, label);
	cs_html(b, required ? "</label>\n" : " <span class=\"optional\">(optional)</span></label>\n");
}

static void
put_input(struct cs_visit *v, struct cs_buf *b, const struct cs_setting_row *r, const char *id, json_object *value, const char *fault)
{
	bool is_number = r->type == CS_SETTING_INT || r->type == CS_SETTING_NUMBER;

	cs_html(b, "<input type=\"%s\" id=\"%s\" name=\"%s\" value=\"%s\"", r->type == CS_SETTING_URL ? "url" : "text", id, id, text_of(v, value));
	cs_html(b, is_number ? " inputmode=\"decimal\"" : "");
	put_marks(b, id, r->help != NULL ? r->help : "", fault);
	cs_html(b, ">\n");
}

static void
put_area(struct cs_visit *v, struct cs_buf *b, const struct cs_setting_row *r, const char *id, json_object *value, const char *fault)
{
	cs_html(b, "<textarea id=\"%s\" name=\"%s\" rows=\"4\"", id, id);
	put_marks(b, id, r->help != NULL ? r->help : "", fault);
	cs_html(b, ">\n%s</textarea>\n", lines_of(v, value));
	cs_html(b, "<p class=\"help\">%s</p>\n", r->type == CS_SETTING_LIST ? "One on each line." : "One on each line: name = value.");
}

void
cs_field_put(struct cs_visit *v, struct cs_buf *b, const struct cs_setting_row *r, json_object *value, json_object *items, bool parent)
{
	const char *id = cs_arena_printf(&v->mem, SETTING "%s", r->key), *fault = cs_visit_fault(v, "settings", r->key);
	const char *label = r->label != NULL ? r->label : r->key, *help = r->help != NULL ? r->help : "";

	cs_html(b, "<div class=\"field\">\n");
	if (r->type == CS_SETTING_BOOL) {
		cs_html(b, "<label class=\"tick\"><input type=\"checkbox\" id=\"%s\" name=\"%s\" value=\"1\"", id, id);
		cs_html(b, value != NULL && json_object_get_boolean(value) ? " checked" : "");
		put_marks(b, id, help, fault);
		cs_html(b, "><span>%s</span></label>\n", label);
	} else if (r->type == CS_SETTING_LIST && items != NULL) {
		cs_html(b, "<fieldset><legend>%s</legend>\n", label);
		put_ticks(v, b, id, value, items);
		cs_html(b, "</fieldset>\n");
	} else {
		put_label(b, id, label, r->required);
		cs_html(b, parent ? "<div class=\"beside\">\n" : "");
		if (r->n_choices > 0 || (items != NULL && r->type != CS_SETTING_LIST))
			put_select(v, b, r, id, value, items, fault);
		else if (r->type == CS_SETTING_LIST || r->type == CS_SETTING_MAP || r->type == CS_SETTING_FIELDMAP)
			put_area(v, b, r, id, value, fault);
		else
			put_input(v, b, r, id, value, fault);
		cs_html(b, parent ? "<button class=\"other\" name=\"do\" value=\"lists\">Show what fits</button>\n</div>\n" : "");
	}
	put_below(b, id, help, fault);
	cs_html(b, "</div>\n");
}

void
cs_field_put_secret(struct cs_visit *v, struct cs_buf *b, const struct cs_secret_row *r, bool required, bool stored)
{
	const char *id = cs_arena_printf(&v->mem, SECRET "%s", r->name), *fault = cs_visit_fault(v, "secrets", r->name);
	const char *help = r->help != NULL ? r->help : "";

	cs_html(b, "<div class=\"field\">\n");
	put_label(b, id, r->label, required);
	cs_html(b, "<input type=\"password\" id=\"%s\" name=\"%s\" autocomplete=\"off\" spellcheck=\"false\"", id, id);
	cs_html(b, stored ? " placeholder=\"Kept; type here to replace it\"" : "");
	put_marks(b, id, help, fault);
	cs_html(b, ">\n");
	put_below(b, id, help, fault);
	cs_html(b, "</div>\n");
}

/* ---- reading */

/* Without blanks around it. */
static const char *
trimmed(struct cs_visit *v, const char *s, size_t n)
{
	while (n > 0 && strchr(" \t\r\n", *s) != NULL) {
		s++;
		n--;
	}
	while (n > 0 && strchr(" \t\r\n", s[n - 1]) != NULL)
		n--;
	return cs_arena_strndup(&v->mem, s, n);
}

/* A number where it is one; else the text, about which the API then says what is allowed. */
static json_object *
number_of(const struct cs_setting_row *r, const char *text)
{
	char *end;

	errno = 0;
	if (r->type == CS_SETTING_INT) {
		long long n = strtoll(text, &end, 10);

		return *end == '\0' && errno == 0 ? json_object_new_int64(n) : json_object_new_string(text);
	}
	double d = strtod(text, &end);
	return *end == '\0' && errno == 0 ? json_object_new_double(d) : json_object_new_string(text);
}

static void
add_line(struct cs_visit *v, const struct cs_setting_row *r, json_object *out, const char *line, size_t n)
{
	const char *eq = memchr(line, '=', n), *all = trimmed(v, line, n);

	if (all[0] == '\0')
		return;
	if (r->type == CS_SETTING_LIST)
		json_object_array_add(out, json_object_new_string(all));
	else if (eq == NULL)
		json_object_object_add(out, all, json_object_new_string(""));
	else
		json_object_object_add(out, trimmed(v, line, (size_t)(eq - line)), json_object_new_string(trimmed(v, eq + 1, n - (size_t)(eq + 1 - line))));
}

/* Of a text area, or of boxes, of which each is a field of this name. */
static json_object *
read_lines(struct cs_visit *v, const struct cs_setting_row *r, const char *id)
{
	json_object *out = r->type == CS_SETTING_LIST ? json_object_new_array() : json_object_new_object();

	for (size_t i = 0; i < v->n_fields; i++) {
		const char *at = v->fields[i].value;

		if (strcmp(v->fields[i].name, id) != 0)
			continue;
		while (*at != '\0') {
			size_t n = strcspn(at, "\n");

			add_line(v, r, out, at, n);
			at += n + (at[n] != '\0');
		}
	}
	return out;
}

json_object *
cs_field_read(struct cs_visit *v, const struct cs_setting_row *r)
{
	const char *id = cs_arena_printf(&v->mem, SETTING "%s", r->key), *sent = cs_visit_field(v, id), *text;

	if (r->type == CS_SETTING_BOOL)
		return json_object_new_boolean(sent != NULL);
	if (r->type == CS_SETTING_LIST || r->type == CS_SETTING_MAP || r->type == CS_SETTING_FIELDMAP)
		return read_lines(v, r, id);
	text = sent != NULL ? trimmed(v, sent, strlen(sent)) : "";
	if (text[0] == '\0') /* nothing, or on purpose nothing instead of the default */
		return r->type == CS_SETTING_TEXT && r->dflt != NULL ? json_object_new_string("") : NULL;
	if (r->type == CS_SETTING_INT || r->type == CS_SETTING_NUMBER)
		return number_of(r, text);
	return json_object_new_string(text);
}

/* An empty list or map is nothing where nothing is set. */
static bool
is_nothing(json_object *value)
{
	return value == NULL || (json_object_is_type(value, json_type_array) && json_object_array_length(value) == 0) ||
	       (json_object_is_type(value, json_type_object) && json_object_object_length(value) == 0) ||
	       (json_object_is_type(value, json_type_string) && json_object_get_string_len(value) == 0) ||
	       (json_object_is_type(value, json_type_boolean) && !json_object_get_boolean(value));
}

json_object *
cs_field_patch(struct cs_visit *v, json_object *effective, bool first)
{
	json_object *patch = NULL;

	for (size_t i = 0; i < v->manifest->n_settings; i++) {
		const struct cs_setting_row *r = &v->manifest->settings[i];
		json_object *was, *now;

		if (first ? !cs_field_is_needed_first(v, r) : !cs_field_is_shown(r))
			continue;
		was = cs_json_get(effective, r->key);
		now = cs_field_read(v, r);
		if ((is_nothing(now) && is_nothing(was)) || (now != NULL && was != NULL && json_object_equal(now, was))) {
			json_object_put(now);
			continue;
		}
		patch = patch != NULL ? patch : json_object_new_object();
		json_object_object_add(patch, r->key, now);
	}
	return patch;
}

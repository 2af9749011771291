/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rules.c - what several objects of a manifest must keep: facts and names that are declared, templates with nothing in them that has no
 * place there, no name twice. See rows.h.
 */
#include "config.h"
#include "plugin/manifest/manifest.h"
#include "plugin/manifest/rows.h"
#include "plugin/manifest/template.h"

#include <stdio.h>
#include <string.h>

/* "timezone" is a fact of every connection. */
bool
cs_manifest_has_fact(const struct cs_manifest *m, const char *name)
{
	for (size_t i = 0; i < m->n_facts; i++)
		if (strcmp(m->facts[i].name, name) == 0)
			return true;
	return strcmp(name, "timezone") == 0;
}

int
cs_check_fact(struct cs_fields *r, const struct cs_manifest *m, const char *name)
{
	return cs_manifest_has_fact(m, name) ? 0 : cs_check_undeclared(r, "facts", name);
}

int
cs_check_undeclared(struct cs_fields *r, const char *what, const char *name)
{
	return cs_fields_fail(r, "\"%.64s\" is not declared in \"%s\"", name, what);
}

static int
check_part(struct cs_fields *r, const struct cs_manifest *m, const struct cs_part *p, int allowed)
{
	if ((p->kind & allowed) == 0 && p->kind != CS_PART_LITERAL)
		return cs_fields_fail(r, "${%s...} is not allowed here",
		                      p->kind == CS_PART_ID ? "id" : p->kind == CS_PART_FACT ? "fact:" : "secret:");
	switch (p->kind) {
	case CS_PART_SETTING:
		return cs_manifest_setting(m, p->name) != NULL ? 0 : cs_check_undeclared(r, "settings", p->name);
	case CS_PART_FACT:
		return cs_manifest_has_fact(m, p->name) ? 0 : cs_check_undeclared(r, "facts", p->name);
	case CS_PART_BASIC:
		if (p->second[0] != '\0' && cs_manifest_secret(m, p->second) == NULL)
			return cs_check_undeclared(r, "secrets", p->second);
		return cs_manifest_secret(m, p->name) != NULL ? 0 : cs_check_undeclared(r, "secrets", p->name);
	case CS_PART_SECRET:
	case CS_PART_SECRET_BASIC:
		return cs_manifest_secret(m, p->name) != NULL ? 0 : cs_check_undeclared(r, "secrets", p->name);
	default:
		return 0;
	}
}

/* The template at `key` below where the reader is. */
int
cs_check_template(struct cs_fields *r, const struct cs_manifest *m, const char *key, const char *template, int allowed)
{
	size_t mark = cs_fields_enter(r, key);
	struct cs_err inner;
	struct cs_part p;
	int rc, checked;

	while ((rc = cs_template_part(&template, &p, &inner)) > 0)
		if ((checked = check_part(r, m, &p, allowed)) < 0)
			return checked;
	if (rc < 0) {
		cs_fields_fail(r, "%s", inner.msg);
		cs_err_hint(r->err, "%s", inner.hint);
		return rc;
	}
	r->pointer[mark] = '\0';
	return 0;
}

int
cs_check_templates(struct cs_fields *r, const struct cs_manifest *m, const char *key, const char **v, size_t n, int allowed)
{
	size_t mark = cs_fields_enter(r, key);
	char number[24];
	int rc = 0;

	for (size_t i = 0; i < n && rc == 0; i++) {
		snprintf(number, sizeof(number), "%zu", i);
		rc = cs_check_template(r, m, number, v[i], allowed);
	}
	if (rc == 0)
		r->pointer[mark] = '\0';
	return rc;
}

/* No two rows of a list have the same first member; every list's row begins with its name. */
int
cs_check_unique(struct cs_fields *r, const char *list, const void *rows, size_t n, size_t size, size_t name_at)
{
	size_t mark = cs_fields_enter(r, list);
	const char *a, *b;

	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < i; j++) {
			memcpy(&a, (const char *)rows + i * size + name_at, sizeof(a));
			memcpy(&b, (const char *)rows + j * size + name_at, sizeof(b));
			if (strcmp(a, b) != 0)
				continue;
			cs_fields_enter_row(r, i);
			return cs_fields_fail(r, "\"%.64s\" is there twice", a);
		}
	r->pointer[mark] = '\0';
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * template.c - ${...} in constants of the manifest.
 *
 * The value of a name is never looked at for further names, so a setting or secret that contains "${" is plain text. How a
 * value is written follows from the place it goes to. In a URL, settings and a fact at the very beginning (an instance
 * URL that the vendor gave) stand as they are, because they bring scheme and host; http checks the host afterwards.
 */
#include "config.h"
#include "plugin/manifest/template.h"
#include "util/text.h"

#include <string.h>

static int
name_of(char out[CS_TEMPLATE_NAME + 1], const char *s, size_t n)
{
	if (n > CS_TEMPLATE_NAME)
		return CS_EINVAL;
	memcpy(out, s, n);
	out[n] = '\0';
	return n == 0 || cs_is_ident(out, CS_TEMPLATE_NAME, "_") ? 0 : CS_EINVAL;
}

/* What stands between the braces: KIND, KIND:A or KIND:A:B. */
static int
parse_name(struct cs_part *p, const char *s, size_t n)
{
	const char *colon = memchr(s, ':', n), *end = s + n, *second;
	size_t kind_len = colon != NULL ? (size_t)(colon - s) : n;

	if (colon == NULL) {
		p->kind = CS_PART_ID;
		return n == 2 && memcmp(s, "id", 2) == 0 ? 0 : CS_EINVAL;
	}
	second = memchr(colon + 1, ':', (size_t)(end - colon - 1));
	if (name_of(p->name, colon + 1, (size_t)((second != NULL ? second : end) - colon - 1)) < 0 || p->name[0] == '\0' ||
	    (second != NULL && name_of(p->second, second + 1, (size_t)(end - second - 1)) < 0))
		return CS_EINVAL;
	if (kind_len == 7 && memcmp(s, "setting", 7) == 0)
		p->kind = CS_PART_SETTING;
	else if (kind_len == 4 && memcmp(s, "fact", 4) == 0)
		p->kind = CS_PART_FACT;
	else if (kind_len == 6 && memcmp(s, "secret", 6) == 0)
		p->kind = second != NULL ? CS_PART_SECRET_BASIC : CS_PART_SECRET;
	else if (kind_len == 5 && memcmp(s, "basic", 5) == 0)
		p->kind = CS_PART_BASIC;
	else
		return CS_EINVAL;
	if (p->kind == CS_PART_SECRET_BASIC)
		return strcmp(p->second, "basic") == 0 ? 0 : CS_EINVAL;
	return (p->kind == CS_PART_BASIC) == (second != NULL) ? 0 : CS_EINVAL;
}

int
cs_template_part(const char **at, struct cs_part *p, struct cs_err *err)
{
	const char *s = *at, *open = strstr(s, "${"), *close;

	memset(p, 0, sizeof(*p));
	if (*s == '\0')
		return 0;
	if (open != s) {
		p->kind = CS_PART_LITERAL;
		p->literal = s;
		p->len = open != NULL ? (size_t)(open - s) : strlen(s);
		*at = s + p->len;
		return 1;
	}
	close = strchr(s, '}');
	if (close == NULL || parse_name(p, s + 2, (size_t)(close - s - 2)) < 0) {
		cs_err_set(err, CS_EINVAL, "\"%.80s\" begins with no known name", s);
		cs_err_hint(err, "${setting:KEY}, ${fact:NAME}, ${secret:NAME}, ${secret:NAME:basic}, ${basic:USER:PASS}, ${id}");
		return CS_EINVAL;
	}
	*at = close + 1;
	return 1;
}

static const char *
look_up(const struct cs_part *p, const struct cs_lookup *lk, struct cs_err *err)
{
	const char *v = NULL;

	switch (p->kind) {
	case CS_PART_SETTING:
		v = lk->setting != NULL ? lk->setting(lk->ctx, p->name) : NULL;
		break;
	case CS_PART_FACT:
		v = lk->fact != NULL ? lk->fact(lk->ctx, p->name) : NULL;
		break;
	case CS_PART_ID:
		if (lk->id == NULL)
			cs_err_set(err, CS_EINVAL, "${id} means nothing here");
		return lk->id;
	default:
		if (lk->secret == NULL) {
			cs_err_set(err, CS_EINVAL, "a secret (%s) is not allowed here", p->name);
			return NULL;
		}
		v = lk->secret(lk->ctx, p->name);
	}
	return v != NULL ? v : "";
}

/* Without the quotes around it: they stand in the template. */
static void
add_json(struct cs_buf *out, const char *v)
{
	CS_CLEANUP(cs_buf_fini) struct cs_buf quoted = CS_BUF_INIT(0);

	cs_buf_add_json_string(&quoted, v, strlen(v));
	cs_buf_add(out, quoted.ptr + 1, quoted.len - 2);
	cs_wipe(quoted.ptr, quoted.cap);
}

static void
add_encoded(struct cs_buf *out, const char *v, enum cs_template_place place)
{
	switch (place) {
	case CS_IN_URL:
	case CS_IN_QUERY:
		cs_url_add(out, v, strlen(v));
		break;
	case CS_IN_JSON:
		add_json(out, v);
		break;
	case CS_IN_FORM:
		cs_form_add(out, v, strlen(v));
		break;
	default:
		cs_buf_adds(out, v);
	}
}

/* Base64 of one secret or of "user:password"; nothing when the (first) secret is not there. */
static int
add_basic(struct cs_buf *out, const struct cs_part *p, const char *first, enum cs_template_place place,
          const struct cs_lookup *lk)
{
	CS_CLEANUP(cs_buf_fini) struct cs_buf plain = CS_BUF_INIT(0), coded = CS_BUF_INIT(0);
	const char *second = p->kind == CS_PART_BASIC && p->second[0] != '\0' ? lk->secret(lk->ctx, p->second) : NULL;

	if (first[0] == '\0')
		return 0;
	cs_buf_adds(&plain, first);
	if (p->kind == CS_PART_BASIC)
		cs_buf_printf(&plain, ":%s", second != NULL ? second : "");
	cs_base64_add(&coded, plain.ptr, plain.len);
	add_encoded(out, cs_buf_str(&coded), place);
	cs_wipe(plain.ptr, plain.cap);
	cs_wipe(coded.ptr, coded.cap);
	return 1;
}

/* 1 when something was added, 0 when the value is empty, or CS_EINVAL. */
static int
add_part(struct cs_buf *out, const struct cs_part *p, bool begins, enum cs_template_place place,
         const struct cs_lookup *lk, struct cs_err *err)
{
	const char *v;
	bool as_is;

	if ((v = look_up(p, lk, err)) == NULL)
		return CS_EINVAL;
	if (place == CS_IN_HEADER && !cs_is_header_value(v, strlen(v)))
		return cs_err_set(err, CS_EINVAL, "the value of %s cannot stand in a header", p->name);
	if (p->kind == CS_PART_SECRET_BASIC || p->kind == CS_PART_BASIC)
		return add_basic(out, p, v, place, lk);
	as_is = place == CS_IN_URL && (p->kind == CS_PART_SETTING || (p->kind == CS_PART_FACT && begins));
	if (as_is)
		cs_buf_adds(out, v);
	else
		add_encoded(out, v, place);
	return v[0] != '\0';
}

static int
expand(const char *template, enum cs_template_place place, const struct cs_lookup *lk, struct cs_buf *out,
       struct cs_err *err)
{
	const char *at = template;
	size_t names = 0, filled = 0;
	struct cs_part p;
	bool begins;
	int rc;

	for (;;) {
		begins = at == template;
		if ((rc = cs_template_part(&at, &p, err)) <= 0)
			break;
		if (p.kind == CS_PART_LITERAL) {
			cs_buf_add(out, p.literal, p.len);
			continue;
		}
		names++;
		if ((rc = add_part(out, &p, begins, place, lk, err)) < 0)
			break;
		filled += (size_t)rc;
	}
	if (rc == 0 && out->failed)
		return cs_err_set(err, CS_ELIMIT, "an expanded constant is too long");
	if (rc == 0 && names > 0 && filled == 0)
		return cs_err_set(err, CS_ENOTFOUND, "every name in the constant is empty");
	return rc;
}

int
cs_template_expand(const char *template, enum cs_template_place place, const struct cs_lookup *lk, struct cs_buf *out,
                   struct cs_err *err)
{
	size_t before = out->len;
	int rc = expand(template, place, lk, out, err);

	if (rc < 0 && out->ptr != NULL) { /* what a secret left there is overwritten */
		cs_wipe(out->ptr + before, out->cap - before);
		out->len = before;
	}
	return rc;
}

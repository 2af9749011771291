/* SPDX-License-Identifier: Apache-2.0 */
/*
 * file.c - opening, judging and parsing a configuration file; "@file:" secrets; libconfig values as JSON.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "conf/file.h"
#include "util/text.h"

#define DEPTH_MAX 16

/* A regular file, whole. 0 or a negative CS_E*; *st is filled when it could be opened. Wipe and free *out. */
static int
slurp(const char *path, size_t max, char **out, size_t *len, struct stat *st, struct cs_err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	ssize_t n = 0;
	size_t have = 0;
	char *text;
	int why;

	if (fd < 0) {
		cs_err_set(err, CS_EIO, "could not open %s: %s", path, strerror(errno));
		return CS_EIO;
	}
	if (fstat(fd, st) < 0 || !S_ISREG(st->st_mode)) {
		close(fd);
		cs_err_set(err, CS_EINVAL, "%s is not a regular file", path);
		return CS_EINVAL;
	}
	text = cs_xmalloc(max + 2);
	while (have <= max && (n = read(fd, text + have, max + 1 - have)) != 0) {
		if (n < 0 && errno != EINTR)
			break;
		have += n > 0 ? (size_t)n : 0;
	}
	why = errno;
	close(fd);
	text[have] = '\0';
	*out = text;
	*len = have;
	if (n >= 0 && have <= max)
		return 0;
	cs_wipe_free(text, have);
	*out = NULL;
	if (n < 0)
		cs_err_set(err, CS_EIO, "could not read %s: %s", path, strerror(why));
	else
		cs_err_set(err, CS_ELIMIT, "%s is larger than %zu KiB", path, max >> 10);
	return n < 0 ? CS_EIO : CS_ELIMIT;
}

static int
line_of(const char *text, const char *at)
{
	int line = 1;

	for (; text < at; text++)
		line += *text == '\n';
	return line;
}

/* libconfig knows the directive at the beginning of a line only. */
static const char *
find_include(const char *text)
{
	const char *p = text;

	while ((p = strstr(p, "@include")) != NULL) {
		const char *q = p++;

		while (q > text && (q[-1] == ' ' || q[-1] == '\t'))
			q--;
		if (q == text || q[-1] == '\n')
			return q;
	}
	return NULL;
}

static int
judge(const struct cs_conf_file *f, const char *text, size_t len, struct cs_conf_errors *errs)
{
	const char *include = find_include(text);

	if ((f->mode & S_IWOTH) != 0) {
		cs_conf_errors_add(errs, (struct cs_conf_place){ f->path, 0 }, NULL, "mode 0640 or stricter",
		                   "everybody may write this file (mode %04o)", (unsigned)f->mode & 07777);
		return CS_EPERM;
	}
	if (!cs_utf8_valid(text, len, true)) {
		cs_conf_errors_add(errs, (struct cs_conf_place){ f->path, 0 }, NULL, "UTF-8 text",
		                   "the file is not UTF-8, or holds a NUL byte");
		return CS_EINVAL;
	}
	if (include != NULL) {
		cs_conf_errors_add(errs, (struct cs_conf_place){ f->path, line_of(text, include) }, "@include",
		                   "one file, and crm.d/NAME.conf for each CRM", "other files are not included");
		return CS_EINVAL;
	}
	return 0;
}

/* The first word of a line, for "duplicate setting name", which does not say which. */
static void
first_word(const char *text, int line, char *out, size_t cap)
{
	size_t n;

	while (line > 1 && (text = strchr(text, '\n')) != NULL) {
		text++;
		line--;
	}
	out[0] = '\0';
	if (text == NULL)
		return;
	text += strspn(text, " \t{;,");
	n = strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-*");
	if (n == 0 || n >= cap || !isalpha((unsigned char)text[0]))
		return;
	memcpy(out, text, n);
	out[n] = '\0';
}

static int
parse(struct cs_conf_file *f, const char *text, struct cs_conf_errors *errs)
{
	struct cs_conf_place at = { f->path, 0 };
	const char *what;
	char word[64] = "";

	if (config_read_string(&f->cfg, text) == CONFIG_TRUE)
		return 0;
	what = config_error_text(&f->cfg) != NULL ? config_error_text(&f->cfg) : "not a configuration file";
	at.line = config_error_line(&f->cfg);
	if (strcmp(what, "duplicate setting name") == 0) {
		first_word(text, at.line, word, sizeof(word));
		cs_conf_errors_add(errs, at, word[0] != '\0' ? word : NULL, "each name once in a group",
		                   "the name was given before");
	} else {
		cs_conf_errors_add(errs, at, NULL, NULL, "%s here or in the line before; perhaps a quote or semicolon is missing",
		                   what);
	}
	return CS_EINVAL;
}

int
cs_conf_file_open(struct cs_conf_file *f, const char *path, struct cs_conf *conf, struct cs_conf_errors *errs)
{
	struct stat st = { 0 };
	struct cs_err err = { 0 };
	char *text = NULL;
	size_t len = 0;
	int rc;

	config_init(&f->cfg);
	f->path = cs_arena_strdup(&conf->mem, path);
	rc = slurp(path, CS_CONF_FILE_MAX, &text, &len, &st, &err);
	f->mode = st.st_mode;
	if (rc < 0)
		cs_conf_errors_add(errs, (struct cs_conf_place){ f->path, 0 }, NULL, NULL, "%s", err.msg);
	else if ((rc = judge(f, text, len, errs)) == 0)
		rc = parse(f, text, errs);
	if (text != NULL)
		cs_wipe_free(text, len + 1);
	return rc;
}

static void
wipe_texts(config_setting_t *s)
{
	if (config_setting_type(s) == CONFIG_TYPE_STRING) {
		char *text = (char *)(uintptr_t)config_setting_get_string(s);

		if (text != NULL && text[0] != '\0')
			cs_wipe(text, strlen(text));
		return;
	}
	if (config_setting_is_aggregate(s))
		for (int i = 0; i < config_setting_length(s); i++)
			wipe_texts(config_setting_get_elem(s, (unsigned)i));
}

void
cs_conf_file_close(struct cs_conf_file *f)
{
	if (config_root_setting(&f->cfg) != NULL)
		wipe_texts(config_root_setting(&f->cfg));
	config_destroy(&f->cfg);
}

struct cs_conf_place
cs_conf_file_place(const struct cs_conf_file *f, const config_setting_t *s)
{
	return (struct cs_conf_place){ f->path, (int)config_setting_source_line(s) };
}

/* ---- secrets */
int
cs_conf_secret_allowed(const struct cs_conf_file *f, const char *text, struct cs_err *err)
{
	if (strncmp(text, "@file:", 6) == 0)
		return text[6] == '/' ? 0 : cs_err_set(err, CS_EINVAL, "@file: needs an absolute path");
	if (text[0] == '@')
		return cs_err_set(err, CS_EINVAL, "a secret that begins with @ must be in a file of its own");
	if (text[0] == '\0')
		return cs_err_set(err, CS_EINVAL, "the secret is empty");
	if ((f->mode & (S_IRGRP | S_IROTH)) != 0)
		return cs_err_set(err, CS_EPERM, "a secret stands in a file that others can read (mode %04o); put it into a file "
		                                 "and write \"@file:/PATH\", or make this one 0600",
		                  (unsigned)f->mode & 07777);
	return 0;
}

static int
secret_file(const char *path, char **out, size_t *len, struct cs_err *err)
{
	struct stat st = { 0 };
	int rc = slurp(path, CS_CONF_SECRET_MAX, out, len, &st, err);

	if (rc < 0)
		return rc;
	if ((st.st_mode & (S_IROTH | S_IWOTH)) != 0)
		rc = cs_err_set(err, CS_EPERM, "everybody may %s %s (mode %04o); make it 0640 or 0600",
		                (st.st_mode & S_IROTH) != 0 ? "read" : "write", path, (unsigned)st.st_mode & 07777);
	if (*len > 0 && (*out)[*len - 1] == '\n')
		(*out)[--*len] = '\0';
	if (*len > 0 && (*out)[*len - 1] == '\r')
		(*out)[--*len] = '\0';
	if (rc == 0 && *len == 0)
		rc = cs_err_set(err, CS_EINVAL, "%s is empty", path);
	if (rc == 0 && memchr(*out, '\0', *len) != NULL)
		rc = cs_err_set(err, CS_EINVAL, "%s holds a NUL byte", path);
	if (rc < 0) {
		cs_wipe_free(*out, *len + 1);
		*out = NULL;
	}
	return rc;
}

int
cs_conf_secret_read(const struct cs_conf_file *f, const char *text, char **out, size_t *len, struct cs_err *err)
{
	int rc = cs_conf_secret_allowed(f, text, err);

	if (rc < 0)
		return rc;
	if (text[0] == '@')
		return secret_file(text + 6, out, len, err);
	*out = cs_xstrdup(text);
	*len = strlen(text);
	return 0;
}

/* ---- values as JSON */
const char *
cs_conf_kind(const config_setting_t *s)
{
	switch (config_setting_type(s)) {
	case CONFIG_TYPE_GROUP:
		return "a group";
	case CONFIG_TYPE_INT:
	case CONFIG_TYPE_INT64:
		return "a whole number";
	case CONFIG_TYPE_FLOAT:
		return "a number with a fraction";
	case CONFIG_TYPE_STRING:
		return "text";
	case CONFIG_TYPE_BOOL:
		return "true or false";
	default:
		return "a list";
	}
}

static json_object *to_json(const config_setting_t *s, int depth, struct cs_err *err);

static json_object *
aggregate_to_json(const config_setting_t *s, int depth, struct cs_err *err)
{
	bool group = config_setting_type(s) == CONFIG_TYPE_GROUP;
	json_object *o = group ? json_object_new_object() : json_object_new_array();

	for (int i = 0; i < config_setting_length(s); i++) {
		const config_setting_t *child = config_setting_get_elem(s, (unsigned)i);
		json_object *value = to_json(child, depth + 1, err);

		if (value == NULL) {
			json_object_put(o);
			return NULL;
		}
		if (group)
			json_object_object_add(o, config_setting_name(child), value);
		else
			json_object_array_add(o, value);
	}
	return o;
}

static json_object *
to_json(const config_setting_t *s, int depth, struct cs_err *err)
{
	double d;

	switch (config_setting_type(s)) {
	case CONFIG_TYPE_INT:
	case CONFIG_TYPE_INT64:
		return json_object_new_int64(config_setting_get_int64(s));
	case CONFIG_TYPE_BOOL:
		return json_object_new_boolean(config_setting_get_bool(s));
	case CONFIG_TYPE_STRING:
		return json_object_new_string(config_setting_get_string(s));
	case CONFIG_TYPE_FLOAT:
		d = config_setting_get_float(s);
		if (isfinite(d))
			return json_object_new_double(d);
		cs_err_set(err, CS_EINVAL, "the number is out of range");
		return NULL;
	default:
		if (depth < DEPTH_MAX)
			return aggregate_to_json(s, depth, err);
		cs_err_set(err, CS_EINVAL, "the value is nested deeper than %d", DEPTH_MAX);
		return NULL;
	}
}

json_object *
cs_conf_to_json(const config_setting_t *s, struct cs_err *err)
{
	return to_json(s, 0, err);
}

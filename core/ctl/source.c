/* SPDX-License-Identifier: Apache-2.0 */
/*
 * source.c - see source.h.
 */
#define _GNU_SOURCE
#include "config.h"
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "ctl/source.h"

#define DEPTH 64

int
cs_ctl_source_open(struct cs_ctl_source *s, const char *path, struct cs_err *err)
{
	bool is_stdin = strcmp(path, "-") == 0;
	struct stat st;

	*s = (struct cs_ctl_source){ .name = is_stdin ? "standard input" : path };
	cs_buf_init(&s->document, CS_CTL_LEAD_MAX);
	s->file = is_stdin ? stdin : fopen(path, "re");
	if (s->file == NULL)
		return cs_err_set(err, CS_EIO, "could not open %.200s: %s", path, strerror(errno));
	if (fstat(fileno(s->file), &st) == 0 && S_ISREG(st.st_mode))
		s->size = st.st_size;
	return 0;
}

void
cs_ctl_source_close(struct cs_ctl_source *s)
{
	if (s->file != NULL && s->file != stdin)
		fclose(s->file);
	s->file = NULL;
	free(s->line);
	cs_buf_fini(&s->document);
}

/* Without the white space at its end. */
static size_t
trimmed(const char *p, size_t n)
{
	while (n > 0 && isspace((unsigned char)p[n - 1]))
		n--;
	return n;
}

/* The next line that is not blank, its end still on it. 1, 0 at the end, or CS_EIO. */
static int
next_line(struct cs_ctl_source *s, size_t *n, struct cs_err *err)
{
	ssize_t got;

	for (;;) {
		errno = 0;
		if ((got = getline(&s->line, &s->cap, s->file)) < 0)
			return ferror(s->file) ? cs_err_set(err, CS_EIO, "could not read %.200s: %s", s->name,
							    strerror(errno))
					       : 0;
		s->read += got;
		s->lines_read++;
		*n = (size_t)got;
		if (trimmed(s->line, *n) > 0)
			return 1;
	}
}

static bool
is_object(const char *p, size_t n)
{
	CS_CLEANUP(cs_json_putp) json_object *o = NULL;

	return cs_json_parse(p, n, DEPTH, &o, NULL) == 0 && json_object_is_type(o, json_type_object);
}

static int
keep(struct cs_ctl_source *s, const char *p, size_t n, struct cs_err *err)
{
	if (cs_buf_add(&s->document, p, n) == 0)
		return 1;
	return cs_err_set(err, CS_ELIMIT, "%.200s, line %lld: longer than a lead can be", s->name,
			  (long long)s->lines_read);
}

/* The first line does not stand for itself: all of the file is one document. */
static int
whole_document(struct cs_ctl_source *s, struct cs_err *err)
{
	char block[8192];
	size_t n;

	while ((n = fread(block, 1, sizeof(block), s->file)) > 0) {
		s->read += (int64_t)n;
		if (cs_buf_add(&s->document, block, n) < 0)
			return cs_err_set(err, CS_ELIMIT,
					  "%.200s is larger than a lead can be, and it is no NDJSON",
					  s->name);
	}
	if (ferror(s->file))
		return cs_err_set(err, CS_EIO, "could not read %.200s: %s", s->name, strerror(errno));
	s->done = true;
	return 1;
}

static int
first(struct cs_ctl_source *s, struct cs_err *err)
{
	int64_t line_no;
	size_t n = 0;
	int rc;

	if ((rc = next_line(s, &n, err)) == 0)
		return cs_err_set(err, CS_EINVAL, "%.200s is empty", s->name);
	if (rc < 0 || (rc = keep(s, s->line, n, err)) < 0)
		return rc;
	if (!is_object(s->line, n))
		return whole_document(s, err);
	line_no = s->lines_read;
	if ((rc = next_line(s, &s->ahead, err)) < 0)
		return rc;
	s->done = rc == 0;
	s->ndjson = rc == 1;
	s->line_no = s->ndjson ? line_no : 0;
	if (s->ndjson)
		s->document.ptr[s->document.len = trimmed(s->document.ptr, s->document.len)] = '\0';
	return 1;
}

int
cs_ctl_source_next(struct cs_ctl_source *s, struct cs_err *err)
{
	size_t n = s->ahead;
	int rc;

	if (s->done)
		return 0;
	cs_buf_reset(&s->document);
	if (!s->ndjson)
		return first(s, err);
	s->ahead = 0;
	if (n == 0 && (rc = next_line(s, &n, err)) <= 0)
		return rc;
	s->line_no = s->lines_read;
	return keep(s, s->line, trimmed(s->line, n), err);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fixture.h - the program run in this process, with what it printed; JSON out of C strings; a suite run.
 */
#ifndef TESTS_CTL_FIXTURE_H
#define TESTS_CTL_FIXTURE_H

#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "../suite.h"
#include "ctl/ctl.h"
#include "ctl/show/text.h"

/* Text with ' for ", parsed. */
static inline json_object *
json(const char *text)
{
	char *copy = cs_xstrdup(text);
	json_object *o;
	struct cs_err err;

	for (char *p = copy; (p = strchr(p, '\'')) != NULL;)
		*p = '"';
	if (cs_json_parse(copy, strlen(copy), 32, &o, &err) < 0)
		ck_abort_msg("%s", err.msg);
	free(copy);
	return o;
}

struct ran {
	int status;
	char out[65536], err[8192];
};

static inline void
read_back(int fd, char *to, size_t cap)
{
	ssize_t n = pread(fd, to, cap - 1, 0);

	ck_assert_int_ge((int)n, 0);
	to[n] = '\0';
	close(fd);
}

static inline int
swap_fd(int fd, int *saved)
{
	char name[] = "/tmp/cs-ctl-out-XXXXXX";
	int file = mkstemp(name);

	ck_assert_int_ge(file, 0);
	unlink(name);
	*saved = dup(fd);
	dup2(file, fd);
	return file;
}

/* `csrelay WORDS...`; words end with NULL, the program's name is put before them. */
static inline void
run_words(struct ran *r, const char *const *words)
{
	char *argv[32] = { cs_xstrdup("csrelay") };
	int argc = 1, out, err, saved_out, saved_err;

	for (; words[argc - 1] != NULL; argc++)
		argv[argc] = cs_xstrdup(words[argc - 1]);
	fflush(NULL);
	out = swap_fd(STDOUT_FILENO, &saved_out);
	err = swap_fd(STDERR_FILENO, &saved_err);
	r->status = cs_ctl_main(argc, argv);
	fflush(NULL);
	dup2(saved_out, STDOUT_FILENO);
	dup2(saved_err, STDERR_FILENO);
	close(saved_out);
	close(saved_err);
	read_back(out, r->out, sizeof(r->out));
	read_back(err, r->err, sizeof(r->err));
	for (int i = 0; i < argc; i++)
		free(argv[i]);
}
#define RUN(r, ...) run_words((r), (const char *const[]){ __VA_ARGS__, NULL })

#define assert_has(text, part) \
	do { \
		if (strstr((text), (part)) == NULL) \
			ck_abort_msg("no \"%s\" in:\n%s", (part), (text)); \
	} while (0)
#define assert_has_not(text, part) \
	do { \
		if (strstr((text), (part)) != NULL) \
			ck_abort_msg("there is \"%s\" in:\n%s", (part), (text)); \
	} while (0)

#endif

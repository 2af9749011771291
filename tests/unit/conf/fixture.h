/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fixture.h - a folder with configuration files, and what loading it gives.
 */
#ifndef TESTS_CONF_FIXTURE_H
#define TESTS_CONF_FIXTURE_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "../suite.h"
#include "conf/load.h"

#define WHSEC "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="

struct fixture {
	char dir[64], main[96];
	struct cs_conf *conf;
	struct cs_conf_errors errs;
};

static inline void
put_file(const char *path, const char *text, mode_t mode)
{
	FILE *f = fopen(path, "w");

	ck_assert_ptr_nonnull(f);
	ck_assert_int_ge(fputs(text, f), 0);
	ck_assert_int_eq(fclose(f), 0);
	ck_assert_int_eq(chmod(path, mode), 0);
}

/* "@D@" in a text is the fixture's folder. */
static inline char *
expand(const struct fixture *fx, const char *text)
{
	struct cs_buf b = CS_BUF_INIT(0);
	const char *p;

	for (; (p = strstr(text, "@D@")) != NULL; text = p + 3) {
		cs_buf_add(&b, text, (size_t)(p - text));
		cs_buf_adds(&b, fx->dir);
	}
	cs_buf_adds(&b, text);
	cs_buf_addc(&b, '\0');
	return cs_buf_steal(&b, NULL);
}

/* A file in the fixture's folder; name may be "crm.d/x.conf". */
static inline void
put_in(const struct fixture *fx, const char *name, const char *text, mode_t mode)
{
	char path[256], *full = expand(fx, text);

	snprintf(path, sizeof(path), "%s/%s", fx->dir, name);
	put_file(path, full, mode);
	free(full);
}

static inline void
fixture_init(struct fixture *fx)
{
	char path[96];

	memset(fx, 0, sizeof(*fx));
	strcpy(fx->dir, "/tmp/cs-conf-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(fx->dir));
	snprintf(fx->main, sizeof(fx->main), "%s/csrelay.conf", fx->dir);
	snprintf(path, sizeof(path), "%s/crm.d", fx->dir);
	ck_assert_int_eq(mkdir(path, 0755), 0);
}

static inline int
load(struct fixture *fx)
{
	cs_conf_unref(fx->conf);
	cs_conf_errors_fini(&fx->errs);
	return cs_conf_load(fx->main, &fx->conf, &fx->errs);
}

/* csrelay.conf with this text, loaded. */
static inline int
load_text(struct fixture *fx, const char *text)
{
	put_in(fx, "csrelay.conf", text, 0640);
	return load(fx);
}

static inline void
must_load(struct fixture *fx, const char *text)
{
	int rc = load_text(fx, text);

	cs_conf_errors_print(&fx->errs, stderr);
	ck_assert_int_eq(rc, 0);
	ck_assert_uint_eq(fx->errs.n, 0);
}

/* Some error, as one line, holds every part of `parts` ('|' between them). */
static inline bool
has_error(const struct fixture *fx, const char *parts)
{
	char line[2048];

	for (size_t i = 0; i < fx->errs.n; i++) {
		char copy[512], *save = NULL;
		bool all = true;

		cs_conf_error_text(&fx->errs.v[i], line, sizeof(line));
		snprintf(copy, sizeof(copy), "%s", parts);
		for (char *p = strtok_r(copy, "|", &save); p != NULL && all; p = strtok_r(NULL, "|", &save))
			all = strstr(line, p) != NULL;
		if (all)
			return true;
	}
	cs_conf_errors_print(&fx->errs, stderr);
	return false;
}

static inline void
fixture_fini(struct fixture *fx)
{
	char command[128];

	cs_conf_unref(fx->conf);
	cs_conf_errors_fini(&fx->errs);
	snprintf(command, sizeof(command), "rm -rf '%s'", fx->dir);
	ck_assert_int_eq(system(command), 0);
}

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * file.h - one configuration file as libconfig reads it, and the secrets that it names.
 *
 * The file is read once into memory, so what is judged (mode, @include, UTF-8) is what is parsed. @include is refused: an
 * included file would escape those checks, and crm.d/ is there for parts. Texts are wiped on close.
 */
#ifndef CS_CONF_FILE_H
#define CS_CONF_FILE_H

#include <libconfig.h>
#include <sys/types.h>
#include "conf/conf.h"

#define CS_CONF_FILE_MAX (16U << 20)
#define CS_CONF_SECRET_MAX (64U << 10)

struct cs_conf_file {
	const char *path; /* lives in the conf */
	mode_t mode;
	config_t cfg;
};

/* 0, or a negative CS_E* with the faults added to errs; close it in both cases. */
int cs_conf_file_open(struct cs_conf_file *f, const char *path, struct cs_conf *conf, struct cs_conf_errors *errs);
void cs_conf_file_close(struct cs_conf_file *f);
struct cs_conf_place cs_conf_file_place(const struct cs_conf_file *f, const config_setting_t *s);

/*
 * What a secret's text stands for: "@file:/PATH" is read (at most 64 KiB, one newline at the end is cut), anything else is the
 * secret itself, which is refused when others than the owner can read the configuration file. *out is wiped and freed with
 * cs_wipe_free(*out, *len); a NUL stands behind it. 0 or a negative CS_E* with err filled; err never quotes the secret.
 */
int cs_conf_secret_read(const struct cs_conf_file *f, const char *text, char **out, size_t *len, struct cs_err *err);
/* The first half of that: is the text allowed to stand in this file? Reads nothing. */
int cs_conf_secret_allowed(const struct cs_conf_file *f, const char *text, struct cs_err *err);

/* A value as JSON: groups are objects, arrays and lists arrays. NULL with err filled for what JSON cannot say. */
json_object *cs_conf_to_json(const config_setting_t *s, struct cs_err *err);
/* "a group", "text", "a list" ...: what was written. */
const char *cs_conf_kind(const config_setting_t *s);

#endif

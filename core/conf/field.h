/* SPDX-License-Identifier: Apache-2.0 */
/*
 * field.h - one option's value in a struct cs_conf: set it from what was written, print it as it would be written.
 *
 * The setters return 0, or CS_EINVAL with err->msg saying what is wrong with the value (never quoting a secret); then the
 * field is as it was. Only while loading, one thread.
 */
#ifndef CS_CONF_FIELD_H
#define CS_CONF_FIELD_H

#include "conf/options.h"

int cs_conf_set_default(struct cs_conf *conf, const struct cs_opt *o, struct cs_err *err);
int cs_conf_set_bool(struct cs_conf *conf, const struct cs_opt *o, bool value, struct cs_err *err);
/* A bare whole number: of an int, size (bytes) or duration (milliseconds). */
int cs_conf_set_int(struct cs_conf *conf, const struct cs_opt *o, int64_t value, struct cs_err *err);
/* Everything that is written as one text. Secrets: the secret itself, already read from its file. */
int cs_conf_set_text(struct cs_conf *conf, const struct cs_opt *o, const char *text, struct cs_err *err);
/* Lists. */
int cs_conf_set_items(struct cs_conf *conf, const struct cs_opt *o, const char *const *items, size_t n, struct cs_err *err);

/* As in a configuration file ("\"24 h\"", "true", "[ \"a\" ]"); secrets as "set, N bytes". Appended to out. */
void cs_conf_print_value(const struct cs_conf *conf, const struct cs_opt *o, struct cs_buf *out);
/* A list's default cut into its items: the item after *at, or NULL at the end. Memory is buf. */
char *cs_conf_default_item(const char **at, char *buf, size_t cap);

#endif

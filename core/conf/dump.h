/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dump.h - the configuration shown: `csrelay config dump`, its JSON, and the option list of csrelay.conf(5).
 */
#ifndef CS_CONF_DUMP_H
#define CS_CONF_DUMP_H

#include <stdio.h>
#include "conf/conf.h"

/*
 * Every option with its help and value, in the syntax of csrelay.conf: what comes out can be read again, except that secrets
 * are only said to be set. Values that nobody wrote are marked "default". CRMs and their connections follow as comments.
 */
void cs_conf_dump(const struct cs_conf *conf, FILE *to);
/* { "store.path": { "value": ..., "default": true, "place": "FILE:LINE", "help": ... } }, values as text. */
json_object *cs_conf_dump_json(const struct cs_conf *conf);
/* The option list of csrelay.conf(5) in mdoc, made from the table alone. */
void cs_conf_print_man(struct cs_buf *out);

#endif

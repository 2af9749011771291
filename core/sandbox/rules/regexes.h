/* SPDX-License-Identifier: Apache-2.0 */
/*
 * regexes.h - POSIX extended regular expressions of a data file, each compiled once.
 */
#ifndef CS_SANDBOX_REGEXES_H
#define CS_SANDBOX_REGEXES_H

#include <regex.h>
#include <stdbool.h>
#include "util/map.h"

struct cs_sb_regexes {
	struct cs_map compiled;
};
void cs_sb_regexes_init(struct cs_sb_regexes *rx);
void cs_sb_regexes_fini(struct cs_sb_regexes *rx);
/* NULL when `pattern` is not one. */
const regex_t *cs_sb_regex(struct cs_sb_regexes *rx, const char *pattern);
bool cs_sb_regex_matches(struct cs_sb_regexes *rx, const char *pattern, const char *text);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * regexes.c - a table from pattern to compiled expression; a data file has a few dozen at most.
 */
#include "config.h"

#include <stdlib.h>
#include "sandbox/rules/regexes.h"
#include "util/mem.h"

void
cs_sb_regexes_init(struct cs_sb_regexes *rx)
{
	cs_map_init(&rx->compiled);
}

void
cs_sb_regexes_fini(struct cs_sb_regexes *rx)
{
	size_t at = 0;
	regex_t *re;

	while ((re = cs_map_next(&rx->compiled, &at, NULL)) != NULL) {
		regfree(re);
		free(re);
	}
	cs_map_fini(&rx->compiled);
}

const regex_t *
cs_sb_regex(struct cs_sb_regexes *rx, const char *pattern)
{
	uint64_t key = cs_hash64_str(pattern);
	regex_t *re = cs_map_get(&rx->compiled, key);

	if (re != NULL)
		return re;
	re = cs_xcalloc(1, sizeof(*re));
	if (regcomp(re, pattern, REG_EXTENDED) != 0) {
		free(re);
		return NULL;
	}
	cs_map_put(&rx->compiled, key, re);
	return re;
}

bool
cs_sb_regex_matches(struct cs_sb_regexes *rx, const char *pattern, const char *text)
{
	const regex_t *re = cs_sb_regex(rx, pattern);

	return re != NULL && regexec(re, text, 0, NULL, 0) == 0;
}

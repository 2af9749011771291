/* SPDX-License-Identifier: Apache-2.0 */
/*
 * template.h - the parts of a template, for those who expand it and those who check it. Private to core/plugin.
 */
#ifndef CS_PLUGIN_TEMPLATE_H
#define CS_PLUGIN_TEMPLATE_H

#include "plugin/manifest/manifest.h"

#define CS_TEMPLATE_NAME 64

enum cs_part_kind { /* bits, so that a place can say which it takes */
	CS_PART_LITERAL = 1,
	CS_PART_SETTING = 2,
	CS_PART_FACT = 4,
	CS_PART_SECRET = 8,
	CS_PART_SECRET_BASIC = 16, /* ${secret:NAME:basic} */
	CS_PART_BASIC = 32,        /* ${basic:USER_SECRET:PASS_SECRET}; the second may be empty */
	CS_PART_ID = 64,
};

struct cs_part {
	enum cs_part_kind kind;
	const char *literal;
	size_t len;
	char name[CS_TEMPLATE_NAME + 1], second[CS_TEMPLATE_NAME + 1];
};

/* The part at *at, which moves behind it. 1, 0 at the end, or CS_EINVAL with err filled. */
int cs_template_part(const char **at, struct cs_part *p, struct cs_err *err);

#endif

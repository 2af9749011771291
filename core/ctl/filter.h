/* SPDX-License-Identifier: Apache-2.0 */
/*
 * filter.h - which deliveries? The options that choose them are the same for `deliveries`, `dlq list` and
 * `dlq replay`.
 */
#ifndef CS_CTL_FILTER_H
#define CS_CTL_FILTER_H

#include "ctl/ctl.h"

#define CS_CTL_FILTER_OPTS                                                                                   \
	{ "crm", "NAME", "only of this CRM" },                                                               \
	{ "connection", "ID", "only of this connection; \"none\": those without one" },                      \
	{ "account", "ID", "only of this CallSetter account" },                                              \
	{ "blame", "WHOM", "lead, credential, connection, crm, us" },                                        \
	{ "urgency", "WORD", "emergency, same_day, same_week, flexible" },                                   \
	{ "since", "TIME", "came in at or after: 2026-05-26, \"2026-05-26 14:30\", or 2h for two hours ago" }, \
	{ "until", "TIME", "came in before" }

#define CS_CTL_PAGE_OPTS                                                                                     \
	{ "limit", "N", "at most so many, newest first (50)" },                                              \
	{ "before", "ID", "go on below this id" }

/* The filter that the options ask for, as an object. CS_CTL_OK, or CS_CTL_USAGE told. */
int cs_ctl_filter(struct cs_ctl *c, json_object **out);
/* The same as a query, "crm=hubspot&blame=crm"; with `state` (NULL: none) as a further condition. */
int cs_ctl_filter_query(struct cs_ctl *c, const char *state, const char **out);
/* "word" percent-encoded, in the arena. */
const char *cs_ctl_encoded(struct cs_ctl *c, const char *word);

#endif

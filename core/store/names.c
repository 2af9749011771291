/* SPDX-License-Identifier: Apache-2.0 */
/*
 * names.c - the words for what the store keeps as numbers, as people, the API and metrics see them.
 */
#include "config.h"
#include "store/store.h"

#include <string.h>

static const char *
word(const char *const *words, size_t n, unsigned int at)
{
	return at < n && words[at] != NULL ? words[at] : "unknown";
}

const char *
cs_state_name(enum cs_state s)
{
	static const char *const words[] = { [CS_DUE] = "due", [CS_IN_HAND] = "in_hand", [CS_TAKEN] = "taken",
		                             [CS_DELIVERED] = "delivered", [CS_DEAD] = "dead", [CS_DISCARDED] = "discarded" };

	return word(words, CS_ARRAY_LEN(words), (unsigned int)s);
}

const char *
cs_blame_name(enum cs_blame b)
{
	static const char *const words[] = { [CS_BLAME_NONE] = "none", [CS_BLAME_LEAD] = "lead",
		                             [CS_BLAME_CREDENTIAL] = "credential", [CS_BLAME_CONNECTION] = "connection",
		                             [CS_BLAME_CRM] = "crm", [CS_BLAME_US] = "us" };

	return word(words, CS_ARRAY_LEN(words), (unsigned int)b);
}

const char *
cs_lane_name(enum cs_lane l)
{
	static const char *const words[CS_LANES] = { [CS_LANE_EMERGENCY] = "emergency", [CS_LANE_SAME_DAY] = "same_day",
		                                     [CS_LANE_SAME_WEEK] = "same_week", [CS_LANE_FLEXIBLE] = "flexible",
		                                     [CS_LANE_LOW] = "low", [CS_LANE_REPLAY_EMERGENCY] = "replay_emergency",
		                                     [CS_LANE_REPLAY] = "replay" };

	return word(words, CS_LANES, (unsigned int)l);
}

const char *
cs_conn_state_name(enum cs_conn_state s)
{
	static const char *const words[] = { [CS_CONN_CONNECTED] = "connected", [CS_CONN_NEEDS_REAUTH] = "needs_reauth",
		                             [CS_CONN_PAUSED] = "paused", [CS_CONN_PENDING] = "pending" };

	return word(words, CS_ARRAY_LEN(words), (unsigned int)s);
}

static const char *const subscriptions[] = { "routed", "all", "unqualified", "events", "alerts" }; /* in order of their bits */

uint32_t
cs_subscription(const char *text)
{
	for (unsigned int i = 0; i < CS_ARRAY_LEN(subscriptions); i++)
		if (strcmp(subscriptions[i], text) == 0)
			return 1u << i;
	return 0;
}

const char *
cs_subscription_word(uint32_t bit)
{
	for (unsigned int i = 0; i < CS_ARRAY_LEN(subscriptions); i++)
		if (bit == 1u << i)
			return subscriptions[i];
	return NULL;
}

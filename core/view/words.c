/* SPDX-License-Identifier: Apache-2.0 */
/*
 * words.c - see words.h.
 */
#include "config.h"
#include "view/words.h"

#include <stdlib.h>
#include <string.h>
#include "lead/lead.h"
#include "util/clock.h"

const char *const cs_filter_words[CS_FILTER_WORDS] = { "state", "crm", "connection", "account", "blame", "urgency", "since",
	"until" };

struct cs_filter
cs_filter_any(void)
{
	return (struct cs_filter){ .conn_id = -1, .blame = -1, .urgency = -1 };
}

static const char *
read_state(struct cs_filter *f, const char *text)
{
	for (enum cs_state s = CS_DUE; s <= CS_DISCARDED; s++)
		if (strcmp(cs_state_name(s), text) == 0) {
			f->states = s == CS_IN_HAND ? CS_STATES_IN_HAND : CS_STATE_BIT(s);
			return NULL;
		}
	return "must be due, in_hand, delivered, dead or discarded";
}

static const char *
read_blame(struct cs_filter *f, const char *text)
{
	for (int b = CS_BLAME_NONE; b <= CS_BLAME_US; b++)
		if (strcmp(cs_blame_name((enum cs_blame)b), text) == 0) {
			f->blame = b;
			return NULL;
		}
	return "must be none, lead, credential, connection, crm or us";
}

static const char *
read_urgency(struct cs_filter *f, const char *text)
{
	for (int u = CS_URGENCY_EMERGENCY; u <= CS_URGENCY_FLEXIBLE; u++)
		if (strcmp(cs_urgency_name((enum cs_urgency)u), text) == 0) {
			f->urgency = u;
			return NULL;
		}
	return "must be emergency, same_day, same_week or flexible";
}

static const char *
read_time(int64_t *out, const char *text)
{
	bool has_zone;

	if (text[0] != '\0' && strlen(text) < 19 && strspn(text, "0123456789") == strlen(text)) {
		*out = strtoll(text, NULL, 10);
		return NULL;
	}
	if (cs_time_parse(text, strlen(text), true, out, &has_zone) == 0)
		return NULL;
	return "must be a time like 2026-05-26T14:00:00Z, or milliseconds since 1970";
}

const char *
cs_filter_read(struct cs_filter *f, const char *word, const char *text, struct cs_arena *mem)
{
	if (strcmp(word, "state") == 0)
		return read_state(f, text);
	if (strcmp(word, "blame") == 0)
		return read_blame(f, text);
	if (strcmp(word, "urgency") == 0)
		return read_urgency(f, text);
	if (strcmp(word, "since") == 0)
		return read_time(&f->created_from_ms, text);
	if (strcmp(word, "until") == 0)
		return read_time(&f->created_to_ms, text);
	if (strcmp(word, "crm") == 0)
		f->crm = cs_arena_strdup(mem, text);
	else if (strcmp(word, "account") == 0)
		f->account = cs_arena_strdup(mem, text);
	return NULL;
}

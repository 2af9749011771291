/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conversation.h - a plugin tried against a script: the lead, the requests it must make, the answers it
 * gets, what must come out.
 *
 * A conversation is a JSON file:
 *
 *   {
 *     "lead": {...}              merge patch (RFC 7396) on the sample of lead-1.0
 *     "raw": "..."               the lead's bytes, where they matter
 *     "kind": "lead"             push kind: lead, test, identify, choices, fetch; with "what". Or auth: auth_refresh
 *     "hook": {"kind": "received" | "poll", "body": {...}, "cursor": {...}}          instead of a push
 *     "now": "2026-05-26T14:32:01Z",
 *     "settings": {...}, "facts": {...}, "secrets": {...},
 *     "receipts": {"contact": "51", "note": {"in_doubt": true}}, "remembered": {"contact": "51"},
 *     "overrides": {...}         merge patch on the document, as an operator's
 *     "calls": [ { "expect": {"method": "POST", "path": "/contacts?x=1", "json": {...}, "headers": {...}, "body": "...",
 *                             "looks_for": "contact"},
 *                  "answer": {"status": 201, "json": {...}, "headers": {...}} or {"fault": "timeout_after_send"} } ],
 *     "document": {...},         what map must emit
 *     "outcome": "done", "reason": "words of fail()", "warnings": "words of warn()"  (absent: there must be none)
 *     "receipts_after": {...}, "records": [...], "events": [...], "facts_after": {...}, "cursor_after": {...},
 *     "retry_after_ms": 10000
 *   }
 *
 * Expected JSON is a subset: objects may have more members, null means "absent", a text that begins with "~"
 * must be contained; arrays agree element by element. The path is compared with its query. Faults:
 * connect_failed, timeout_before_send, timeout_after_send, reset_after_send, too_large, budget.
 *
 * Whatever the script says, the host holds the plugin to the rules of <cs/plugin_v1.h> (rules.c).
 */
#ifndef CS_CHECK_CONVERSATION_H
#define CS_CHECK_CONVERSATION_H

#include <stddef.h>
#include <json-c/json.h>
#include "util/err.h"

struct cs_script {
	char *name;          /* "new_caller.json" */
	json_object *json;   /* NULL: unreadable, `why` tells */
	char *why;
};
struct cs_scripts {
	struct cs_script *v;
	size_t n;
};

/* Every *.json of a folder in order of their names; CS_ENOTFOUND where there is none. */
int cs_scripts_read(const char *dir, struct cs_scripts *out, struct cs_err *err);
void cs_scripts_free(struct cs_scripts *s);

#endif

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
 *     "kind": "lead"             push kind: lead, test, identify, choices, fetch; with "what"
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
 * connect_failed, timeout_after_send, reset_after_send.
 *
 * Whatever the script says, the host of the conversation holds the plugin to the rules of <cs/plugin_v1.h>:
 * declared steps, allowed hosts, no mutating request of a step in doubt before a look-up was answered, sane
 * headers. Besides the plain run the checker repeats every conversation with receipts that do not change
 * during the call, interleaved with a second call at every request, and with ugly answers in place of each
 * scripted one; there only the rules count.
 */
#ifndef CS_CHECK_CONVERSATION_H
#define CS_CHECK_CONVERSATION_H

#include <stdio.h>
#include <json-c/json.h>
#include <cs/plugin_v1.h>
#include "plugin/manifest.h"
#include "util/err.h"

struct cs_check_plugin {
	void *handle;
	const struct cs_plugin_v1 *v1;
	struct cs_manifest *rows;
	json_object *manifest; /* of rows */
	char *name;
};

/* dir/NAME.so and dir/NAME.json. 0, or a negative CS_E* with what is wrong. */
int cs_check_open(struct cs_check_plugin *p, const char *dir, const char *name, struct cs_err *err);
void cs_check_close(struct cs_check_plugin *p);

struct cs_check_count {
	int conversations, runs, failures;
};
/* Run one file in all ways; faults are printed to `out`, one a line, with the file's name. */
void cs_check_file(const struct cs_check_plugin *p, const char *path, FILE *out,
    struct cs_check_count *count);
/* Every *.json of a folder, in order of their names. */
int cs_check_dir(const struct cs_check_plugin *p, const char *dir, FILE *out, struct cs_check_count *count,
    struct cs_err *err);

#endif

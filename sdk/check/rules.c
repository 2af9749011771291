/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rules.c - the table of rules.h.
 */
#include <string.h>
#include "check/rules.h"

const struct cs_rule_row cs_rules[CS_RULES] = {
	[CS_RULE_LOAD] = { "load", 'F', "the file loads, and its descriptor and manifest agree" },
	[CS_RULE_DUTY] = { "untried-duty", 'B', "each declared duty has a conversation that ends well" },
	[CS_RULE_DOUBT_UNTRIED] = { "untried-doubt", 'B',
	    "each step with on_doubt \"look\" has a conversation in which it is in doubt and found, and one in which it is not found" },
	[CS_RULE_SCRIPT] = { "script", 'D', "requests, outcome and what is left agree with the conversation" },
	[CS_RULE_SCRIPT_READ] = { "script-unreadable", 'D', "a conversation is a JSON file with known kinds and settings" },

	[CS_RULE_STEP] = { "undeclared-step", 'C', "a request names a step of the manifest" },
	[CS_RULE_MUTATION] = { "undeclared-mutation", 'C', "a mutating request belongs to a step that the manifest calls mutating" },
	[CS_RULE_LOOK] = { "odd-look-up", 'C', "looks_for names a mutating step, and the look-up itself does not mutate" },
	[CS_RULE_LIMIT] = { "undeclared-limit", 'C', "limit classes are those of the manifest, budgets are not negative" },
	[CS_RULE_HOST] = { "undeclared-host", 'D', "requests go to hosts of the manifest" },
	[CS_RULE_METHOD] = { "odd-method", 'C', "the method is GET, POST, PUT, PATCH or DELETE" },
	[CS_RULE_URL] = { "broken-url", 'C', "paths and queries are ready encoded" },
	[CS_RULE_HEADER] = { "broken-header", 'D', "header names are tokens, values have no CR, LF or NUL, and none belongs to the core" },
	[CS_RULE_BODY] = { "broken-body", 'C', "a JSON body is valid JSON in UTF-8" },
	[CS_RULE_STRUCT] = { "struct-size", 'C', "struct_size of request and answer is filled in" },
	[CS_RULE_ENDLESS] = { "endless-requests", 'D', "a call ends after at most 200 requests" },
	[CS_RULE_HOOK_MUTATES] = { "hook-mutates", 'D', "nothing is created or changed while a message or poll is handled" },
	[CS_RULE_MARKER] = { "foreign-marker", 'D', "a secret's marker is used in the call it was made for" },

	[CS_RULE_SETTING] = { "undeclared-setting", 'C', "settings are those of the manifest" },
	[CS_RULE_FACT] = { "undeclared-fact", 'C', "facts are those of the manifest" },
	[CS_RULE_SECRET] = { "undeclared-secret", 'C', "secrets are those of the manifest" },
	[CS_RULE_RECEIPT] = { "odd-receipt", 'C', "receipts belong to steps of the manifest and have a value, remembered ones belong to per_caller steps" },

	[CS_RULE_DOUBT] = { "doubt-ignored", 'D', "a step in doubt is not sent again before a look-up was answered" },
	[CS_RULE_TWICE] = { "created-twice", 'D', "what was answered with success, now or in an earlier attempt, is not sent again" },
	[CS_RULE_BLIND] = { "blind-create", 'D', "an answer that cannot be understood is not taken for \"nothing found\"" },
	[CS_RULE_SWALLOWED] = { "refusal-swallowed", 'D', "a mutating request that was refused ends in a failure or a remark" },
	[CS_RULE_DOUBT_SWALLOWED] = { "doubt-swallowed", 'D', "a call does not say done while a step is in doubt" },

	[CS_RULE_OUTCOME] = { "unknown-outcome", 'D', "the outcome is one of the header's list" },
	[CS_RULE_EMIT] = { "broken-result", 'C', "what is emitted is valid JSON" },
	[CS_RULE_MAP_PURE] = { "map-reaches-out", 'C', "map and open ask for nothing but settings and facts" },
	[CS_RULE_MAP_SAME] = { "map-differs", 'C', "map makes the same document of the same lead" },
	[CS_RULE_MAP_RESULT] = { "map-result", 'D', "map makes one document of every lead" },
	[CS_RULE_EVENT] = { "broken-event", 'C', "an event has a known name, a time, a valid amount, and names what it is about" },
	[CS_RULE_DEDUPE] = { "event-identity", 'C', "a message that comes again makes the same events, with the same dedupe" },
	[CS_RULE_FORGED] = { "forged-hook", 'D', "the manifest's verify row takes a good signature and refuses a bad one" },
	[CS_RULE_PERSONAL] = { "personal-text", 'D', "fail and warn say nothing about the caller that the vendor did not say" },
	[CS_RULE_LOG] = { "personal-log", 'D', "the log gets nothing about the caller" },

	[CS_RULE_SHARED] = { "shared-state", 'D', "a call does the same when another one runs in between" },
	[CS_RULE_LATE] = { "late-call", 'D', "host functions are called with the running call only" },
	[CS_RULE_LEAK] = { "leaks", 'C', "memory is given back when a call returns" },
	[CS_RULE_PRINTS] = { "prints", 'C', "nothing is printed" },
	[CS_RULE_SOCKET_GARBAGE] = { "writes-to-socket", 'F', "the process's own descriptors are left alone" },
	[CS_RULE_EXITS] = { "exits", 'F', "the process is not ended" },
	[CS_RULE_DIES_LOAD] = { "dies-at-load", 'F', "loading runs no code that crashes" },
	[CS_RULE_DIES_MAP] = { "dies-in-map", 'F', "map does not crash" },
	[CS_RULE_DIES_PUSH] = { "dies-in-push", 'F', "push does not crash before its first request" },
	[CS_RULE_DIES_BETWEEN] = { "dies-between-requests", 'F', "a call does not crash after an answer" },
	[CS_RULE_DIES_HOOK] = { "dies-in-hook", 'F', "handle_webhook and auth_refresh do not crash" },
	[CS_RULE_ABORTS] = { "aborts", 'F', "no assertion fails" },
	[CS_RULE_HANGS] = { "hangs", 'F', "a call comes back" },
	[CS_RULE_STACK] = { "overflows-stack", 'F', "a call needs no more than its 256 KiB of stack" },
	[CS_RULE_FLOOD] = { "takes-all-memory", 'F', "a call does not allocate without end" },
	[CS_RULE_FORKS] = { "forks", 'F', "no process or thread is started" },
	[CS_RULE_EXECUTES] = { "executes", 'F', "no program is executed" },
	[CS_RULE_SOCKET] = { "opens-socket", 'F', "no socket is opened" },
	[CS_RULE_FILE] = { "opens-file", 'F', "no file is opened" },
	[CS_RULE_KILLS] = { "kills", 'F', "no signal is sent" },
	[CS_RULE_TRACES] = { "traces", 'F', "no process is traced" },
	[CS_RULE_FORBIDDEN] = { "forbidden-call", 'F', "no other system call is made that a plugin may not make" },
};

int
cs_rule_named(const char *name)
{
	for (int i = 0; i < CS_RULES; i++)
		if (strcmp(cs_rules[i].name, name) == 0)
			return i;
	return -1;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rules.h - what a plugin must keep, one name for each way to break it.
 *
 * The names are what a report says and what scripts may count on; csrelay-plugin-check(1) lists them from this table.
 */
#ifndef CS_CHECK_RULES_H
#define CS_CHECK_RULES_H

enum cs_rule {
	/* what is declared */
	CS_RULE_LOAD, CS_RULE_DUTY, CS_RULE_DOUBT_UNTRIED, CS_RULE_SCRIPT, CS_RULE_SCRIPT_READ,
	/* requests */
	CS_RULE_STEP, CS_RULE_MUTATION, CS_RULE_LOOK, CS_RULE_LIMIT, CS_RULE_HOST, CS_RULE_METHOD, CS_RULE_URL, CS_RULE_HEADER,
	CS_RULE_BODY, CS_RULE_STRUCT, CS_RULE_ENDLESS, CS_RULE_HOOK_MUTATES, CS_RULE_MARKER,
	/* names of the manifest */
	CS_RULE_SETTING, CS_RULE_FACT, CS_RULE_SECRET, CS_RULE_RECEIPT,
	/* never twice, and never nothing */
	CS_RULE_DOUBT, CS_RULE_TWICE, CS_RULE_BLIND, CS_RULE_SWALLOWED, CS_RULE_DOUBT_SWALLOWED,
	/* results */
	CS_RULE_OUTCOME, CS_RULE_EMIT, CS_RULE_MAP_PURE, CS_RULE_MAP_SAME, CS_RULE_MAP_RESULT, CS_RULE_EVENT, CS_RULE_DEDUPE,
	CS_RULE_FORGED, CS_RULE_PERSONAL, CS_RULE_LOG,
	/* behaviour as a guest in a process */
	CS_RULE_SHARED, CS_RULE_LATE, CS_RULE_LEAK, CS_RULE_PRINTS, CS_RULE_SOCKET_GARBAGE, CS_RULE_EXITS,
	CS_RULE_DIES_LOAD, CS_RULE_DIES_MAP, CS_RULE_DIES_PUSH, CS_RULE_DIES_BETWEEN, CS_RULE_DIES_HOOK, CS_RULE_ABORTS, CS_RULE_HANGS,
	CS_RULE_STACK, CS_RULE_FLOOD, CS_RULE_FORKS, CS_RULE_EXECUTES, CS_RULE_SOCKET, CS_RULE_FILE, CS_RULE_KILLS, CS_RULE_TRACES, CS_RULE_FORBIDDEN,
	CS_RULES
};

struct cs_rule_row {
	const char *name; /* "undeclared-host" */
	char grade;       /* the best that a plugin gets that breaks it */
	const char *what; /* what is expected, one sentence */
};
extern const struct cs_rule_row cs_rules[CS_RULES];
/* -1: no such name */
int cs_rule_named(const char *name);

#endif

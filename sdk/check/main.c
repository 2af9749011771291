/* SPDX-License-Identifier: Apache-2.0 */
/*
 * main.c - csrelay-plugin-check: try a plugin against its conversations, then against everything ugly.
 *
 *   csrelay-plugin-check [--json] [--only CASE] NAME.so [CONVERSATIONS]
 *   csrelay-plugin-check --list
 *
 * This process reads manifest and conversations and never runs plugin code: children do (child.c, watch.c).
 */
#include "config.h"
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "check/declare.h"
#include "check/report.h"

enum { EXIT_GOOD = 0, EXIT_FOUND = 1, EXIT_TROUBLE = 2, EXIT_INCOMPLETE = 3 };

struct options {
	bool json, list, requests;
	const char *only, *path, *conversations;
};

struct check {
	struct options opt;
	char dir[PATH_MAX], name[128], conversations[PATH_MAX];
	struct cs_manifest *manifest;
	struct cs_scripts scripts;
	struct cs_probe probe;
	struct cs_duties duties;
	struct cs_task *tasks;
	struct cs_job job;
	struct cs_results results;
};

static void
usage(FILE *out)
{
	fputs("usage: csrelay-plugin-check [--json] [--only CASE] NAME.so [CONVERSATIONS]\n"
	      "       csrelay-plugin-check --requests NAME.so [CONVERSATIONS]\n"
	      "       csrelay-plugin-check --list\n", out);
}

static int
list_all(void)
{
	printf("cases, one after another against each duty that they are for:\n");
	for (size_t i = 0; i < cs_n_cases; i++)
		printf("  %-34s %s\n", cs_cases[i].name, cs_cases[i].what);
	printf("\nwhat is found, and the best grade then:\n");
	for (size_t i = 0; i < CS_RULES; i++)
		printf("  %c %-24s %s\n", cs_rules[i].grade, cs_rules[i].name, cs_rules[i].what);
	return EXIT_GOOD;
}

static int
read_options(int argc, char **argv, struct options *o)
{
	static const struct option longs[] = { { "json", no_argument, NULL, 'j' }, { "list", no_argument, NULL, 'l' },
		{ "only", required_argument, NULL, 'o' }, { "requests", no_argument, NULL, 'r' }, { "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'v' }, { NULL, 0, NULL, 0 } };
	int c;

	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		o->json |= c == 'j';
		o->list |= c == 'l';
		o->requests |= c == 'r';
		if (c == 'o')
			o->only = optarg;
		if (c == 'h' || c == 'v') {
			if (c == 'h')
				usage(stdout);
			else
				printf("csrelay-plugin-check %s\n", PACKAGE_VERSION);
			exit(EXIT_GOOD);
		}
		if (c == '?')
			return -1;
	}
	o->path = optind < argc ? argv[optind] : NULL;
	o->conversations = optind + 1 < argc ? argv[optind + 1] : NULL;
	return argc - optind > 2 || (!o->list && !o->path) ? -1 : 0;
}

/* ---- what is there */
static int
place(struct check *c, struct cs_err *err)
{
	const char *slash = strrchr(c->opt.path, '/'), *file = slash ? slash + 1 : c->opt.path;
	size_t n = strlen(file);
	char given[PATH_MAX];

	if (n < 4 || strcmp(file + n - 3, ".so") != 0)
		return cs_err_set(err, CS_EINVAL, "%s: expected the path of NAME.so", c->opt.path);
	snprintf(given, sizeof(given), "%.*s", slash ? (int)(slash - c->opt.path) : 1, slash ? c->opt.path : ".");
	if (!realpath(*given ? given : "/", c->dir))
		return cs_err_set(err, CS_ENOTFOUND, "%s: no such folder", given);
	snprintf(c->name, sizeof(c->name), "%.*s", (int)n - 3, file);
	if (c->opt.conversations)
		snprintf(c->conversations, sizeof(c->conversations), "%s", c->opt.conversations);
	else
		snprintf(c->conversations, sizeof(c->conversations), "%.4000s/conversations", c->dir);
	return 0;
}

static int
read_manifest(struct check *c, struct cs_err *err)
{
	char path[PATH_MAX];
	int rc;

	snprintf(path, sizeof(path), "%.3900s/%s.json", c->dir, c->name);
	if ((rc = cs_manifest_read(path, &c->manifest, err)) != 0)
		return rc;
	if (strcmp(c->manifest->name, c->name) != 0)
		return cs_err_set(err, CS_EINVAL, "%s: name: expected \"%s\" (the file's name), found \"%s\"", path, c->name,
		    c->manifest->name);
	return 0;
}

static int
is_known_case(const char *name)
{
	for (size_t i = 0; i < cs_n_cases; i++)
		if (strcmp(cs_cases[i].name, name) == 0)
			return 1;
	return 0;
}

/* Case after case, and for each the duties that it is for. */
static void
make_tasks(struct check *c)
{
	c->tasks = cs_xcalloc(cs_n_cases * (c->duties.n + 1), sizeof(*c->tasks));
	for (size_t i = 0; i < cs_n_cases; i++)
		for (size_t k = 0; k < c->duties.n; k++) {
			const struct cs_case *row = &cs_cases[i];
			const struct cs_duty *duty = &c->duties.v[k];

			if ((row->duties & CS_FOR(duty->kind)) && duty->n > 0 && (!c->opt.only || strcmp(c->opt.only, row->name) == 0))
				c->tasks[c->job.n++] = (struct cs_task){ row, duty };
		}
	c->job.tasks = c->tasks;
}

static void
find_untried(struct check *c)
{
	char text[200];

	for (size_t i = 0; i < c->duties.n; i++)
		if (c->duties.v[i].declared && !c->duties.v[i].tried) {
			snprintf(text, sizeof(text), "no conversation tries the duty %s and ends with done", c->duties.v[i].name);
			cs_results_add(&c->results, CS_RULE_DUTY, "", text, NULL);
		}
	if (c->manifest->has_webhook && !c->probe.has_webhook)
		cs_results_add(&c->results, CS_RULE_LOAD, "", "the manifest has a webhook, the descriptor no handle_webhook", NULL);
	if (cs_manifest_renews(c->manifest) && !c->probe.has_auth)
		cs_results_add(&c->results, CS_RULE_LOAD, "", "the manifest has a way with \"renew\": \"plugin\", the descriptor no auth_refresh", NULL);
	if (c->manifest->poll_every_ms > 0 && !c->probe.has_webhook)
		cs_results_add(&c->results, CS_RULE_LOAD, "", "the manifest has a poll, the descriptor no handle_webhook", NULL);
}

/* What cannot be read is no conversation. */
static void
find_unreadable(struct check *c)
{
	for (size_t i = 0; i < c->scripts.n; i++) {
		struct cs_script *s = &c->scripts.v[i];

		if (!s->why)
			continue;
		cs_results_add(&c->results, CS_RULE_SCRIPT_READ, s->name, s->why, NULL);
		json_object_put(s->json);
		s->json = NULL;
	}
}

/* ---- the check */
static double
now_s(void)
{
	struct timespec ts = { 0, 0 };

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static int
exit_status(const struct cs_results *r)
{
	char grade = cs_report_grade(r);

	return grade == 'A' ? EXIT_GOOD : grade == 'B' ? EXIT_INCOMPLETE : EXIT_FOUND;
}

static int
check(struct check *c)
{
	struct cs_err err = { 0 };
	char path[PATH_MAX];
	double began = now_s();
	struct cs_report report = { .probe = &c->probe, .duties = &c->duties, .scripts = &c->scripts, .job = &c->job,
		.results = &c->results, .only = c->opt.only };

	if (place(c, &err) != 0 || read_manifest(c, &err) != 0 || cs_scripts_read(c->conversations, &c->scripts, &err) != 0) {
		fprintf(stderr, "csrelay-plugin-check: %s\n", err.msg);
		return EXIT_TROUBLE;
	}
	snprintf(path, sizeof(path), "%.3900s/%s.so", c->dir, c->name);
	c->job = (struct cs_job){ .path = path, .dir = c->dir, .manifest = c->manifest, .tells_requests = c->opt.requests };
	report.manifest = c->manifest;
	if (cs_watch_probe(&c->job, &c->probe, &c->results, &err) == 0) {
		find_unreadable(c);
		cs_duties_find(c->manifest, &c->probe, &c->scripts, &c->duties);
		find_untried(c);
		make_tasks(c);
		if (!c->opt.json && !c->opt.requests)
			cs_declare_text(c->manifest, &c->probe, &c->duties, stdout);
		cs_watch_tasks(&c->job, &c->results);
	}
	report.seconds = now_s() - began;
	if (!c->opt.requests)
		(c->opt.json ? cs_report_json : cs_report_text)(&report, stdout);
	return exit_status(&c->results);
}

int
main(int argc, char **argv)
{
	struct check c = { .dir = "" };
	int status;

	if (read_options(argc, argv, &c.opt) != 0) {
		usage(stderr);
		return EXIT_TROUBLE;
	}
	if (c.opt.list)
		return list_all();
	if (c.opt.only && !is_known_case(c.opt.only)) {
		fprintf(stderr, "csrelay-plugin-check: no case %s; --list shows them\n", c.opt.only);
		return EXIT_TROUBLE;
	}
	if (c.opt.requests)
		c.opt.only = "as-scripted";
	status = check(&c);
	cs_duties_free(&c.duties);
	cs_scripts_free(&c.scripts);
	cs_results_free(&c.results);
	free(c.tasks);
	if (c.manifest)
		cs_manifest_unref(c.manifest);
	return status;
}

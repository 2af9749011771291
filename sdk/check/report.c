/* SPDX-License-Identifier: Apache-2.0 */
/*
 * report.c - a table with one row per duty, then what was found, the worst first.
 */
#include <stdlib.h>
#include <string.h>
#include "check/declare.h"
#include "check/report.h"

static char
grade_of(const struct cs_finding *f)
{
	return cs_rules[f->rule].grade;
}

char
cs_report_grade(const struct cs_results *r)
{
	char worst = r->not_run > 0 ? 'B' : 'A';

	for (size_t i = 0; i < r->n; i++)
		if (grade_of(&r->v[i]) > worst)
			worst = grade_of(&r->v[i]);
	return worst;
}

/* ---- for people */
struct tally {
	unsigned cases, failed;
};

static struct tally
tally_of(const struct cs_report *r, const struct cs_duty *duty)
{
	struct tally t = { 0, 0 };

	for (size_t i = 0; i < r->job->n; i++)
		if (r->job->tasks[i].duty == duty) {
			t.cases += i < r->job->from;
			t.failed += r->results->task_failed && r->results->task_failed[i];
		}
	return t;
}

static void
put_duties(const struct cs_report *r, FILE *out)
{
	fprintf(out, "\n%-24s %13s %7s %7s\n", "duty", "conversations", "cases", "failed");
	for (size_t i = 0; i < r->duties->n; i++) {
		const struct cs_duty *d = &r->duties->v[i];
		struct tally t = tally_of(r, d);

		fprintf(out, "%-24s %13zu %7u %7u\n", d->name, d->n, t.cases, t.failed);
	}
}

/* The worst first, then in the order in which they were seen. */
static int
by_grade(const void *a, const void *b)
{
	const struct cs_finding *const *x = a, *const *y = b;

	if (grade_of(*x) != grade_of(*y))
		return grade_of(*y) - grade_of(*x);
	return *x < *y ? -1 : *x > *y;
}

static const struct cs_finding **
sorted(const struct cs_results *r)
{
	const struct cs_finding **list = cs_xcalloc(r->n + 1, sizeof(*list));

	for (size_t i = 0; i < r->n; i++)
		list[i] = &r->v[i];
	qsort(list, r->n, sizeof(*list), by_grade);
	return list;
}

static void
put_finding(const struct cs_finding *f, FILE *out)
{
	fprintf(out, "%c %s: %s\n", grade_of(f), cs_rules[f->rule].name, f->text);
	if (f->task)
		fprintf(out, "    case %s, duty %s%s%s%s", f->task->row->name, f->task->duty->name, *f->script ? ", " : "", f->script,
		    f->times > 1 ? "" : "\n");
	if (f->task && f->times > 1)
		fprintf(out, ", and %u more\n", f->times - 1);
	fprintf(out, "    expected: %s\n", cs_rules[f->rule].what);
}

void
cs_report_text(const struct cs_report *r, FILE *out)
{
	const struct cs_finding **list = sorted(r->results);

	if (r->job->n > 0)
		put_duties(r, out);
	if (r->results->n > 0)
		fputs("\n", out);
	for (size_t i = 0; i < r->results->n; i++)
		put_finding(list[i], out);
	free(list);
	if (r->only)
		fprintf(out, "\n%s: case %s only, no grade (", r->manifest->name, r->only);
	else
		fprintf(out, "\n%s: grade %c (", r->manifest->name, cs_report_grade(r->results));
	fprintf(out, "%zu conversations, %zu cases, %u calls, %zu findings", r->scripts->n, r->job->from, r->results->runs, r->results->n);
	if (r->results->not_run > 0)
		fprintf(out, ", %u cases not run because it died too often", r->results->not_run);
	fprintf(out, ", %.1f s)\n", r->seconds);
}

/* ---- for programs */
static json_object *
finding_json(const struct cs_finding *f)
{
	json_object *o = json_object_new_object();
	char grade[2] = { grade_of(f), '\0' };

	json_object_object_add(o, "rule", json_object_new_string(cs_rules[f->rule].name));
	json_object_object_add(o, "grade", json_object_new_string(grade));
	json_object_object_add(o, "text", json_object_new_string(f->text));
	json_object_object_add(o, "expected", json_object_new_string(cs_rules[f->rule].what));
	if (f->task) {
		json_object_object_add(o, "case", json_object_new_string(f->task->row->name));
		json_object_object_add(o, "duty", json_object_new_string(f->task->duty->name));
	}
	if (*f->script)
		json_object_object_add(o, "conversation", json_object_new_string(f->script));
	json_object_object_add(o, "times", json_object_new_int64(f->times));
	return o;
}

static json_object *
cases_json(const struct cs_report *r)
{
	json_object *list = json_object_new_array();

	for (size_t i = 0; i < r->job->n; i++) {
		json_object *o = json_object_new_object();
		bool failed = r->results->task_failed && r->results->task_failed[i];

		json_object_object_add(o, "case", json_object_new_string(r->job->tasks[i].row->name));
		json_object_object_add(o, "duty", json_object_new_string(r->job->tasks[i].duty->name));
		json_object_object_add(o, "result",
		    json_object_new_string(i >= r->job->from ? "not run" : failed ? "failed" : "passed"));
		json_object_array_add(list, o);
	}
	return list;
}

void
cs_report_json(const struct cs_report *r, FILE *out)
{
	json_object *o = json_object_new_object(), *findings = json_object_new_array();
	char grade[2] = { r->only ? '\0' : cs_report_grade(r->results), '\0' };
	const struct cs_finding **list = sorted(r->results);

	for (size_t i = 0; i < r->results->n; i++)
		json_object_array_add(findings, finding_json(list[i]));
	free(list);
	json_object_object_add(o, "plugin", cs_declare_json(r->manifest, r->probe, r->duties));
	json_object_object_add(o, "grade", json_object_new_string(grade));
	json_object_object_add(o, "conversations", json_object_new_int64((int64_t)r->scripts->n));
	json_object_object_add(o, "calls", json_object_new_int64(r->results->runs));
	json_object_object_add(o, "not_run", json_object_new_int64(r->results->not_run));
	json_object_object_add(o, "findings", findings);
	json_object_object_add(o, "cases", cases_json(r));
	fprintf(out, "%s\n", json_object_to_json_string_ext(o, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(o);
}

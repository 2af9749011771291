/* SPDX-License-Identifier: Apache-2.0 */
/*
 * report.h - what was found, and the grade.
 *
 *   A  every declared duty was tried, all cases were run, nothing was found
 *   B  nothing is wrong, but something that is declared was never tried, or a case was not run
 *   C  wrong, but no lead is lost, doubled or shown to others
 *   D  a conversation goes another way, or a lead may be lost, doubled, or go where it must not
 *   F  it did not load, crashed, hung, or reached for what a plugin must not touch
 */
#ifndef CS_CHECK_REPORT_H
#define CS_CHECK_REPORT_H

#include <stdio.h>
#include "check/duty.h"
#include "check/watch.h"

struct cs_report {
	const struct cs_manifest *manifest;
	const struct cs_probe *probe;
	const struct cs_duties *duties;
	const struct cs_scripts *scripts;
	const struct cs_job *job;
	const struct cs_results *results;
	double seconds;
	const char *only; /* a single case was tried: no grade */
};

char cs_report_grade(const struct cs_results *r);
void cs_report_text(const struct cs_report *r, FILE *out);
void cs_report_json(const struct cs_report *r, FILE *out);

#endif

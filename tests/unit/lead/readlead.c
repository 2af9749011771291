/* SPDX-License-Identifier: Apache-2.0 */
/*
 * readlead.c - what the lead reader says, as JSON, for tests in other languages.
 *
 * Each line of standard input is one body; each line of output is its verdict:
 *   {"worst":"optional","n_more":0,"faults":[{"class":"optional","pointer":"/contact/phone","detail":"..."}]}
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "lead/lead.h"

static const char *const class_names[] = { "none", "optional", "required", "envelope" };

static void
print_verdict(const char *line, size_t n)
{
	CS_CLEANUP(cs_buf_fini) struct cs_buf b = CS_BUF_INIT(0);
	struct cs_lead_doc *d = cs_lead_read(line, n, 0);

	cs_buf_printf(&b, "{\"worst\":\"%s\",\"n_more\":%zu,\"faults\":[", class_names[d->worst], d->n_more);
	for (size_t i = 0; i < d->n_faults; i++) {
		const struct cs_fault *f = &d->faults[i];

		cs_buf_printf(&b, "%s{\"class\":\"%s\",\"pointer\":", i > 0 ? "," : "", class_names[f->class]);
		cs_buf_add_json_string(&b, f->pointer, strlen(f->pointer));
		cs_buf_adds(&b, ",\"detail\":");
		cs_buf_add_json_string(&b, f->detail, strlen(f->detail));
		cs_buf_adds(&b, "}");
	}
	printf("%s]}\n", cs_buf_str(&b));
	cs_lead_doc_free(d);
}

int
main(void)
{
	char *line = NULL;
	size_t cap = 0;
	ssize_t n;

	while ((n = getline(&line, &cap, stdin)) > 0)
		print_verdict(line, line[n - 1] == '\n' ? (size_t)n - 1 : (size_t)n);
	free(line);
	return ferror(stdin) || fflush(stdout) != 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * personal.c - nothing about the caller in the log; in fail and warn only what the vendor said.
 */
#include "config.h"
#include <string.h>
#include "check/run.h"
#include "util/text.h"

#define SHORT 4 /* shorter values ("FL", "US") are in every text by chance */

static bool
vendor_said(const struct cs_call *c, const char *value)
{
	for (size_t i = 0; i < c->next && i < CS_MAX_REQUESTS; i++)
		if (c->told[i].len && memmem(c->told[i].ptr, c->told[i].len, value, strlen(value)))
			return true;
	return false;
}

static void
look_for(struct cs_call *c, enum cs_rule rule, const char *text, bool vendor_may, const char *what, const char *value)
{
	if (strlen(value) < SHORT || !strstr(text, value))
		return;
	if (!vendor_may || !vendor_said(c, value))
		cs_fault(c, rule, "the caller's %s stands in a text for %s", what, rule == CS_RULE_LOG ? "the log" : "operators");
}

void
cs_check_personal(struct cs_call *c, enum cs_rule rule, const char *text, bool vendor_may)
{
	const struct cs_lead_contact *who = c->lead->contact;
	char digits[32];
	size_t n;

	if (!text[0])
		return;
	n = cs_digits(who->phone, digits, sizeof(digits));
	look_for(c, rule, text, vendor_may, "phone number", n > 10 ? digits + n - 10 : digits);
	look_for(c, rule, text, vendor_may, "e-mail address", who->email);
	look_for(c, rule, text, vendor_may, "first name", who->first_name);
	look_for(c, rule, text, vendor_may, "last name", who->last_name);
	look_for(c, rule, text, vendor_may, "street", who->address->street);
	look_for(c, rule, text, vendor_may, "words", c->lead->request->issue_description);
}

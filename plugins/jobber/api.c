/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api.c - small change of the other files: variables of a question, and what the user did wrong.
 *
 * Two limits hold for each app and account: 10000 points that come back at 500 a second, which each answer reports, and 2500
 * requests in five minutes, which end in a 429 without GraphQL. What the user did wrong stands beside the data, in userErrors.
 */
#include "jobber.h"

json_object *
jobber_variable(const char *name, const char *value)
{
	json_object *o = json_object_new_object();

	json_object_object_add(o, name, json_object_new_string(value));
	return o;
}

const char *
jobber_user_error(const struct csh *h, json_object *data, const char *mutation)
{
	json_object *errors = csh_at(data, csh_printf(h, "%s/userErrors", mutation));
	const char *words = csh_errors_text(h, errors);

	return csh_count(errors) == 0 ? "" : *words ? words : "it does not say why";
}

const char *
jobber_blamed(const struct csh *h, json_object *data, const char *mutation)
{
	return csh_printf(h, "%s", csh_get(data, csh_printf(h, "%s/userErrors/0/path/1", mutation)));
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Reading data files: what is shipped loads, and what is wrong is named. */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include "rig.h"
#include "sandbox/rules/data.h"

static void
fails(const char *json, const char *with)
{
	struct cs_sb_crm *crm;
	struct cs_err err = { 0 };

	ck_assert_int_lt(cs_sb_crm_parse(&crm, "acme", json, strlen(json), &err), 0);
	ck_assert_msg(strstr(err.msg, with) != NULL, "\"%s\" is not in \"%s\"", with, err.msg);
}

#define EP "\"endpoints\":[{\"method\":\"GET\",\"path\":\"/x\",\"answer\":{}}]"

START_TEST(every_shipped_file_loads)
{
	static const char *const names[] = { "hubspot", "housecall_pro", "webhook", "jobber", "gohighlevel", "servicetitan" };

	for (size_t i = 0; i < CS_ARRAY_LEN(names); i++) {
		char *path = cs_xasprintf("%s/plugins/%s/sandbox.json", CS_TEST_SRCDIR, names[i]);
		struct cs_sb_crm *crm;
		struct cs_err err = { 0 };

		ck_assert_msg(cs_sb_crm_load(&crm, names[i], path, &err) == 0, "%s", err.msg);
		ck_assert_uint_gt(crm->nendpoints, 2);
		cs_sb_crm_free(crm);
		free(path);
	}
}
END_TEST

START_TEST(a_small_file_is_enough)
{
	struct cs_sb_crm *crm;
	const char *json = "{\"title\":\"Acme\"," EP "}";

	ck_assert_int_eq(cs_sb_crm_parse(&crm, "acme", json, strlen(json), NULL), 0);
	cs_sb_crm_free(crm);
}
END_TEST

START_TEST(faults_of_form_are_named_by_pointer)
{
	fails("[]", "must be of type object");
	fails("{\"title\":\"A\"}", "\"endpoints\" is missing");
	fails("{\"title\":\"A\",\"endpoint\":[]," EP "}", "\"endpoint\" is not known here");
	fails("{\"title\":\"A\",\"endpoints\":[{\"method\":\"FETCH\",\"path\":\"/x\",\"answer\":{}}]}", "/endpoints/0/method");
	fails("{\"title\":\"A\",\"endpoints\":[{\"method\":\"GET\",\"path\":\"x\",\"answer\":{}}]}", "/endpoints/0/path");
	fails("{\"title\":\"A\",\"endpoints\":[{\"method\":\"GET\",\"path\":\"/x\",\"answer\":{\"statuss\":1}}]}", "statuss");
	fails("{\"title\":\"A\",\"endpoints\":[{\"method\":\"GET\",\"path\":\"/x//y\",\"answer\":{}}]}", "empty segment");
	fails("{\"title\":\"A\",", "");
}
END_TEST

START_TEST(names_that_lead_nowhere_are_refused)
{
	fails("{\"title\":\"A\",\"needs\":[\"token\"]," EP "}", "no credential named \"token\"");
	fails("{\"title\":\"A\",\"endpoints\":[{\"method\":\"GET\",\"path\":\"/x\",\"steps\":[{\"find\":\"cats\",\"as\":\"c\"}],\"answer\":{}}]}",
	      "no collection named \"cats\"");
	fails("{\"title\":\"A\",\"endpoints\":[{\"method\":\"GET\",\"path\":\"/x\",\"steps\":[{\"fail\":\"rain\"}],\"answer\":{}}]}",
	      "no error named \"rain\"");
	fails("{\"title\":\"A\",\"limits\":[{\"name\":\"l\",\"max\":1,\"per_ms\":5,\"error\":\"rain\"}]," EP "}", "no error named \"rain\"");
	fails("{\"title\":\"A\",\"endpoints\":[{\"method\":\"GET\",\"path\":\"/x\",\"steps\":[{\"oauth\":\"token\"}],\"answer\":{}}]}", "needs \"oauth\"");
}
END_TEST

START_TEST(steps_expressions_and_patterns_are_checked)
{
	fails("{\"title\":\"A\",\"endpoints\":[{\"method\":\"GET\",\"path\":\"/x\",\"steps\":[{\"as\":\"x\"}],\"answer\":{}}]}", "one verb");
	fails("{\"title\":\"A\",\"collections\":{\"c\":{}},\"endpoints\":[{\"method\":\"GET\",\"path\":\"/x\",\"steps\":[{\"find\":\"c\",\"create\":"
	      "\"c\"}],\"answer\":{}}]}", "one verb");
	fails("{\"title\":\"A\",\"endpoints\":[{\"method\":\"GET\",\"path\":\"/x\",\"answer\":{\"body\":\"${body\"}}]}", "without its \"}\"");
	fails("{\"title\":\"A\",\"endpoints\":[{\"method\":\"GET\",\"path\":\"/x\",\"answer\":{\"body\":\"${body|sing}\"}}]}", "unknown filter \"sing\"");
	fails("{\"title\":\"A\",\"endpoints\":[{\"method\":\"GET\",\"path\":\"/x\",\"body\":{\"type\":\"object\",\"pattern\":\"(\"},\"answer\":{}}]}",
	      "no regular expression");
	fails("{\"title\":\"A\",\"limits\":[{\"name\":\"l\",\"max\":1}]," EP "}", "per_ms");
	fails("{\"title\":\"A\",\"collections\":{\"c\":{\"seed\":[{\"name\":\"x\"}]}}," EP "}", "/collections/c/seed/0");
}
END_TEST

START_TEST(a_missing_name_or_folder_is_said)
{
	const char *const crms[] = { "nosuch" };
	struct cs_sandbox_conf conf = CS_SANDBOX_CONF_INIT;
	struct cs_sandbox *s;
	struct cs_err err = { 0 };

	conf.port = 0;
	conf.data = CS_TEST_SRCDIR "/plugins";
	conf.crms = crms;
	conf.ncrms = 1;
	ck_assert_int_eq(cs_sandbox_open(&s, &conf, &err), CS_ENOTFOUND);
	ck_assert_ptr_nonnull(strstr(err.msg, "nosuch"));
	conf.ncrms = 0;
	conf.data = "/nonexistent";
	ck_assert_int_eq(cs_sandbox_open(&s, &conf, &err), CS_EIO);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {
		every_shipped_file_loads, a_small_file_is_enough, faults_of_form_are_named_by_pointer,
		names_that_lead_nowhere_are_refused, steps_expressions_and_patterns_are_checked,
		a_missing_name_or_folder_is_said,
	};

	return rig_run("sandbox data", NULL, NULL, tests, CS_ARRAY_LEN(tests));
}

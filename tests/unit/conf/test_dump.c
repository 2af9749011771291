/* SPDX-License-Identifier: Apache-2.0 */
/* What is shown: dump, its JSON, the manual page, and the files in etc/, all held together with the table. */
#include "conf/dump.h"
#include "conf/field.h"
#include "fixture.h"

static struct fixture fx;

static void
setup(void)
{
	fixture_init(&fx);
}

static void
teardown(void)
{
	fixture_fini(&fx);
}

static char *
slurp(const char *path)
{
	struct cs_buf b = CS_BUF_INIT(0);
	FILE *f = fopen(path, "r");
	char part[4096];
	size_t n;

	ck_assert_msg(f != NULL, "%s is missing", path);
	while ((n = fread(part, 1, sizeof(part), f)) > 0)
		cs_buf_add(&b, part, n);
	fclose(f);
	cs_buf_addc(&b, '\0');
	return cs_buf_steal(&b, NULL);
}

static char *
dump(const struct cs_conf *conf)
{
	char *text = NULL;
	size_t n;
	FILE *f = open_memstream(&text, &n);

	cs_conf_dump(conf, f);
	ck_assert_int_eq(fclose(f), 0);
	return text;
}

START_TEST(a_dump_holds_every_option_and_can_be_read_again)
{
	const char *written = "store : { min_free = \"3 GiB\"; };\n"
	                      "schedule : { retry = [ \"5 s\", \"1 h 30 m +- 1 m\" ]; };\n"
	                      "log : { debug = \"deliver\"; };\n";
	char *first, *again;
	json_object *a, *b;

	must_load(&fx, written);
	a = cs_conf_dump_json(fx.conf);
	first = dump(fx.conf);
	ck_assert_ptr_nonnull(strstr(first, "min_free = \"3 GiB\";  # /"));
	ck_assert_ptr_nonnull(strstr(first, "retry = [ \"5 s +- 0 s\", \"90 m +- 1 m\" ];"));
	ck_assert_ptr_nonnull(strstr(first, "max_wait = \"1 d\";  # default"));
	must_load(&fx, first);
	again = dump(fx.conf);
	b = cs_conf_dump_json(fx.conf);
	ck_assert_int_eq(json_object_object_length(a), (int)cs_opts_n);
	json_object_object_foreach(a, key, row)
	{
		ck_assert_str_eq(cs_json_str(row, "value", ""), cs_json_str(cs_json_get(b, key), "value", "?"));
		ck_assert_msg(cs_json_bool(row, "default", false) == (strstr(written, strrchr(key, '.') != NULL ?
		                                                              strrchr(key, '.') + 1 : key) == NULL),
		              "%s is marked wrongly", key);
	}
	json_object_put(a);
	json_object_put(b);
	free(first);
	free(again);
}
END_TEST

START_TEST(a_dump_never_shows_a_secret)
{
	json_object *json;
	char *text;

	put_in(&fx, "s", WHSEC, 0640);
	put_in(&fx, "crm.d/acme.conf", "enabled = true; secrets : { t = \"@file:@D@/s\"; };\n"
	                               "connections = ( { name = \"x\"; account = \"a\"; secrets : { u = \"@file:@D@/s\"; }; } );", 0644);
	must_load(&fx, "intake : { secrets = [ \"@file:@D@/s\", \"@file:@D@/s\" ]; };\n"
	               "alerts : { webhook = \"https://x.example\"; webhook_secret = \"@file:@D@/s\"; };\n");
	text = dump(fx.conf);
	json = cs_conf_dump_json(fx.conf);
	ck_assert_ptr_null(strstr(text, "whsec_M"));
	ck_assert_ptr_null(strstr(cs_json_text(json), "whsec_M"));
	ck_assert_ptr_nonnull(strstr(text, "# secrets = set, 50 bytes; set, 50 bytes;"));
	ck_assert_ptr_nonnull(strstr(text, "# webhook_secret = set, 50 bytes;"));
	ck_assert_ptr_nonnull(strstr(text, "# crm acme: enabled, 0 settings, 1 secrets, 1 connections"));
	json_object_put(json);
	free(text);
}
END_TEST

START_TEST(the_manual_page_lists_exactly_the_table)
{
	CS_CLEANUP(cs_buf_fini) struct cs_buf want = CS_BUF_INIT(0);
	char *page = slurp(CS_SRCDIR "/core/conf/csrelay.conf.5");
	char *begin = strstr(page, ".\\\" options begin"), *end = strstr(page, ".\\\" options end");

	ck_assert(begin != NULL && end != NULL);
	begin = strchr(begin, '\n') + 1;
	*end = '\0';
	cs_conf_print_man(&want);
	ck_assert_msg(strcmp(begin, cs_buf_str(&want)) == 0, "csrelay.conf.5 is behind the table: make update-options-man");
	free(page);
}
END_TEST

/* Load etc/csrelay.conf, `from` changed into `to` in it. */
static void
put_shipped(const char *from, const char *to, char *(*change)(char *))
{
	char *text = slurp(CS_SRCDIR "/etc/csrelay.conf"), *p;
	CS_CLEANUP(cs_buf_fini) struct cs_buf out = CS_BUF_INIT(0);

	if (change != NULL)
		text = change(text);
	for (char *at = text;; at = p + strlen(from)) {
		if ((p = strstr(at, from)) == NULL) {
			cs_buf_adds(&out, at);
			break;
		}
		cs_buf_add(&out, at, (size_t)(p - at));
		cs_buf_adds(&out, to);
	}
	put_file(fx.main, cs_buf_str(&out), 0640);
	free(text);
}

/* Switch on what a single # before a name switches off. */
static char *
uncomment(char *text)
{
	for (char *p = text; p != NULL; p = strchr(p, '\n') != NULL ? strchr(p, '\n') + 1 : NULL) {
		char *q = p + strspn(p, "\t");

		if (q[0] == '#' && q[1] >= 'a' && q[1] <= 'z')
			q[0] = ' ';
	}
	return text;
}

START_TEST(the_shipped_file_loads_and_changes_nothing)
{
	put_shipped("@", "@", NULL);
	ck_assert_int_eq(load(&fx), 0);
	for (size_t i = 0; i < cs_opts_n; i++)
		ck_assert_msg(fx.conf->places[i].line == 0, "%s is set", cs_opts[i].key);
}
END_TEST

START_TEST(the_shipped_file_shows_every_option_with_its_default)
{
	struct cs_conf *plain;

	must_load(&fx, "");
	plain = cs_conf_ref(fx.conf);
	put_in(&fx, "intake", WHSEC, 0640);
	put_in(&fx, "intake-old", WHSEC, 0640);
	put_in(&fx, "alerts", WHSEC, 0640);
	put_in(&fx, "callsetter", WHSEC, 0640);
	put_in(&fx, "mail", "pass word", 0640);
	put_shipped("/etc/csrelay/secrets", fx.dir, uncomment);
	if (load(&fx) < 0)
		cs_conf_errors_print(&fx.errs, stderr);
	ck_assert_ptr_nonnull(fx.conf);
	for (size_t i = 0; i < cs_opts_n; i++) {
		CS_CLEANUP(cs_buf_fini) struct cs_buf shown = CS_BUF_INIT(0);
		CS_CLEANUP(cs_buf_fini) struct cs_buf dflt = CS_BUF_INIT(0);

		ck_assert_msg(fx.conf->places[i].line > 0, "%s is not in etc/csrelay.conf", cs_opts[i].key);
		if (cs_opts[i].dflt[0] == '\0' || strstr(cs_opts[i].dflt, "/") != NULL) /* an example, or a folder of this build */
			continue;
		cs_conf_print_value(fx.conf, &cs_opts[i], &shown);
		cs_conf_print_value(plain, &cs_opts[i], &dflt);
		ck_assert_msg(strcmp(cs_buf_str(&shown), cs_buf_str(&dflt)) == 0, "%s: etc/csrelay.conf shows %s, the default is %s",
		              cs_opts[i].key, cs_buf_str(&shown), cs_buf_str(&dflt));
	}
	cs_conf_unref(plain);
}
END_TEST

static void
put_crm(const char *name, char *(*change)(char *))
{
	char from[160], to[160], *text;

	snprintf(from, sizeof(from), CS_SRCDIR "/etc/crm.d/%s.conf", name);
	snprintf(to, sizeof(to), "%s/crm.d/%s.conf", fx.dir, name);
	text = slurp(from);
	put_file(to, change != NULL ? change(text) : text, 0644);
	free(text);
}

/* The example connections: everything behind "\t#". */
static char *
uncomment_connections(char *text)
{
	for (char *p = strstr(text, "\t#"); p != NULL; p = strstr(p + 1, "\n\t#")) {
		char *q = strchr(p, '#');

		if (q[1] != ' ')
			*q = ' ';
	}
	return text;
}

START_TEST(the_shipped_crm_files_load_as_they_are_and_with_their_examples)
{
	static const char *const names[] = { "gohighlevel", "housecall_pro", "hubspot", "jobber", "servicetitan", "webhook" };

	for (size_t i = 0; i < CS_ARRAY_LEN(names); i++)
		put_crm(names[i], NULL);
	must_load(&fx, "");
	ck_assert_uint_eq(fx.conf->n_crms, CS_ARRAY_LEN(names));
	for (size_t i = 0; i < CS_ARRAY_LEN(names); i++) {
		ck_assert_str_eq(fx.conf->crms[i].name, names[i]);
		ck_assert(!fx.conf->crms[i].enabled);
		ck_assert_uint_eq(fx.conf->crms[i].n_connections, 0);
		put_crm(names[i], uncomment_connections);
	}
	must_load(&fx, "");
	for (size_t i = 0; i < CS_ARRAY_LEN(names); i++)
		ck_assert_uint_eq(fx.conf->crms[i].n_connections, 1);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("conf dump");
	TCase *t = tcase_create("dump");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, a_dump_holds_every_option_and_can_be_read_again);
	tcase_add_test(t, a_dump_never_shows_a_secret);
	tcase_add_test(t, the_manual_page_lists_exactly_the_table);
	tcase_add_test(t, the_shipped_file_loads_and_changes_nothing);
	tcase_add_test(t, the_shipped_file_shows_every_option_with_its_default);
	tcase_add_test(t, the_shipped_crm_files_load_as_they_are_and_with_their_examples);
	suite_add_tcase(s, t);
	return run_suite(s);
}

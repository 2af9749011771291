/* SPDX-License-Identifier: Apache-2.0 */
/* csrelay.conf: defaults, values, and every fault at once. */
#include "conf/field.h"
#include "fixture.h"
#include "log/log.h"

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

START_TEST(an_empty_file_gives_every_default)
{
	must_load(&fx, "");
	ck_assert_str_eq(fx.conf->listen.intake.text, "127.0.0.1:8080");
	ck_assert_str_eq(fx.conf->listen.hooks.text, fx.conf->listen.admin.text);
	ck_assert_int_eq(fx.conf->store.min_free, 512LL << 20);
	ck_assert_int_eq(fx.conf->store.keep_identities, 400LL * 86400000);
	ck_assert_uint_eq(fx.conf->schedule.retry.n, 5);
	ck_assert_int_eq(fx.conf->schedule.retry.v[4].wait_ms, 6 * 3600000);
	ck_assert_int_eq(fx.conf->schedule.retry.v[4].spread_ms, 30 * 60000);
	ck_assert_int_eq(fx.conf->schedule.max_wait, 86400000);
	ck_assert_int_eq(fx.conf->limits.lead_size, 256 << 10);
	ck_assert(fx.conf->replay.automatic);
	ck_assert_uint_eq(fx.conf->intake.secrets.n, 0);
	ck_assert_uint_eq(fx.conf->admin.host_allow.n, 3);
	ck_assert_int_eq(fx.conf->log.level, CS_LOG_INFO);
	ck_assert_int_eq(fx.conf->log.format, CS_CONF_LOG_TEXT);
	ck_assert_str_eq(fx.conf->public_url, "");
	ck_assert_uint_eq(fx.conf->n_crms, 0);
	ck_assert_int_eq(cs_conf_option_place(fx.conf, "store.path").line, 0);
}
END_TEST

START_TEST(every_default_is_within_its_own_range)
{
	struct cs_conf *conf = cs_conf_new("x");
	struct cs_err err;

	for (size_t i = 0; i < cs_opts_n; i++)
		ck_assert_msg(cs_conf_set_default(conf, &cs_opts[i], &err) == 0, "%s: %s", cs_opts[i].key, err.msg);
	cs_conf_unref(conf);
}
END_TEST

START_TEST(the_table_names_no_option_twice_and_keeps_groups_together)
{
	for (size_t i = 0; i < cs_opts_n; i++) {
		ck_assert_msg(cs_opt_find(cs_opts[i].key) == &cs_opts[i], "%s is there twice", cs_opts[i].key);
		ck_assert_msg(cs_opts[i].dflt != NULL && cs_opts[i].help != NULL && cs_opts[i].help[0] != '\0', "%s",
		              cs_opts[i].key);
		for (size_t j = 0; j + 1 < i; j++) {
			size_t n = strcspn(cs_opts[i].key, ".") + 1;

			ck_assert_msg(cs_opts[i].key[n - 1] != '.' || strncmp(cs_opts[j].key, cs_opts[i].key, n) != 0 ||
			                  strncmp(cs_opts[i - 1].key, cs_opts[i].key, n) == 0,
			              "%s stands apart from its group", cs_opts[i].key);
		}
	}
}
END_TEST

START_TEST(values_are_taken_in_every_form)
{
	put_in(&fx, "s1", WHSEC "\n", 0640);
	put_in(&fx, "keys", "# two\nfirst:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae\n\n"
	                    "second:FCDE2B2EDBA56BF408601FB721FE9B5C338D10EE429EA04FAE5511B68FBF8FB9\n", 0640);
	must_load(&fx, "public_url = \"https://relay.example.com/\";\n"
	               "behind_proxy = true;\n"
	               "store : { path = \"/srv/x.db\"; min_free = 2097152; keep_delivered = \"2 h\"; };\n"
	               "listen : { intake = \"0.0.0.0:80\"; hooks = \"unix:/run/h\"; };\n"
	               "http : { connect_timeout = 1500; allow = ( \"127.0.0.1:9090\", \"[::1]:9091\" ); };\n"
	               "schedule : { retry = [ \"1 s\", \"2 s +- 1 s\" ]; in_hand_max = 256; };\n"
	               "log : { level = \"debug\"; format = \"json\"; };\n"
	               "replay : { automatic = false; };\n"
	               "intake : { secrets = [ \"@file:@D@/s1\" ]; keys = [ \"@file:@D@/keys\" ]; };\n");
	ck_assert_str_eq(fx.conf->public_url, "https://relay.example.com");
	ck_assert_str_eq(fx.conf->store.path, "/srv/x.db");
	ck_assert_int_eq(fx.conf->store.min_free, 2097152);
	ck_assert_int_eq(fx.conf->http.connect_timeout, 1500);
	ck_assert_uint_eq(fx.conf->http.allow.n, 2);
	ck_assert_str_eq(fx.conf->http.allow.v[1], "[::1]:9091");
	ck_assert_uint_eq(fx.conf->schedule.retry.n, 2);
	ck_assert_int_eq(fx.conf->log.level, CS_LOG_DEBUG);
	ck_assert(!fx.conf->replay.automatic);
	ck_assert(fx.conf->listen.hooks.is_unix);
	ck_assert_uint_eq(fx.conf->intake.secrets.n, 1);
	ck_assert_str_eq(fx.conf->intake.secrets.v[0], WHSEC);
	ck_assert_uint_eq(fx.conf->intake.keys.n, 2);
	ck_assert_str_eq(fx.conf->intake.keys.v[1].name, "second");
	ck_assert_uint_eq(fx.conf->intake.keys.v[1].sha256[0], 0xfc);
	ck_assert_int_eq(cs_conf_option_place(fx.conf, "store.min_free").line, 3);
}
END_TEST

START_TEST(all_faults_are_told_at_once_with_their_lines)
{
	ck_assert_int_eq(load_text(&fx, "public_ur = \"x\";\n"
	                                "store : {\n"
	                                "  pth = \"/x\";\n"
	                                "  min_free = \"lots\";\n"
	                                "  checkpoint_pages = 5;\n"
	                                "  keep_delivered = 12;\n"
	                                "};\n"
	                                "shedule : { a = 1; };\n"
	                                "log : { level = \"loud\"; };\n"
	                                "replay : { automatic = \"yes\"; };\n"
	                                "http : { allow = \"127.0.0.1:1\"; connections = 1.5; };\n"
	                                "max_wait = \"3 h\";\n"
	                                "schedule = 3;\n"
	                                "listen : { intake = \"0.0.0.0:80\"; };\n"
	                                "admin : { host_allow = [ 1, 2 ]; };\n"),
	                 CS_EINVAL);
	ck_assert_ptr_null(fx.conf);
	ck_assert(has_error(&fx, "csrelay.conf:1: public_ur: unknown option|did you mean \"public_url\"?"));
	ck_assert(has_error(&fx, ":3: store.pth: unknown option|\"store.path\"?"));
	ck_assert(has_error(&fx, ":4: store.min_free: \"lots\" is not a size|allowed: size from 1 MiB to 16 TiB"));
	ck_assert(has_error(&fx, ":5: store.checkpoint_pages: 5 is too small|100 to 100000 pages"));
	ck_assert(has_error(&fx, ":6: store.keep_delivered: 12 ms is too small|1 h to 3650 d"));
	ck_assert(has_error(&fx, ":8: shedule: unknown group; did you mean \"schedule\"?"));
	ck_assert(has_error(&fx, ":9: log.level: \"loud\" is not known|\"error\", \"warn\", \"info\", \"debug\""));
	ck_assert(has_error(&fx, ":10: replay.automatic: the value is text|true or false"));
	ck_assert(has_error(&fx, ":11: http.allow: the value is text|list of"));
	ck_assert(has_error(&fx, ":11: http.connections: the value is a number with a fraction"));
	ck_assert(has_error(&fx, ":12: max_wait: unknown option; did you mean \"schedule.max_wait\"?"));
	ck_assert(has_error(&fx, ":13: schedule: this is the name of a group"));
	ck_assert(has_error(&fx, ":14: listen.intake: others can reach this address"));
	ck_assert(has_error(&fx, ":15: admin.host_allow: the value is a whole number"));
	ck_assert_uint_eq(fx.errs.n, 15); /* the list of host_allow has two */
}
END_TEST

START_TEST(what_libconfig_cannot_parse_is_told_with_its_line)
{
	ck_assert_int_lt(load_text(&fx, "store : {\n path = \"/x\"\n min_free 3;\n};\n"), 0);
	ck_assert(has_error(&fx, "csrelay.conf:3: syntax error"));
	ck_assert_int_lt(load_text(&fx, "store : {\n path = \"/x\";\n path = \"/y\";\n};\n"), 0);
	ck_assert(has_error(&fx, "csrelay.conf:3: path: the name was given before"));
	ck_assert_int_lt(load_text(&fx, "behind_proxy = true;\n  @include \"/etc/passwd\"\n"), 0);
	ck_assert(has_error(&fx, "csrelay.conf:2: @include: other files are not included|crm.d/NAME.conf"));
	ck_assert_int_lt(load_text(&fx, "# \xff\n"), 0);
	ck_assert(has_error(&fx, "not UTF-8"));
	must_load(&fx, "# mail root for @include\n");
}
END_TEST

START_TEST(a_file_that_is_missing_or_open_to_all_is_refused)
{
	ck_assert_int_lt(load(&fx), 0);
	ck_assert(has_error(&fx, "could not open|csrelay.conf|No such file"));
	put_in(&fx, "csrelay.conf", "", 0666);
	ck_assert_int_lt(load(&fx), 0);
	ck_assert(has_error(&fx, "everybody may write this file (mode 0666)|0640"));
	unlink(fx.main);
	ck_assert_int_eq(mkdir(fx.main, 0755), 0);
	ck_assert_int_lt(load(&fx), 0);
	ck_assert(has_error(&fx, "not a regular file"));
}
END_TEST

START_TEST(what_must_fit_together_is_compared)
{
	ck_assert_int_lt(load_text(&fx, "tls : { cert = \"/x\"; };\n"
	                                "alerts : { webhook = \"https://x.example\"; };\n"
	                                "limits : { lead_size = \"4 MiB\"; batch_size = \"1 MiB\"; };\n"
	                                "http : { connect_timeout = \"40 s\"; };\n"
	                                "store : { keep_delivered = \"500 d\"; };\n"
	                                "listen : { control = \"127.0.0.1:1\"; admin = \"127.0.0.1:8080\"; };\n"),
	                 0);
	ck_assert(has_error(&fx, ":1: tls.cert: tls.key is missing"));
	ck_assert(has_error(&fx, ":2: alerts.webhook: alerts.webhook_secret is missing"));
	ck_assert(has_error(&fx, ":3: limits.lead_size: the value is above that of limits.batch_size"));
	ck_assert(has_error(&fx, ":4: http.connect_timeout: the value is above that of http.total_timeout"));
	ck_assert(has_error(&fx, ":5: store.keep_delivered"));
	ck_assert(has_error(&fx, ":6: listen.control: the control socket is not a unix socket"));
	ck_assert(has_error(&fx, "listen.intake: admin or hooks listen there, too"));
	ck_assert_uint_eq(fx.errs.n, 7);
}
END_TEST

START_TEST(mail_needs_a_sender_a_recipient_and_tls_for_its_password)
{
	put_in(&fx, "mail", "pass word", 0600);
	ck_assert_int_lt(load_text(&fx, "alerts : { mail_url = \"https://mail.example.com\"; };"), 0);
	ck_assert(has_error(&fx, "alerts.mail_url: the server does not begin with smtp:// or smtps://"));
	ck_assert_int_lt(load_text(&fx, "alerts : { mail_url = \"smtp://user@mail.example.com\"; };"), 0);
	ck_assert_int_lt(load_text(&fx, "alerts : { mail_url = \"smtp://mail.example.com:587\"; mail_user = \"u\";\n"
	                                "mail_from = \"a@b.example\\r\\nBcc: c@d.example\"; mail_to = [ \"nobody\" ]; };"), 0);
	ck_assert(has_error(&fx, "alerts.mail_from: it is none"));
	ck_assert(has_error(&fx, "alerts.mail_to: one of them is none"));
	ck_assert(has_error(&fx, "alerts.mail_user: alerts.mail_password is missing"));
	ck_assert_int_lt(load_text(&fx, "alerts : { mail_url = \"smtp://mail.example.com\"; };"), 0);
	ck_assert(has_error(&fx, "alerts.mail_from is missing"));
	ck_assert(has_error(&fx, "alerts.mail_to is missing"));
	ck_assert_int_lt(load_text(&fx, "alerts : { mail_url = \"smtp://localhost\"; mail_user = \"u\"; mail_password = \"@file:@D@/mail\";"
	                                "mail_starttls = \"off\"; mail_from = \"a@b.example\"; mail_to = [ \"c@d.example\" ]; };"), 0);
	ck_assert(has_error(&fx, "the password could be read on the way"));
	must_load(&fx, "alerts : { mail_url = \"smtps://mail.example.com\"; mail_user = \"u\"; mail_password = \"@file:@D@/mail\";"
	               "mail_starttls = \"off\"; mail_from = \"a@b.example\"; mail_to = [ \"c@d.example\" ]; };");
	ck_assert_str_eq(fx.conf->alerts.mail_password, "pass word");
}
END_TEST

START_TEST(a_public_address_needs_tls_or_a_proxy)
{
	ck_assert_int_lt(load_text(&fx, "listen : { admin = \"192.0.2.1:80\"; };"), 0);
	ck_assert(has_error(&fx, "listen.admin: others can reach this address|behind_proxy = true"));
	must_load(&fx, "listen : { admin = \"192.0.2.1:80\"; }; behind_proxy = true;");
	must_load(&fx, "listen : { admin = \"192.0.2.1:80\"; }; tls : { cert = \"/c\"; key = \"/k\"; };");
	must_load(&fx, "listen : { admin = \"unix:/run/a\"; };");
	/* a fault elsewhere in the same matter is told alone */
	ck_assert_int_lt(load_text(&fx, "listen : { admin = \"192.0.2.1:80\"; }; behind_proxy = 1;"), 0);
	ck_assert_uint_eq(fx.errs.n, 1);
}
END_TEST

START_TEST(a_secret_in_an_open_file_is_refused_and_never_quoted)
{
	put_in(&fx, "csrelay.conf", "intake : { secrets = [ \"" WHSEC "\" ]; };", 0640);
	ck_assert_int_lt(load(&fx), 0);
	ck_assert(has_error(&fx, "intake.secrets: a secret stands in a file that others can read (mode 0640)|@file:"));
	for (size_t i = 0; i < fx.errs.n; i++)
		ck_assert_ptr_null(strstr(fx.errs.v[i].msg, "whsec_MDE"));
	put_in(&fx, "csrelay.conf", "intake : { secrets = [ \"" WHSEC "\" ]; };", 0600);
	ck_assert_int_eq(load(&fx), 0);
	ck_assert_str_eq(fx.conf->intake.secrets.v[0], WHSEC);
	put_in(&fx, "csrelay.conf", "intake : { secrets = [ \"not-a-whsec-secret-at-all\" ]; };", 0600);
	ck_assert_int_lt(load(&fx), 0);
	for (size_t i = 0; i < fx.errs.n; i++)
		ck_assert_ptr_null(strstr(fx.errs.v[i].msg, "not-a-whsec"));
}
END_TEST

START_TEST(options_that_need_a_restart_are_named)
{
	CS_CLEANUP(cs_buf_fini) struct cs_buf names = CS_BUF_INIT(0);
	struct cs_conf *old;

	must_load(&fx, "");
	old = cs_conf_ref(fx.conf);
	must_load(&fx, "store : { path = \"/elsewhere.db\"; }; schedule : { max_wait = \"2 h\"; }; listen : { intake = \"127.0.0.1:9\"; };");
	ck_assert_uint_eq(cs_conf_needs_restart(old, fx.conf, &names), 2);
	ck_assert_str_eq(cs_buf_str(&names), "listen.intake\nstore.path\n");
	cs_conf_unref(old);
}
END_TEST

START_TEST(the_master_key_is_looked_for_as_a_credential_first)
{
	char path[128];

	must_load(&fx, "");
	snprintf(path, sizeof(path), "%s/master.key", fx.dir);
	ck_assert_str_eq(fx.conf->vault.key_file, path);
	ck_assert_int_eq(setenv("CREDENTIALS_DIRECTORY", "/nonexistent", 1), 0);
	must_load(&fx, "");
	ck_assert_str_eq(fx.conf->vault.key_file, path);
	snprintf(path, sizeof(path), "%s/crm.d", fx.dir);
	ck_assert_int_eq(setenv("CREDENTIALS_DIRECTORY", path, 1), 0);
	put_in(&fx, "crm.d/master.key", "x", 0600);
	must_load(&fx, "");
	ck_assert_ptr_nonnull(strstr(fx.conf->vault.key_file, "/crm.d/master.key"));
	must_load(&fx, "vault : { key_file = \"/k\"; };");
	ck_assert_str_eq(fx.conf->vault.key_file, "/k");
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("conf load");
	TCase *t = tcase_create("load");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, an_empty_file_gives_every_default);
	tcase_add_test(t, every_default_is_within_its_own_range);
	tcase_add_test(t, the_table_names_no_option_twice_and_keeps_groups_together);
	tcase_add_test(t, values_are_taken_in_every_form);
	tcase_add_test(t, all_faults_are_told_at_once_with_their_lines);
	tcase_add_test(t, what_libconfig_cannot_parse_is_told_with_its_line);
	tcase_add_test(t, a_file_that_is_missing_or_open_to_all_is_refused);
	tcase_add_test(t, what_must_fit_together_is_compared);
	tcase_add_test(t, mail_needs_a_sender_a_recipient_and_tls_for_its_password);
	tcase_add_test(t, a_public_address_needs_tls_or_a_proxy);
	tcase_add_test(t, a_secret_in_an_open_file_is_refused_and_never_quoted);
	tcase_add_test(t, options_that_need_a_restart_are_named);
	tcase_add_test(t, the_master_key_is_looked_for_as_a_credential_first);
	suite_add_tcase(s, t);
	return run_suite(s);
}

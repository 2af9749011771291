/* SPDX-License-Identifier: Apache-2.0 */
/* Cookies, form secrets and Host of a connect session. */
#include "config.h"
#include "pages/session.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define HTTPS "https://relay.example"
#define LOCAL "http://127.0.0.1:8081"

START_TEST(the_cookie_is_the_hosts_alone_where_there_is_tls)
{
	struct cs_arena mem;

	cs_arena_init(&mem);
	ck_assert_str_eq(cs_session_set_cookie(HTTPS, "abc", 1800000, &mem),
	                 "__Host-csrelay-connect=abc; Path=/; HttpOnly; SameSite=Lax; Max-Age=1800; Secure");
	ck_assert_str_eq(cs_session_set_cookie(LOCAL, "abc", 60000, &mem), "csrelay-connect=abc; Path=/; HttpOnly; SameSite=Lax; Max-Age=60");
	ck_assert_ptr_nonnull(strstr(cs_session_set_cookie(HTTPS, NULL, 60000, &mem), "=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0"));
	cs_arena_fini(&mem);
}
END_TEST

START_TEST(a_form_of_another_session_is_known)
{
	char a[CS_TICKET_TEXT], b[CS_TICKET_TEXT];

	cs_session_form("cookie-a", a);
	cs_session_form("cookie-b", b);
	ck_assert(cs_session_form_ok("cookie-a", a));
	ck_assert(!cs_session_form_ok("cookie-a", b));
	ck_assert(!cs_session_form_ok("cookie-a", "cookie-a"));
	ck_assert(!cs_session_form_ok("cookie-a", ""));
	ck_assert(!cs_session_form_ok("cookie-a", NULL));
}
END_TEST

START_TEST(only_our_own_name_is_served)
{
	ck_assert(cs_session_host_ok(HTTPS, "relay.example"));
	ck_assert(cs_session_host_ok(HTTPS, "Relay.Example"));
	ck_assert(cs_session_host_ok(LOCAL, "127.0.0.1:8081"));
	ck_assert(cs_session_host_ok(HTTPS "/path", "relay.example"));
	ck_assert(!cs_session_host_ok(HTTPS, "relay.example.evil"));
	ck_assert(!cs_session_host_ok(HTTPS, "relay.exampl"));
	ck_assert(!cs_session_host_ok(HTTPS, ""));
	ck_assert(!cs_session_host_ok(HTTPS, NULL));
	ck_assert(!cs_session_host_ok("", ""));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("session");
	TCase *t = tcase_create("session");
	SRunner *r;
	int failed;

	tcase_add_test(t, the_cookie_is_the_hosts_alone_where_there_is_tls);
	tcase_add_test(t, a_form_of_another_session_is_known);
	tcase_add_test(t, only_our_own_name_is_served);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}

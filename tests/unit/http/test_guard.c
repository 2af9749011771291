/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_guard.c - every refused range at its first and last address and just outside, and all forms that hide an address.
 */
#include "http/guard.h"

#include <arpa/inet.h>
#include <check.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

static const char *const refused[] = {
	"0.0.0.0", "0.255.255.255", "10.0.0.0", "10.255.255.255", "100.64.0.0", "100.127.255.255", "127.0.0.1",
	"127.255.255.255", "168.63.129.16", "169.254.0.0", "169.254.169.254", "169.254.255.255", "172.16.0.0",
	"172.31.255.255", "192.0.0.0", "192.0.0.192", "192.0.0.255", "192.88.99.1", "192.168.0.0", "192.168.255.255",
	"198.18.0.0", "198.19.255.255", "224.0.0.0", "239.255.255.255", "240.0.0.0", "255.255.255.255", "100.100.100.200",
	"::", "::1", "::2", "::7f00:1", "fc00::", "fd00:ec2::254", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "fe80::1",
	"febf:ffff::1", "fec0::1", "ff00::", "ff02::1", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "100::1", "2001::1",
	"64:ff9b:1::1",
	/* carried IPv4 */
	"::ffff:127.0.0.1", "::ffff:10.1.2.3", "::ffff:169.254.169.254", "::ffff:0:7f00:1", "64:ff9b::7f00:1",
	"64:ff9b::a9fe:a9fe", "64:ff9b::c0a8:101", "2002:7f00:1::", "2002:a00:1::1", "2002:a9fe:a9fe::5",
};

static const char *const public[] = {
	"1.0.0.0", "1.1.1.1", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255", "128.0.0.0",
	"168.63.129.15", "168.63.129.17", "169.253.255.255", "169.255.0.0", "172.15.255.255", "172.32.0.0",
	"191.255.255.255", "192.0.1.0", "192.88.98.255", "192.88.100.0", "192.167.255.255", "192.169.0.0",
	"198.17.255.255", "198.20.0.0", "223.255.255.255", "2001:4860:4860::8888", "2606:4700:4700::1111",
	"fbff:ffff::1", "64:ff9b::808:808", "::ffff:8.8.8.8", "2002:808:808::1", "2003::1", "2001:1::1", "101::1",
};

/* Through the sockaddr, as libcurl asks. */
static enum cs_guard_verdict
ask(const struct cs_guard *g, const char *ip, unsigned port)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port) };
	enum cs_guard_verdict v;

	if (inet_pton(AF_INET, ip, &in.sin_addr) == 1) {
		v = cs_guard_check(g, (struct sockaddr *)&in, NULL);
	} else {
		ck_assert_int_eq(inet_pton(AF_INET6, ip, &in6.sin6_addr), 1);
		v = cs_guard_check(g, (struct sockaddr *)&in6, NULL);
	}
	ck_assert_int_eq(v, cs_guard_check_text(g, ip, port, NULL));
	return v;
}

START_TEST(inner_networks_are_refused_in_every_form)
{
	const char *why = NULL;

	ck_assert_msg(ask(NULL, refused[_i], 443) == CS_GUARD_REFUSED, "%s is let through", refused[_i]);
	cs_guard_check_text(NULL, refused[_i], 443, &why);
	ck_assert_ptr_nonnull(why);
	ck_assert_str_ne(why, "public");
}
END_TEST

START_TEST(public_addresses_are_let_through)
{
	ck_assert_msg(ask(NULL, public[_i], 443) == CS_GUARD_PUBLIC, "%s is refused", public[_i]);
}
END_TEST

START_TEST(what_is_not_an_address_is_refused)
{
	struct sockaddr_storage odd = { .ss_family = AF_UNIX };
	const char *why = NULL;

	ck_assert_int_eq(cs_guard_check(NULL, (struct sockaddr *)&odd, &why), CS_GUARD_REFUSED);
	ck_assert_str_eq(why, "not an internet address");
	ck_assert_int_eq(cs_guard_check_text(NULL, "", 80, NULL), CS_GUARD_REFUSED);
	ck_assert_int_eq(cs_guard_check_text(NULL, "example.com", 80, NULL), CS_GUARD_REFUSED);
	ck_assert_int_eq(cs_guard_check_text(NULL, "0177.0.0.1", 80, NULL), CS_GUARD_REFUSED);
}
END_TEST

START_TEST(an_exception_opens_one_port_of_one_address)
{
	struct cs_guard *g = cs_guard_new();

	ck_assert_int_eq(cs_guard_allow(g, "127.0.0.1:8181", NULL), 0);
	ck_assert_int_eq(ask(g, "127.0.0.1", 8181), CS_GUARD_LISTED);
	ck_assert_int_eq(ask(g, "::ffff:127.0.0.1", 8181), CS_GUARD_LISTED);
	ck_assert_int_eq(ask(g, "127.0.0.1", 8182), CS_GUARD_REFUSED);
	ck_assert_int_eq(ask(g, "127.0.0.2", 8181), CS_GUARD_REFUSED);
	ck_assert_int_eq(ask(g, "64:ff9b::7f00:1", 8181), CS_GUARD_REFUSED);
	ck_assert_int_eq(ask(g, "2002:7f00:1::", 8181), CS_GUARD_REFUSED);
	cs_guard_free(g);
}
END_TEST

START_TEST(an_exception_can_be_a_network_and_any_port)
{
	struct cs_guard *g = cs_guard_new();

	ck_assert_int_eq(cs_guard_allow(g, "10.1.2.0/23:*", NULL), 0);
	ck_assert_int_eq(cs_guard_allow(g, "[fd00::/8]:443", NULL), 0);
	ck_assert_int_eq(cs_guard_allow(g, "[::1]:8181", NULL), 0);
	ck_assert_int_eq(cs_guard_allow(g, "203.0.113.7:80", NULL), 0);
	ck_assert_int_eq(ask(g, "10.1.3.255", 1), CS_GUARD_LISTED);
	ck_assert_int_eq(ask(g, "10.1.4.0", 1), CS_GUARD_REFUSED);
	ck_assert_int_eq(ask(g, "10.1.1.255", 1), CS_GUARD_REFUSED);
	ck_assert_int_eq(ask(g, "fd12::1", 443), CS_GUARD_LISTED);
	ck_assert_int_eq(ask(g, "fd12::1", 444), CS_GUARD_REFUSED);
	ck_assert_int_eq(ask(g, "fc12::1", 443), CS_GUARD_REFUSED);
	ck_assert_int_eq(ask(g, "::1", 8181), CS_GUARD_LISTED);
	ck_assert_int_eq(ask(g, "203.0.113.7", 80), CS_GUARD_LISTED);
	ck_assert_int_eq(ask(g, "203.0.113.7", 81), CS_GUARD_PUBLIC);
	cs_guard_free(g);
}
END_TEST

START_TEST(a_bad_exception_is_refused_with_a_hint)
{
	static const char *const bad[] = { "", ":", "127.0.0.1", "127.0.0.1:", "127.0.0.1:0", "127.0.0.1:65536", "127.0.0.1:8x",
		                           "localhost:80", "::1:80", "[::1]", "[127.0.0.1]:80", "[::1:80", "10.0.0.0/33:80",
		                           "10.0.0.0/:80", "10.0.0.1/8:80", "[fd00::1/8]:80", "[fd00::/129]:1", "10.0.0.0/8x:80",
		                           "127.0.0.1:-1", "127.0.0.1:80:80", "*:80" };
	struct cs_guard *g = cs_guard_new();
	struct cs_err err = { 0 };

	for (size_t i = 0; i < CS_ARRAY_LEN(bad); i++)
		ck_assert_msg(cs_guard_allow(g, bad[i], &err) == CS_EINVAL, "\"%s\" was taken", bad[i]);
	ck_assert_str_ne(err.hint, "");
	ck_assert_int_eq(ask(g, "127.0.0.1", 80), CS_GUARD_REFUSED);
	cs_guard_free(g);
	cs_guard_free(NULL);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("guard");
	TCase *t = tcase_create("guard");
	SRunner *r;
	int failed;

	tcase_add_loop_test(t, inner_networks_are_refused_in_every_form, 0, (int)CS_ARRAY_LEN(refused));
	tcase_add_loop_test(t, public_addresses_are_let_through, 0, (int)CS_ARRAY_LEN(public));
	tcase_add_test(t, what_is_not_an_address_is_refused);
	tcase_add_test(t, an_exception_opens_one_port_of_one_address);
	tcase_add_test(t, an_exception_can_be_a_network_and_any_port);
	tcase_add_test(t, a_bad_exception_is_refused_with_a_hint);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}

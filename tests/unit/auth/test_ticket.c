/* SPDX-License-Identifier: Apache-2.0 */
/* Tickets: random, hashed, derived. */
#include "config.h"
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include "auth/ticket.h"

START_TEST(tickets_are_long_and_differ)
{
	char a[CS_TICKET_TEXT], b[CS_TICKET_TEXT];

	cs_ticket_new(a);
	cs_ticket_new(b);
	ck_assert_uint_eq(strlen(a), CS_TICKET_TEXT - 1);
	ck_assert_str_ne(a, b);
	ck_assert_uint_eq(strspn(a, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"), strlen(a));
}
END_TEST

START_TEST(a_hash_is_sha256_of_the_text)
{
	static const uint8_t of_abc[] = { 0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea };
	uint8_t a[32], b[32];

	cs_ticket_hash("abc", a);
	ck_assert_mem_eq(a, of_abc, sizeof(of_abc));
	cs_ticket_hash(NULL, a);
	cs_ticket_hash("", b);
	ck_assert_mem_eq(a, b, 32);
}
END_TEST

START_TEST(what_is_derived_depends_on_ticket_and_use)
{
	char a[CS_TICKET_TEXT], b[CS_TICKET_TEXT];

	cs_ticket_derive("ticket", "form", a);
	cs_ticket_derive("ticket", "form", b);
	ck_assert_str_eq(a, b);
	cs_ticket_derive("ticket", "other", b);
	ck_assert_str_ne(a, b);
	cs_ticket_derive("ticke", "tform", b);
	ck_assert_str_ne(a, b);
	cs_ticket_derive("ticket2", "form", b);
	ck_assert_str_ne(a, b);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("ticket");
	TCase *tc = tcase_create("ticket");
	SRunner *r = srunner_create(s);
	int failed;

	suite_add_tcase(s, tc);
	tcase_add_test(tc, tickets_are_long_and_differ);
	tcase_add_test(tc, a_hash_is_sha256_of_the_text);
	tcase_add_test(tc, what_is_derived_depends_on_ticket_and_use);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

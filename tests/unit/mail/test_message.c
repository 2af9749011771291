/* SPDX-License-Identifier: Apache-2.0 */
/* Mails that RFC 5322 would accept, whatever the texts hold; and what an SMTP answer means. */
#include "config.h"
#include <check.h>
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "mail/message.h"
#include "mail/post.h"
#include "mail/smtp.h"

static struct cs_buf out;
static struct cs_err err;

static void
setup(void)
{
	cs_buf_init(&out, 0);
}

static void
teardown(void)
{
	cs_buf_fini(&out);
}

static const char *
subject(const char *text)
{
	cs_buf_reset(&out);
	cs_mail_add_subject(&out, text);
	return cs_buf_str(&out);
}

static const char *
body(const char *text)
{
	cs_buf_reset(&out);
	cs_mail_add_quoted_printable(&out, text);
	return cs_buf_str(&out);
}

static void
lines_are_short(size_t max)
{
	for (const char *p = cs_buf_str(&out); *p != '\0'; p += strcspn(p, "\n"), p += *p == '\n')
		ck_assert_msg(strcspn(p, "\r\n") <= max, "%.100s", p);
}

START_TEST(a_mail_has_what_a_mail_must_have)
{
	const struct cs_mail_message m = { "csrelay@example.com", "ops@example.com", "Hello", "One.\nTwo.\n", 1800000000000, "csrelay.1.2" };

	ck_assert_int_eq(cs_mail_compose(&m, &out, &err), 0);
	ck_assert_str_eq(cs_buf_str(&out),
	                 "From: csrelay <csrelay@example.com>\r\nTo: <ops@example.com>\r\nSubject: Hello\r\n"
	                 "Date: Fri, 15 Jan 2027 08:00:00 +0000\r\nMessage-ID: <csrelay.1.2@example.com>\r\n"
	                 "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
	                 "Content-Transfer-Encoding: quoted-printable\r\nAuto-Submitted: auto-generated\r\n\r\nOne.\r\nTwo.\r\n");
}
END_TEST

START_TEST(no_text_adds_a_header_or_a_recipient)
{
	const struct cs_mail_message bad[] = {
		{ "csrelay@example.com", "ops@example.com>\r\nBcc: <x@example.com", "s", "b", 0, "i" },
		{ "csrelay@example.com\r\nBcc: x@example.com", "ops@example.com", "s", "b", 0, "i" },
		{ "", "ops@example.com", "s", "b", 0, "i" },
		{ "csrelay@example.com", "", "s", "b", 0, "i" },
	};

	for (size_t i = 0; i < CS_ARRAY_LEN(bad); i++)
		ck_assert_int_eq(cs_mail_compose(&bad[i], &out, &err), CS_EINVAL);
	ck_assert_str_eq(subject("a\r\nBcc: x@example.com"), "=?UTF-8?Q?a__Bcc=3A_x=40example=2Ecom?=");
	ck_assert_str_eq(subject("=?UTF-8?Q?x?="), "=?UTF-8?Q?=3D=3FUTF=2D8=3FQ=3Fx=3F=3D?=");
}
END_TEST

START_TEST(a_subject_is_encoded_by_whole_characters_and_folded)
{
	ck_assert_str_eq(subject("plain (text)"), "plain (text)");
	ck_assert_str_eq(subject("Heizung M\xc3\xbcller"), "=?UTF-8?Q?Heizung_M=C3=BCller?=");
	subject("\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac and much more of this text");
	lines_are_short(76);
	ck_assert_ptr_nonnull(strstr(cs_buf_str(&out), "?=\r\n =?UTF-8?Q?"));
	ck_assert_ptr_null(strstr(cs_buf_str(&out), "=E2?="));
	ck_assert_ptr_null(strstr(cs_buf_str(&out), "=82?="));
	subject("\xff\xfe broken");
	ck_assert_str_eq(cs_buf_str(&out), "=?UTF-8?Q?=FF=FE_broken?=");
}
END_TEST

START_TEST(a_body_is_quoted_printable)
{
	ck_assert_str_eq(body("a=b\n"), "a=3Db\r\n");
	ck_assert_str_eq(body("end \nx"), "end=20\r\nx\r\n");
	ck_assert_str_eq(body(".\n.."), "=2E\r\n=2E.\r\n");
	ck_assert_str_eq(body("a\r\nb\rc"), "a\r\nb=0Dc\r\n");
	ck_assert_str_eq(body("\xc3\xa9"), "=C3=A9\r\n");
	ck_assert_str_eq(body(""), "");
	body("0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789="
	     "\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9");
	lines_are_short(76);
}
END_TEST

START_TEST(what_the_server_said_decides_what_comes_next)
{
	static const struct {
		int code;
		long status;
		enum cs_smtp_result want;
	} cases[] = {
		{ CURLE_OK, 250, CS_SMTP_SENT }, { CURLE_COULDNT_CONNECT, 0, CS_SMTP_NOBODY }, { CURLE_COULDNT_RESOLVE_HOST, 0, CS_SMTP_NOBODY },
		{ CURLE_LOGIN_DENIED, 535, CS_SMTP_NOBODY }, { CURLE_USE_SSL_FAILED, 454, CS_SMTP_NOBODY }, { CURLE_SEND_ERROR, 550, CS_SMTP_NEVER },
		{ CURLE_SEND_ERROR, 451, CS_SMTP_LATER }, { CURLE_WEIRD_SERVER_REPLY, 554, CS_SMTP_NEVER }, { CURLE_RECV_ERROR, 0, CS_SMTP_NOBODY },
		{ CURLE_SEND_ERROR, 530, CS_SMTP_NOBODY }, { CURLE_OPERATION_TIMEDOUT, 0, CS_SMTP_NOBODY }, { CURLE_RECV_ERROR, 421, CS_SMTP_LATER },
	};

	for (size_t i = 0; i < CS_ARRAY_LEN(cases); i++)
		ck_assert_msg(cs_smtp_judge(cases[i].code, cases[i].status) == cases[i].want, "%d %ld", cases[i].code, cases[i].status);
	ck_assert_int_eq(cs_post_wait_ms(1), 30000);
	ck_assert_int_eq(cs_post_wait_ms(99), 600000);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("mail/message");
	TCase *t = tcase_create("message");
	SRunner *sr;
	int failed;

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, a_mail_has_what_a_mail_must_have);
	tcase_add_test(t, no_text_adds_a_header_or_a_recipient);
	tcase_add_test(t, a_subject_is_encoded_by_whole_characters_and_folded);
	tcase_add_test(t, a_body_is_quoted_printable);
	tcase_add_test(t, what_the_server_said_decides_what_comes_next);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? 0 : 1;
}

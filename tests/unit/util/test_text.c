/* SPDX-License-Identifier: Apache-2.0 */
/* test_text.c - encodings against the vectors of their RFCs, UUIDs, UTF-8, tokens. */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include "util/text.h"

#define B(s) (s), sizeof(s) - 1

START_TEST(secrets_are_equal_only_byte_for_byte)
{
	ck_assert(cs_secure_equal(B(""), B("")));
	ck_assert(cs_secure_equal(B("a\0b"), B("a\0b")));
	ck_assert(!cs_secure_equal(B("a\0b"), B("a\0c")));
	ck_assert(!cs_secure_equal(B("\x01" "a"), B("\x81" "a")));
	ck_assert(!cs_secure_equal(B("abc"), B("abcd")));
	ck_assert(cs_secure_equal(NULL, 0, NULL, 0));
}
END_TEST

START_TEST(random_bytes_fill_any_length)
{
	unsigned char a[1000] = { 0 }, b[1000] = { 0 };
	int zeros = 0;

	cs_random_bytes(a, sizeof(a));
	cs_random_bytes(b, sizeof(b));
	ck_assert(memcmp(a, b, sizeof(a)) != 0);
	for (size_t i = 0; i < sizeof(a); i++)
		zeros += a[i] == 0;
	ck_assert_int_lt(zeros, 50);
	cs_random_bytes(a, 0);
}
END_TEST

/* ---- RFC 4648, section 10 */

static const struct {
	const char *plain, *base64, *base64url, *hex;
} rfc4648[] = {
	{ "", "", "", "" },
	{ "f", "Zg==", "Zg", "66" },
	{ "fo", "Zm8=", "Zm8", "666f" },
	{ "foo", "Zm9v", "Zm9v", "666f6f" },
	{ "foob", "Zm9vYg==", "Zm9vYg", "666f6f62" },
	{ "fooba", "Zm9vYmE=", "Zm9vYmE", "666f6f6261" },
	{ "foobar", "Zm9vYmFy", "Zm9vYmFy", "666f6f626172" },
	{ "\xfb\xef\xbe\xff", "++++/w==", "----_w", "fbefbeff" },
};

static void
expect_decoded(int (*decode)(const char *, size_t, void *, size_t), const char *text, const char *plain)
{
	size_t n = strlen(plain);
	char *exact = malloc(n + 1); /* of the exact size but for the guard */

	exact[n] = '#';
	ck_assert_int_eq(decode(text, strlen(text), exact, n), (int)n);
	ck_assert_mem_eq(exact, plain, n);
	ck_assert_int_eq(exact[n], '#');
	if (n > 0)
		ck_assert_int_eq(decode(text, strlen(text), exact, n - 1), CS_ELIMIT);
	free(exact);
}

START_TEST(rfc_4648_vectors_hold_both_ways)
{
	const char *plain = rfc4648[_i].plain;
	CS_CLEANUP(cs_buf_fini) struct cs_buf b = CS_BUF_INIT(0);

	cs_base64_add(&b, plain, strlen(plain));
	ck_assert_str_eq(cs_buf_str(&b), rfc4648[_i].base64);
	cs_buf_reset(&b);
	cs_base64url_add(&b, plain, strlen(plain));
	ck_assert_str_eq(cs_buf_str(&b), rfc4648[_i].base64url);
	cs_buf_reset(&b);
	cs_hex_add(&b, plain, strlen(plain));
	ck_assert_str_eq(cs_buf_str(&b), rfc4648[_i].hex);
	expect_decoded(cs_base64_decode, rfc4648[_i].base64, plain);
	expect_decoded(cs_base64_decode, rfc4648[_i].base64url, plain);
	expect_decoded(cs_hex_decode, rfc4648[_i].hex, plain);
}
END_TEST

START_TEST(all_bytes_survive_every_encoding)
{
	CS_CLEANUP(cs_buf_fini) struct cs_buf b = CS_BUF_INIT(0);
	unsigned char all[256], back[256];

	for (int i = 0; i < 256; i++)
		all[i] = (unsigned char)i;
	for (size_t n = 0; n <= 256; n++) {
		cs_buf_reset(&b);
		cs_base64_add(&b, all + 256 - n, n);
		ck_assert_int_eq(cs_base64_decode(cs_buf_str(&b), b.len, back, n), (int)n);
		ck_assert_mem_eq(back, all + 256 - n, n);
		cs_buf_reset(&b);
		cs_base64url_add(&b, all + 256 - n, n);
		ck_assert_int_eq(cs_base64_decode(cs_buf_str(&b), b.len, back, n), (int)n);
		ck_assert_mem_eq(back, all + 256 - n, n);
		cs_buf_reset(&b);
		cs_hex_add(&b, all + 256 - n, n);
		ck_assert_int_eq(cs_hex_decode(cs_buf_str(&b), b.len, back, n), (int)n);
		ck_assert_mem_eq(back, all + 256 - n, n);
	}
}
END_TEST

static const char *const bad_base64[] = {
	"Z", "Zg=", "Zg===", "Z===", "=", "==", "====", "Zm9vY", "Zm9v=", "Zm9v====", "Z g=", "Zg==\n", " Zg==", "Zg==Zg==",
	"Zh==", /* spare bits that are not zero */
	"Zm9=", "Zm%v", "+-AA", "_/AA", "Zm9\xc3",
};

START_TEST(bad_base64_is_refused)
{
	char out[64];

	ck_assert_int_eq(cs_base64_decode(bad_base64[_i], strlen(bad_base64[_i]), out, sizeof(out)), CS_EINVAL);
}
END_TEST

START_TEST(bad_hex_is_refused)
{
	char out[8];

	ck_assert_int_eq(cs_hex_decode(B("a"), out, sizeof(out)), CS_EINVAL);
	ck_assert_int_eq(cs_hex_decode(B("0g"), out, sizeof(out)), CS_EINVAL);
	ck_assert_int_eq(cs_hex_decode(B("0x"), out, sizeof(out)), CS_EINVAL);
	ck_assert_int_eq(cs_hex_decode(B(" 0"), out, sizeof(out)), CS_EINVAL);
	ck_assert_int_eq(cs_hex_decode(B("AbCd"), out, sizeof(out)), 2);
	ck_assert_mem_eq(out, "\xab\xcd", 2);
}
END_TEST

START_TEST(url_and_form_encoding_keep_what_their_standards_keep)
{
	CS_CLEANUP(cs_buf_fini) struct cs_buf b = CS_BUF_INIT(0);
	static const char text[] = "aZ09-._~*+ &=/%\0\xc3\xbc";
	char back[64];

	cs_url_add(&b, text, sizeof(text) - 1);
	ck_assert_str_eq(cs_buf_str(&b), "aZ09-._~%2A%2B%20%26%3D%2F%25%00%C3%BC");
	cs_buf_reset(&b);
	cs_form_add(&b, text, sizeof(text) - 1);
	ck_assert_str_eq(cs_buf_str(&b), "aZ09-._%7E*%2B+%26%3D%2F%25%00%C3%BC");
	ck_assert_uint_eq(cs_url_decode(b.ptr, b.len, true, back), sizeof(text) - 1);
	ck_assert_mem_eq(back, text, sizeof(text));
	ck_assert_uint_eq(cs_url_decode(B("a+%2%zz%"), false, back), 8);
	ck_assert_str_eq(back, "a+%2%zz%");
}
END_TEST

/* ---- UUIDs */

START_TEST(uuids_are_read_in_any_case_and_written_in_lower)
{
	char out[CS_UUID_TEXT];
	uint8_t u[16];

	/* RFC 9562, appendix A: versions 1, 3, 4, 5, 6, 7 */
	static const struct {
		const char *text;
		int version;
	} rfc[] = {
		{ "C232AB00-9414-11EC-B3C8-9F6BDECED846", 1 }, { "5df41881-3aed-3515-88a7-2f4a814cf09e", 3 },
		{ "919108f7-52d1-4320-9bac-f847db4148a8", 4 }, { "2ed6657d-e927-568b-95e1-2665a8aea6a2", 5 },
		{ "1EC9414C-232A-6B00-B3C8-9F6BDECED846", 6 }, { "017F22E2-79B0-7CC3-98C4-DC0C0C07398F", 7 },
	};

	for (size_t i = 0; i < CS_ARRAY_LEN(rfc); i++) {
		ck_assert_int_eq(cs_uuid_parse(rfc[i].text, 36, u), 0);
		ck_assert_int_eq(cs_uuid_version(u), rfc[i].version);
		cs_uuid_format(u, out);
		for (int c = 0; c < 36; c++)
			ck_assert_int_eq(out[c], rfc[i].text[c] | (rfc[i].text[c] == '-' ? 0 : 0x20));
		ck_assert_int_eq(out[36], '\0');
	}
	ck_assert_int_eq(cs_uuid_parse("919108f7-52d1-4320-9bac-f847db4148a8", 36, u), 0);
	ck_assert_mem_eq(u, "\x91\x91\x08\xf7\x52\xd1\x43\x20\x9b\xac\xf8\x47\xdb\x41\x48\xa8", 16);
}
END_TEST

START_TEST(what_is_no_uuid_is_refused)
{
	static const char *const bad[] = {
		"", "919108f7-52d1-4320-9bac-f847db4148a", "919108f7-52d1-4320-9bac-f847db4148a88",
		"919108f7-52d1-4320-9bac-f847db4148ag", "919108f752d143209bacf847db4148a8",
		"919108f7052d1-4320-9bac-f847db4148a8", "{19108f7-52d1-4320-9bac-f847db4148a}",
		"9191-08f752d1-4320-9bac-f847db4148a8", " 19108f7-52d1-4320-9bac-f847db4148a8",
		"-19108f7-52d1-4320-9bac-f847db4148a8", "919108f7-52d1-4320-9bac-f847db4148a\n",
	};
	uint8_t u[16];

	for (size_t i = 0; i < CS_ARRAY_LEN(bad); i++)
		ck_assert_int_eq(cs_uuid_parse(bad[i], strlen(bad[i]), u), CS_EINVAL);
}
END_TEST

START_TEST(nil_and_foreign_variants_have_no_version)
{
	uint8_t u[16];

	ck_assert_int_eq(cs_uuid_parse("00000000-0000-0000-0000-000000000000", 36, u), 0);
	ck_assert_int_eq(cs_uuid_version(u), 0);
	ck_assert_int_eq(cs_uuid_parse("919108f7-52d1-4320-dbac-f847db4148a8", 36, u), 0);
	ck_assert_int_eq(cs_uuid_version(u), 0);
	ck_assert_int_eq(cs_uuid_parse("ffffffff-ffff-ffff-ffff-ffffffffffff", 36, u), 0);
	ck_assert_int_eq(cs_uuid_version(u), 0);
}
END_TEST

START_TEST(a_new_uuid_is_of_version_4_and_new)
{
	uint8_t a[16], b[16];

	for (int i = 0; i < 200; i++) {
		cs_uuid_v4(a);
		cs_uuid_v4(b);
		ck_assert_int_eq(cs_uuid_version(a), 4);
		ck_assert(memcmp(a, b, 16) != 0);
	}
}
END_TEST

/* ---- UTF-8: the corners of RFC 3629 */

static const struct {
	const char *s;
	size_t n;
	bool good;
} utf8[] = {
	{ B(""), true },
	{ B("plain"), true },
	{ B("\x7f"), true },
	{ B("\xc2\x80"), true },
	{ B("\xdf\xbf"), true },
	{ B("\xe0\xa0\x80"), true },
	{ B("\xed\x9f\xbf"), true },
	{ B("\xee\x80\x80"), true },
	{ B("\xef\xbf\xbf"), true },
	{ B("\xf0\x90\x80\x80"), true },
	{ B("\xf4\x8f\xbf\xbf"), true },
	{ B("a\xe2\x82\xac" "b"), true },
	{ B("\x80"), false },
	{ B("\xbf"), false },
	{ B("\xc0\x80"), false },         /* overlong */
	{ B("\xc1\xbf"), false },
	{ B("\xe0\x9f\xbf"), false },
	{ B("\xf0\x8f\xbf\xbf"), false },
	{ B("\xed\xa0\x80"), false },     /* surrogates */
	{ B("\xed\xbf\xbf"), false },
	{ B("\xf4\x90\x80\x80"), false }, /* beyond U+10FFFF */
	{ B("\xf5\x80\x80\x80"), false },
	{ B("\xff"), false },
	{ B("\xc2"), false },             /* cut */
	{ B("\xe2\x82"), false },
	{ B("\xf0\x9f\x98"), false },
	{ B("\xc2" "a"), false },
	{ B("\xe2\x82" "a"), false },
	{ B("\xe2\x28\xa1"), false },
	{ B("\xf0\x9f\x98" "a"), false },
};

START_TEST(utf8_is_told_from_other_bytes)
{
	char *exact = malloc(utf8[_i].n + (utf8[_i].n == 0));

	memcpy(exact, utf8[_i].s, utf8[_i].n);
	ck_assert(cs_utf8_valid(exact, utf8[_i].n, true) == utf8[_i].good);
	free(exact);
}
END_TEST

START_TEST(nul_is_a_fault_only_where_refused)
{
	ck_assert(cs_utf8_valid(B("a\0b"), false));
	ck_assert(!cs_utf8_valid(B("a\0b"), true));
}
END_TEST

START_TEST(cutting_never_splits_a_character)
{
	static const char text[] = "a\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80z";
	static const size_t expected[] = { 0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 11 };

	for (size_t max = 0; max < CS_ARRAY_LEN(expected); max++)
		ck_assert_uint_eq(cs_utf8_cut(text, sizeof(text) - 1, max), expected[max]);
	ck_assert_uint_eq(cs_utf8_cut(text, sizeof(text) - 1, 1000), sizeof(text) - 1);
	ck_assert_uint_eq(cs_utf8_cut(B("\x80\x80\x80\x80\x80\x80\x80\x80"), 6), 6);
	ck_assert_uint_eq(cs_utf8_cut(B(""), 0), 0);
}
END_TEST

/* ---- tokens and digits */

START_TEST(tokens_and_header_values_follow_rfc_9110)
{
	ck_assert(cs_is_token(B("X-Api-Key")));
	ck_assert(cs_is_token(B("!#$%&'*+-.^_`|~aZ09")));
	ck_assert(!cs_is_token(B("")));
	for (int c = 0; c < 256; c++) {
		char one = (char)c;

		if (c <= 32 || c >= 127 || strchr("\"(),/:;<=>?@[\\]{}", c) != NULL)
			ck_assert_msg(!cs_is_token(&one, 1), "byte %d", c);
		else
			ck_assert_msg(cs_is_token(&one, 1), "byte %d", c);
		ck_assert(cs_is_header_value(&one, 1) == (c != '\r' && c != '\n' && c != 0));
	}
	ck_assert(cs_is_header_value(B("")));
	ck_assert(!cs_is_header_value(B("a\r\nHost: b")));
}
END_TEST

START_TEST(identifiers_have_a_length_and_an_alphabet)
{
	ck_assert(cs_is_ident("housecall_pro", 13, "_"));
	ck_assert(!cs_is_ident("housecall_pro", 12, "_"));
	ck_assert(!cs_is_ident("housecall_pro", 99, ""));
	ck_assert(!cs_is_ident("", 10, "_"));
	ck_assert(!cs_is_ident("a b", 10, "_-"));
	ck_assert(!cs_is_ident("\xc3\xbc", 10, "_-"));
}
END_TEST

START_TEST(mail_addresses_hold_nothing_that_mail_would_read_otherwise)
{
	static const char *const good[] = { "ops@example.com", "o.p+s@mail.example.com", "a@localhost" };
	static const char *const bad[] = { "", "ops", "@example.com", "ops@", "a@b@c", "a b@example.com", "a@exa mple.com", "-x@example.com",
		"\"a\"@example.com", "a@example.com\r\nBcc: b@example.com", "<a@example.com>", "a@example.com,b@example.com", "a@-x", "\xc3\xbc@b" };

	for (size_t i = 0; i < CS_ARRAY_LEN(good); i++)
		ck_assert_msg(cs_is_mail_address(good[i]), "%s", good[i]);
	for (size_t i = 0; i < CS_ARRAY_LEN(bad); i++)
		ck_assert_msg(!cs_is_mail_address(bad[i]), "%s", bad[i]);
}
END_TEST

START_TEST(digits_are_collected)
{
	char out[8];

	ck_assert_uint_eq(cs_digits("+1 (555) 01", out, sizeof(out)), 6);
	ck_assert_str_eq(out, "155501");
	ck_assert_uint_eq(cs_digits("0123456789", out, sizeof(out)), 7);
	ck_assert_str_eq(out, "0123456");
	ck_assert_uint_eq(cs_digits("none", out, sizeof(out)), 0);
	ck_assert_str_eq(out, "");
	ck_assert_uint_eq(cs_digits("12", out, 1), 0);
	ck_assert_uint_eq(cs_digits("12", NULL, 0), 0);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("text");
	TCase *t = tcase_create("text");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_test(t, secrets_are_equal_only_byte_for_byte);
	tcase_add_test(t, random_bytes_fill_any_length);
	tcase_add_loop_test(t, rfc_4648_vectors_hold_both_ways, 0, (int)CS_ARRAY_LEN(rfc4648));
	tcase_add_test(t, all_bytes_survive_every_encoding);
	tcase_add_loop_test(t, bad_base64_is_refused, 0, (int)CS_ARRAY_LEN(bad_base64));
	tcase_add_test(t, bad_hex_is_refused);
	tcase_add_test(t, url_and_form_encoding_keep_what_their_standards_keep);
	tcase_add_test(t, uuids_are_read_in_any_case_and_written_in_lower);
	tcase_add_test(t, what_is_no_uuid_is_refused);
	tcase_add_test(t, nil_and_foreign_variants_have_no_version);
	tcase_add_test(t, a_new_uuid_is_of_version_4_and_new);
	tcase_add_loop_test(t, utf8_is_told_from_other_bytes, 0, (int)CS_ARRAY_LEN(utf8));
	tcase_add_test(t, nul_is_a_fault_only_where_refused);
	tcase_add_test(t, cutting_never_splits_a_character);
	tcase_add_test(t, tokens_and_header_values_follow_rfc_9110);
	tcase_add_test(t, identifiers_have_a_length_and_an_alphabet);
	tcase_add_test(t, mail_addresses_hold_nothing_that_mail_would_read_otherwise);
	tcase_add_test(t, digits_are_collected);
	suite_add_tcase(s, t);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? 0 : 1;
}

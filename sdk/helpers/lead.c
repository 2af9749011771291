/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lead.c - phone numbers, names and addresses in the forms that CRMs want.
 */
#include <string.h>
#include <cs/helpers.h>

size_t
csh_phone_digits(const char *phone, char *out, size_t cap)
{
	size_t n = 0;

	for (; *phone && n + 1 < cap; phone++)
		if (*phone >= '0' && *phone <= '9')
			out[n++] = *phone;
	out[n] = '\0';
	return n;
}

/*
 * A number as it is dialled: its digits without extension, led by the country code where that can be told.
 * From abroad (+, 00, 011), or long enough to have one; ten digits that begin as American area codes do are American.
 */
struct number {
	char digits[32];
	size_t n;
	int is_whole; /* the country is known */
};

static size_t
length_without_extension(const char *phone)
{
	size_t digits = 0, i;

	for (i = 0; phone[i]; i++) {
		digits += phone[i] >= '0' && phone[i] <= '9';
		if (digits >= 7 && strchr("xXeE;#,", phone[i]))
			break;
	}
	return i;
}

static struct number
number_of(const char *phone)
{
	struct number r = { .is_whole = strncmp(phone + strcspn(phone, "+0123456789"), "+", 1) == 0 };
	size_t skip = 0;

	for (size_t i = 0, end = length_without_extension(phone); i < end && r.n + 1 < sizeof(r.digits); i++)
		if (phone[i] >= '0' && phone[i] <= '9')
			r.digits[r.n++] = phone[i];
	if (!r.is_whole && r.n > 10 && strncmp(r.digits, "00", 2) == 0)
		skip = 2;
	else if (!r.is_whole && r.n > 11 && strncmp(r.digits, "011", 3) == 0)
		skip = 3;
	r.n -= skip;
	memmove(r.digits, r.digits + skip, r.n);
	if (!r.is_whole && skip == 0 && r.n == 10 && r.digits[0] > '1') {
		memmove(r.digits + 1, r.digits, r.n++);
		r.digits[0] = '1';
	}
	r.is_whole |= skip > 0 || (r.n > 10 && r.digits[0] != '0');
	r.digits[r.n] = '\0';
	return r;
}

static int
is_american(const struct number *a)
{
	return a->is_whole && a->n == 11 && a->digits[0] == '1';
}

const char *
csh_phone_national(const struct csh *h, const char *phone)
{
	struct number a = number_of(phone);

	return is_american(&a) ? csh_strndup(h, a.digits + 1, 10) : phone;
}

const char *
csh_phone_e164(const struct csh *h, const char *phone)
{
	struct number a = number_of(phone);

	return a.is_whole && a.n >= 7 && a.n <= 15 ? csh_printf(h, "+%s", a.digits) : "";
}

/* 030 1234567 in +49 30 1234567: its end, without the 0 that is dialled at home only, behind a country code of 1 to 3 digits. */
static int
is_home_form(const struct number *whole, const struct number *home)
{
	const char *end = home->digits + (home->digits[0] == '0');
	size_t n = strlen(end);

	if (is_american(whole) || n < 7 || whole->n <= n || whole->n - n > 3)
		return 0;
	return memcmp(whole->digits + whole->n - n, end, n) == 0;
}

int
csh_phone_same(const char *a, const char *b)
{
	struct number x = number_of(a), y = number_of(b);

	if (x.n < 7 || y.n < 7)
		return 0;
	if (x.is_whole != y.is_whole)
		return x.is_whole ? is_home_form(&x, &y) : is_home_form(&y, &x);
	return x.n == y.n && memcmp(x.digits, y.digits, x.n) == 0;
}

const char *
csh_full_name(const struct csh *h, const struct cs_lead_contact *c)
{
	if (*c->first_name && *c->last_name)
		return csh_printf(h, "%s %s", c->first_name, c->last_name);
	if (*c->first_name)
		return c->first_name;
	if (*c->last_name)
		return c->last_name;
	return *c->phone ? c->phone : c->email;
}

static void
add_part(struct csh_str *s, const char *between, const char *part)
{
	if (!*part)
		return;
	if (s->len)
		csh_adds(s, between);
	csh_adds(s, part);
}

const char *
csh_address_line(const struct csh *h, const struct cs_lead_address *a)
{
	struct csh_str s = CSH_STR(h);

	add_part(&s, "", a->street);
	add_part(&s, ", ", a->city);
	add_part(&s, ", ", a->state);
	add_part(&s, *a->state ? " " : ", ", a->zip);
	if (strcmp(a->country, "US") != 0)
		add_part(&s, ", ", a->country);
	return csh_text(&s);
}

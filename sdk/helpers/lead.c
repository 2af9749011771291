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

const char *
csh_phone_national(const struct csh *h, const char *phone)
{
	char d[32];
	size_t n = csh_phone_digits(phone, d, sizeof(d));

	if (n == 11 && d[0] == '1')
		return csh_strndup(h, d + 1, 10);
	return n == 10 && phone[0] != '+' ? csh_strndup(h, d, 10) : phone;
}

const char *
csh_phone_e164(const struct csh *h, const char *phone)
{
	char d[32];
	size_t n = csh_phone_digits(phone, d, sizeof(d));

	if (n < 7 || n > 15)
		return "";
	return csh_printf(h, n == 10 && phone[0] != '+' ? "+1%s" : "+%s", d);
}

int
csh_phone_same(const char *a, const char *b)
{
	char da[32], db[32];
	size_t na = csh_phone_digits(a, da, sizeof(da)), nb = csh_phone_digits(b, db, sizeof(db));

	if (na < 7 || nb < 7)
		return 0;
	if (na >= 10 && nb >= 10)
		return memcmp(da + na - 10, db + nb - 10, 10) == 0;
	return na == nb && memcmp(da, db, na) == 0;
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

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * guard.c - one table of refused networks, one list of exceptions.
 *
 * Every address is a struct addr of 16 bytes; IPv4 stands in it as ::ffff:a.b.c.d. An IPv6 form that carries an IPv4
 * address (mapped, NAT64, 6to4) is judged by what it carries, because that is where the packets go. Exceptions are
 * compared with the address as given and with the mapped form undone, not with what NAT64 or 6to4 would reach.
 */
#include "http/guard.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "util/mem.h"

struct addr {
	uint8_t b[16];
};

struct exception {
	struct addr net;
	unsigned prefix; /* of 128 */
	unsigned port;   /* 0: any */
};

struct cs_guard {
	struct exception *v;
	size_t n;
};

struct range {
	struct addr net;
	unsigned prefix; /* of 128 */
	const char *why;
};

#define V4(a, b, c, d, prefix, why) { { { [10] = 0xff, 0xff, a, b, c, d } }, 96 + (prefix), why }

static const struct range refused4[] = {
	V4(0, 0, 0, 0, 8, "this network"),
	V4(10, 0, 0, 0, 8, "a private network"),
	V4(100, 64, 0, 0, 10, "carrier NAT"),
	V4(127, 0, 0, 0, 8, "loopback"),
	V4(168, 63, 129, 16, 32, "cloud metadata"),
	V4(169, 254, 0, 0, 16, "link-local or metadata"),
	V4(172, 16, 0, 0, 12, "a private network"),
	V4(192, 0, 0, 0, 24, "protocol assignments"),
	V4(192, 88, 99, 0, 24, "6to4 relays"),
	V4(192, 168, 0, 0, 16, "a private network"),
	V4(198, 18, 0, 0, 15, "benchmark networks"),
	V4(224, 0, 0, 0, 4, "multicast"),
	V4(240, 0, 0, 0, 4, "reserved or broadcast"),
};

static const struct range refused6[] = {
	{ { { 0 } }, 96, "unspecified, loopback or an obsolete form" },            /* ::/96 */
	{ { { 0x00, 0x64, 0xff, 0x9b, 0x00, 0x01 } }, 48, "local NAT64" },         /* 64:ff9b:1::/48 */
	{ { { 0x01, 0x00 } }, 64, "the discard prefix" },                          /* 100::/64 */
	{ { { 0x20, 0x01, 0x00, 0x00 } }, 32, "Teredo" },                          /* 2001::/32 */
	{ { { 0xfc } }, 7, "a private network" },                                  /* fc00::/7 */
	{ { { 0xfe, 0x80 } }, 10, "link-local" },                                  /* fe80::/10 */
	{ { { 0xfe, 0xc0 } }, 10, "site-local" },                                  /* fec0::/10 */
	{ { { 0xff } }, 8, "multicast" },                                          /* ff00::/8 */
};

/* Networks whose addresses carry an IPv4 address, and at which byte. */
static const struct {
	struct addr net;
	unsigned prefix, at;
} carriers[] = {
	{ { { [10] = 0xff, 0xff } }, 96, 12 },             /* ::ffff:0:0/96 */
	{ { { [8] = 0xff, 0xff } }, 96, 12 },              /* ::ffff:0:0:0/96 */
	{ { { 0x00, 0x64, 0xff, 0x9b } }, 96, 12 },        /* 64:ff9b::/96 */
	{ { { 0x20, 0x02 } }, 16, 2 },                     /* 2002::/16 */
};

static struct addr
from_v4(const void *four)
{
	struct addr a = { { [10] = 0xff, [11] = 0xff } };

	memcpy(a.b + 12, four, 4);
	return a;
}

static bool
is_v4(const struct addr *a)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

	return memcmp(a->b, mapped, sizeof(mapped)) == 0;
}

static bool
parse_ip(const char *text, struct addr *out)
{
	uint8_t four[4];

	if (inet_pton(AF_INET, text, four) == 1) {
		*out = from_v4(four);
		return true;
	}
	return inet_pton(AF_INET6, text, out->b) == 1;
}

static bool
in_net(const struct addr *a, const struct addr *net, unsigned prefix)
{
	unsigned whole = prefix / 8, rest = prefix % 8;

	if (memcmp(a->b, net->b, whole) != 0)
		return false;
	return rest == 0 || ((a->b[whole] ^ net->b[whole]) >> (8 - rest)) == 0;
}

static const char *
find_range(const struct range *table, size_t n, const struct addr *a)
{
	for (size_t i = 0; i < n; i++)
		if (in_net(a, &table[i].net, table[i].prefix))
			return table[i].why;
	return NULL;
}

/* The IPv4 address inside an IPv6 one, if there is one. */
static struct addr
unwrap(const struct addr *a)
{
	for (size_t i = 0; i < CS_ARRAY_LEN(carriers); i++)
		if (in_net(a, &carriers[i].net, carriers[i].prefix))
			return from_v4(a->b + carriers[i].at);
	return *a;
}

static const char *
why_refused(const struct addr *a)
{
	struct addr inner = unwrap(a);

	if (is_v4(&inner))
		return find_range(refused4, CS_ARRAY_LEN(refused4), &inner);
	return find_range(refused6, CS_ARRAY_LEN(refused6), &inner);
}

static bool
listed(const struct cs_guard *g, const struct addr *a, unsigned port)
{
	if (g == NULL)
		return false;
	for (size_t i = 0; i < g->n; i++)
		if ((g->v[i].port == 0 || g->v[i].port == port) && in_net(a, &g->v[i].net, g->v[i].prefix))
			return true;
	return false;
}

static enum cs_guard_verdict
judge(const struct cs_guard *g, const struct addr *a, unsigned port, const char **why)
{
	const char *reason = why_refused(a);

	if (why != NULL)
		*why = reason != NULL ? reason : "public";
	if (listed(g, a, port))
		return CS_GUARD_LISTED;
	return reason == NULL ? CS_GUARD_PUBLIC : CS_GUARD_REFUSED;
}

enum cs_guard_verdict
cs_guard_check(const struct cs_guard *g, const struct sockaddr *sa, const char **why)
{
	struct addr a;

	if (sa->sa_family == AF_INET) {
		struct sockaddr_in in;

		memcpy(&in, sa, sizeof(in));
		a = from_v4(&in.sin_addr);
		return judge(g, &a, ntohs(in.sin_port), why);
	}
	if (sa->sa_family == AF_INET6) {
		struct sockaddr_in6 in6;

		memcpy(&in6, sa, sizeof(in6));
		memcpy(a.b, &in6.sin6_addr, 16);
		return judge(g, &a, ntohs(in6.sin6_port), why);
	}
	if (why != NULL)
		*why = "not an internet address";
	return CS_GUARD_REFUSED;
}

enum cs_guard_verdict
cs_guard_check_text(const struct cs_guard *g, const char *ip, unsigned port, const char **why)
{
	struct addr a;

	if (parse_ip(ip, &a))
		return judge(g, &a, port, why);
	if (why != NULL)
		*why = "not an internet address";
	return CS_GUARD_REFUSED;
}

struct cs_guard *
cs_guard_new(void)
{
	return cs_xcalloc(1, sizeof(struct cs_guard));
}

void
cs_guard_free(struct cs_guard *g)
{
	if (g == NULL)
		return;
	free(g->v);
	free(g);
}

/* Digits only, at most `max`. */
static bool
parse_number(const char *s, unsigned max, unsigned *out)
{
	unsigned v = 0;

	if (*s == '\0')
		return false;
	for (; *s != '\0'; s++) {
		if (*s < '0' || *s > '9' || (v = v * 10 + (unsigned)(*s - '0')) > max)
			return false;
	}
	*out = v;
	return true;
}

static bool
parse_port(const char *s, unsigned *port)
{
	if (strcmp(s, "*") == 0) {
		*port = 0;
		return true;
	}
	return parse_number(s, 65535, port) && *port != 0;
}

/* "10.1.2.0/24" or "fd00::/8" or a single address. The bits behind the prefix must be zero, or it is a slip of the pen. */
static bool
parse_net(char *text, struct exception *e)
{
	char *slash = strchr(text, '/');
	unsigned width, prefix;
	struct addr cut = { { 0 } };

	if (slash != NULL)
		*slash++ = '\0';
	if (!parse_ip(text, &e->net))
		return false;
	width = strchr(text, ':') == NULL ? 32 : 128;
	prefix = width;
	if (slash != NULL && !parse_number(slash, width, &prefix))
		return false;
	e->prefix = 128 - width + prefix;
	memcpy(cut.b, e->net.b, e->prefix / 8);
	if (e->prefix % 8 != 0)
		cut.b[e->prefix / 8] = (uint8_t)(e->net.b[e->prefix / 8] & (0xff << (8 - e->prefix % 8)));
	return memcmp(cut.b, e->net.b, 16) == 0;
}

static bool
parse_exception(const char *entry, struct exception *e)
{
	char text[80];
	char *net = text, *colon;

	if (strlen(entry) >= sizeof(text))
		return false;
	memcpy(text, entry, strlen(entry) + 1);
	colon = strrchr(text, ':');
	if (colon == NULL || !parse_port(colon + 1, &e->port))
		return false;
	*colon = '\0';
	if (*net == '[') {
		if (colon[-1] != ']' || strchr(net, ':') == NULL)
			return false;
		colon[-1] = '\0';
		net++;
	} else if (strchr(net, ':') != NULL) {
		return false;
	}
	return parse_net(net, e);
}

int
cs_guard_allow(struct cs_guard *g, const char *entry, struct cs_err *err)
{
	struct exception e;

	if (!parse_exception(entry, &e)) {
		cs_err_set(err, CS_EINVAL, "\"%.60s\" is not an address with a port", entry);
		cs_err_hint(err, "like 127.0.0.1:8181, [::1]:8181, 10.1.2.0/24:* or [fd00::/8]:443; no host names");
		return CS_EINVAL;
	}
	g->v = cs_xrealloc(g->v, (g->n + 1) * sizeof(*g->v));
	g->v[g->n++] = e;
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * value.c - reading and writing values as people write them.
 *
 * A number without a unit is refused in text, since "30" once meant seconds and once milliseconds; only a bare whole number
 * in the file (no quotes) is taken as milliseconds or bytes, and that is the reader's business.
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include "conf/value.h"
#include "util/text.h"

struct unit {
	const char *name;
	int64_t factor;
};

static const struct unit durations[] = {
	{ "d", CS_DAY_MS }, { "h", CS_HOUR_MS }, { "m", CS_MINUTE_MS }, { "s", CS_SECOND_MS }, { "ms", 1 },
	{ "min", CS_MINUTE_MS }, /* read, not written */
};
static const struct unit sizes[] = {
	{ "TiB", INT64_C(1) << 40 }, { "GiB", INT64_C(1) << 30 }, { "MiB", INT64_C(1) << 20 },
	{ "KiB", INT64_C(1) << 10 }, { "B", 1 },
};

static const char *
skip_spaces(const char *s)
{
	while (*s == ' ' || *s == '\t')
		s++;
	return s;
}

/* One number with its unit, added to *sum. Returns the end, or NULL. */
static const char *
term(const char *s, const struct unit *units, size_t n, int64_t *sum)
{
	int64_t number = 0, product;
	size_t len;

	if (!isdigit((unsigned char)*s))
		return NULL;
	for (; isdigit((unsigned char)*s); s++)
		if (__builtin_mul_overflow(number, 10, &number) || __builtin_add_overflow(number, *s - '0', &number))
			return NULL;
	s = skip_spaces(s);
	for (len = 0; isalpha((unsigned char)s[len]);)
		len++;
	for (size_t i = 0; i < n; i++) {
		if (strlen(units[i].name) != len || strncmp(units[i].name, s, len) != 0)
			continue;
		if (__builtin_mul_overflow(number, units[i].factor, &product) || __builtin_add_overflow(*sum, product, sum))
			return NULL;
		return s + len;
	}
	return NULL;
}

/* Terms up to `end` (exclusive), at least one. */
static int
sum_terms(const char *s, const char *end, const struct unit *units, size_t n, int64_t *out)
{
	int64_t sum = 0;

	s = skip_spaces(s);
	do {
		if ((s = term(s, units, n, &sum)) == NULL)
			return CS_EINVAL;
		s = skip_spaces(s);
	} while (s < end);
	if (s != end)
		return CS_EINVAL;
	*out = sum;
	return 0;
}

int
cs_conf_parse_duration(const char *s, int64_t *ms, struct cs_err *err)
{
	if (sum_terms(s, s + strlen(s), durations, CS_ARRAY_LEN(durations), ms) == 0)
		return 0;
	return cs_err_set(err, CS_EINVAL, "\"%.60s\" is not a duration", s);
}

int
cs_conf_parse_size(const char *s, int64_t *bytes, struct cs_err *err)
{
	if (sum_terms(s, s + strlen(s), sizes, CS_ARRAY_LEN(sizes), bytes) == 0)
		return 0;
	return cs_err_set(err, CS_EINVAL, "\"%.60s\" is not a size", s);
}

int
cs_conf_parse_wait(const char *s, struct cs_conf_wait *w, struct cs_err *err)
{
	const char *sign = strstr(s, "+-"), *end = s + strlen(s);

	if (sign == NULL)
		sign = strstr(s, "\xC2\xB1"); /* the plus-minus sign, two bytes as well */
	w->spread_ms = 0;
	if (sum_terms(s, sign != NULL ? sign : end, durations, CS_ARRAY_LEN(durations), &w->wait_ms) < 0 ||
	    (sign != NULL && sum_terms(sign + 2, end, durations, CS_ARRAY_LEN(durations), &w->spread_ms) < 0))
		return cs_err_set(err, CS_EINVAL, "\"%.60s\" is not a waiting time such as \"30 s +- 10 s\"", s);
	if (w->wait_ms < CS_SECOND_MS || w->wait_ms > 30 * CS_DAY_MS)
		return cs_err_set(err, CS_EINVAL, "\"%.60s\" is not between 1 s and 30 d", s);
	if (w->spread_ms > w->wait_ms)
		return cs_err_set(err, CS_EINVAL, "\"%.60s\" varies by more than it waits", s);
	return 0;
}

/* A numeric host, an IPv6 one in brackets, to an address without port. */
static int
parse_host(const char *host, size_t n, struct sockaddr_storage *addr, socklen_t *len)
{
	struct sockaddr_in *in4 = (struct sockaddr_in *)addr;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)addr;
	char text[INET6_ADDRSTRLEN];
	bool six = n > 2 && host[0] == '[' && host[n - 1] == ']';

	if (n - (six ? 2 : 0) >= sizeof(text))
		return CS_EINVAL;
	memcpy(text, host + six, n - (six ? 2 : 0));
	text[n - (six ? 2 : 0)] = '\0';
	memset(addr, 0, sizeof(*addr));
	addr->ss_family = six ? AF_INET6 : AF_INET;
	*len = six ? sizeof(*in6) : sizeof(*in4);
	return inet_pton(addr->ss_family, text, six ? (void *)&in6->sin6_addr : (void *)&in4->sin_addr) == 1 ? 0 : CS_EINVAL;
}

/* 0 to 65535, or -1. */
static int
parse_port(const char *s)
{
	size_t n = strspn(s, "0123456789");

	if (n == 0 || n > 5 || s[n] != '\0' || atoi(s) > 65535)
		return -1;
	return atoi(s);
}

static bool
is_loopback(const struct sockaddr_storage *addr)
{
	if (addr->ss_family == AF_INET)
		return ntohl(((const struct sockaddr_in *)addr)->sin_addr.s_addr) >> 24 == 127;
	return IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)addr)->sin6_addr);
}

static int
parse_unix(const char *path, struct cs_conf_listen *l, struct cs_err *err)
{
	struct sockaddr_un *un = (struct sockaddr_un *)&l->addr;

	if (path[0] != '/')
		return cs_err_set(err, CS_EINVAL, "\"unix:%.60s\" has no absolute path", path);
	if (strlen(path) >= sizeof(un->sun_path))
		return cs_err_set(err, CS_EINVAL, "the path of the socket is longer than %zu bytes",
		                  sizeof(un->sun_path) - 1);
	l->is_unix = true;
	l->path = path;
	un->sun_family = AF_UNIX;
	memcpy(un->sun_path, path, strlen(path) + 1);
	l->addr_len = sizeof(*un);
	return 0;
}

int
cs_conf_parse_listen(const char *s, struct cs_conf_listen *l, struct cs_err *err)
{
	const char *colon = strrchr(s, ':');
	int port = 0;

	*l = (struct cs_conf_listen){ .text = s };
	if (s[0] == '\0')
		return 0;
	if (strncmp(s, "unix:", 5) == 0)
		return parse_unix(s + 5, l, err);
	if (colon == NULL || (port = parse_port(colon + 1)) < 0 ||
	    parse_host(s, (size_t)(colon - s), &l->addr, &l->addr_len) < 0)
		return cs_err_set(err, CS_EINVAL, "\"%.60s\" is not an address with port", s);
	if (l->addr.ss_family == AF_INET)
		((struct sockaddr_in *)&l->addr)->sin_port = htons((uint16_t)port);
	else
		((struct sockaddr_in6 *)&l->addr)->sin6_port = htons((uint16_t)port);
	l->is_loopback = is_loopback(&l->addr);
	return 0;
}

/* Take "/BITS" out of a host ("10.0.0.0/8", "[fd00::/8]"); false when there are too many. */
static bool
cut_prefix(char *host)
{
	char *slash = strchr(host, '/');
	size_t n;

	if (slash == NULL)
		return true;
	n = strspn(slash + 1, "0123456789");
	if (n == 0 || n > 3 || atoi(slash + 1) > (host[0] == '[' ? 128 : 32))
		return false;
	memmove(slash, slash + 1 + n, strlen(slash + 1 + n) + 1);
	return true;
}

int
cs_conf_check_address(const char *s, struct cs_err *err)
{
	const char *colon = strrchr(s, ':');
	size_t n = colon != NULL ? (size_t)(colon - s) : 0;
	struct sockaddr_storage addr;
	socklen_t len;
	char host[64];

	if (n > 0 && n < sizeof(host) && (strcmp(colon + 1, "*") == 0 || parse_port(colon + 1) > 0)) {
		memcpy(host, s, n);
		host[n] = '\0';
		if (cut_prefix(host) && parse_host(host, strlen(host), &addr, &len) == 0)
			return 0;
	}
	return cs_err_set(err, CS_EINVAL, "\"%.60s\" is not an address with port", s);
}

/* Host and optional port up to the path: letters, digits, dots, dashes; IPv6 in brackets. */
static bool
authority_ok(const char *s, size_t n)
{
	size_t host = s[0] == '[' ? strcspn(s, "]") + 1 : strcspn(s, ":/?");

	if (host == 0 || host > n)
		return false;
	for (size_t i = 0; i < host; i++)
		if (!isalnum((unsigned char)s[i]) && strchr(s[0] == '[' ? "[]:." : ".-_", s[i]) == NULL)
			return false;
	if (host == n)
		return true;
	if (s[host] != ':' || host + 1 == n || n - host > 6)
		return false;
	return strspn(s + host + 1, "0123456789") >= n - host - 1;
}

int
cs_conf_check_url(const char *s, struct cs_err *err)
{
	size_t scheme = strncmp(s, "https://", 8) == 0 ? 8 : strncmp(s, "http://", 7) == 0 ? 7 : 0;

	if (scheme == 0)
		return cs_err_set(err, CS_EINVAL, "the URL does not begin with https:// or http://");
	if (strlen(s) > 2048)
		return cs_err_set(err, CS_EINVAL, "the URL is longer than 2048 bytes");
	for (const char *p = s; *p != '\0'; p++)
		if ((unsigned char)*p <= ' ' || *p == 0x7f || *p == '#' || *p == '\\')
			return cs_err_set(err, CS_EINVAL, "the URL holds a space, control character, '#' or backslash");
	if (!authority_ok(s + scheme, strcspn(s + scheme, "/?")))
		return cs_err_set(err, CS_EINVAL, "the URL has no good host and port (a user name is not allowed)");
	return 0;
}

int
cs_conf_check_mail_url(const char *s, struct cs_err *err)
{
	size_t scheme = strncmp(s, "smtps://", 8) == 0 ? 8 : strncmp(s, "smtp://", 7) == 0 ? 7 : 0;

	if (scheme == 0)
		return cs_err_set(err, CS_EINVAL, "the server does not begin with smtp:// or smtps://");
	if (strlen(s) > 300 || strpbrk(s + scheme, "/?#@\\ \t\r\n") != NULL || !authority_ok(s + scheme, strlen(s + scheme)))
		return cs_err_set(err, CS_EINVAL, "the server is not HOST or HOST:PORT, without a path or user name");
	return 0;
}

int
cs_conf_parse_key(const char *s, size_t *name_len, uint8_t sha256[32], struct cs_err *err)
{
	const char *colon = strchr(s, ':');
	char name[65];

	if (colon == NULL || colon == s || (size_t)(colon - s) >= sizeof(name))
		return cs_err_set(err, CS_EINVAL, "a key is not of the form NAME:SHA256 (name of 1 to 64 characters)");
	*name_len = (size_t)(colon - s);
	memcpy(name, s, *name_len);
	name[*name_len] = '\0';
	if (!cs_is_ident(name, 64, "_.-"))
		return cs_err_set(err, CS_EINVAL, "a key's name holds other characters than A-Z a-z 0-9 _ . -");
	if (strlen(colon + 1) != 64 || cs_hex_decode(colon + 1, 64, sha256, 32) != 32)
		return cs_err_set(err, CS_EINVAL, "key \"%s\" does not have 64 hex digits", name);
	return 0;
}

int
cs_conf_check_whsec(const char *s, size_t n, struct cs_err *err)
{
	uint8_t key[96];
	int len;

	if (n <= 6 || strncmp(s, "whsec_", 6) != 0)
		return cs_err_set(err, CS_EINVAL, "the secret does not begin with whsec_");
	len = cs_base64_decode(s + 6, n - 6, key, sizeof(key));
	cs_wipe(key, sizeof(key));
	if (len < 24 || len > 64)
		return cs_err_set(err, CS_EINVAL, "the secret is not whsec_ and base64 of 24 to 64 bytes");
	return 0;
}

static char *
unit_text(int64_t n, const struct unit *units, size_t n_units, char out[CS_CONF_VALUE_TEXT])
{
	size_t i = 0;

	while (i + 1 < n_units && (n == 0 || n % units[i].factor != 0))
		i++;
	snprintf(out, CS_CONF_VALUE_TEXT, "%" PRId64 " %s", n / units[i].factor, units[i].name);
	return out;
}

char *
cs_conf_duration_text(int64_t ms, char out[CS_CONF_VALUE_TEXT])
{
	return unit_text(ms, durations, ms != 0 ? 5 : 4, out);
}

char *
cs_conf_size_text(int64_t bytes, char out[CS_CONF_VALUE_TEXT])
{
	return unit_text(bytes, sizes, CS_ARRAY_LEN(sizes), out);
}

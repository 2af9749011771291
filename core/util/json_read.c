/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json_read.c - the strict reader (cs_json_parse, cs_json_read_file; the rest of json.h is json.c).
 *
 * The reader is our own, one pass, and builds json-c objects. json-c's tokener is lenient in ways that matter when two
 * parties must agree on what a text says (comments, single quotes, NaN, the last of two equal members wins), so a full
 * check would have to run before it; a check that already walks every byte may as well build the value.
 *
 * A member is entered with a null before its value is read: if the object did not grow, the name was there already, and
 * the fault is found at the name. Numbers keep their text (cs_json_text gives back what was written): integers of 64
 * bits become integers, all others doubles with their text. A text that has no double (1e999) is refused, as is one of
 * more than 64 characters. Faults name the byte but never quote the input: it may be personal.
 */
#include "config.h"
#include "util/json.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "util/text.h"

#define NUMBER_MAX 64
#define FILE_DEPTH 64

struct reader {
	const char *s;
	size_t n, at;      /* at: the next byte; after a fault, where it is */
	int depth;         /* how many more may be opened */
	int code;          /* CS_EINVAL, CS_ENOMEM */
	const char *fault; /* NULL: none */
	char *scratch;     /* a text without its escapes, a name with its NUL */
	size_t scratch_cap;
	char first_scratch[256];
};

static bool read_value(struct reader *r, json_object **out);

static bool
fault_at(struct reader *r, size_t at, const char *what)
{
	r->at = at;
	r->code = CS_EINVAL;
	r->fault = what;
	return false;
}

static bool
no_memory(struct reader *r)
{
	r->code = CS_ENOMEM;
	r->fault = "out of memory";
	return false;
}

static int
peek(const struct reader *r)
{
	return r->at < r->n ? (unsigned char)r->s[r->at] : -1;
}

static int
skip_space(struct reader *r)
{
	int c;

	while ((c = peek(r)) == ' ' || c == '\n' || c == '\r' || c == '\t')
		r->at++;
	return c;
}

static char *
scratch(struct reader *r, size_t need)
{
	if (need <= r->scratch_cap)
		return r->scratch;
	if (r->scratch != r->first_scratch)
		free(r->scratch);
	r->scratch = malloc(need);
	r->scratch_cap = r->scratch == NULL ? 0 : need;
	if (r->scratch == NULL)
		no_memory(r);
	return r->scratch;
}

/* ---- strings */

/* Four hex digits at `at`, or -1. */
static int
hex4(const struct reader *r, size_t at)
{
	unsigned char b[2];

	if (r->n - at < 4 || cs_hex_decode(r->s + at, 4, b, sizeof(b)) < 0)
		return -1;
	return b[0] << 8 | b[1];
}

static size_t
put_utf8(char *to, uint32_t c)
{
	if (c < 0x80) {
		to[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		to[0] = (char)(0xc0 | c >> 6);
		to[1] = (char)(0x80 | (c & 0x3f));
		return 2;
	}
	if (c < 0x10000) {
		to[0] = (char)(0xe0 | c >> 12);
		to[1] = (char)(0x80 | (c >> 6 & 0x3f));
		to[2] = (char)(0x80 | (c & 0x3f));
		return 3;
	}
	to[0] = (char)(0xf0 | c >> 18);
	to[1] = (char)(0x80 | (c >> 12 & 0x3f));
	to[2] = (char)(0x80 | (c >> 6 & 0x3f));
	to[3] = (char)(0x80 | (c & 0x3f));
	return 4;
}

/* The escape \uXXXX at `at` (its backslash); *used is 6, or 12 for a pair. */
static bool
unicode_escape(struct reader *r, size_t at, uint32_t *out, size_t *used)
{
	int high = hex4(r, at + 2), low;

	*used = 6;
	if (high < 0)
		return fault_at(r, at, "\\u without four hex digits");
	if (high == 0)
		return fault_at(r, at, "NUL in a string");
	*out = (uint32_t)high;
	if (high < 0xd800 || high > 0xdfff)
		return true;
	*used = 12;
	low = high < 0xdc00 && r->n - at >= 12 && r->s[at + 6] == '\\' && r->s[at + 7] == 'u' ? hex4(r, at + 8) : -1;
	if (low < 0xdc00 || low > 0xdfff)
		return fault_at(r, at, "half of a surrogate pair");
	*out = 0x10000 + ((uint32_t)(high - 0xd800) << 10) + (uint32_t)(low - 0xdc00);
	return true;
}

/* r->s[from..to) with its escapes resolved into scratch. It never grows: \uXXXX is six bytes for at most three. */
static bool
unescape(struct reader *r, size_t from, size_t to, const char **out, size_t *len)
{
	static const char letter[] = "\"\\/bfnrt", meaning[] = "\"\\/\b\f\n\r\t";
	char *w = scratch(r, to - from + 1), *start = w;
	size_t at = from, used;
	const char *hit;
	uint32_t c;

	if (w == NULL)
		return false;
	while (at < to) {
		if (r->s[at] != '\\') {
			*w++ = r->s[at++];
			continue;
		}
		hit = memchr(letter, r->s[at + 1], sizeof(letter) - 1);
		if (hit != NULL) {
			*w++ = meaning[hit - letter];
			at += 2;
			continue;
		}
		if (r->s[at + 1] != 'u')
			return fault_at(r, at, "unknown escape in a string");
		if (!unicode_escape(r, at, &c, &used))
			return false;
		w += put_utf8(w, c);
		at += used;
	}
	*out = start;
	*len = (size_t)(w - start);
	return true;
}

/* What stands between here and the next byte that ends or escapes; sets *seen for bytes above ASCII. */
static size_t
plain_run(const char *s, size_t at, size_t n, bool *seen)
{
	const uint64_t ones = 0x0101010101010101ULL, tops = 0x8080808080808080ULL;
	uint64_t w, quote, slash, control;
	unsigned char c;

	for (; n - at >= 8; at += 8) {
		memcpy(&w, s + at, 8);
		quote = w ^ ones * '"';
		slash = w ^ ones * '\\';
		control = w - ones * 0x20;
		if ((((quote - ones) & ~quote) | ((slash - ones) & ~slash) | (control & ~w)) & tops)
			break;
		*seen |= (w & tops) != 0;
	}
	for (; at < n; at++) {
		c = (unsigned char)s[at];
		if (c == '"' || c == '\\' || c < 0x20)
			break;
		*seen |= c >= 0x80;
	}
	return at;
}

/* A string whose opening quote is next. *out is borrowed from the input or from scratch: until the next string. */
static bool
read_string(struct reader *r, const char **out, size_t *len)
{
	size_t from = r->at + 1, at = from;
	bool escaped = false, beyond_ascii = false;

	for (;; at += 2) {
		at = plain_run(r->s, at, r->n, &beyond_ascii);
		if (at == r->n)
			return fault_at(r, r->n, "the text ends inside a string");
		if (r->s[at] == '"')
			break;
		if (r->s[at] != '\\')
			return fault_at(r, at, r->s[at] == '\0' ? "NUL in a string" : "control character in a string");
		if (r->n - at < 2)
			return fault_at(r, r->n, "the text ends inside a string");
		escaped = true;
	}
	if (beyond_ascii && !cs_utf8_valid(r->s + from, at - from, true))
		return fault_at(r, from, "a string that is not UTF-8 begins here");
	*out = r->s + from;
	*len = at - from;
	if (escaped && !unescape(r, from, at, out, len))
		return false;
	r->at = at + 1;
	return true;
}

/* ---- numbers and words */

static locale_t c_locale;
static pthread_once_t locale_once = PTHREAD_ONCE_INIT;

static void
make_locale(void)
{
	c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
	if (c_locale == (locale_t)0)
		abort();
}

static size_t
digits_from(const struct reader *r, size_t at)
{
	while (at < r->n && r->s[at] >= '0' && r->s[at] <= '9')
		at++;
	return at;
}

/* The end of the number at r->at by the grammar of RFC 8259, or 0 with the fault. */
static size_t
number_end(struct reader *r, bool *integer)
{
	size_t at = r->at + (peek(r) == '-'), end;

	*integer = true;
	end = digits_from(r, at);
	if (end == at)
		return fault_at(r, at, "a number without digits");
	if (r->s[at] == '0' && end - at > 1)
		return fault_at(r, at, "a number with a leading zero");
	if (end < r->n && r->s[end] == '.') {
		*integer = false;
		at = end + 1;
		if ((end = digits_from(r, at)) == at)
			return fault_at(r, at, "no digit behind the decimal point");
	}
	if (end < r->n && (r->s[end] == 'e' || r->s[end] == 'E')) {
		*integer = false;
		at = end + 1;
		if (at < r->n && (r->s[at] == '+' || r->s[at] == '-'))
			at++;
		if ((end = digits_from(r, at)) == at)
			return fault_at(r, at, "an exponent without digits");
	}
	return end;
}

/* NULL when the text (already by the grammar) is no 64-bit integer; "-0" is none, for an integer has no such sign. */
static json_object *
integer_from(const char *text, bool *fits)
{
	unsigned long long u;
	long long i;

	errno = 0;
	i = strtoll(text, NULL, 10);
	*fits = errno == 0 && !(text[0] == '-' && i == 0);
	if (*fits)
		return json_object_new_int64(i);
	if (text[0] == '-')
		return NULL;
	errno = 0;
	u = strtoull(text, NULL, 10);
	*fits = errno == 0;
	return *fits ? json_object_new_uint64(u) : NULL;
}

static bool
read_number(struct reader *r, json_object **out)
{
	char text[NUMBER_MAX + 1];
	bool integer, fits = false;
	size_t end = number_end(r, &integer), len = end - r->at;
	int saved = errno;
	double d;

	if (end == 0)
		return false;
	if (len > NUMBER_MAX)
		return fault_at(r, r->at, "a number of more than 64 characters");
	memcpy(text, r->s + r->at, len);
	text[len] = '\0';
	if (integer)
		*out = integer_from(text, &fits);
	if (!fits) {
		pthread_once(&locale_once, make_locale);
		d = strtod_l(text, NULL, c_locale);
		if (!isfinite(d))
			return fault_at(r, r->at, "a number beyond the range of a double");
		*out = json_object_new_double_s(d, text);
	}
	errno = saved;
	if (*out == NULL)
		return no_memory(r);
	r->at = end;
	return true;
}

static bool
read_word(struct reader *r, const char *word)
{
	size_t len = strlen(word);

	if (r->n - r->at < len || memcmp(r->s + r->at, word, len) != 0)
		return fault_at(r, r->at, "not a JSON value");
	r->at += len;
	return true;
}

static bool
read_bool(struct reader *r, bool value, json_object **out)
{
	if (!read_word(r, value ? "true" : "false"))
		return false;
	*out = json_object_new_boolean(value);
	return *out != NULL || no_memory(r);
}

/* ---- arrays and objects */

/* Behind a value: true with *more for a comma, without it for the closing bracket. */
static bool
next_item(struct reader *r, char close, bool *more)
{
	int c = skip_space(r);

	*more = c == ',';
	if (c != ',' && c != close)
		return fault_at(r, r->at, c < 0        ? "the text ends too early"
		                          : close == ']' ? "neither a comma nor the end of the array"
		                                         : "neither a comma nor the end of the object");
	r->at++;
	return true;
}

static bool
read_array(struct reader *r, json_object *array)
{
	bool more = true;
	json_object *item;

	r->at++;
	if (skip_space(r) == ']') {
		r->at++;
		return true;
	}
	while (more) {
		item = NULL;
		if (!read_value(r, &item)) {
			json_object_put(item);
			return false;
		}
		if (json_object_array_add(array, item) < 0) {
			json_object_put(item);
			return no_memory(r);
		}
		if (!next_item(r, ']', &more))
			return false;
	}
	return true;
}

/* Enter the name that comes next with a null. Its place stays good while the value is read: nobody adds meanwhile. */
static struct lh_entry *
read_name(struct reader *r, json_object *object)
{
	const char *name;
	size_t at, len;
	char *z;

	if (skip_space(r) != '"') {
		fault_at(r, r->at, peek(r) < 0 ? "the text ends too early" : "not a member name in double quotes");
		return NULL;
	}
	at = r->at;
	if (!read_string(r, &name, &len))
		return NULL;
	if (name != r->scratch) {
		if ((z = scratch(r, len + 1)) == NULL)
			return NULL;
		name = memcpy(z, name, len);
	}
	r->scratch[len] = '\0';
	len = (size_t)json_object_object_length(object);
	if (json_object_object_add(object, name, NULL) < 0) {
		no_memory(r);
		return NULL;
	}
	if ((size_t)json_object_object_length(object) == len) {
		fault_at(r, at, "a member of this name is there already");
		return NULL;
	}
	if (skip_space(r) != ':') {
		fault_at(r, r->at, "no colon behind the member name");
		return NULL;
	}
	r->at++;
	return json_object_get_object(object)->tail;
}

static bool
read_object(struct reader *r, json_object *object)
{
	struct lh_entry *slot;
	json_object *value;
	bool more = true;

	r->at++;
	if (skip_space(r) == '}') {
		r->at++;
		return true;
	}
	while (more) {
		value = NULL;
		if ((slot = read_name(r, object)) == NULL)
			return false;
		if (!read_value(r, &value)) {
			json_object_put(value);
			return false;
		}
		slot->v = value;
		if (!next_item(r, '}', &more))
			return false;
	}
	return true;
}

/* On a fault *out may hold what was read so far; the caller drops it. */
static bool
read_container(struct reader *r, bool array, json_object **out)
{
	bool good;

	if (r->depth == 0)
		return fault_at(r, r->at, "nested too deep");
	*out = array ? json_object_new_array_ext(4) : json_object_new_object();
	if (*out == NULL)
		return no_memory(r);
	r->depth--;
	good = array ? read_array(r, *out) : read_object(r, *out);
	r->depth++;
	return good;
}

static bool
read_value(struct reader *r, json_object **out)
{
	const char *text;
	size_t len;

	switch (skip_space(r)) {
	case '{':
		return read_container(r, false, out);
	case '[':
		return read_container(r, true, out);
	case '"':
		if (!read_string(r, &text, &len))
			return false;
		*out = json_object_new_string_len(text, (int)len);
		return *out != NULL || no_memory(r);
	case 't':
		return read_bool(r, true, out);
	case 'f':
		return read_bool(r, false, out);
	case 'n':
		return read_word(r, "null");
	case '-':
	case '0' ... '9':
		return read_number(r, out);
	case -1:
		return fault_at(r, r->at, "the text ends where a value should be");
	default:
		return fault_at(r, r->at, "not a JSON value");
	}
}

/* The value in s, or NULL with r->fault (a JSON null is NULL without one). */
static json_object *
read_text(struct reader *r, const char *s, size_t n, int max_depth)
{
	json_object *o = NULL;

	r->s = s;
	r->n = n;
	r->at = 0;
	r->depth = max_depth;
	r->fault = NULL;
	r->scratch = r->first_scratch;
	r->scratch_cap = sizeof(r->first_scratch);
	if (n > INT_MAX)
		fault_at(r, 0, "a text of more than 2 GiB");
	else if (read_value(r, &o) && skip_space(r) >= 0)
		fault_at(r, r->at, "something stands behind the value");
	if (r->scratch != r->first_scratch)
		free(r->scratch);
	if (r->fault == NULL)
		return o;
	json_object_put(o);
	return NULL;
}

int
cs_json_parse(const char *s, size_t n, int max_depth, json_object **out, struct cs_err *err)
{
	struct reader r;

	*out = read_text(&r, s, n, max_depth);
	if (r.fault == NULL)
		return 0;
	return cs_err_set(err, r.code, "not valid JSON at byte %zu: %s", r.at, r.fault);
}

/* ---- files */

static int
file_error(struct cs_err *err, const char *path)
{
	int code = errno == ENOENT ? CS_ENOTFOUND : errno == EACCES || errno == EPERM ? CS_EPERM : CS_EIO;

	return cs_err_set(err, code, "could not read %s: %s", path, strerror(errno));
}

static int
read_whole(int fd, const char *path, struct cs_buf *text, struct cs_err *err)
{
	char piece[8192];
	ssize_t got;

	while ((got = read(fd, piece, sizeof(piece))) != 0) {
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return file_error(err, path);
		if (cs_buf_add(text, piece, (size_t)got) < 0)
			return cs_err_set(err, CS_ELIMIT, "%s is larger than %zu bytes", path, text->max);
	}
	return 0;
}

/* For people with an editor: line and column (in bytes, from 1) of the fault. */
static int
fault_in_file(struct cs_err *err, const char *path, const struct reader *r)
{
	size_t line = 1, column = 1;

	for (size_t i = 0; i < r->at; i++, column++)
		if (r->s[i] == '\n') {
			line++;
			column = 0;
		}
	return cs_err_set(err, r->code, "%s:%zu:%zu: not valid JSON at byte %zu: %s", path, line, column, r->at,
	                  r->fault);
}

int
cs_json_read_file(const char *path, size_t max, json_object **out, struct cs_err *err)
{
	CS_CLEANUP(cs_buf_fini) struct cs_buf text = CS_BUF_INIT(max);
	struct reader r;
	int fd, rc;

	*out = NULL;
	if ((fd = open(path, O_RDONLY | O_CLOEXEC)) < 0)
		return file_error(err, path);
	rc = read_whole(fd, path, &text, err);
	close(fd);
	if (rc < 0)
		return rc;
	*out = read_text(&r, cs_buf_str(&text), text.len, FILE_DEPTH);
	return r.fault == NULL ? 0 : fault_in_file(err, path, &r);
}

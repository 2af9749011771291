/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json_read.c - the strict parser: a text into a tree of nodes (json_tree.h).
 *
 * The parser is our own. json-c's is lenient in ways that matter when two parties must agree on what a text says
 * (comments, single quotes, NaN, the last of two equal members wins). Faults name the byte but never quote the input: it may
 * be personal.
 *
 * One pass, no look-ahead. The zeroes behind the text stop every loop, so only a zero needs a look at where the text ends.
 * Names are compared with their siblings as long as these are few; in a large object they go into a table under a keyed hash
 * of the name and the object's place, so that nobody can make an object that is slow to read.
 */
#include "config.h"
#include "util/json_tree.h"

#include <endian.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include "util/json_scan.h"
#include "util/map.h"
#include "util/text.h"

#define FEW_NAMES 16

struct reader {
	struct cs_json_scan in;
	struct cs_json_tree *t;
	int depth;           /* how many more may be opened */
	struct cs_map names; /* of large objects: hash -> node */
};

static bool read_value(struct reader *r, size_t node);

static bool
fault(struct reader *r, const char *what)
{
	return cs_json_fault(&r->in, r->in.at, what);
}

/* The next byte that is no space, or -1 at the end. */
static inline int
skip_space(struct reader *r)
{
	const char *p = r->in.s + r->in.at;

	while (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t')
		p++;
	r->in.at = (size_t)(p - r->in.s);
	return *p != '\0' || r->in.at < r->in.n ? (unsigned char)*p : -1;
}

/* ---- nodes */

static void
grow(struct cs_json_tree *t)
{
	struct cs_json_node *v = t->v == t->few ? NULL : t->v;

	t->cap *= 2;
	v = cs_xrealloc(v, t->cap * sizeof(*v));
	if (t->v == t->few)
		memcpy(v, t->few, sizeof(t->few));
	t->v = v;
}

/* The place of a new one. Pointers to nodes are good until the next. */
static inline size_t
add_node(struct cs_json_tree *t)
{
	if (t->n == t->cap)
		grow(t);
	t->v[t->n] = (struct cs_json_node){ .size = 1 };
	return t->n++;
}

/* ---- strings */

typedef signed char piece __attribute__((vector_size(CS_JSON_PAD)));

/* From here to the next byte that is a quote, a backslash, a control character or not ASCII: sixteen at a time. */
static inline size_t
plain_run(const char *s, size_t at)
{
	uint64_t mark[2];
	piece w, stop;

	for (;; at += sizeof(w)) {
		memcpy(&w, s + at, sizeof(w));
		stop = (w == '"') | (w == '\\') | (w < ' '); /* beyond ASCII is negative */
		memcpy(mark, &stop, sizeof(mark));
		if ((mark[0] | mark[1]) != 0)
			break;
	}
	if (mark[0] != 0)
		return at + (size_t)__builtin_ctzll(le64toh(mark[0])) / 8;
	return at + 8 + (size_t)__builtin_ctzll(le64toh(mark[1])) / 8;
}

/* The quote that ends the string whose text begins at `at`; 0 with the fault. */
static inline size_t
string_end(struct cs_json_scan *in, size_t at, bool *escaped, bool *beyond_ascii)
{
	signed char c;

	for (;;) {
		at = plain_run(in->s, at);
		c = (signed char)in->s[at];
		if (c == '"')
			return at;
		if (c < 0) {
			*beyond_ascii = true;
			while ((signed char)in->s[++at] < 0)
				;
		} else if (at == in->n || (c == '\\' && at + 1 == in->n)) {
			return cs_json_fault(in, in->n, "the text ends inside a string");
		} else if (c == '\\') {
			*escaped = true;
			at += 2;
		} else {
			return cs_json_fault(in, at, c == '\0' ? "NUL in a string" : "control character in a string");
		}
	}
}

/* A string whose opening quote is next. Half of what a text is made of, so the compiler is told to build it in. */
static inline __attribute__((always_inline)) bool
read_string(struct reader *r, const char **out, uint32_t *len, bool *escaped)
{
	struct cs_json_scan *in = &r->in;
	bool beyond_ascii = false;
	size_t from = in->at + 1, end, n;

	*escaped = false;
	if ((end = string_end(in, from, escaped, &beyond_ascii)) == 0)
		return false;
	n = end - from;
	if (beyond_ascii && !cs_utf8_valid(in->s + from, n, true))
		return cs_json_fault(in, from, "a string that is not UTF-8 begins here");
	if (*escaped && !cs_json_unescape(in, from, &n))
		return false;
	in->s[from + n] = '\0';
	in->at = end + 1;
	*out = in->s + from;
	*len = (uint32_t)n;
	return true;
}

/* ---- arrays and objects */

/* Behind a value: true with *more for a comma, without it for the closing bracket. */
static inline bool
next_item(struct reader *r, char close, bool *more)
{
	int c = skip_space(r);

	*more = c == ',';
	if (c != ',' && c != close)
		return fault(r, c < 0          ? "the text ends too early"
		                : close == ']' ? "neither a comma nor the end of the array"
		                               : "neither a comma nor the end of the object");
	r->in.at++;
	return true;
}

static bool
read_array(struct reader *r)
{
	bool more = true;

	while (more)
		if (!read_value(r, add_node(r->t)) || !next_item(r, ']', &more))
			return false;
	return true;
}

static bool
among_siblings(const struct cs_json_tree *t, size_t object, size_t member)
{
	const struct cs_json_node *new = &t->v[member];

	for (const struct cs_json_node *m = &t->v[object + 1]; m < new; m += m->size)
		if (m->name_len == new->name_len && memcmp(m->name, new->name, new->name_len) == 0)
			return true;
	return false;
}

static uint64_t
name_key(const struct cs_json_node *member, size_t object)
{
	return cs_hash64(member->name, member->name_len) ^ object * 0x9e3779b97f4a7c15ULL;
}

/* Enter the name; false if the key was there. */
static bool
enter(struct reader *r, size_t object, size_t member)
{
	uint64_t key = name_key(&r->t->v[member], object);

	if (cs_map_get(&r->names, key) != NULL)
		return false;
	cs_map_put(&r->names, key, &r->names);
	return true;
}

/* Two names with one key are unlikely but no fault: a key that is there is always looked into. */
static bool
there_already(struct reader *r, size_t object, size_t member, size_t n_before)
{
	if (n_before < FEW_NAMES)
		return among_siblings(r->t, object, member);
	if (n_before == FEW_NAMES)
		for (size_t m = object + 1; m < member; m += r->t->v[m].size)
			enter(r, object, m);
	return !enter(r, object, member) && among_siblings(r->t, object, member);
}

static inline bool
read_name(struct reader *r, size_t object, size_t member, size_t n_before)
{
	struct cs_json_node *m = &r->t->v[member];
	size_t at;

	if (skip_space(r) != '"')
		return fault(r, skip_space(r) < 0 ? "the text ends too early" : "not a member name in double quotes");
	at = r->in.at;
	if (!read_string(r, &m->name, &m->name_len, &m->name_escaped))
		return false;
	if (there_already(r, object, member, n_before))
		return cs_json_fault(&r->in, at, "a member of this name is there already");
	if (skip_space(r) != ':')
		return fault(r, "no colon behind the member name");
	r->in.at++;
	return true;
}

static bool
read_object(struct reader *r, size_t object)
{
	bool more = true;
	size_t member;

	for (size_t n = 0; more; n++) {
		member = add_node(r->t);
		if (!read_name(r, object, member, n) || !read_value(r, member) || !next_item(r, '}', &more))
			return false;
	}
	return true;
}

static bool
read_items(struct reader *r, size_t node, bool array)
{
	bool good;

	r->in.at++;
	if (skip_space(r) == (array ? ']' : '}')) {
		r->in.at++;
		return true;
	}
	r->depth--;
	good = array ? read_array(r) : read_object(r, node);
	r->depth++;
	return good;
}

static bool
read_container(struct reader *r, size_t at, bool array)
{
	size_t from = r->in.at;
	struct cs_json_node *node;

	if (r->depth == 0)
		return fault(r, "nested too deep");
	if (!read_items(r, at, array))
		return false;
	node = &r->t->v[at];
	node->kind = array ? CS_JSON_ARRAY : CS_JSON_OBJECT;
	node->len = (uint32_t)(r->in.at - from);
	node->size = (uint32_t)(r->t->n - at);
	return true;
}

/* ---- values */

static bool
read_word(struct reader *r, const char *word, struct cs_json_node *node, enum cs_json_kind kind)
{
	size_t len = strlen(word);

	if (strncmp(r->in.s + r->in.at, word, len) != 0)
		return fault(r, "not a JSON value");
	r->in.at += len;
	node->kind = (uint8_t)kind;
	return true;
}

static bool
read_number(struct reader *r, struct cs_json_node *node)
{
	size_t len;

	if (!cs_json_number(&r->in, &len, &node->integer))
		return false;
	node->kind = CS_JSON_NUMBER;
	node->text = r->in.s + r->in.at;
	node->len = (uint32_t)len;
	r->in.at += len;
	return true;
}

static bool
read_value(struct reader *r, size_t at)
{
	struct cs_json_node *node = &r->t->v[at];

	switch (skip_space(r)) {
	case '"':
		node->kind = CS_JSON_TEXT;
		return read_string(r, &node->text, &node->len, &node->escaped);
	case '{':
		return read_container(r, at, false);
	case '[':
		return read_container(r, at, true);
	case 't':
		return read_word(r, "true", node, CS_JSON_TRUE);
	case 'f':
		return read_word(r, "false", node, CS_JSON_FALSE);
	case 'n':
		return read_word(r, "null", node, CS_JSON_NULL);
	case '-':
	case '0' ... '9':
		return read_number(r, node);
	case -1:
		return fault(r, "the text ends where a value should be");
	default:
		return fault(r, "not a JSON value");
	}
}

bool
cs_json_tree_read(struct cs_json_tree *t, char *text, size_t n, int max_depth)
{
	struct reader r = { .in = { .s = text, .n = n }, .t = t, .depth = max_depth };

	t->v = t->few;
	t->n = 0;
	t->cap = CS_ARRAY_LEN(t->few);
	if (n > INT_MAX)
		cs_json_fault(&r.in, 0, "a text of more than 2 GiB");
	else if (read_value(&r, add_node(t)) && skip_space(&r) >= 0)
		fault(&r, "something stands behind the value");
	cs_map_fini(&r.names);
	t->fault = r.in.fault;
	t->fault_at = r.in.at;
	return t->fault == NULL;
}

void
cs_json_tree_fini(struct cs_json_tree *t)
{
	if (t->v != t->few)
		free(t->v);
	t->v = t->few;
	t->n = 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json_tree.h - a JSON text as a flat list of nodes, read in place.
 *
 * One strict parser serves everybody: cs_json_parse (json.h) makes json-c objects of the tree, the lead reader looks at
 * the nodes. A node stands before its children, and each child before its own; `size` counts a node with all that is
 * below it, so the next sibling is at node + size and nothing needs a pointer. Texts and names lie in the caller's own
 * text, whose escapes were resolved in place and whose closing quotes became NULs: reading an ordinary text allocates
 * nothing. No name stands twice in an object, no text or name has a NUL inside, all are UTF-8.
 */
#ifndef CS_UTIL_JSON_TREE_H
#define CS_UTIL_JSON_TREE_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "util/mem.h"

#define CS_JSON_PAD 16 /* zeroes behind the text, so that it can be read by pieces of this size */

enum cs_json_kind { CS_JSON_NULL, CS_JSON_FALSE, CS_JSON_TRUE, CS_JSON_NUMBER, CS_JSON_TEXT, CS_JSON_ARRAY, CS_JSON_OBJECT };

struct cs_json_node {
	const char *name; /* of a member, a NUL behind it; NULL for others */
	const char *text; /* TEXT: a NUL behind it. NUMBER: as written, at most 64 characters; no NUL. Others: NULL */
	uint32_t name_len, len; /* len of an ARRAY or OBJECT: of what was written; cs_json_node_write writes no more */
	uint32_t size;    /* nodes, itself included */
	uint8_t kind;
	bool integer;     /* NUMBER: without fraction and exponent; of any length */
	bool name_escaped, escaped; /* false: written without a backslash, so it has neither quote, backslash nor control character */
};

/* The children of an array, the members of an object. */
#define CS_JSON_EACH(child, parent) \
	for (const struct cs_json_node *child = (parent) + 1; (child) < (parent) + (parent)->size; (child) += (child)->size)

struct cs_json_tree {
	struct cs_json_node *v; /* v[0] is the value */
	size_t n, cap;
	const char *fault;      /* what is wrong, at this byte */
	size_t fault_at;
	struct cs_json_node few[80];
};

/*
 * Read text[0..n), which the tree changes and points into from then on. CS_JSON_PAD zeroes must stand behind it.
 * False with fault and fault_at when it is no JSON. The tree is to be finished in any case; it must not be moved.
 */
bool cs_json_tree_read(struct cs_json_tree *t, char *text, size_t n, int max_depth);
void cs_json_tree_fini(struct cs_json_tree *t);

const struct cs_json_node *cs_json_node_get(const struct cs_json_node *object, const char *name); /* NULL: none, or no object */
double cs_json_node_double(const struct cs_json_node *number);
/* Whether an INTEGER fits 64 bits; -0 does not, for an integer has no such sign. */
bool cs_json_node_int64(const struct cs_json_node *number, int64_t *out);
bool cs_json_node_uint64(const struct cs_json_node *number, uint64_t *out);
/* JSON without spaces; numbers as written, members in their order. */
void cs_json_node_write(const struct cs_json_node *node, struct cs_buf *out);
void cs_json_node_write_member(const struct cs_json_node *member, struct cs_buf *out); /* name, colon, value */
/* As json-c has it: integers of 64 bits are integers, other numbers doubles with their text. False: out of memory. */
bool cs_json_node_object(const struct cs_json_node *node, json_object **out);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json_parse.c - texts and files as json-c objects: read into a tree (json_read.c) and copied out of it.
 */
#include "config.h"
#include "util/json.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "util/json_tree.h"

#define FILE_DEPTH 64

/* 0, or negative with tree->fault: CS_EINVAL at tree->fault_at. A JSON null is NULL and no fault. */
static int
read_text(struct cs_json_tree *tree, const char *s, size_t n, int max_depth, json_object **out)
{
	char *text = cs_xmalloc(n + CS_JSON_PAD);
	int rc = CS_EINVAL;

	*out = NULL;
	if (n > 0)
		memcpy(text, s, n);
	memset(text + n, 0, CS_JSON_PAD);
	if (cs_json_tree_read(tree, text, n, max_depth)) {
		rc = cs_json_node_object(tree->v, out) ? 0 : CS_ENOMEM;
		if (rc < 0)
			tree->fault = "out of memory";
	}
	cs_json_tree_fini(tree);
	free(text);
	return rc;
}

int
cs_json_parse(const char *s, size_t n, int max_depth, json_object **out, struct cs_err *err)
{
	struct cs_json_tree tree;
	int rc = read_text(&tree, s, n, max_depth, out);

	return rc == 0 ? 0 : cs_err_set(err, rc, "not valid JSON at byte %zu: %s", tree.fault_at, tree.fault);
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
fault_in_file(struct cs_err *err, int code, const char *path, const char *text, const struct cs_json_tree *tree)
{
	size_t line = 1, column = 1;

	for (size_t i = 0; i < tree->fault_at; i++, column++)
		if (text[i] == '\n') {
			line++;
			column = 0;
		}
	return cs_err_set(err, code, "%s:%zu:%zu: not valid JSON at byte %zu: %s", path, line, column, tree->fault_at, tree->fault);
}

int
cs_json_read_file(const char *path, size_t max, json_object **out, struct cs_err *err)
{
	CS_CLEANUP(cs_buf_fini) struct cs_buf text = CS_BUF_INIT(max);
	struct cs_json_tree tree;
	int fd, rc;

	*out = NULL;
	if ((fd = open(path, O_RDONLY | O_CLOEXEC)) < 0)
		return file_error(err, path);
	rc = read_whole(fd, path, &text, err);
	close(fd);
	if (rc < 0)
		return rc;
	rc = read_text(&tree, cs_buf_str(&text), text.len, FILE_DEPTH, out);
	return rc == 0 ? 0 : fault_in_file(err, rc, path, cs_buf_str(&text), &tree);
}

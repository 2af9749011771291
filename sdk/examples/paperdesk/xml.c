#include "xml.h"
#include <string.h>

static const char *
find(const char *p, const char *end, const char *what)
{
	size_t n = strlen(what);

	for (; (size_t)(end - p) >= n; p++)
		if (memcmp(p, what, n) == 0)
			return p;
	return NULL;
}

static int
is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

// The first "<name" that is followed by something that ends a name.
static const char *
element(struct xml doc, const char *name)
{
	const char *p = doc.p, *end = doc.p + doc.n;
	size_t n = strlen(name);

	for (; (p = find(p, end, "<")) != NULL; p++)
		if ((size_t)(end - p) > n + 1 && memcmp(p + 1, name, n) == 0 && (is_space(p[n + 1]) || strchr("/>", p[n + 1])))
			return p + n + 1;
	return NULL;
}

int
xml_is(struct xml doc, const char *root)
{
	const char *p = doc.p, *end = doc.p + doc.n, *close;

	while (p < end && is_space(*p))
		p++;
	if (end - p > 2 && memcmp(p, "<?", 2) == 0) {
		if ((close = find(p, end, "?>")) == NULL)
			return 0;
		for (p = close + 2; p < end && is_space(*p); p++)
			;
	}
	return p < end && *p == '<' && element((struct xml){ p, (size_t)(end - p) }, root) == p + 1 + strlen(root);
}

int
xml_is_whole(struct xml doc, const char *root)
{
	const char *end = doc.p + doc.n;
	size_t n = strlen(root);

	while (doc.n > 0 && is_space(end[-1]))
		end--, doc.n--;
	if (doc.n > 2 && memcmp(end - 2, "/>", 2) == 0)
		return xml_is(doc, root);
	return doc.n > n + 3 && end[-1] == '>' && memcmp(end - 1 - n, root, n) == 0 && memcmp(end - 3 - n, "</", 2) == 0;
}

static size_t
entity(const char *p, const char *end, char *c)
{
	static const struct { const char *text; char c; } known[] = { { "&amp;", '&' }, { "&lt;", '<' }, { "&gt;", '>' },
		{ "&quot;", '"' }, { "&apos;", '\'' } };

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		size_t n = strlen(known[i].text);

		if ((size_t)(end - p) >= n && memcmp(p, known[i].text, n) == 0) {
			*c = known[i].c;
			return n;
		}
	}
	*c = *p;
	return 1;
}

int
xml_attr(struct xml doc, const char *name, const char *attr, char *out, size_t cap)
{
	const char *p = element(doc, name), *end = doc.p + doc.n, *close;
	size_t n = strlen(attr), at = 0;

	if (p == NULL || (close = find(p, end, ">")) == NULL)
		return 0;
	for (; (p = find(p, close, attr)) != NULL; p += n)
		if (is_space(p[-1]) && close - p > (long)n + 2 && p[n] == '=' && p[n + 1] == '"')
			break;
	if (p == NULL || (close = find(p + n + 2, close, "\"")) == NULL)
		return 0;
	for (p += n + 2; p < close && at + 1 < cap; at++)
		p += entity(p, close, &out[at]);
	out[at] = '\0';
	return p == close && at > 0;
}

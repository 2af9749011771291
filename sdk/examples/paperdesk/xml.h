// The little XML that Paperdesk speaks: elements and attributes, no namespaces, no CDATA.
#pragma once
#include <stddef.h>

struct xml {
	const char *p;
	size_t n;
};

// Does the document's first element have this name? (Otherwise it is an error page, or cut.)
int xml_is(struct xml doc, const char *root);
// Does it end with the root's end tag?
int xml_is_whole(struct xml doc, const char *root);
// The value of an attribute of the first element `name`, unescaped into out. 0: there is none, or it does not fit.
int xml_attr(struct xml doc, const char *name, const char *attr, char *out, size_t cap);

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * symbols.c - a reader of ELF symbol tables, as small as can be.
 *
 * dladdr() knows exported functions only, and a plugin exports one. The file is mapped, every offset is compared with its
 * size, and the functions are copied into one sorted list, so that nothing of the file is needed afterwards.
 */
#include "config.h"
#include "plughost/symbols.h"
#include "util/mem.h"

#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_FUNCTIONS 65536
#define MAX_NAME 120

struct function {
	uint64_t at, size;
	const char *name;
};

struct cs_symbols {
	struct function *v;
	size_t n;
	struct cs_arena names;
};

struct image {
	const char *p;
	size_t n;
};

/* n elements of that size at that offset, or NULL. */
static const void *
part(const struct image *im, uint64_t offset, uint64_t n, uint64_t size)
{
	if (offset > im->n || n > (im->n - offset) / size || offset % _Alignof(uint64_t) != 0)
		return NULL;
	return im->p + offset;
}

static const ElfW(Shdr) *
section_of(const struct image *im, uint32_t type, const ElfW(Shdr) **all, size_t *n)
{
	const ElfW(Ehdr) *head = part(im, 0, 1, sizeof(*head));

	if (head == NULL || memcmp(head->e_ident, ELFMAG, SELFMAG) != 0 || head->e_shentsize != sizeof(ElfW(Shdr)))
		return NULL;
	*n = head->e_shnum;
	if ((*all = part(im, head->e_shoff, *n, sizeof(**all))) == NULL)
		return NULL;
	for (size_t i = 0; i < *n; i++)
		if ((*all)[i].sh_type == type)
			return &(*all)[i];
	return NULL;
}

/* A name that ends inside its table and is made of what can be shown; else NULL. */
static const char *
name_at(const char *table, uint64_t size, uint32_t at)
{
	size_t len;

	if (at >= size)
		return NULL;
	len = strnlen(table + at, size - at);
	if (len == 0 || len > MAX_NAME || at + len == size)
		return NULL;
	for (size_t i = 0; i < len; i++)
		if (table[at + i] <= ' ' || table[at + i] > '~')
			return NULL;
	return table + at;
}

static void
add(struct cs_symbols *s, const ElfW(Sym) *sym, const char *name)
{
	if (name == NULL || ELF64_ST_TYPE(sym->st_info) != STT_FUNC || sym->st_value == 0 || s->n == MAX_FUNCTIONS)
		return;
	if ((s->n & (s->n - 1)) == 0) /* doubled at each power of two */
		s->v = cs_xrealloc(s->v, (s->n > 0 ? 2 * s->n : 1) * sizeof(*s->v));
	s->v[s->n++] = (struct function){ sym->st_value, sym->st_size, cs_arena_strdup(&s->names, name) };
}

static bool
read_table(struct cs_symbols *s, const struct image *im, uint32_t type)
{
	const ElfW(Shdr) *all, *table;
	const ElfW(Sym) *syms;
	const char *names;
	size_t n, count;

	if ((table = section_of(im, type, &all, &n)) == NULL || table->sh_link >= n || table->sh_entsize != sizeof(*syms))
		return false;
	count = table->sh_size / sizeof(*syms);
	syms = part(im, table->sh_offset, count, sizeof(*syms));
	if (all[table->sh_link].sh_offset > im->n || all[table->sh_link].sh_size > im->n - all[table->sh_link].sh_offset)
		return false;
	names = im->p + all[table->sh_link].sh_offset;
	for (size_t i = 0; syms != NULL && i < count; i++)
		add(s, &syms[i], name_at(names, all[table->sh_link].sh_size, syms[i].st_name));
	return s->n > 0;
}

static int
by_address(const void *a, const void *b)
{
	const struct function *x = a, *y = b;

	return x->at < y->at ? -1 : x->at > y->at;
}

static bool
map_file(const char *path, struct image *im)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	void *p = MAP_FAILED;

	if (fd < 0)
		return false;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0)
		p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	close(fd);
	if (p == MAP_FAILED)
		return false;
	*im = (struct image){ p, (size_t)st.st_size };
	return true;
}

struct cs_symbols *
cs_symbols_read(const char *path)
{
	struct cs_symbols *s;
	struct image im;

	if (!map_file(path, &im))
		return NULL;
	s = cs_xcalloc(1, sizeof(*s));
	cs_arena_init(&s->names);
	if (read_table(s, &im, SHT_SYMTAB) || read_table(s, &im, SHT_DYNSYM))
		qsort(s->v, s->n, sizeof(*s->v), by_address);
	munmap((void *)(uintptr_t)im.p, im.n);
	if (s->n > 0)
		return s;
	cs_symbols_free(s);
	return NULL;
}

void
cs_symbols_free(struct cs_symbols *s)
{
	if (s == NULL)
		return;
	cs_arena_fini(&s->names);
	cs_freep(&s->v);
	cs_freep(&s);
}

const char *
cs_symbols_find(const struct cs_symbols *s, uint64_t at, uint64_t *offset)
{
	size_t low = 0, high = s != NULL ? s->n : 0;

	while (low < high) { /* the first one behind it */
		size_t middle = low + (high - low) / 2;

		if (s->v[middle].at <= at)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == 0 || at - s->v[low - 1].at >= (s->v[low - 1].size > 0 ? s->v[low - 1].size : 1))
		return NULL;
	*offset = at - s->v[low - 1].at;
	return s->v[low - 1].name;
}

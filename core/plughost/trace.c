/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trace.c - the signal handler of a plugin's process.
 *
 * It runs on a stack of its own, because the fault may be that the other one is full. What is certain is written first; then
 * the stack is walked by the unwinder of the compiler's runtime, which needs no memory, through the interrupted frames of
 * the call's stack up to its end. A second fault on the way ends the process with what was written until then.
 *
 * The plugin's functions are looked up in its own table (symbols.c), others by dladdr. Behind the plugin's frames come ours
 * that called it; they say nothing and are left out.
 */
#include "config.h"
#include "plughost/trace.h"
#include "plughost/symbols.h"
#include "util/err.h"

#include <dlfcn.h>
#include <link.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>
#include <unwind.h>

#define OWN_STACK ((size_t)256 << 10)
#define FRAMES_MAX 16
#define NEAR_NULL 65536
#define MEMORY_PROBE ((size_t)8 << 20)

static struct {
	struct cs_page *page;
	const struct cs_fiber_pool *stacks;
	struct cs_symbols *symbols;
	uintptr_t base, end; /* of the plugin in memory */
	const char *file;
	const void *self;    /* where this program is loaded */
	_Atomic bool dying;
} trace;

/* ---- text, without allocation */

struct line {
	size_t n;
	int frames;
	bool in_plugin, over;
};

static void
add(struct line *l, const char *s)
{
	char *to = trace.page->trace;

	while (*s != '\0' && l->n < CS_PAGE_TRACE - 1)
		to[l->n++] = *s++;
	to[l->n] = '\0';
}

static void
add_hex(struct line *l, uint64_t v)
{
	char text[20] = "0x";
	int n = 2, shift = 60;

	while (shift > 0 && (v >> shift & 15) == 0)
		shift -= 4;
	for (; shift >= 0; shift -= 4)
		text[n++] = "0123456789abcdef"[v >> shift & 15];
	text[n] = '\0';
	add(l, text);
}

static const char *
last_part(const char *path)
{
	const char *slash = path != NULL ? strrchr(path, '/') : NULL;

	return slash != NULL ? slash + 1 : path != NULL && path[0] != '\0' ? path : "?";
}

static void
add_place(struct line *l, const char *function, uint64_t offset, const char *file)
{
	if (l->frames++ > 0)
		add(l, " < ");
	if (function != NULL) {
		add(l, function);
		add(l, "+");
		add_hex(l, offset);
		add(l, " (");
		add(l, file);
		add(l, ")");
	} else {
		add(l, file);
		add(l, "+");
		add_hex(l, offset);
	}
}

/* ---- frames */

static void
add_frame(struct line *l, uintptr_t at)
{
	uint64_t offset = 0;
	const char *name;
	Dl_info info;

	if (at >= trace.base && at < trace.end) {
		l->in_plugin = true;
		name = cs_symbols_find(trace.symbols, at - trace.base, &offset);
		add_place(l, name, name != NULL ? offset : at - trace.base, trace.file);
		return;
	}
	if (dladdr((void *)at, &info) == 0) {
		add_place(l, NULL, 0, "unknown code");
		return;
	}
	if (l->in_plugin && info.dli_fbase == trace.self) {
		l->over = true; /* who called the plugin */
		return;
	}
	if (info.dli_sname != NULL)
		add_place(l, info.dli_sname, at - (uintptr_t)info.dli_saddr, last_part(info.dli_fname));
	else
		add_place(l, NULL, at - (uintptr_t)info.dli_fbase, last_part(info.dli_fname));
}

struct walk {
	struct line line;
	uintptr_t fault; /* where the signal interrupted; frames above are the handler's */
	bool begun;
};

static _Unwind_Reason_Code
one_frame(struct _Unwind_Context *c, void *arg)
{
	struct walk *w = arg;
	int before = 0;
	uintptr_t at = _Unwind_GetIPInfo(c, &before);

	if (!w->begun && at != w->fault)
		return _URC_NO_REASON;
	w->begun = true;
	add_frame(&w->line, before != 0 || at == 0 ? at : at - 1); /* a return address lies behind its call */
	return w->line.over || w->line.frames == FRAMES_MAX ? _URC_END_OF_STACK : _URC_NO_REASON;
}

static uintptr_t
interrupted_at(const ucontext_t *uc)
{
#if defined(__x86_64__)
	return (uintptr_t)uc->uc_mcontext.gregs[REG_RIP];
#else
	return (uintptr_t)uc->uc_mcontext.pc;
#endif
}

/* ---- the handler */

static bool
memory_is_out(void)
{
	void *p = mmap(NULL, MEMORY_PROBE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return true;
	munmap(p, MEMORY_PROBE);
	return false;
}

static enum cs_died
how(int sig, const siginfo_t *info, int32_t *detail)
{
	*detail = 0;
	if (sig == SIGSYS) {
		*detail = info->si_syscall;
		return CS_DIED_SYSCALL;
	}
	if ((sig == SIGSEGV || sig == SIGBUS) && cs_fiber_in_guard(trace.stacks, info->si_addr))
		return CS_DIED_STACK;
	if (memory_is_out())
		return CS_DIED_MEMORY;
	if (sig != SIGSEGV && sig != SIGBUS)
		return CS_DIED_PLAINLY;
	if ((uintptr_t)info->si_addr >= NEAR_NULL)
		return CS_DIED_WILD;
	*detail = (int32_t)(uintptr_t)info->si_addr;
	return CS_DIED_NULL;
}

#if defined(__clang__) || defined(__SANITIZE_ADDRESS__)
__attribute__((no_sanitize("address"))) /* which at _exit would look for the bounds of a stack that it does not know */
#endif
static void
on_signal(int sig, siginfo_t *info, void *context)
{
	struct walk w = { .fault = interrupted_at(context) };
	int32_t detail;

	if (trace.dying)
		_exit(128 + sig); /* walking the stack went wrong */
	trace.dying = true;
	trace.page->signal = sig;
	trace.page->how = how(sig, info, &detail);
	trace.page->detail = detail;
	_Unwind_Backtrace(one_frame, &w);
	if (!w.begun)
		add_frame(&w.line, w.fault);
	_exit(128 + sig);
}

/* ---- preparing */

void
cs_trace_begin(struct cs_page *page, const struct cs_fiber_pool *stacks)
{
	static const int fatal[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGSYS, SIGTRAP, SIGXCPU };
	static const int deaf[] = { SIGPIPE, SIGTERM, SIGINT, SIGHUP, SIGQUIT }; /* it ends when the core goes away */
	static char own_stack[OWN_STACK];
	struct sigaction sa = { .sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER };
	struct sigaction ignore = { .sa_handler = SIG_IGN };
	stack_t ss = { .ss_sp = own_stack, .ss_size = sizeof(own_stack) };
	Dl_info info;

	trace.page = page;
	trace.stacks = stacks;
	if (dladdr((const void *)&trace, &info) != 0)
		trace.self = info.dli_fbase;
	sigaltstack(&ss, NULL);
	for (size_t i = 0; i < CS_ARRAY_LEN(fatal); i++)
		sigaction(fatal[i], &sa, NULL);
	for (size_t i = 0; i < CS_ARRAY_LEN(deaf); i++)
		sigaction(deaf[i], &ignore, NULL);
}

static int
see_extent(struct dl_phdr_info *info, size_t size, void *arg)
{
	(void)size, (void)arg;
	if (info->dlpi_addr != trace.base)
		return 0;
	for (size_t i = 0; i < info->dlpi_phnum; i++) {
		uintptr_t end = info->dlpi_addr + info->dlpi_phdr[i].p_vaddr + info->dlpi_phdr[i].p_memsz;

		if (info->dlpi_phdr[i].p_type == PT_LOAD && end > trace.end)
			trace.end = end;
	}
	return 1;
}

void
cs_trace_plugin(void *handle)
{
	struct link_map *map;

	if (dlinfo(handle, RTLD_DI_LINKMAP, &map) != 0)
		return;
	trace.base = map->l_addr;
	trace.end = trace.base;
	trace.file = last_part(map->l_name);
	trace.symbols = cs_symbols_read(map->l_name);
	dl_iterate_phdr(see_extent, NULL);
}

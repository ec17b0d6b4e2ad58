/* SPDX-License-Identifier: MIT */
/*
 * A shared object calls into others through words that the dynamic linker
 * fills in; its relocation tables say which word is for which name. Those for
 * the allocator's names are overwritten, but only where they hold exactly the
 * function that we would call ourselves: an object with an allocator of its own
 * keeps it, since our malloc_usable_size() would not know its blocks.
 *
 * Most such words are write-protected once linked (RELRO), and two threads may
 * load at once, so the pages are opened, written and closed again inside
 * dl_iterate_phdr(), which runs under the linker's own lock.
 */
#include <env/redirect.h>

#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <link.h>
#include <malloc.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* ---- the account of this thread ------------------------------------- */

/* Bookkeeping of who runs here, saved and put back around every handler. */
static __thread struct fa_account *running __attribute__((tls_model("initial-exec")));

struct fa_account *fa_account_use(struct fa_account *account)
{
	struct fa_account *before = running;

	running = account;
	return before;
}

static bool has_room(const struct fa_account *account, size_t size)
{
	return account->used <= account->limit && size <= (size_t)(account->limit - account->used);
}

static void count(struct fa_account *account, size_t size)
{
	account->used += (int64_t)size;
	if (account->used > account->peak)
		account->peak = account->used;
}

int fa_account_add(struct fa_account *account, size_t size)
{
	if (!has_room(account, size))
		return -1;
	count(account, size);
	return 0;
}

void fa_account_sub(struct fa_account *account, size_t size)
{
	account->used = (int64_t)size < account->used ? account->used - (int64_t)size : 0;
}

/* ---- what the plugin calls instead ----------------------------------- */

static bool refuse(size_t size)
{
	if (!running || has_room(running, size))
		return false;
	errno = ENOMEM;
	return true;
}

static void *counted(void *ptr)
{
	if (running && ptr)
		count(running, malloc_usable_size(ptr));
	return ptr;
}

static void *counted_malloc(size_t size)
{
	return refuse(size) ? NULL : counted(malloc(size));
}

static void *counted_calloc(size_t n, size_t size)
{
	size_t total;

	if (__builtin_mul_overflow(n, size, &total))
		total = SIZE_MAX;
	return refuse(total) ? NULL : counted(calloc(n, size));
}

static void counted_free(void *ptr)
{
	if (running && ptr)
		fa_account_sub(running, malloc_usable_size(ptr));
	free(ptr);
}

static void *counted_realloc(void *ptr, size_t size)
{
	size_t old = ptr ? malloc_usable_size(ptr) : 0;
	void *moved;

	if (size > old && refuse(size - old))
		return NULL;
	moved = realloc(ptr, size);
	if (running && (moved || !size)) {
		fa_account_sub(running, old);
		counted(moved);
	}
	return moved;
}

static void *counted_reallocarray(void *ptr, size_t n, size_t size)
{
	size_t total;

	if (!__builtin_mul_overflow(n, size, &total))
		return counted_realloc(ptr, total);
	errno = ENOMEM;
	return NULL;
}

static int counted_posix_memalign(void **out, size_t alignment, size_t size)
{
	int rc = refuse(size) ? ENOMEM : posix_memalign(out, alignment, size);

	if (!rc)
		counted(*out);
	return rc;
}

static void *counted_aligned_alloc(size_t alignment, size_t size)
{
	return refuse(size) ? NULL : counted(aligned_alloc(alignment, size));
}

static void *counted_memalign(size_t alignment, size_t size)
{
	return refuse(size) ? NULL : counted(memalign(alignment, size));
}

static char *counted_strndup(const char *text, size_t max)
{
	size_t len = strnlen(text, max);
	char *copy = counted_malloc(len + 1);

	if (!copy)
		return NULL;
	memcpy(copy, text, len);
	copy[len] = '\0';
	return copy;
}

static char *counted_strdup(const char *text)
{
	return counted_strndup(text, strlen(text));
}

/* ---- which words lead there ------------------------------------------ */

static const struct {
	const char *name;
	void (*ours)(void);
} functions[] = {
#define FUNCTION(name) { #name, (void (*)(void))counted_##name }
	FUNCTION(malloc),
	FUNCTION(calloc),
	FUNCTION(realloc),
	FUNCTION(free),
	FUNCTION(reallocarray),
	FUNCTION(posix_memalign),
	FUNCTION(aligned_alloc),
	FUNCTION(memalign),
	FUNCTION(strdup),
	FUNCTION(strndup),
};
#define FUNCTIONS (sizeof(functions) / sizeof(*functions))

#if defined(__x86_64__)
#define RELOC_SLOT R_X86_64_JUMP_SLOT
#define RELOC_GOT R_X86_64_GLOB_DAT
#define RELOC_WORD R_X86_64_64
#elif defined(__aarch64__)
#define RELOC_SLOT R_AARCH64_JUMP_SLOT
#define RELOC_GOT R_AARCH64_GLOB_DAT
#define RELOC_WORD R_AARCH64_ABS64
#endif

#ifdef RELOC_SLOT

/* The dynamic section, as far as it matters here. */
struct object {
	const struct link_map *map;
	const ElfW(Sym) *symbols;
	const char *strings;
	const ElfW(Rela) *rela, *plt;
	size_t rela_count, plt_count;
	uintptr_t relro, relro_end; /* whole pages */
	/* the same function may be known by two addresses: its own, and a program's PLT */
	void *theirs[FUNCTIONS][2];
	int redirected, error;
};

typedef void visit(struct object *object, _Atomic(uintptr_t) *word, uintptr_t ours);

/* glibc has relocated these pointers in place, other linkers have not. */
static const void *pointer(const struct object *object, const ElfW(Dyn) *entry)
{
	uintptr_t base = object->map->l_addr, at = entry->d_un.d_ptr;

	return (const void *)(at < base ? base + at : at);
}

static void read_dynamic(struct object *object)
{
	bool plt_is_rela = true;

	for (const ElfW(Dyn) *entry = object->map->l_ld; entry->d_tag != DT_NULL; entry++) {
		switch (entry->d_tag) {
		case DT_SYMTAB:
			object->symbols = pointer(object, entry);
			break;
		case DT_STRTAB:
			object->strings = pointer(object, entry);
			break;
		case DT_RELA:
			object->rela = pointer(object, entry);
			break;
		case DT_RELASZ:
			object->rela_count = entry->d_un.d_val / sizeof(ElfW(Rela));
			break;
		case DT_JMPREL:
			object->plt = pointer(object, entry);
			break;
		case DT_PLTRELSZ:
			object->plt_count = entry->d_un.d_val / sizeof(ElfW(Rela));
			break;
		case DT_PLTREL:
			plt_is_rela = entry->d_un.d_val == DT_RELA;
			break;
		}
	}
	if (!plt_is_rela)
		object->plt_count = 0;
}

static void look_up_functions(struct object *object)
{
	for (size_t i = 0; i < FUNCTIONS; i++) {
		object->theirs[i][0] = dlsym(RTLD_DEFAULT, functions[i].name);
		object->theirs[i][1] = dlsym(RTLD_NEXT, functions[i].name);
	}
}

static bool is_wanted(ElfW(Xword) info, ElfW(Sxword) addend)
{
	switch (ELF64_R_TYPE(info)) {
	case RELOC_SLOT:
	case RELOC_GOT:
	case RELOC_WORD: /* a function pointer in a table of the plugin */
		return addend == 0 && ELF64_R_SYM(info);
	default:
		return false;
	}
}

static void visit_one(struct object *object, const ElfW(Rela) *reloc, visit *visit)
{
	const ElfW(Sym) *symbol = &object->symbols[ELF64_R_SYM(reloc->r_info)];
	const char *name = object->strings + symbol->st_name;
	_Atomic(uintptr_t) *word = (void *)(object->map->l_addr + reloc->r_offset);

	for (size_t i = 0; i < FUNCTIONS; i++) {
		uintptr_t ours = (uintptr_t)functions[i].ours, now;

		if (strcmp(name, functions[i].name))
			continue;
		now = atomic_load_explicit(word, memory_order_relaxed);
		if (now && (now == (uintptr_t)object->theirs[i][0] ||
			    now == (uintptr_t)object->theirs[i][1] || now == ours))
			visit(object, word, ours);
		return;
	}
}

static void visit_all(struct object *object, visit *visit)
{
	for (size_t i = 0; i < object->rela_count; i++)
		if (is_wanted(object->rela[i].r_info, object->rela[i].r_addend))
			visit_one(object, &object->rela[i], visit);
	for (size_t i = 0; i < object->plt_count; i++)
		if (is_wanted(object->plt[i].r_info, object->plt[i].r_addend))
			visit_one(object, &object->plt[i], visit);
}

/* Whether the pages must be opened: a word under RELRO is not ours yet. */
static void find_sealed(struct object *object, _Atomic(uintptr_t) *word, uintptr_t ours)
{
	uintptr_t at = (uintptr_t)word;

	if (at >= object->relro && at < object->relro_end &&
	    atomic_load_explicit(word, memory_order_relaxed) != ours)
		object->error = 1;
}

static void overwrite(struct object *object, _Atomic(uintptr_t) *word, uintptr_t ours)
{
	if (atomic_load_explicit(word, memory_order_relaxed) != ours)
		atomic_store_explicit(word, ours, memory_order_relaxed);
	object->redirected++;
}

static int protect(struct object *object, int how)
{
	return mprotect((void *)object->relro, object->relro_end - object->relro, how) < 0 ?
		       -errno :
		       0;
}

static int redirect(struct object *object)
{
	bool sealed;
	int rc = 0;

	visit_all(object, find_sealed);
	sealed = object->error;
	object->error = 0;
	if (sealed)
		rc = protect(object, PROT_READ | PROT_WRITE);
	if (rc < 0)
		return rc;
	visit_all(object, overwrite);
	/* one that cannot be closed again is as it was before RELRO existed */
	if (sealed)
		protect(object, PROT_READ);
	return 0;
}

static bool is_object(const struct object *object, const struct dl_phdr_info *info)
{
	for (int i = 0; i < info->dlpi_phnum; i++)
		if (info->dlpi_phdr[i].p_type == PT_DYNAMIC)
			return info->dlpi_addr + info->dlpi_phdr[i].p_vaddr ==
			       (uintptr_t)object->map->l_ld;
	return false;
}

static int on_object(struct dl_phdr_info *info, size_t size, void *data)
{
	struct object *object = data;
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);

	(void)size;
	if (!is_object(object, info))
		return 0;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *header = &info->dlpi_phdr[i];

		if (header->p_type != PT_GNU_RELRO)
			continue;
		object->relro = (info->dlpi_addr + header->p_vaddr) & ~(page - 1);
		object->relro_end = (info->dlpi_addr + header->p_vaddr + header->p_memsz) &
				    ~(page - 1);
	}
	object->error = redirect(object);
	return 1;
}

int fa_redirect(void *handle)
{
	struct object object = { 0 };
	struct link_map *map;

	if (dlinfo(handle, RTLD_DI_LINKMAP, &map) < 0)
		return -EINVAL;
	object.map = map;
	read_dynamic(&object);
	if (!object.symbols || !object.strings)
		return 0;
	look_up_functions(&object);
	if (!dl_iterate_phdr(on_object, &object))
		return -ENOENT;
	return object.error < 0 ? object.error : object.redirected;
}

#else

int fa_redirect(void *handle)
{
	(void)handle;
	return -ENOTSUP;
}

#endif

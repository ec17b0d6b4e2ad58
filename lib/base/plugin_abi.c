/* SPDX-License-Identifier: MIT */
/*
 * What can be said about the file without the dynamic linker is said first,
 * because its own messages are written for linkers. dlopen() is the point of no
 * return: constructors run in it. A plugin is judged member by member: nothing
 * is read before the size that promises it.
 */
#include <base/plugin_abi.h>

#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <link.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <base/error.h>
#include <base/text.h>

#define IMPORT "Runtime.ImportModuleError"
#define ABI "Runtime.InvalidPluginAbi"
#define NOT_FOUND "Runtime.HandlerNotFound"

#if defined(__x86_64__)
#define MACHINE EM_X86_64
#elif defined(__aarch64__)
#define MACHINE EM_AARCH64
#else
#error "the ELF number of this machine is not known"
#endif

/* ---- the file --------------------------------------------------------- */

static int cannot_import(struct faas_error *err, const char *file, const char *why)
{
	return fa_error_typed(err, FAAS_EPLUGIN, IMPORT, "Unable to import module '%s': %s", file,
			      why);
}

static const char *judge_elf(const ElfW(Ehdr) *elf)
{
	const uint16_t one = 1;
	int order = *(const unsigned char *)&one ? ELFDATA2LSB : ELFDATA2MSB;

	if (memcmp(elf->e_ident, ELFMAG, SELFMAG) != 0)
		return "it is not a shared object (no ELF header)";
	if (elf->e_ident[EI_CLASS] != (sizeof(void *) == 8 ? ELFCLASS64 : ELFCLASS32))
		return "it is for another word size (ELF class)";
	if (elf->e_ident[EI_DATA] != order)
		return "it is for another byte order";
	if (elf->e_machine != MACHINE)
		return "it is for another kind of machine";
	if (elf->e_type != ET_DYN)
		return "it is an ELF file but not a shared object";
	return NULL;
}

static const char *judge_open_file(int fd)
{
	ElfW(Ehdr) elf;
	struct stat st;

	if (fstat(fd, &st) < 0)
		return strerrordesc_np(errno);
	if (!S_ISREG(st.st_mode))
		return "it is not a regular file";
	if (read(fd, &elf, sizeof(elf)) != (ssize_t)sizeof(elf))
		return "it is too short for a shared object";
	return judge_elf(&elf);
}

/* Open without waiting for anybody: it may be a FIFO or worse. */
static int open_module(char *path, size_t size, const char *directory, const char *file,
		       const char *suffix)
{
	if ((size_t)snprintf(path, size, "%s/%s%s", directory, file, suffix) >= size) {
		errno = ENAMETOOLONG;
		return -1;
	}
	return open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
}

/* `path` becomes that of <file>.so, or of the file as it was given. */
static int check_module(char *path, size_t size, const char *directory, const char *file,
			struct faas_error *err)
{
	const char *why;
	int fd = open_module(path, size, directory, file, ".so");

	if (fd < 0 && (errno == ENOENT || errno == ENAMETOOLONG))
		fd = open_module(path, size, directory, file, "");
	if (fd < 0)
		return fa_error_typed(err, FAAS_EPLUGIN, IMPORT,
				      "Unable to import module '%.60s': cannot open '%.60s.so' or "
				      "'%.60s': %s", file, file, file, strerrordesc_np(errno));
	why = judge_open_file(fd);
	close(fd);
	return why ? cannot_import(err, file, why) : 0;
}

/* ---- and what it needs ------------------------------------------------- */

#define NEEDED_MAX 64
#define NEEDED_DEPTH 16

/* Where libraries may be, and why the last one could not be had. */
struct shelf {
	const char *directory, *opt;
	int left, depth;
	char why[512];
};

/*
 * The linker reads LD_LIBRARY_PATH when a program starts, in the worker long before
 * there is any /opt. But it takes a library that is there already, and its message
 * begins with the name of the one that is not.
 */
static bool is_missing(const struct shelf *shelf, char *name, size_t size)
{
	const char *end = strstr(shelf->why, ": cannot open shared object file");
	size_t len = end ? (size_t)(end - shelf->why) : 0;

	if (!len || len >= size || memchr(shelf->why, '/', len))
		return false;
	memcpy(name, shelf->why, len);
	name[len] = '\0';
	return true;
}

static void *open_needing(struct shelf *shelf, const char *path);

static bool open_from(struct shelf *shelf, const char *place, const char *inside, const char *name)
{
	char path[PATH_MAX];

	if (snprintf(path, sizeof(path), "%s%s/%s", place, inside, name) >= (int)sizeof(path) ||
	    access(path, R_OK) < 0)
		return false;
	return open_needing(shelf, path);
}

static bool open_needed(struct shelf *shelf, const char *name)
{
	return open_from(shelf, shelf->directory, "", name) ||
	       open_from(shelf, shelf->directory, "/lib", name) ||
	       (*shelf->opt && open_from(shelf, shelf->opt, "/lib", name));
}

static void *open_needing(struct shelf *shelf, const char *path)
{
	char name[256], last[256] = "";
	void *module = NULL;

	shelf->depth++;
	while (shelf->depth < NEEDED_DEPTH && shelf->left-- > 0) {
		const char *why;

		module = dlopen(path, RTLD_NOW | RTLD_LOCAL);
		if (module)
			break;
		why = dlerror();
		snprintf(shelf->why, sizeof(shelf->why), "%s", why ? why : "");
		if (!is_missing(shelf, name, sizeof(name)) || !strcmp(name, last) ||
		    !open_needed(shelf, name))
			break;
		strcpy(last, name);
	}
	shelf->depth--;
	return module;
}

void *fa_module_open(const char *directory, const char *opt, const char *file,
		     struct faas_error *err)
{
	struct shelf shelf = { .directory = directory, .opt = opt ? opt : "", .left = NEEDED_MAX };
	char path[PATH_MAX];
	void *module;

	if (check_module(path, sizeof(path), directory, file, err) < 0)
		return NULL;
	module = open_needing(&shelf, path);
	if (!module)
		cannot_import(err, file, shelf.why);
	return module;
}

void *fa_module_symbol(void *module, const char *name, bool function)
{
	void *at = dlsym(module, name);
	const ElfW(Sym) *entry = NULL;
	Dl_info info;
	int type;

	if (!at || !dladdr1(at, &info, (void **)&entry, RTLD_DL_SYMENT) || !entry)
		return at;
	type = ELF64_ST_TYPE(entry->st_info);
	return (function ? type == STT_OBJECT || type == STT_TLS : type == STT_FUNC) ? NULL : at;
}

/* ---- plugins ---------------------------------------------------------- */

static int wrong_abi(struct faas_error *err, const char *file, const char *what, uint64_t found,
		     uint64_t wanted)
{
	return fa_error_typed(err, FAAS_EPLUGIN, ABI,
			      "Plugin '%s' has %s %llu, but this libfaas knows %llu", file, what,
			      (unsigned long long)found, (unsigned long long)wanted);
}

static int judge_plugin(const struct faas_plugin *plugin, const char *file,
			struct faas_error *err)
{
	if (plugin->magic != FAAS_PLUGIN_MAGIC)
		return fa_error_typed(err, FAAS_EPLUGIN, ABI,
				      "Plugin '%s' has a symbol faas_plugin without its magic: "
				      "it was not made with FAAS_PLUGIN()", file);
	if (plugin->abi != FAAS_PLUGIN_ABI)
		return wrong_abi(err, file, "ABI", plugin->abi, FAAS_PLUGIN_ABI);
	if (plugin->size < sizeof(*plugin))
		return wrong_abi(err, file, "a struct faas_plugin of size", plugin->size,
				 sizeof(*plugin));
	if (!plugin->handlers)
		return fa_error_typed(err, FAAS_EPLUGIN, ABI, "Plugin '%s' has no list of handlers",
				      file);
	return 0;
}

static int judge_handler(const struct faas_handler *handler, const char *file,
			 struct faas_error *err)
{
	if (handler->size < sizeof(*handler))
		return wrong_abi(err, file, "a struct faas_handler of size", handler->size,
				 sizeof(*handler));
	if (!handler->name)
		return fa_error_typed(err, FAAS_EPLUGIN, ABI, "Plugin '%s' has a handler without "
				      "a name", file);
	return 0;
}

static int no_such_method(const struct faas_plugin *plugin, const char *file, const char *method,
			  struct faas_error *err)
{
	char names[160];
	struct fa_text text = FA_TEXT(names);

	names[0] = '\0';
	for (size_t i = 0; plugin->handlers[i]; i++) {
		fa_text_add(&text, i ? ", " : "");
		fa_text_add(&text, plugin->handlers[i]->name);
	}
	return fa_error_typed(err, FAAS_EPLUGIN, NOT_FOUND,
			      "Handler '%.60s' missing on module '%.60s'; it has: %s%s", method,
			      file, names, text.cut ? "..." : "");
}

const struct faas_handler *fa_plugin_find(const struct faas_plugin *plugin, const char *file,
					  const char *method, struct faas_error *err)
{
	const struct faas_handler *found = NULL;
	size_t i = 0;

	if (judge_plugin(plugin, file, err) < 0)
		return NULL;
	for (; i < FA_PLUGIN_HANDLERS && plugin->handlers[i]; i++) {
		if (judge_handler(plugin->handlers[i], file, err) < 0)
			return NULL;
		if (!found && strcmp(plugin->handlers[i]->name, method) == 0)
			found = plugin->handlers[i];
	}
	if (i == FA_PLUGIN_HANDLERS) {
		fa_error_typed(err, FAAS_EPLUGIN, ABI, "Plugin '%s' has more than %d handlers, or "
			       "its list has no end", file, FA_PLUGIN_HANDLERS - 1);
		return NULL;
	}
	if (!found)
		no_such_method(plugin, file, method, err);
	else if (!found->invoke)
		fa_error_typed(err, FAAS_EPLUGIN, ABI,
			       "Handler '%s' of plugin '%s' has no invoke()", method, file);
	return found && found->invoke ? found : NULL;
}

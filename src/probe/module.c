/* module.c: what a trace keeps of a module; see module.h. */
#include "probe/module.h"
#include "os/os.h"
#include "wire/trace.h"
#include <elf.h>
#include <string.h>

#define HEADERS_MAX 64u
#define NOTES_BYTES_MAX 65536u
#define PATH_MAX_KEPT 400u

static const uint8_t *find_id(const uint8_t *notes, size_t n, uint8_t *ret_n)
{
    while (n >= sizeof(Elf64_Nhdr)) {
        Elf64_Nhdr note;
        memcpy(&note, notes, sizeof(note));
        size_t name = ash_align_up(note.n_namesz, 4), more = ash_align_up(note.n_descsz, 4);
        size_t all = sizeof(note) + name + more;
        if (name > n || more > n || all > n)
            return NULL;
        const uint8_t *id = notes + sizeof(note) + name;
        if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 && note.n_descsz <= 20 &&
            memcmp(notes + sizeof(note), "GNU", 4) == 0) {
            *ret_n = (uint8_t)note.n_descsz;
            return id;
        }
        notes += all;
        n -= all;
    }
    return NULL;
}

/* The build id in the headers that lie at the module's start. NULL: none. */
static const uint8_t *build_id(const struct ash_unwind_module *module, uint8_t *ret_n)
{
    const Elf64_Ehdr *head = (const Elf64_Ehdr *)module->start;
    size_t bytes = module->end - module->start;
    if (bytes < sizeof(*head) || memcmp(head->e_ident, ELFMAG, SELFMAG) != 0 ||
        head->e_phnum > HEADERS_MAX || head->e_phentsize != sizeof(Elf64_Phdr) ||
        head->e_phoff > 4096 - sizeof(Elf64_Phdr))
        return NULL;
    const Elf64_Phdr *parts = (const Elf64_Phdr *)(module->start + head->e_phoff);
    uintptr_t first = 0; /* address of the first part in the file, 0 but for a fixed program */
    for (unsigned i = 0; i < head->e_phnum; i++)
        if (parts[i].p_type == PT_LOAD && parts[i].p_offset == 0)
            first = parts[i].p_vaddr;
    for (unsigned i = 0; i < head->e_phnum; i++) {
        uintptr_t at = parts[i].p_vaddr - first;
        if (parts[i].p_type != PT_NOTE || at > bytes || parts[i].p_memsz > bytes - at ||
            parts[i].p_memsz > NOTES_BYTES_MAX)
            continue;
        const uint8_t *id = find_id((const uint8_t *)module->start + at, parts[i].p_memsz, ret_n);
        if (id)
            return id;
    }
    return NULL;
}

size_t ash_module_write(const struct ash_unwind_module *module,
                        uint8_t ret_bytes[ASH_MODULE_BYTES_MAX])
{
    char program[PATH_MAX_KEPT + 1];
    const char *path = module->path;
    if (!path || !path[0]) {
        long n = ash_os_program(program, sizeof(program));
        path = n > 0 ? program : "";
    }
    size_t n = strnlen(path, PATH_MAX_KEPT);
    uint8_t id_n = 0, *at = ret_bytes;
    const uint8_t *id = build_id(module, &id_n);
    at = ash_trace_varint_put(at, module->start);
    at = ash_trace_varint_put(at, module->end);
    at = ash_trace_varint_put(at, 0);
    *at++ = id_n;
    if (id)
        memcpy(at, id, id_n);
    at = ash_trace_varint_put(at + id_n, n);
    memcpy(at, path, n);
    return (size_t)(at - ret_bytes) + n;
}

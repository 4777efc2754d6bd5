/* own.c: compiles a strategy that the user brings; see own.h. */
#include "lab/own.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* The folder that holds ashlar/lab.h: beside the command, in the tree it is installed in, or where
 * this build installs. */
static bool find_header(char ret_folder[PATH_MAX])
{
    static const char *const beside[] = {"include", "../include"};
    char self[PATH_MAX], file[PATH_MAX + 16];
    ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
    char *slash = n > 0 ? memrchr(self, '/', (size_t)n) : NULL;
    if (slash)
        *slash = 0;
    for (size_t i = 0; slash && i < sizeof(beside) / sizeof(beside[0]); i++) {
        if (snprintf(ret_folder, PATH_MAX, "%s/%s", self, beside[i]) >= PATH_MAX)
            continue;
        snprintf(file, sizeof(file), "%s/ashlar/lab.h", ret_folder);
        if (access(file, R_OK) == 0)
            return true;
    }
    snprintf(ret_folder, PATH_MAX, "%s", ASHLAR_INCLUDEDIR);
    snprintf(file, sizeof(file), "%s/ashlar/lab.h", ret_folder);
    return access(file, R_OK) == 0;
}

static bool refuse(char *ret_error, const char *format, const char *word)
{
    snprintf(ret_error, ASH_LAB_ERROR_MAX, format, word);
    return false;
}

static _Noreturn void be_compiler(const char *source, const char *library, const char *folder)
{
    char include[PATH_MAX + 2];
    const char *cc = getenv("CC");
    snprintf(include, sizeof(include), "-I%s", folder);
    dup2(STDERR_FILENO, STDOUT_FILENO);
    if (!cc || !*cc)
        cc = "cc";
    execlp(cc, cc, "-shared", "-fPIC", "-g", "-O1", "-std=gnu11", "-Wall", include, "-o", library,
           source, (char *)NULL);
    fprintf(stderr, "%s: %s\n", cc, strerror(errno));
    _exit(127);
}

bool ash_lab_own_compile(struct ash_lab_contender *contender, char ret_error[ASH_LAB_ERROR_MAX])
{
    char folder[PATH_MAX], made[PATH_MAX], library[PATH_MAX];
    if (!find_header(folder))
        return refuse(ret_error, "ashlar/lab.h is not there (%.180s)", folder);
    const char *place = getenv("TMPDIR");
    snprintf(made, sizeof(made), "%.1000s/ashlar-lab-XXXXXX", place && *place ? place : "/tmp");
    if (!mkdtemp(made))
        return refuse(ret_error, "no temporary folder: %s", strerror(errno));
    snprintf(library, sizeof(library), "%.1100s/own.so", made);
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0)
        be_compiler(contender->path, library, folder);
    int status = -1;
    while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
        continue;
    if (status == 0 && access(library, R_OK) == 0) {
        snprintf(contender->path, sizeof(contender->path), "%s", library);
        return true;
    }
    rmdir(made);
    return refuse(ret_error, "%.63s does not compile", contender->label);
}

void ash_lab_own_remove(const struct ash_lab_contender *contender)
{
    char folder[PATH_MAX];
    snprintf(folder, sizeof(folder), "%s", contender->path);
    char *slash = strrchr(folder, '/');
    if (!slash || !strstr(folder, "/ashlar-lab-"))
        return;
    unlink(contender->path);
    *slash = 0;
    rmdir(folder);
}

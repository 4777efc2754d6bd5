/* of_thread_stack.c: a pointer to a variable on another thread's stack. */
#include "misuse.h"

struct arguments {
    int argc;
    char **argv;
};

static void *run(void *arguments_of)
{
    struct arguments *arguments = arguments_of;
    int here = arguments->argc;
    misuse_main(arguments->argc, arguments->argv, misuse_opaque((uintptr_t)&here));
    return NULL;
}

int main(int argc, char **argv)
{
    struct arguments arguments = {argc, argv};
    pthread_t thread;
    if (pthread_create(&thread, NULL, run, &arguments) != 0)
        return 2;
    return pthread_join(thread, NULL);
}

#!/bin/sh
# gdb: reads symbols, sets breakpoints, walks stacks of threads, runs Python.
# package: gdb
# also: gcc libc6-dev
# uses: threads fork
# set: ci
# normalise: addresses pids
prepare()
{
    cat >work.c <<'C'
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct node {
    struct node *next;
    char name[20];
};

static struct node *push(struct node *list, int n)
{
    struct node *node = malloc(sizeof *node);
    snprintf(node->name, sizeof node->name, "node %d", n);
    node->next = list;
    return node;
}

static void *walk(void *list)
{
    size_t length = 0;
    for (struct node *node = list; node; node = node->next)
        length += strlen(node->name);
    return (void *)length;
}

int main(void)
{
    struct node *list = NULL;
    for (int i = 0; i < 40; i++)
        list = push(list, i);
    pthread_t thread;
    void *length;
    pthread_create(&thread, NULL, walk, list);
    pthread_join(thread, &length);
    printf("%zu\n", (size_t)length);
    return 14;
}
C
    gcc -g -O0 -o work work.c -pthread
    cat >work.gdb <<'GDB'
set confirm off
set pagination off
set debuginfod enabled off
set width 0
# which of gdb's threads tells of a thread's end first is a matter of luck
set print thread-events off
set style enabled off
break push if n > 36
commands
silent
printf "push %d\n", n
backtrace
continue
end
break walk
run >work.out
python print(len(gdb.selected_inferior().threads()), "threads")
backtrace 1
print *(struct node *)list
print ((struct node *)list)->next->name
ptype struct node
finish
continue
info functions -n ^push$
python
total = {}
for n in range(60000):
    total[str(n)] = gdb.parse_and_eval(str(n % 100)) if n % 5 == 0 else [n] * 5
print(len(total))
end
info types ^node$
list 1,30
disassemble push
GDB
}

work()
{
    status=0
    # what the program writes goes beside what gdb says of it
    run gdb -nx -q -batch -x "$IN/work.gdb" "$IN/work" || status=$?
    cat work.out
    echo "exit status $status"
}

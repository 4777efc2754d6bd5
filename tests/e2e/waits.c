/* waits.c: says "ready" from a block of malloc and waits for the end of its input. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(void)
{
    char *text = malloc(100);
    if (!text)
        return 1;
    strcpy(text, "ready");
    puts(text);
    fflush(stdout);
    while (getchar() != EOF)
        continue;
    free(text);
    return 0;
}

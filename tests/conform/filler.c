/* filler.c: a library that takes most of the static thread-local space that ld.so keeps free for
 * libraries loaded late (1664 bytes by default in glibc 2.36, of which others use some). */

__thread char filler_bytes[1216] __attribute__((tls_model("initial-exec")));

char *filler_use(void)
{
    return filler_bytes;
}

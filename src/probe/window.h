/* window.h: the file of a recording, and its windows.
 *
 *     │ header page, mapped │ window │ window │ window │ …      claimed by one atomic add
 *
 * A window is allocated on the disk before it is mapped, so a full disk is an answer here and no
 * signal later. It is mapped shared: what was stored is in the file, however the process ends.
 * Where the file system cannot allocate, windows are buffers that are written when they are
 * closed, and the header says so.
 *
 * Our descriptor may be closed by a program that closes all of them, and its number be used again.
 * So each use asks first whether it is still our file, and opens it anew by name if not.
 *
 * N1  Of a window that could not be had nothing is left but perhaps a hole in the file.
 * N2  Nothing here allocates, takes a lock, or touches errno.
 *
 * Threads   A window belongs to a thread. open, finish and forget: one thread.
 */
#ifndef ASH_PROBE_WINDOW_H
#define ASH_PROBE_WINDOW_H

#include "wire/trace.h"

#define ASH_PROBE_PATH_MAX 1024

struct ash_probe_window {
    uint8_t *bytes; /* with the frame; NULL: none */
    uint64_t at;    /* in the file */
    struct ash_trace_frame frame;
};

/* Creates the file with its header. path is absolute or counts from the current folder. 0 or
 * -errno. */
int ash_probe_file_open(const char *path, uint32_t flags, uint32_t parent);
/* A zero window behind an open frame, which gets thread, sequence, dropped and tick from `frame`.
 * false: no room, or no file. */
bool ash_probe_window_claim(struct ash_probe_window *window, const struct ash_trace_frame *frame);
/* Closes it with this many bytes of events: length and checksum. */
void ash_probe_window_close(struct ash_probe_window *window, uint8_t *end, uint32_t n_events);
/* In the child of a fork: gives up the parent's window. */
void ash_probe_window_forget(struct ash_probe_window *window);
/* The program ends in order. */
void ash_probe_file_finish(uint64_t n_dropped);
/* In the child of a fork: gives up the parent's file. */
void ash_probe_file_forget(void);
/* Where the file is, "" if there is none. */
const char *ash_probe_file_path(void);

#endif

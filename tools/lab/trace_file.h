/* trace_file.h: an .ashtrace file that is opened for reading, and the order of its events. */
#ifndef ASH_LAB_TRACE_FILE_H
#define ASH_LAB_TRACE_FILE_H

#include "lab/order.h"

struct ash_trace_file {
    int fd;
    uint64_t bytes;
    struct ash_order *order;
};

/* false: *ret_why is a sentence. The struct must stay where it is until it is closed. */
bool ash_trace_file_open(const char *path, struct ash_trace_file *ret_file, const char **ret_why);
void ash_trace_file_close(struct ash_trace_file *file);

#endif

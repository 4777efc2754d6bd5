/* channel.c: records on a pipe; see channel.h. */
#include "lab/channel.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { RECORD_MAX = 1 << 26, READ_BYTES = 1 << 16 };

static bool write_all(int fd, const void *bytes, size_t n)
{
    const uint8_t *at = bytes;
    while (n > 0) {
        ssize_t done = write(fd, at, n);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return false;
        at += done;
        n -= (size_t)done;
    }
    return true;
}

bool ash_lab_tell(int fd, enum ash_lab_record_kind kind, const void *bytes, size_t n)
{
    struct ash_lab_record record = {kind, (uint32_t)n};
    return write_all(fd, &record, sizeof(record)) && write_all(fd, bytes, n);
}

static bool make_room(struct ash_lab_inbox *inbox)
{
    if (inbox->room - inbox->n >= READ_BYTES)
        return true;
    size_t room = 2 * inbox->room + READ_BYTES;
    uint8_t *more = room > RECORD_MAX ? NULL : realloc(inbox->bytes, room);
    if (!more)
        return false;
    inbox->bytes = more;
    inbox->room = room;
    return true;
}

int ash_lab_listen(struct ash_lab_inbox *inbox, int fd, ash_lab_hear *hear, void *arg)
{
    if (!make_room(inbox))
        return -1;
    ssize_t got = read(fd, inbox->bytes + inbox->n, inbox->room - inbox->n);
    if (got < 0)
        return errno == EINTR || errno == EAGAIN ? 1 : -1;
    inbox->n += (size_t)got;
    size_t at = 0;
    struct ash_lab_record record;
    while (inbox->n - at >= sizeof(record)) {
        memcpy(&record, inbox->bytes + at, sizeof(record));
        if (record.kind >= ASH_LAB_RECORD_KINDS || record.n > RECORD_MAX)
            return -1;
        if (inbox->n - at - sizeof(record) < record.n)
            break;
        void *copy = malloc(record.n + 1); /* aligned for whoever reads it */
        if (!copy)
            return -1;
        memcpy(copy, inbox->bytes + at + sizeof(record), record.n);
        hear(arg, &record, copy);
        free(copy);
        at += sizeof(record) + record.n;
    }
    memmove(inbox->bytes, inbox->bytes + at, inbox->n - at);
    inbox->n -= at;
    return got > 0;
}

void ash_lab_inbox_end(struct ash_lab_inbox *inbox)
{
    free(inbox->bytes);
    *inbox = (struct ash_lab_inbox){0};
}

/* cgroup.h: the memory limit of the control group that the process is in (ASHLAR=limit=cgroup).
 *
 * A group is bound by the groups above it too, so the least limit on the way up counts. Inside a
 * container the own path may name a place that is not mounted; what is mounted then starts at the
 * container's group, which is the top of the same way.
 *
 * Threads   Any; no state, no allocation.
 */
#ifndef ASH_API_CGROUP_H
#define ASH_API_CGROUP_H

#include "base/base.h"

/* groups: the file /proc/self/cgroup. mount: where the hierarchies are mounted. memory.max of
 * version 2, else memory.limit_in_bytes of version 1. Bytes, or 0: no limit. */
uint64_t ash_cgroup_limit(const char *groups, const char *mount);

#endif

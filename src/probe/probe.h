/* probe.h: what watches a program while it runs, for the room above.
 *
 * Threads   See each header.
 */
#ifndef ASH_PROBE_PROBE_H
#define ASH_PROBE_PROBE_H

#include "probe/record.h"

#endif

/* anchor.h: the library's anchor (wire/anchor.h), filled at start.
 *
 * Threads   ash_anchor_start runs once, before main.
 */
#ifndef ASH_API_ANCHOR_H
#define ASH_API_ANCHOR_H

/* options: the text of ASHLAR=, or NULL. */
void ash_anchor_start(const char *options);

#endif

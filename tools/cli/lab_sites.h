/* lab_sites.h: call stacks of a trace by their ids, in words, for the few that are wanted. */
#ifndef ASH_CLI_LAB_SITES_H
#define ASH_CLI_LAB_SITES_H

#include "lab/paper.h"

enum { ASH_CLI_SITES = 12 };

/* Fills the text of each of n sites; the file is an .ashtrace. What cannot be named stays empty. */
void ash_cli_lab_sites(const char *path, struct ash_lab_site *sites, size_t n);

#endif

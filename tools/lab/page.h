/* page.h: the page of report/ as bytes in the command; empty where it could not be built. */
#ifndef ASH_LAB_PAGE_H
#define ASH_LAB_PAGE_H

extern const char ash_lab_page[], ash_lab_page_end[];

#endif

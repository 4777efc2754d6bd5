/* page.c: the page as bytes; see page.h. ASHLAR_LAB_PAGE names the file, made by report/. */
#include "lab/page.h"

#ifdef ASHLAR_LAB_PAGE
__asm__(".pushsection .rodata\n"
        ".global ash_lab_page, ash_lab_page_end\n"
        "ash_lab_page: .incbin \"" ASHLAR_LAB_PAGE "\"\n"
        "ash_lab_page_end: .byte 0\n"
        ".popsection\n");
#else
__asm__(".pushsection .rodata\n"
        ".global ash_lab_page, ash_lab_page_end\n"
        "ash_lab_page:\n"
        "ash_lab_page_end: .byte 0\n"
        ".popsection\n");
#endif

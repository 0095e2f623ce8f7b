/* font_data.c: the label font as bytes in the library. FV_FONT_FILE is the subset made by scripts/make_font.py; the
 * assembler includes it, which compiles in no time where a C array would not. Read by font.c. */
#include "media/media.h"

__asm__(".section .rodata\n"
        ".balign 16\n"
        ".global fvi_media_font_data\n"
        ".hidden fvi_media_font_data\n"
        "fvi_media_font_data:\n"
        ".incbin \"" FV_FONT_FILE "\"\n"
        ".global fvi_media_font_end\n"
        ".hidden fvi_media_font_end\n"
        "fvi_media_font_end:\n"
        ".byte 0\n"
        ".previous\n");
extern const uint8_t fvi_media_font_data[], fvi_media_font_end[];

const uint8_t *fvi_media_font_embedded(size_t *size)
{
    *size = (size_t)(fvi_media_font_end - fvi_media_font_data);
    return fvi_media_font_data;
}

/* data.c: the ONNX files of models/ as bytes in the library; the assembler includes them. CMakeLists.txt says which are there:
 * FVI_PERSON_FILE, FVI_MARK_FILE, FVI_FILL_FILE. Read by builtin.c. */
#include "model/builtin/builtin.h"

/* 64: the alignment that weights used in place would want */
#define EMBED(id, file)                                                                                                \
    __asm__(".section .rodata\n"                                                                                       \
            ".balign 64\n"                                                                                             \
            ".global fvi_builtin_" #id "\n"                                                                            \
            ".hidden fvi_builtin_" #id "\n"                                                                            \
            "fvi_builtin_" #id ":\n"                                                                                   \
            ".incbin \"" file "\"\n"                                                                                   \
            ".global fvi_builtin_" #id "_end\n"                                                                        \
            ".hidden fvi_builtin_" #id "_end\n"                                                                        \
            "fvi_builtin_" #id "_end:\n"                                                                               \
            ".byte 0\n"                                                                                                \
            ".previous\n");                                                                                            \
    extern const uint8_t fvi_builtin_##id[], fvi_builtin_##id##_end[]

#ifdef FVI_PERSON_FILE
EMBED(person, FVI_PERSON_FILE);
#endif
#ifdef FVI_MARK_FILE
EMBED(mark, FVI_MARK_FILE);
#endif
#ifdef FVI_FILL_FILE
EMBED(fill, FVI_FILL_FILE);
#endif

const fvi_builtin_model fvi_builtin_models[] = {
#ifdef FVI_PERSON_FILE
    {"person", "boxes around people", fvi_builtin_person, fvi_builtin_person_end},
#endif
#ifdef FVI_MARK_FILE
    {"mark", "watermarks, logos, captions and time stamps laid over a picture", fvi_builtin_mark, fvi_builtin_mark_end},
#endif
#ifdef FVI_FILL_FILE
    {"fill", "fills holes: a picture and a mask in, a picture out (exec)", fvi_builtin_fill, fvi_builtin_fill_end},
#endif
    {0},
};
const int fvi_builtin_count = (int)(sizeof fvi_builtin_models / sizeof *fvi_builtin_models) - 1;

/* out_names.h: names of outputs, one for each of very many inputs. */
#ifndef FOVEA_TOOL_OUT_NAMES_H
#define FOVEA_TOOL_OUT_NAMES_H
#include <stdbool.h>
#include <stddef.h>

/* out[i], owned: the first lengths[i] bytes of stems[i], cut where that is too long for a file name; what comes again
 * gets -2, -3, … */
void unique_stems(char **out, const char *const *stems, const size_t *lengths, int n);

/* Files by what they are, not by how they are called. */
typedef struct file_set file_set;
file_set *file_set_create(char *const *paths, int n);
bool file_set_has(const file_set *s, const char *path);
void file_set_free(file_set **s);
#endif

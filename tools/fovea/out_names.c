/* out_names.c: which names outputs get so that no two inputs share one, and whether a file is one of the inputs; both in
 * time that does not grow with the square of the inputs. Called by out_plan.c. */
#include "out_names.h"
#include "text.h"
#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#define MAX_STEM 200 /* bytes; a file name has room for 255, and numbers and extensions follow */

typedef struct slot {
    const char *stem; /* borrowed */
    int uses;
} slot;

static size_t hash(const char *s)
{
    uint64_t h = 1469598103934665603u;
    for (; *s; s++) h = (h ^ (uint64_t)tolower((unsigned char)*s)) * 1099511628211u;
    return (size_t)(h ^ h >> 32);
}

/* The slot of this stem, or the empty one where it belongs. Compared without case, for file systems that do. */
static slot *find(slot *slots, size_t mask, const char *stem)
{
    size_t i = hash(stem) & mask;
    while (slots[i].stem && strcasecmp(slots[i].stem, stem)) i = (i + 1) & mask;
    return &slots[i];
}

/* At most MAX_STEM bytes, not ending inside a character. */
static char *cut_stem(const char *s, size_t n)
{
    text t = {0};
    if (n > MAX_STEM)
        for (n = MAX_STEM; n > MAX_STEM - 4 && ((unsigned char)s[n] & 0xC0) == 0x80;) n--;
    text_addn(&t, s, n);
    return t.s;
}

void unique_stems(char **out, const char *const *stems, const size_t *lengths, int n)
{
    size_t cap = 16;
    while (cap < (size_t)n * 4) cap *= 2;
    slot *slots = tool_alloc(cap * sizeof *slots);
    for (int i = 0; i < n; i++) {
        out[i] = cut_stem(stems[i], lengths[i]);
        slot *first = find(slots, cap - 1, out[i]), *mine = first;
        while (mine->stem) { /* x, x-2, x-3, … unless an input is called that */
            char *again;
            text t = {0};
            text_printf(&t, "%.*s-%d", MAX_STEM, first->stem, ++first->uses);
            again = t.s;
            mine = find(slots, cap - 1, again);
            free(out[i]);
            out[i] = again;
        }
        *mine = (slot){out[i], 1};
    }
    free(slots);
}

struct file_set {
    int n;
    struct file_id {
        dev_t dev;
        ino_t ino;
    } id[];
};

static int by_id(const void *a, const void *b)
{
    const struct file_id *x = a, *y = b;
    if (x->dev != y->dev) return x->dev < y->dev ? -1 : 1;
    return x->ino < y->ino ? -1 : x->ino > y->ino;
}

file_set *file_set_create(char *const *paths, int n)
{
    file_set *s = tool_alloc(sizeof *s + (size_t)n * sizeof *s->id);
    struct stat st;
    for (int i = 0; i < n; i++)
        if (!stat(paths[i], &st)) s->id[s->n++] = (struct file_id){st.st_dev, st.st_ino};
    qsort(s->id, (size_t)s->n, sizeof *s->id, by_id);
    return s;
}

bool file_set_has(const file_set *s, const char *path)
{
    struct stat st;
    if (stat(path, &st)) return false;
    return bsearch(&(struct file_id){st.st_dev, st.st_ino}, s->id, (size_t)s->n, sizeof *s->id, by_id) != NULL;
}

void file_set_free(file_set **s)
{
    free(*s);
    *s = NULL;
}

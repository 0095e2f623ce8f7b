/* prep_set.c: a few preps of one spec, each with the tables of one size of picture; the one that was not used for longest makes way for
 * a new size. Called by the detector, which prepares whole frames and tiles in turn. */
#include "image/prep_inside.h"
#include "base/error.h"

fv_status fvi_prep_set_create(fvi_prep_set **out, const fvi_prep_spec *spec, fvi_cpu_flags cpu, fv_error *err)
{
    *out = NULL;
    fvi_prep_set *s = fvi_calloc(1, sizeof *s);
    if (!s) return fvi_error_set(err, FV_ERR_MEMORY, "out of memory for picture preparation");
    s->spec = *spec;
    s->cpu = cpu;
    fv_status st = fvi_prep_create(&s->slots[0].prep, spec, cpu, err); /* says at once what is wrong with the spec */
    if (st < 0) {
        fvi_free(s);
        return st;
    }
    *out = s;
    return FV_OK;
}

void fvi_prep_set_free(fvi_prep_set **s)
{
    if (!s || !*s) return;
    for (int i = 0; i < FVI_PREP_SLOTS; i++) fvi_prep_free(&(*s)->slots[i].prep);
    fvi_free((*s)->line);
    fvi_free((*s)->room);
    FVI_FREE(*s);
}

/* The prep with the tables of such a part. */
fv_status fvi_prep_set_choose(fvi_prep_set *s, const fv_frame *src, const fvi_prep_part *part, fvi_prep **out, fv_error *err)
{
    const fvi_pixel *px = fvi_pixel_of(src->format);
    int odd = px ? (part->x & px->chroma_x) | (part->y & px->chroma_y) << 1 : 0;
    fvi_prep_slot *use = NULL, *oldest = &s->slots[0];
    for (fvi_prep_slot *t = s->slots; t < s->slots + FVI_PREP_SLOTS && !use; t++) {
        if (t->used && t->width == part->width && t->height == part->height && t->odd == odd && t->format == src->format) use = t;
        if (t->used < oldest->used) oldest = t;
    }
    if (!use) {
        use = oldest;
        if (!use->prep) FVI_TRY(fvi_prep_create(&use->prep, &s->spec, s->cpu, err));
        use->width = part->width;
        use->height = part->height;
        use->odd = odd;
        use->format = src->format;
    }
    use->used = ++s->clock;
    *out = use->prep;
    return FV_OK;
}

fv_status fvi_prep_set_run(fvi_prep_set *s, const fv_frame *src, const fvi_prep_part *part, const fvi_tensor *dst, int n, fvi_pool *pool, fvi_prep_map *map,
                           fv_error *err)
{
    const fvi_prep_part all = {0, 0, src->width, src->height};
    fvi_prep *p = NULL;
    FVI_TRY(fvi_prep_set_choose(s, src, part ? part : &all, &p, err));
    return fvi_prep_run_part(p, src, part ? part : &all, dst, n, pool, map, err);
}

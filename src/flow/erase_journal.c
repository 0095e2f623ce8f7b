/* erase_journal.c: the folder beside the output: what the marks are (written once, after the first pass) and the segments that are whole.
 * Going on is allowed when everything that the segments depend on is as it was: one number says so. Called by erase.c. */
#include "flow/erase.h"
#include "base/alloc.h"
#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"
#include <dirent.h>
#include <errno.h>
#include <fovea/version.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_JOURNAL ((size_t)1 << 30)

typedef struct head {
    char magic[8];
    uint64_t key, sum; /* sum: of what follows */
    int64_t partial;
    int32_t places, pad;
} head;
typedef struct place_head {
    int32_t x, y, w, h;
    int64_t from, to;
    int32_t found, always;
    fv_erase_mark report;
} place_head;
static const char magic[8] = "FVERAS2";

static uint64_t add_text(uint64_t key, const char *s) { return fvi_hash_text(s ? s : "", key + 1); }

static uint64_t key_of(const fvi_erase *e)
{
    struct stat st = {0};
    uint64_t k = add_text(add_text(7, FV_VERSION), e->report->encoder);
    const fv_erase_options *o = e->opt;
    stat(e->in, &st);
    const int64_t n[] = {st.st_size, st.st_mtim.tv_sec, st.st_mtim.tv_nsec, o->n_regions, o->detector != NULL, o->detect_every, o->persist,
                         o->quality, o->crf, o->threads, o->segment, (int64_t)(o->accumulate_s * 1e6), (int64_t)((double)o->min_score * 1e6)};
    k = fvi_hash(n, sizeof n, k);
    k = add_text(add_text(k, o->codec), o->preset);
    for (int i = 0; i < o->n_regions; i++) {
        const fv_erase_region *r = &o->regions[i];
        k = fvi_hash(&r->whole, sizeof r->whole, k);
        k = r->mask ? fvi_hash(r->mask, (size_t)r->mask_width * (size_t)r->mask_height, k) : fvi_hash(r->points, (size_t)r->n * sizeof *r->points, k);
    }
    return o->detector ? add_text(k, fv_detector_rule(o->detector)) : k;
}

fv_status fvi_erase_folder(fvi_erase *e)
{
    fvi_str b = {0};
    const char *slash = strrchr(e->out, '/'), *name = slash ? slash + 1 : e->out;
    if (slash) fvi_str_addn(&b, e->out, (size_t)(name - e->out));
    fvi_str_printf(&b, ".%s.erase", name);
    if (b.failed) {
        fvi_str_free(&b);
        return fvi_error_set(e->err, FV_ERR_MEMORY, "out of memory");
    }
    e->folder = b.s;
    e->key = key_of(e);
    return FV_OK;
}

static bool in_folder(const fvi_erase *e, const char *name, fvi_str *path)
{
    fvi_str_printf(path, "%s/%s", e->folder, name);
    return !path->failed;
}

bool fvi_erase_segment_name(const fvi_erase *e, int64_t i, fvi_str *name)
{
    fvi_str_printf(name, "%s/%06lld.seg", e->folder, (long long)i);
    return !name->failed;
}

/* Only what we put there goes. */
void fvi_erase_remove(const fvi_erase *e)
{
    DIR *d = e->folder ? opendir(e->folder) : NULL;
    for (struct dirent *f; d && (f = readdir(d));) {
        const char *dot = strrchr(f->d_name, '.');
        if (strncmp(f->d_name, "marks", 5) != 0 && !(dot && (strcmp(dot, ".seg") == 0 || strcmp(dot, ".part") == 0))) continue;
        fvi_str path = {0};
        if (in_folder(e, f->d_name, &path)) unlink(path.s);
        fvi_str_free(&path);
    }
    if (d) closedir(d);
    if (e->folder) rmdir(e->folder);
}

fv_status fvi_erase_start(fvi_erase *e)
{
    fvi_erase_remove(e);
    if (mkdir(e->folder, 0777) != 0) return fvi_error_set(e->err, FV_ERR_OUTPUT, "%s: %s", e->folder, strerror(errno));
    return FV_OK;
}

fv_status fvi_erase_save(const fvi_erase *e)
{
    fvi_str b = {0}, path = {0};
    head h = {.key = e->key, .partial = e->partial, .places = e->places};
    memcpy(h.magic, magic, sizeof magic);
    for (int i = 0; i < e->places; i++) {
        const fvi_erase_place *p = &e->place[i];
        const place_head ph = {.x = p->x, .y = p->y, .w = p->w, .h = p->h, .from = p->from, .to = p->to, .found = p->found, .always = p->always, .report = p->report};
        fvi_str_addn(&b, (const char *)&ph, sizeof ph);
        fvi_str_addn(&b, (const char *)p->mark.hole, p->shape.all);
        fvi_str_addn(&b, (const char *)p->mark.alpha, p->shape.all * sizeof(float));
        fvi_str_addn(&b, (const char *)p->mark.paint, p->shape.all * sizeof(float));
        fvi_str_addn(&b, (const char *)p->mark.trust, p->shape.all * sizeof(float));
    }
    h.sum = fvi_hash(b.s ? b.s : "", b.len, e->key);
    const fvi_file_part part[2] = {{&h, sizeof h}, {b.s ? b.s : "", b.len}};
    fv_status st = in_folder(e, "marks", &path) && !b.failed ? FV_OK : fvi_error_set(e->err, FV_ERR_MEMORY, "out of memory");
    if (st == FV_OK) st = fvi_file_write_parts(path.s, part, 2, e->err);
    fvi_str_free(&path);
    fvi_str_free(&b);
    return st;
}

static bool take(const uint8_t **at, const uint8_t *end, void *to, size_t n)
{
    if ((size_t)(end - *at) < n) return false;
    memcpy(to, *at, n);
    *at += n;
    return true;
}

static bool load_place(fvi_erase *e, fvi_erase_place *p, const uint8_t **at, const uint8_t *end)
{
    place_head ph;
    if (!take(at, end, &ph, sizeof ph) || ph.x < 0 || ph.y < 0 || ph.w < 1 || ph.h < 1 || ph.x > e->info.width - ph.w || ph.y > e->info.height - ph.h) return false;
    *p = (fvi_erase_place){.x = ph.x, .y = ph.y, .w = ph.w, .h = ph.h, .from = ph.from, .to = ph.to, .found = ph.found, .always = ph.always, .report = ph.report};
    if (fvi_clean_shape_set(&p->shape, e->info.planes, p->w, p->h, e->info.sx, e->info.sy, e->info.depth) < 0) return false;
    fvi_clean_mark *m = &p->mark;
    const size_t n = p->shape.all;
    m->shape = p->shape;
    m->hole = fvi_alloc(n);
    m->alpha = fvi_alloc(n * sizeof *m->alpha);
    m->paint = fvi_alloc(n * sizeof *m->paint);
    m->trust = fvi_alloc(n * sizeof *m->trust);
    return m->hole && m->alpha && m->paint && m->trust && take(at, end, m->hole, n) && take(at, end, m->alpha, n * sizeof(float)) && take(at, end, m->paint, n * sizeof(float)) &&
           take(at, end, m->trust, n * sizeof(float));
}

bool fvi_erase_load(fvi_erase *e)
{
    fvi_str path = {0};
    fvi_map map = {0};
    head h;
    bool ok = in_folder(e, "marks", &path) && fvi_map_open(&map, path.s, MAX_JOURNAL, NULL) == FV_OK;
    const uint8_t *at = map.data, *end = ok ? map.data + map.size : NULL;
    ok = ok && take(&at, end, &h, sizeof h) && memcmp(h.magic, magic, sizeof magic) == 0 && h.key == e->key && h.places >= 0 && h.places <= FV_ERASE_MARKS &&
         h.sum == fvi_hash(at, (size_t)(end - at), e->key);
    if (ok && h.places) ok = (e->place = fvi_calloc(FV_ERASE_MARKS, sizeof *e->place)) != NULL;
    for (int i = 0; ok && i < h.places; i++) {
        e->places = i + 1;
        ok = load_place(e, &e->place[i], &at, end);
    }
    if (ok)
        e->partial = h.partial;
    else
        fvi_erase_free_places(e);
    fvi_map_close(&map);
    fvi_str_free(&path);
    return ok;
}

/* Every known way to miscount, as a law over thousands of made-up walks. The walks are made in the line's own coordinates
 * (along it, across it), so that what has to be counted is known from how they were made and not from the counter's geometry. */
#include "rig.h"
#include <math.h>
#include <stdbool.h>

#define MAX_SEEN 64

/* A line in the middle of the frame, any way round. */
typedef struct place {
    double ax, ay, angle, length;
} place;

static double between(double lo, double hi) { return lo + (hi - lo) * uniform(); }
static int one_of(int n) { return (int)(uniform() * n); }

static place somewhere(void)
{
    place p = {.angle = one_of(4) ? between(0, 6.2831853) : one_of(4) * 1.5707963267948966, .length = between(200, 380)};
    p.ax = W / 2.0 - cos(p.angle) * p.length / 2 + between(-60, 60);
    p.ay = H / 2.0 - sin(p.angle) * p.length / 2 + between(-40, 40) + 40;
    return p;
}

static fv_line line_at(const place *p)
{
    return (fv_line){.name = "l", .x1 = p->ax, .y1 = p->ay, .x2 = p->ax + cos(p->angle) * p->length, .y2 = p->ay + sin(p->angle) * p->length};
}

/* Feet at `along` and `off` the line; off > 0 is where `in` leads to. */
static fv_detection someone(const place *p, int id, double along, double off, double tall)
{
    double x = p->ax + along * cos(p->angle) - off * sin(p->angle), y = p->ay + along * sin(p->angle) + off * cos(p->angle);
    return (fv_detection){.box = {(float)(x - tall * 0.2), (float)(y - tall), (float)(x + tall * 0.2), (float)y}, .confidence = 0.8f, .track_id = id};
}

/* A counter that is fed at any rate. */
typedef struct film {
    rig r;
    double pts, fps;
    fv_detection seen[MAX_SEEN];
    int n;
} film;

static film begin_film(const fv_line *lines, int n, double fps)
{
    film f = {.r = make(lines, n, NULL, 0), .fps = fps};
    return f;
}

static void show(film *f)
{
    const fv_event *e = NULL;
    int count = 0;
    fv_detections dets = {f->seen, f->n, f->n};
    assert_int_equal(fv_counter_update(f->r.c, &dets, f->pts, f->r.frame, W, H, &e, &count), FV_OK);
    keep_book(&f->r, e, count);
    f->r.frame++;
    f->pts += 1 / f->fps;
    f->n = 0;
}

static void see(film *f, fv_detection d)
{
    assert_true(f->n < MAX_SEEN);
    f->seen[f->n++] = d;
}

static void must_be(film *f, unsigned begun, const char *what, int in, int out)
{
    fv_line_totals t;
    fv_counter_line(f->r.c, 0, &t);
    if (t.in != in || t.out != out || f->r.in[0] != in || f->r.out[0] != out)
        fail_msg("%s, seed %u: in %d out %d (events %d %d), but %d and %d went through", what, begun, (int)t.in, (int)t.out, (int)f->r.in[0], (int)f->r.out[0],
                 in, out);
}

/* One walker: goes from one side to the other `legs` times, stops on the way, trembles, is missed now and then. */
typedef struct walker {
    int id, legs, leg, from; /* from: side of the first start */
    double tall, along, reach, speed, across, pause, wait;
} walker;

static walker new_walker(const place *p, int id, double fps)
{
    walker w = {.id = id, .legs = 1 + one_of(4), .from = one_of(2) ? 1 : -1, .tall = between(60, 160)};
    w.along = between(0.15, 0.85) * p->length;
    w.reach = between(0.4, 0.9) * w.tall;
    w.speed = between(0.3, one_of(5) ? 2 : 12) * w.tall; /* now and then so fast that it jumps across in one frame */
    w.across = w.from * w.reach;
    w.wait = 3 / fps;
    w.pause = between(-0.4, 0.4) * w.tall;
    return w;
}

static int side_of_leg(const walker *w) { return w->leg % 2 ? w->from : -w->from; }

/* One frame. True while there is more. */
static bool walk(walker *w, const place *p, film *f, double missed)
{
    double step = w->speed / f->fps, to = side_of_leg(w) * w->reach;
    bool at_end = fabs(w->across) >= w->reach - 1e-9;
    double tremble = 0.02 * w->tall;
    if (w->leg >= w->legs && w->wait <= 0) return false;
    if (w->wait > 0) {
        w->wait -= 1 / f->fps;
    } else {
        double next = w->across + side_of_leg(w) * step;
        if ((w->across - w->pause) * (next - w->pause) < 0 && uniform() < 0.5) { /* stop and go, anywhere on the way */
            w->across = w->pause;
            w->wait = between(0, 2);
        } else {
            w->across = side_of_leg(w) > 0 ? fmin(next, to) : fmax(next, to);
        }
        if (w->across == to) { /* is seen there for a moment */
            w->leg++;
            w->wait = 3 / f->fps;
            w->pause = between(-0.4, 0.4) * w->tall;
        }
    }
    if (!at_end && uniform() < missed) return true;
    fv_detection d = someone(p, w->id, w->along + between(-tremble, tremble), w->across + between(-tremble, tremble), w->tall);
    if (uniform() < 0.2) d.class_id = 1 + one_of(3); /* class flicker */
    see(f, d);
    return true;
}

static void expected(const walker *w, int *in, int *out)
{
    for (int i = 0; i < w->legs; i++) ++*((i % 2 ? w->from : -w->from) > 0 ? in : out);
}

static const double rates[] = {2, 5, 10, 25, 60};

/* Any line, any rate, several at once: stop and go, trembling, class flicker, missed frames, jumps: one for each passage. */
static void passages(void **state)
{
    (void)state;
    for (seed = 1; seed <= 6000; seed += 3) {
        unsigned begun = seed, resume = seed;
        place p = somewhere();
        fv_line l = line_at(&p);
        film f = begin_film(&l, 1, rates[one_of(5)]);
        walker w[6];
        int n = 1 + one_of(6), in = 0, out = 0;
        for (int i = 0; i < n; i++) {
            w[i] = new_walker(&p, i + 1, f.fps);
            expected(&w[i], &in, &out);
        }
        for (bool more = true; more;) {
            more = false;
            for (int i = 0; i < n; i++) more |= walk(&w[i], &p, &f, 0.2);
            see(&f, someone(&p, 0, between(0, p.length), between(-50, 50), 80)); /* no identity */
            see(&f, someone(&p, -1, between(0, p.length), between(-50, 50), 80));
            if (f.n > 2) see(&f, (fv_detection){.box = {0, 0, 900, 700}, .track_id = f.seen[0].track_id}); /* the same id once more */
            show(&f);
        }
        must_be(&f, begun, "passages", in, out);
        end(&f.r);
        seed = resume;
    }
}

/* Along the line, near it, round its ends, up to it and back: nothing, ever. */
static void no_passages(void **state)
{
    (void)state;
    for (seed = 2; seed <= 6000; seed += 3) {
        unsigned begun = seed, resume = seed;
        place p = somewhere();
        fv_line l = line_at(&p);
        film f = begin_film(&l, 1, rates[one_of(5)]);
        double tall = between(60, 160), t = 0.02 * tall;
        int kind = one_of(4), side = one_of(2) ? 1 : -1;
        for (int i = 0; i <= 60; i++) {
            double part = i / 60.0, along = part * p.length, off = 0;
            if (kind == 0) off = side * between(0.08, 0.3) * tall; /* along it, in reach of a distance test */
            if (kind == 1) along = -(0.1 * tall + 10), off = side * (part - 0.5) * 2 * tall; /* beyond its ends */
            if (kind == 2) along = p.length + 0.1 * tall + 10, off = side * (part - 0.5) * 2 * tall;
            if (kind == 3) along = p.length / 2, off = side * fabs(part - 0.5) * tall + (fabs(part - 0.5) < 0.05 ? -side * 0.02 * tall : 0); /* on it, and back */
            if (i && i < 60 && uniform() < 0.2) {
                show(&f);
                continue;
            }
            see(&f, someone(&p, 1, along + between(-t, t), off + between(-t, t), tall));
            show(&f);
        }
        must_be(&f, begun, "no passage", 0, 0);
        end(&f.r);
        seed = resume;
    }
}

/* The identity breaks on the way, up to three times, with a gap of up to half a second: still one. */
static void broken_identities(void **state)
{
    (void)state;
    for (seed = 3; seed <= 6000; seed += 3) {
        unsigned begun = seed, resume = seed;
        place p = somewhere();
        fv_line l = line_at(&p);
        film f = begin_film(&l, 1, one_of(2) ? 10 : 25);
        double tall = between(60, 160), t = 0.02 * tall, along = between(0.2, 0.8) * p.length, speed = between(0.3, 2) * tall;
        int side = one_of(2) ? 1 : -1, id = 5, breaks = 0;
        double next_break = between(-0.4, 0.3) * tall, hidden = 0;
        for (double off = -0.7 * tall; off <= 0.7 * tall; off += speed / f.fps) {
            if (breaks < 3 && off > next_break) {
                breaks++;
                id++;
                hidden = between(0, 0.5);
                next_break = off + between(0.3, 0.8) * tall + hidden * speed; /* it is seen a few times in between */
            }
            hidden -= 1 / f.fps;
            if (hidden <= 0) see(&f, someone(&p, id, along + between(-t, t), side * off + between(-t, t), tall));
            see(&f, someone(&p, 1, along + 4 * tall, -side * 3 * tall, tall)); /* somebody stands elsewhere */
            show(&f);
        }
        for (int i = 0; i < 3; i++) {
            see(&f, someone(&p, id, along, side * 0.8 * tall, tall));
            show(&f);
        }
        must_be(&f, begun, "broken identity", side > 0, side < 0);
        end(&f.r);
        seed = resume;
    }
}

/* Two who have nothing to do with each other: one vanishes on one side, another appears on the other side too far away, too
 * late, of another size, or while the first is still there. */
static void strangers(void **state)
{
    (void)state;
    for (seed = 4; seed <= 4000; seed += 2) {
        unsigned begun = seed, resume = seed;
        place p = somewhere();
        fv_line l = line_at(&p);
        film f = begin_film(&l, 1, 10);
        double tall = between(60, 120), along = p.length / 2, t = 0.01 * tall;
        int kind = one_of(4), side = one_of(2) ? 1 : -1;
        for (int i = 0; i < 12; i++) {
            see(&f, someone(&p, 1, along + between(-t, t), -side * 0.2 * tall, tall));
            show(&f);
        }
        double reach = kind == 0 ? between(0.8, 2) * tall : 0.2 * tall, other = kind == 2 ? tall * 1.8 : tall;
        for (double gone = kind == 1 ? between(1.3, 5) : 0.2; gone > 0 && kind != 3; gone -= 1 / f.fps) show(&f);
        for (int i = 0; i < 12; i++) {
            see(&f, someone(&p, 2, along + between(-t, t), side * reach, other));
            if (kind == 3) see(&f, someone(&p, 1, along + between(-t, t), -side * 0.2 * tall, tall));
            show(&f);
        }
        must_be(&f, begun, "strangers", 0, 0);
        end(&f.r);
        seed = resume;
    }
}

/* Ghosts: every frame has boxes with identities of their own that are seen once, also right where somebody is missed for
 * that frame. They are never counted, and nobody loses a passage to them. */
static void ghosts(void **state)
{
    (void)state;
    for (seed = 5; seed <= 4000; seed += 2) {
        unsigned begun = seed, resume = seed;
        place p = somewhere();
        fv_line l = line_at(&p);
        film f = begin_film(&l, 1, 25);
        walker w = new_walker(&p, 1, f.fps);
        int in = 0, out = 0, ghost = 1000;
        w.speed = between(0.3, 2) * w.tall;
        expected(&w, &in, &out);
        while (walk(&w, &p, &f, 0.2)) {
            see(&f, someone(&p, ghost++, w.along + between(-40, 40), w.across + between(-40, 40), w.tall));
            see(&f, someone(&p, ghost++, between(0, p.length), between(-60, 60), w.tall));
            show(&f);
        }
        must_be(&f, begun, "ghosts", in, out);
        end(&f.r);
        seed = resume;
    }
}

/* Feet that the border of the frame cuts off: a line along any border, however near, counts those who leave and come. */
static void borders(void **state)
{
    (void)state;
    for (seed = 6; seed <= 3000; seed += 2) {
        unsigned begun = seed, resume = seed;
        double gap = between(1.5, 40), tall = between(60, 200);
        int border = one_of(3), back = one_of(2);
        fv_line l = border == 0   ? (fv_line){.x1 = 0, .y1 = H - gap, .x2 = W, .y2 = H - gap}
                    : border == 1 ? (fv_line){.x1 = W - gap, .y1 = H, .x2 = W - gap, .y2 = 0, .anchor = FV_ANCHOR_RIGHT}
                                  : (fv_line){.x1 = gap, .y1 = 0, .x2 = gap, .y2 = H, .anchor = FV_ANCHOR_LEFT};
        film f = begin_film(&l, 1, 10);
        for (int i = 0; i <= 40 + (back ? 41 : 0); i++) {
            int k = i <= 40 ? i : 81 - i;
            double way = (k - 30) * 0.05 * tall; /* how far the feet are beyond the border */
            fv_detection d = {.track_id = 1};
            double x = border == 0 ? W / 2.0 : border == 1 ? W + way - tall * 0.2 : -way + tall * 0.2, y = border == 0 ? H + way : H / 2.0;
            const float box[4] = {(float)fmax(x - tall * 0.2, 0), (float)(y - tall), (float)fmin(x + tall * 0.2, W), (float)fmin(y, H)};
            for (int c = 0; c < 4; c++) d.box[c] = box[c];
            see(&f, d);
            show(&f);
        }
        must_be(&f, begun, "border", 1, back);
        end(&f.r);
        seed = resume;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(passages),  cmocka_unit_test(no_passages), cmocka_unit_test(broken_identities),
                                       cmocka_unit_test(strangers), cmocka_unit_test(ghosts),      cmocka_unit_test(borders)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

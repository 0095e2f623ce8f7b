/* docs/COUNTING.md, "Lines" and what is counted at all, sentence by sentence, and its laws on random walks. */
#include "rig.h"
#include <math.h>

static void walks_across(void **state)
{
    (void)state;
    rig r = make(&across, 1, NULL, 0);
    for (int y = 300; y <= 500; y += 20) at(&r, 500, y);
    expect(&r, 0, 1, 0);
    assert_int_equal(r.last.type, FV_EVENT_CROSS);
    assert_int_equal(r.last.track_id, 7);
    assert_true(fabs(r.last.point[0] - 500) < 1e-3 && fabs(r.last.point[1] - 400) < 1e-3);
    for (int y = 500; y >= 300; y -= 20) at(&r, 500, y);
    expect(&r, 0, 1, 1);
    end(&r);
}

static void jumps_and_hides(void **state)
{
    (void)state;
    rig r = make(&across, 1, NULL, 0);
    at(&r, 500, 300);
    at(&r, 520, 500); /* in one frame */
    expect(&r, 0, 1, 0);
    away(&r, 30); /* three seconds behind a pillar, back on the other side */
    at(&r, 500, 300);
    expect(&r, 0, 1, 1);
    end(&r);
}

static void beside_the_segment(void **state)
{
    (void)state;
    rig r = make(&across, 1, NULL, 0);
    for (int y = 300; y <= 500; y += 20) at(&r, 900, y); /* passes beyond its end */
    expect(&r, 0, 0, 0);
    for (int x = 900; x >= 500; x -= 50) at(&r, x, 500);
    for (int y = 500; y >= 300; y -= 20) at(&r, 500, y); /* comes back through it */
    expect(&r, 0, 0, 1);
    /* A long step that ends on the other side, but passes beyond the end */
    at(&r, 790, 300);
    at(&r, 900, 420);
    expect(&r, 0, 0, 1);
    end(&r);
}

/* Through the segment inside the dead zone, then along it and out beyond its end: it did go through. The other way round
 * it did not. */
static void along_the_line(void **state)
{
    (void)state;
    rig r = make(&across, 1, NULL, 0);
    at(&r, 700, 380);
    at(&r, 750, 398);
    at(&r, 780, 402); /* through */
    at(&r, 850, 403);
    at(&r, 850, 450);
    expect(&r, 0, 1, 0);
    at(&r, 900, 402);
    at(&r, 900, 398); /* round the end */
    at(&r, 700, 397);
    at(&r, 700, 350);
    expect(&r, 0, 1, 0);
    end(&r);
}

static void trembles(void **state)
{
    (void)state;
    rig r = make(&across, 1, NULL, 0);
    at(&r, 500, 380);
    for (int i = 0; i < 400; i++) at(&r, 500 + i % 7, 400 + (i % 2 ? 4.9 : -4.9)); /* the dead zone is 5 pixels */
    expect(&r, 0, 0, 0);
    at(&r, 500, 380); /* turns back */
    expect(&r, 0, 0, 0);
    for (int i = 0; i < 50; i++) at(&r, 500, 400); /* stops on it */
    at(&r, 500, 420);                              /* walks on */
    expect(&r, 0, 1, 0);
    for (int i = 0; i < 400; i++) at(&r, 500, i % 2 ? 404 : 397);
    expect(&r, 0, 1, 0);
    end(&r);
}

static void appears_on_it(void **state)
{
    (void)state;
    rig r = make(&across, 1, NULL, 0);
    at(&r, 500, 398);
    at(&r, 500, 403);
    at(&r, 500, 450);
    expect(&r, 0, 0, 0);
    at(&r, 500, 350);
    expect(&r, 0, 0, 1);
    end(&r);
}

static void without_hysteresis(void **state)
{
    (void)state;
    rig r = {0};
    assert_int_equal(fv_counter_create(&r.c, FV_COUNT_OPTIONS(.lines = &across, .n_lines = 1, .hysteresis = -1), NULL), FV_OK);
    at(&r, 500, 399.5);
    at(&r, 500, 400); /* on the line: no side yet */
    expect(&r, 0, 0, 0);
    at(&r, 500, 400.5);
    expect(&r, 0, 1, 0);
    at(&r, 500, 400);
    at(&r, 500, 400.5);
    expect(&r, 0, 1, 0);
    end(&r);
}

static void confirmation(void **state)
{
    (void)state;
    rig r = {0};
    assert_int_equal(fv_counter_create(&r.c, FV_COUNT_OPTIONS(.lines = &across, .n_lines = 1, .confirm = 5), NULL), FV_OK);
    at(&r, 500, 300);
    at(&r, 500, 450);
    at(&r, 500, 460);
    at(&r, 500, 470);
    expect(&r, 0, 0, 0);
    at(&r, 500, 480); /* the fifth frame: what it did is counted now */
    expect(&r, 0, 1, 0);
    fv_detection d = person(8, 500, 300);
    frame(&r, &d, 1);
    d = person(8, 500, 450);
    frame(&r, &d, 1);
    d = person(8, 500, 300); /* went back before it was confirmed */
    for (int i = 0; i < 6; i++) frame(&r, &d, 1);
    expect(&r, 0, 1, 0);
    end(&r);
}

static void untracked_and_broken(void **state)
{
    (void)state;
    rig r = make(&across, 1, NULL, 0);
    for (int i = 0; i < 10; i++) {
        fv_detection d[4] = {person(0, 500, i % 2 ? 300 : 500), person(-3, 500, i % 2 ? 300 : 500), person(4, 500, 300), person(4, 500, i % 2 ? 300 : 500)};
        frame(&r, d, 4);
    }
    expect(&r, 0, 0, 0);
    for (int i = 0; i < 10; i++) {
        fv_detection d = person(9, 500, i % 2 ? 300 : 500);
        d.box[i % 4] = i % 3 ? NAN : INFINITY;
        frame(&r, &d, 1);
    }
    expect(&r, 0, 0, 0);
    fv_detections none = {0};
    assert_int_equal(fv_counter_update(r.c, &none, 0.1, 1, W, H, NULL, NULL), FV_ERR_ARGUMENT); /* backwards */
    assert_int_equal(fv_counter_update(r.c, &none, NAN, 1, W, H, NULL, NULL), FV_ERR_ARGUMENT);
    assert_int_equal(fv_counter_update(r.c, &none, 99, 1, 0, H, NULL, NULL), FV_ERR_ARGUMENT);
    assert_int_equal(fv_counter_update(r.c, NULL, 99, 1, W, H, NULL, NULL), FV_ERR_ARGUMENT);
    end(&r);
}

static void classes(void **state)
{
    (void)state;
    const int cars[] = {2, 7};
    fv_line lines[2] = {across, across};
    lines[1].classes = cars;
    lines[1].n_classes = 2;
    rig r = make(lines, 2, NULL, 0);
    for (int i = 0; i < 12; i++) {
        fv_detection d[2] = {person(1, 400, 300 + 20 * i), person(2, 600, 500 - 20 * i)};
        d[0].class_id = i == 0 || i == 6 ? 0 : 2; /* mostly a car; at first and in the deciding frame it looks like a person */
        d[1].class_id = 0;
        frame(&r, d, 2);
    }
    expect(&r, 0, 1, 1);
    expect(&r, 1, 1, 0);
    fv_line_totals t;
    fv_counter_line_class(r.c, 0, 2, &t);
    assert_true(t.in == 1 && t.out == 0);
    fv_counter_line_class(r.c, 0, 0, &t);
    assert_true(t.in == 0 && t.out == 1);
    fv_counter_line_class(r.c, 1, 0, &t);
    assert_true(t.in == 0 && t.out == 0);
    end(&r);
}

static void anchors(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        fv_anchor anchor;
    } all[] = {{"bottom", FV_ANCHOR_BOTTOM}, {"center", FV_ANCHOR_CENTER}, {"top", FV_ANCHOR_TOP}, {"left", FV_ANCHOR_LEFT},
               {"right", FV_ANCHOR_RIGHT}, {"top-left", FV_ANCHOR_TOP_LEFT}, {"top-right", FV_ANCHOR_TOP_RIGHT},
               {"bottom-left", FV_ANCHOR_BOTTOM_LEFT}, {"bottom-right", FV_ANCHOR_BOTTOM_RIGHT}};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        fv_anchor a;
        assert_int_equal(fv_anchor_parse(all[i].name, &a), FV_OK);
        assert_int_equal(a, all[i].anchor);
    }
    fv_anchor a = FV_ANCHOR_TOP;
    assert_int_equal(fv_anchor_parse("feet", &a), FV_ERR_ARGUMENT);
    assert_int_equal(fv_anchor_parse(NULL, &a), FV_ERR_ARGUMENT);
    fv_line lines[3] = {across, across, across};
    lines[1].anchor = FV_ANCHOR_CENTER;
    lines[2].anchor = FV_ANCHOR_TOP;
    rig r = make(lines, 3, NULL, 0);
    for (int y = 350; y <= 470; y += 10) at(&r, 500, y); /* feet and middle cross, the head does not */
    expect(&r, 0, 1, 0);
    expect(&r, 1, 1, 0);
    expect(&r, 2, 0, 0);
    end(&r);
}

/* ---- laws ---- */

static void random_walks(void **state)
{
    (void)state;
    for (seed = 1; seed < 300; seed += 3) {
        unsigned begun = seed;
        double angle = uniform() * 6.2831853, cx = 500, cy = 400, far = 5000;
        double dx = cos(angle), dy = sin(angle);
        fv_line whole = {.x1 = cx - far * dx, .y1 = cy - far * dy, .x2 = cx + far * dx, .y2 = cy + far * dy};
        fv_line turned = {.x1 = whole.x2, .y1 = whole.y2, .x2 = whole.x1, .y2 = whole.y1};
        fv_line lines[5] = {whole, turned, across, {.x1 = 800, .y1 = 400, .x2 = 200, .y2 = 400}, {.x1 = 0.2, .y1 = 0.5, .x2 = 0.8, .y2 = 0.5}};
        rig r = make(lines, 5, NULL, 0);
        enum { N = 20 };
        double x[N], y[N];
        int first[N] = {0}, last[N] = {0};
        for (int i = 0; i < N; i++) x[i] = uniform() * W, y[i] = uniform() * H;
        for (int f = 0; f < 150; f++) {
            fv_detection d[N];
            int n = 0;
            for (int i = 0; i < N; i++) {
                double step = i % 4 == 0 ? 300 : 40;
                x[i] += (uniform() - 0.5) * step, y[i] += (uniform() - 0.5) * step;
                if (uniform() < 0.1) continue; /* not detected */
                fv_detection p = person(i + 1, x[i], y[i]);
                double s = (dx * ((double)p.box[3] - cy) - dy * (((double)p.box[0] + p.box[2]) / 2 - cx)); /* unit direction: a distance */
                int side = fabs(s) > 5.001 ? (s > 0 ? 1 : -1) : 0;
                if (side && !first[i]) first[i] = side;
                last[i] = side;
                d[n++] = p;
            }
            frame(&r, d, n);
        }
        for (int i = 0; i < N; i++) { /* end clearly on the side they were on last */
            fv_detection p = person(i + 1, x[i], y[i]);
            double s = dx * ((double)p.box[3] - cy) - dy * (((double)p.box[0] + p.box[2]) / 2 - cx);
            double push = s > 0 ? 20 : -20;
            p = person(i + 1, x[i] - dy * push, y[i] + dx * push);
            frame(&r, &p, 1);
            last[i] = s > 0 ? 1 : -1;
        }
        int64_t change = 0;
        for (int i = 0; i < N; i++) change += first[i] ? (last[i] - first[i]) / 2 : 0;
        fv_line_totals t[5];
        for (int l = 0; l < 5; l++) {
            fv_counter_line(r.c, l, &t[l]);
            assert_true(t[l].in == r.in[l] && t[l].out == r.out[l]);
        }
        if (t[0].in - t[0].out != change) fail_msg("seed %u: %d - %d != %d", begun, (int)t[0].in, (int)t[0].out, (int)change);
        assert_true(t[0].in + t[0].out > 0);
        assert_true(t[1].in == t[0].out && t[1].out == t[0].in); /* the line turned round */
        assert_true(t[3].in == t[2].out && t[3].out == t[2].in);
        assert_true(t[4].in == t[2].in && t[4].out == t[2].out); /* fractions are the same line */
        end(&r);
    }
}

/* Random trembling about standing points on and near the line, smaller than the dead zone: nothing, for ever. */
static void jitter(void **state)
{
    (void)state;
    rig r = make(&across, 1, NULL, 0);
    seed = 11;
    for (int f = 0; f < 3000; f++) {
        fv_detection d[30];
        for (int i = 0; i < 30; i++) {
            double stand = 395 + 10 * i / 29.0; /* from the upper to the lower edge of the dead zone */
            double room = i < 15 ? 404.9 - stand : stand - 395.1;
            d[i] = person(i + 1, 300 + 10 * i + uniform(), stand + (i < 15 ? 1 : -1) * uniform() * room);
        }
        frame(&r, d, 30);
    }
    expect(&r, 0, 0, 0);
    end(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(walks_across), cmocka_unit_test(jumps_and_hides), cmocka_unit_test(beside_the_segment),
        cmocka_unit_test(along_the_line), cmocka_unit_test(trembles), cmocka_unit_test(appears_on_it),
        cmocka_unit_test(without_hysteresis), cmocka_unit_test(confirmation), cmocka_unit_test(untracked_and_broken),
        cmocka_unit_test(classes), cmocka_unit_test(anchors), cmocka_unit_test(random_walks), cmocka_unit_test(jitter)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The assignment is the cheapest there is: against every possible one on small problems, by its prices on large ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "vision/track/lap.h"
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

typedef struct problem {
    int rows, cols;
    int start[600];
    fvi_lap_edge edges[40000];
    double limit;
} problem;
static problem P;

static void random_problem(int rows, int cols, double density, double limit, bool ties)
{
    P.rows = rows;
    P.cols = cols;
    P.limit = limit;
    int n = 0;
    for (int r = 0; r < rows; r++) {
        P.start[r] = n;
        for (int c = cols - 1; c >= 0; c--) /* order of edges must not matter */
            if ((double)rand() / RAND_MAX < density && n < 40000)
                P.edges[n++] = (fvi_lap_edge){c, ties ? (float)(rand() % 4) / 4 : (float)rand() / (float)RAND_MAX};
    }
    P.start[rows] = n;
}

/* Every assignment: row by row, each of its columns or none. */
static double brute(int row, unsigned taken)
{
    if (row == P.rows) return 0;
    double best = P.limit + brute(row + 1, taken);
    for (int e = P.start[row]; e < P.start[row + 1]; e++) {
        if (taken >> P.edges[e].col & 1) continue;
        double cost = P.edges[e].cost + brute(row + 1, taken | 1u << P.edges[e].col);
        if (cost < best) best = cost;
    }
    return best;
}

/* Total of an answer; fails when it is no assignment or uses a pair that is not there. */
static double total_of(const int *row_col)
{
    static bool used[600];
    memset(used, 0, sizeof used);
    double sum = 0;
    for (int r = 0; r < P.rows; r++) {
        if (row_col[r] < 0) {
            sum += P.limit;
            continue;
        }
        assert_in_range(row_col[r], 0, P.cols - 1);
        assert_false(used[row_col[r]]);
        used[row_col[r]] = true;
        int e = P.start[r];
        while (e < P.start[r + 1] && P.edges[e].col != row_col[r]) e++;
        assert_true(e < P.start[r + 1]);
        assert_true(P.edges[e].cost <= P.limit);
        sum += P.edges[e].cost;
    }
    return sum;
}

static void exact(void **state)
{
    (void)state;
    fvi_lap lap = {0};
    int row_col[600];
    srand(5);
    for (int round = 0; round < 6000; round++) {
        random_problem(rand() % 7, rand() % 7, (rand() % 11) / 10.0, round % 3 ? 0.2 + (rand() % 10) / 10.0 : 10, round % 2);
        assert_int_equal(fvi_lap_reserve(&lap, P.rows, P.cols), FV_OK);
        fvi_lap_solve(&lap, P.rows, P.cols, P.start, P.edges, P.limit, row_col);
        assert_true(fabs(total_of(row_col) - brute(0, 0)) < 1e-6);
    }
    fvi_lap_clear(&lap);
}

/* Duality: prices under which no pair is better than what rows and columns pay together prove that the total is least. */
static void optimal_by_prices(void **state)
{
    (void)state;
    fvi_lap lap = {0};
    static int row_col[600];
    srand(6);
    for (int round = 0; round < 30; round++) {
        random_problem(1 + rand() % 150, 1 + rand() % 150, round % 2 ? 0.05 : 1.0, 0.8, round % 3 == 0);
        assert_int_equal(fvi_lap_reserve(&lap, P.rows, P.cols), FV_OK);
        fvi_lap_solve(&lap, P.rows, P.cols, P.start, P.edges, P.limit, row_col);
        double dual = 0;
        for (int r = 0; r < P.rows; r++) {
            assert_true(lap.u[r] <= P.limit + 1e-9);
            dual += lap.u[r];
            for (int e = P.start[r]; e < P.start[r + 1]; e++)
                assert_true(lap.u[r] + lap.v[P.edges[e].col] <= P.edges[e].cost + 1e-9);
        }
        for (int c = 0; c < P.cols; c++) {
            assert_true(lap.v[c] <= 1e-12);
            dual += lap.v[c];
        }
        assert_true(fabs(total_of(row_col) - dual) < 1e-6);
    }
    fvi_lap_clear(&lap);
}

static void empty(void **state)
{
    (void)state;
    fvi_lap lap = {0};
    int start[3] = {0, 0, 0}, row_col[2] = {7, 7};
    assert_int_equal(fvi_lap_reserve(&lap, 2, 0), FV_OK);
    fvi_lap_solve(&lap, 0, 0, start, NULL, 0.8, row_col);
    fvi_lap_solve(&lap, 2, 0, start, NULL, 0.8, row_col);
    assert_int_equal(row_col[0], -1);
    assert_int_equal(row_col[1], -1);
    fvi_lap_clear(&lap);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(exact), cmocka_unit_test(optimal_by_prices), cmocka_unit_test(empty)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

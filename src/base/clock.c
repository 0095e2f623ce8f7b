/* clock.c: monotonic and wall time. Metrics use the first, records and file names the second. */
#include "base/clock.h"
#include <math.h>
#include <stdio.h>
#include <time.h>

int64_t fvi_now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

double fvi_wall_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

void fvi_wall_iso(double wall, char *buf, size_t n)
{
    if (!(fabs(wall) < 2e11)) wall = 0; /* beyond the year 8000: not a wall time */
    int64_t ms = (int64_t)floor(wall * 1000 + 0.5);
    int64_t sec = ms >= 0 ? ms / 1000 : -((999 - ms) / 1000);
    time_t t = (time_t)sec;
    struct tm tm;
    gmtime_r(&t, &tm);
    snprintf(buf, n, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour,
             tm.tm_min, tm.tm_sec, (int)(ms - sec * 1000));
}

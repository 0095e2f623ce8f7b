/* rank.h: the cheapest few of a table, by insertion. */
#ifndef FVI_KERN_RANK_H
#define FVI_KERN_RANK_H

enum { FVI_RANK_MOST = 16 };
typedef struct fvi_rank {
    int max, n; /* max: <= FVI_RANK_MOST */
    double cost[FVI_RANK_MOST];
    const void *item[FVI_RANK_MOST];
} fvi_rank;

/* Equal ones stay in the order they come in. */
static inline void fvi_rank_add(fvi_rank *r, double cost, const void *item)
{
    int at = r->n;
    while (at > 0 && cost < r->cost[at - 1]) at--;
    if (at == r->max) return;
    if (r->n < r->max) r->n++;
    for (int i = r->n - 1; i > at; i--) r->cost[i] = r->cost[i - 1], r->item[i] = r->item[i - 1];
    r->cost[at] = cost, r->item[at] = item;
}

/* How many cost at most `factor` times what the cheapest does; the cheapest always. */
static inline int fvi_rank_within(const fvi_rank *r, double factor)
{
    int n = r->n;
    while (n > 1 && r->cost[n - 1] > r->cost[0] * factor) n--;
    return n;
}
#endif

/* fuzz_timing.c: any bytes as a timing cache, as they are and with the checksum that is right for them. What is taken can be found,
 * and comes back the same from its text; what is refused says why and leaves nothing. */
#include "base/alloc.h"
#include "base/hash.h"
#include "model/engine/timing.h"
#include <stdlib.h>
#include <string.h>

#define VERSION "1 tactics 0"

static void must(int condition)
{
    if (!condition) abort();
}

static void check(const void *bytes, size_t size)
{
    fvi_timing_store s = {0}, again = {0};
    fvi_str text = {0};
    char why[200];
    if (!fvi_timing_parse(&s, bytes, size, VERSION, why)) {
        must(why[0] && !s.n && !s.arena && !s.items);
        return;
    }
    must(s.n <= FVI_TIMING_MAX_ENTRIES && s.n_devices <= FVI_TIMING_MAX_DEVICES);
    for (size_t i = 0; i < s.n; i++) {
        const fvi_timing *t = fvi_timing_find(&s, s.items[i].device, s.items[i].problem);
        must(t == &s.items[i] && strlen(t->tactic) < FVI_TIMING_TEXT && strlen(t->problem) < FVI_PROBLEM_MAX && t->ns >= 0);
    }
    fvi_timing_print(&s, VERSION, &text);
    must(!text.failed && fvi_timing_parse(&again, text.s, text.len, VERSION, why));
    must(again.n == s.n);
    for (size_t i = 0; i < s.n; i++)
        must(again.items[i].key == s.items[i].key && !strcmp(again.items[i].tactic, s.items[i].tactic) && again.items[i].ns == s.items[i].ns);
    fvi_timing_clear(&s);
    fvi_timing_clear(&again);
    fvi_str_free(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fvi_str text = {0};
    check(data, size);
    fvi_str_addn(&text, (const char *)data, size);
    fvi_str_printf(&text, "sum %016llx\n", (unsigned long long)fvi_hash(data, size, 0));
    must(!text.failed);
    check(text.s, text.len);
    fvi_str_free(&text);
    return 0;
}

/* zip.c: records of a zip file without compression (APPNOTE 6.3: 4.3.7, 4.3.12, 4.3.14 to 4.3.16, 4.5.3). Every member has a zip64 field, so that
 * headers are as long whatever they say. Called by tensor_out.c. */
#include "zip.h"
#include <stdlib.h>
#include <string.h>

#define LOCAL 30 /* bytes before the name */
#define WIDE 20  /* bytes of the zip64 field of a local header */
#define BIG 0xFFFFFFFFu

static void number(text *t, uint64_t v, int bytes)
{
    char b[8];
    for (int i = 0; i < bytes; i++) b[i] = (char)(v >> (8 * i));
    text_addn(t, b, (size_t)bytes);
}

/* Eight bytes a step, eight tables. */
uint32_t zip_crc32(uint32_t crc, const void *bytes, size_t n)
{
    static uint32_t table[8][256];
    const unsigned char *p = bytes;
    if (!table[0][1])
        for (uint32_t i = 0; i < 256; i++) {
            uint32_t c = i;
            for (int k = 0; k < 8; k++) c = c >> 1 ^ (c & 1 ? 0xEDB88320u : 0);
            table[0][i] = c;
        }
    if (!table[7][1])
        for (int k = 1; k < 8; k++)
            for (int i = 0; i < 256; i++) table[k][i] = table[k - 1][i] >> 8 ^ table[0][table[k - 1][i] & 255];
    crc = ~crc;
    for (; n >= 8; n -= 8, p += 8) {
        uint32_t lo = crc ^ ((uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24);
        crc = table[7][lo & 255] ^ table[6][lo >> 8 & 255] ^ table[5][lo >> 16 & 255] ^ table[4][lo >> 24] ^ table[3][p[4]] ^ table[2][p[5]] ^ table[1][p[6]] ^
              table[0][p[7]];
    }
    for (; n; n--) crc = crc >> 8 ^ table[0][(crc ^ *p++) & 255];
    return ~crc;
}

void zip_local(text *t, const char *name, size_t size, uint32_t crc, size_t room)
{
    size_t least = LOCAL + strlen(name) + WIDE, fill = room >= least + 4 ? room - least : 0;
    number(t, 0x04034b50, 4);
    number(t, 45, 2);     /* version that can read it: zip64 */
    number(t, 1 << 11, 2); /* names are UTF-8 */
    number(t, 0, 2);      /* stored */
    number(t, 0, 2);
    number(t, 33, 2);     /* midnight of 1980-01-01: equal runs give equal files */
    number(t, crc, 4);
    number(t, BIG, 4);
    number(t, BIG, 4);
    number(t, strlen(name), 2);
    number(t, WIDE + fill, 2);
    text_add(t, name);
    number(t, 1, 2);
    number(t, 16, 2);
    number(t, size, 8);
    number(t, size, 8);
    if (!fill) return;
    number(t, 0xFEED, 2); /* a field of our own: nothing in it */
    number(t, fill - 4, 2);
    for (size_t i = 4; i < fill; i++) text_addn(t, "", 1);
}

void zip_central(text *t, const char *name, const char *local, size_t offset)
{
    const size_t n = strlen(name);
    number(t, 0x02014b50, 4);
    number(t, 3 << 8 | 45, 2);   /* made on Unix */
    text_addn(t, local + 4, 10); /* version, flags, method, time, date */
    text_addn(t, local + 14, 4); /* crc */
    number(t, BIG, 4);
    number(t, BIG, 4);
    number(t, n, 2);
    number(t, 28, 2);
    number(t, 0, 2);
    number(t, 0, 2);
    number(t, 0, 2);
    number(t, 0x81A40000u, 4); /* a file, rw-r--r-- */
    number(t, BIG, 4);
    text_add(t, name);
    number(t, 1, 2);
    number(t, 24, 2);
    text_addn(t, local + LOCAL + n + 4, 16); /* both sizes */
    number(t, offset, 8);
}

void zip_end(text *t, int n, size_t offset)
{
    const size_t size = t->len;
    number(t, 0x06064b50, 4);
    number(t, 44, 8);
    number(t, 45, 2);
    number(t, 45, 2);
    number(t, 0, 4);
    number(t, 0, 4);
    number(t, (uint64_t)n, 8);
    number(t, (uint64_t)n, 8);
    number(t, size, 8);
    number(t, offset, 8);
    number(t, 0x07064b50, 4); /* where that was */
    number(t, 0, 4);
    number(t, offset + size, 8);
    number(t, 1, 4);
    number(t, 0x06054b50, 4);
    number(t, 0, 4);
    number(t, n < 0xFFFF ? (uint64_t)n : 0xFFFF, 2);
    number(t, n < 0xFFFF ? (uint64_t)n : 0xFFFF, 2);
    number(t, size < BIG ? size : BIG, 4);
    number(t, offset < BIG ? offset : BIG, 4);
    number(t, 0, 2);
}

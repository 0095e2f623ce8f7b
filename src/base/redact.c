/* redact.c: text -> the same text without passwords in addresses. Used by media for names, errors and FFmpeg's own words, and by
 * the program for its command line. When in doubt it hides more: a password may itself hold '/' or '@'. */
#include "base/redact.h"
#include <ctype.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

typedef struct sink {
    char *out;
    size_t size, len;
} sink;

static void put(sink *s, const char *p, size_t n)
{
    for (size_t i = 0; i < n; i++, s->len++)
        if (s->len + 1 < s->size) s->out[s->len] = p[i];
}

static bool ends(char c) { return c == 0 || isspace((unsigned char)c) || c == '\'' || c == '"' || c == '<' || c == '>'; }

/* Where the user part ends (its '@'), null when there is none. `p` stands behind "://". */
static const char *user_end(const char *p)
{
    const char *stop = p, *at = NULL, *colon = NULL;
    for (; !ends(*stop) && !strchr("/?#", *stop); stop++) {
        if (*stop == '@') at = stop;
        if (*stop == ':') colon = stop;
    }
    /* host:port/x@y looks like user:pass/word@host: the name of a host is the lesser loss */
    return at || !colon || *p == '[' ? at : strrchr(colon, '@');
}

static bool is_secret(const char *key, size_t n)
{
    static const char *const words[] = {"pass", "pwd", "token", "secret", "auth", "key", "sig", "credential"};
    for (size_t w = 0; w < sizeof words / sizeof *words; w++) {
        size_t len = strlen(words[w]);
        for (size_t i = 0; i + len <= n; i++)
            if (strncasecmp(key + i, words[w], len) == 0) return true;
    }
    return false;
}

/* The rest of an address, behind its user part. Returns where it ends. */
static const char *put_rest(sink *s, const char *p)
{
    bool query = false;
    while (!ends(*p)) {
        put(s, p, 1);
        query |= *p == '?';
        bool key_begins = query && (*p == '?' || *p == '&' || *p == ';');
        p++;
        size_t n = strcspn(p, "=&; \t\n'\"<>");
        if (!key_begins || p[n] != '=' || !is_secret(p, n)) continue;
        put(s, p, n + 1);
        put(s, "***", 3);
        p += n + 1;
        while (!ends(*p) && *p != '&' && *p != ';') p++;
    }
    return p;
}

size_t fvi_redact(char *out, size_t size, const char *text)
{
    sink s = {out, size, 0};
    const char *scheme;
    while ((scheme = strstr(text, "://")) != NULL) {
        const char *host = scheme + 3, *at = user_end(host);
        put(&s, text, (size_t)(host - text));
        if (at) put(&s, "***", 3);
        text = put_rest(&s, at ? at : host);
    }
    put(&s, text, strlen(text));
    if (size) out[s.len < size ? s.len : size - 1] = 0;
    return s.len;
}

/* status.c: the fixed text of every status code. */
#include <fovea/status.h>

const char *fv_status_text(fv_status status)
{
    switch (status) {
#define TEXT_CASE(name, value, text)                                                                                   \
    case name: return text;
        FV_STATUS_LIST(TEXT_CASE)
#undef TEXT_CASE
    }
    return "unknown status";
}

/* sniff.c: is this an ONNX file at all? If not, what is it, and what should the user do? First step of an import. */
#include "model/onnx/internal.h"
#include <string.h>
#include <strings.h>

#define EXPORT_HINT "export ONNX with: yolo export model=MODEL.pt format=onnx"

static const struct {
    size_t at;
    const char *magic;
    size_t n;
    const char *text;
} known[] = {
    {0, "PK\x03\x04", 4, "this is a PyTorch checkpoint (.pt) or another zip archive, not an ONNX model; " EXPORT_HINT},
    {0, "\x80\x02", 2, "this is an old PyTorch checkpoint (pickle), not an ONNX model; " EXPORT_HINT},
    {0, "ftrt", 4, "this is a TensorRT engine, not an ONNX model; give the ONNX file it was built from, or " EXPORT_HINT},
    {4, "{\"", 2, "this is a TensorRT engine with Ultralytics metadata, not an ONNX model; " EXPORT_HINT},
    {4, "TFL3", 4, "this is a TensorFlow Lite model, not an ONNX model; " EXPORT_HINT},
    {0, "\x89HDF\r\n", 6, "this is an HDF5 (Keras) file, not an ONNX model; convert it with tf2onnx"},
    {0, "GGUF", 4, "this is a GGUF language model, not an ONNX model"},
    {0, "\x1f\x8b", 2, "this is a gzip archive, not an ONNX model; unpack it first"},
    {0, "version https://git-lfs", 23, "this is a Git LFS pointer, not the model itself; fetch it with: git lfs pull"},
};

static bool starts_like_html(const char *s, size_t n)
{
    size_t i = 0;
    while (i < n && strchr(" \t\r\n\xef\xbb\xbf", s[i]) && s[i]) i++;
    static const char *const tags[] = {"<!doctype", "<html", "<?xml", "<head"};
    for (size_t t = 0; t < sizeof tags / sizeof *tags; t++)
        if (n - i >= strlen(tags[t]) && strncasecmp(s + i, tags[t], strlen(tags[t])) == 0) return true;
    return false;
}

static bool is_text(const uint8_t *s, size_t n)
{
    size_t high = 0; /* bytes of other scripts: fine in text, but not most of it */
    if (n > 512) n = 512;
    for (size_t i = 0; i < n; i++) {
        if ((s[i] < 0x20 && !strchr("\t\r\n", s[i])) || s[i] == 0 || s[i] == 0x7f) return false;
        high += s[i] >= 0x80;
    }
    return high * 4 < n;
}

fv_status fvi_onnx_sniff(const uint8_t *bytes, size_t size, fv_error *err)
{
    if (size == 0) return fvi_error_set(err, FV_ERR_MODEL_FORMAT, "the file is empty");
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (size >= known[i].at + known[i].n && memcmp(bytes + known[i].at, known[i].magic, known[i].n) == 0)
            return fvi_error_set(err, FV_ERR_MODEL_FORMAT, "%s", known[i].text);
    if (starts_like_html((const char *)bytes, size < 512 ? size : 512))
        return fvi_error_set(err, FV_ERR_MODEL_FORMAT, "this is a web page (HTML or XML), not an ONNX model; the download went wrong");
    if (size >= 8 && is_text(bytes, size))
        return fvi_error_set(err, FV_ERR_MODEL_FORMAT, "this is plain text, not an ONNX model; " EXPORT_HINT);
    return FV_OK;
}

/* fovea.h: everything.
 *
 * Ownership words used in these headers: owned (you free it), borrowed (valid until the named event), taken (moves on
 * success only; on failure still yours), shared (reference counted; drop your reference).
 * Options structs: zero is the default of every field; they are needed only for the call; make them with their macro,
 * which sets `size`. A program built with older headers runs with a newer library: what its struct lacks keeps the default. One
 * built with newer headers runs with an older library as long as it asks for nothing new. A struct without a size is
 * FV_ERR_ARGUMENT. */
#ifndef FOVEA_FOVEA_H
#define FOVEA_FOVEA_H
#include <fovea/context.h>
#include <fovea/clip.h>
#include <fovea/count.h>
#include <fovea/detect.h>
#include <fovea/engine.h>
#include <fovea/erase.h>
#include <fovea/frame.h>
#include <fovea/mask.h>
#include <fovea/media.h>
#include <fovea/mixed.h>
#include <fovea/model.h>
#include <fovea/paint.h>
#include <fovea/pipeline.h>
#include <fovea/prep.h>
#include <fovea/quantize.h>
#include <fovea/report.h>
#include <fovea/score.h>
#include <fovea/status.h>
#include <fovea/stream.h>
#include <fovea/tensor.h>
#include <fovea/tiles.h>
#include <fovea/track.h>
#include <fovea/version.h>
#endif

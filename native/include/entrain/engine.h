/* The native interface for C and C++.  Python reads the list of declaration files from here, and
 * then reads those files. */
#ifndef ENTRAIN_ENGINE_H
#define ENTRAIN_ENGINE_H

#include <stdint.h>

#if defined(__GNUC__)
#pragma GCC visibility push(default)
#endif
#ifdef __cplusplus
extern "C" {
#endif
#include "decls/status.h"
#include "decls/blocks.h"
#include "decls/engine.h"
#include "decls/layers.h"
#include "decls/timeline.h"
#include "decls/meters.h"
#include "decls/measurement.h"
#include "decls/back_end.h"
#ifdef __cplusplus
}
#endif
#if defined(__GNUC__)
#pragma GCC visibility pop
#endif

#endif

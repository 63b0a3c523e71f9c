/* The native interface for C and C++; the declarations stand in engine_decls.h. */
#ifndef ENTRAIN_ENGINE_H
#define ENTRAIN_ENGINE_H

#include <stdint.h>

#if defined(__GNUC__)
#pragma GCC visibility push(default)
#endif
#ifdef __cplusplus
extern "C" {
#endif
#include "engine_decls.h"
#ifdef __cplusplus
}
#endif
#if defined(__GNUC__)
#pragma GCC visibility pop
#endif

#endif

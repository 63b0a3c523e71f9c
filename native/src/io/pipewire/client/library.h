// The client library's headers, included without our compiler warnings.
//
// The headers' macros cause warnings wherever they are used.  Only the functions of this folder use
// them, between ENTRAIN_C_BEGIN and ENTRAIN_C_END; other files need neither macros nor pragmas.
#pragma once

#define ENTRAIN_C_BEGIN                                                   \
    _Pragma("GCC diagnostic push")                                        \
    _Pragma("GCC diagnostic ignored \"-Wpedantic\"")                      \
    _Pragma("GCC diagnostic ignored \"-Wconversion\"")                    \
    _Pragma("GCC diagnostic ignored \"-Wsign-conversion\"")               \
    _Pragma("GCC diagnostic ignored \"-Wshadow\"")                        \
    _Pragma("GCC diagnostic ignored \"-Wunused-parameter\"")              \
    _Pragma("GCC diagnostic ignored \"-Wmissing-field-initializers\"")    \
    _Pragma("GCC diagnostic ignored \"-Wdeprecated-declarations\"")
#define ENTRAIN_C_END _Pragma("GCC diagnostic pop")

ENTRAIN_C_BEGIN
#include <pipewire/extensions/metadata.h>
#include <pipewire/filter.h>
#include <pipewire/pipewire.h>
#include <spa/param/latency-utils.h>
#include <spa/param/props.h>
#include <spa/pod/builder.h>
#include <spa/pod/iter.h>
#include <spa/pod/parser.h>
#include <spa/utils/json.h>
ENTRAIN_C_END

#include "entrain/engine.h"

int entrain_header_compiles_as_c(void) { return ENTRAIN_ABI_VERSION; }

/* Blocks: the kinds of sound processing that layers are instances of. */

/* Number of kinds of block in this library.
 *
 * thread:   [control] */
uint32_t entrain_block_count(void);

/* Description of a block as one JSON object.  Its keys are the fields of Block, Parameter and
 * Substitute in Python's entrain.block, which documents them: kind, group and description of the
 * block; which parameter is its strength, its level and its rate; and for each parameter its
 * symbol, name, unit, scale, range, initial value, step and the names of its values.  Only a FAUST
 * block has the key "faust", the version of the compiler.
 *
 * index:    0 .. entrain_block_count() - 1
 * returns:  JSON text in static storage, or null
 * thread:   [control] */
const char *entrain_block_json(uint32_t index);

/* A block that runs by itself, without an engine, for tests and notebooks.  Its parameters take
 * their values at once. */
typedef struct entrain_block entrain_block;

/* Create a block.
 *
 * kind:     name of the block, e.g. "binaural"
 * rate_hz:  ENTRAIN_LOWEST_HZ .. ENTRAIN_HIGHEST_HZ
 * block:    receives the block; free it with entrain_block_destroy()
 * returns:  ENTRAIN_OK, ENTRAIN_E_ARGUMENT, ENTRAIN_E_KIND or ENTRAIN_E_MEMORY
 * thread:   [control] */
entrain_status entrain_block_create(const char *kind, uint32_t rate_hz, entrain_block **block);

/* Free a block.
 *
 * block:    may be null
 * thread:   [control] */
void entrain_block_destroy(entrain_block *block);

/* Set a parameter.
 *
 * symbol:   permanent name of the parameter, e.g. "beat_hz"
 * value:    in the parameter's own unit, inside its range
 * returns:  ENTRAIN_OK, ENTRAIN_E_ARGUMENT, ENTRAIN_E_PARAMETER or ENTRAIN_E_RANGE
 * thread:   [control] */
entrain_status entrain_block_set(entrain_block *block, const char *symbol, float value);

/* Process samples.
 *
 * in, out:  two pointers each, to `frames` finite samples; in[c] == out[c] is allowed; a null
 *           pointer has no effect
 * thread:   [control] */
void entrain_block_process(entrain_block *block, const float *const *in, float *const *out,
                           uint32_t frames);

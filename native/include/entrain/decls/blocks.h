/* Blocks: what a layer can be made of. */

/* How many kinds of block are compiled in.
 *
 * thread:   [control] */
uint32_t entrain_block_count(void);

/* What a block says of itself, as one JSON object.  Its keys are the fields of Block, Parameter and
 * Substitute in Python's entrain.block, where their meaning stands: kind, group and description of
 * the block; which of its parameters is its strength, its level, its rate; and for each parameter
 * symbol, name, unit, scale, range, initial value, step, and what its values are called.  "faust"
 * is the version of the compiler that made it, and only a block that FAUST has made has it.
 *
 * index:    0 .. entrain_block_count() - 1
 * returns:  JSON text in static storage, or null
 * thread:   [control] */
const char *entrain_block_json(uint32_t index);

/* One block by itself, without an engine around it: for tests and notebooks.  Parameters take
 * their values at once. */
typedef struct entrain_block entrain_block;

/* kind:     the block's name, e.g. "binaural"
 * rate_hz:  ENTRAIN_LOWEST_HZ .. ENTRAIN_HIGHEST_HZ
 * block:    receives the block; to be given back to entrain_block_destroy()
 * returns:  ENTRAIN_OK, ENTRAIN_E_ARGUMENT, ENTRAIN_E_KIND or ENTRAIN_E_MEMORY
 * thread:   [control] */
entrain_status entrain_block_create(const char *kind, uint32_t rate_hz, entrain_block **block);

/* thread:   [control] */
void entrain_block_destroy(entrain_block *block);

/* value:    in the parameter's own unit, inside its range
 * returns:  ENTRAIN_OK, ENTRAIN_E_ARGUMENT, ENTRAIN_E_PARAMETER or ENTRAIN_E_RANGE
 * thread:   [control] */
entrain_status entrain_block_set(entrain_block *block, const char *symbol, float value);

/* in, out:  two pointers each, to `frames` samples, finite as the engine's are after its door;
 *           in[c] == out[c] is allowed; where one is null, nothing is done
 * thread:   [control] */
void entrain_block_process(entrain_block *block, const float *const *in, float *const *out,
                           uint32_t frames);

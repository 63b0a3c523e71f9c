/* Layers: instances of blocks in the engine, their parameters, and which of them are heard. */

/* Two layers always exist and belong to the engine: "pre", which conditions the input, and the
 * limiter.  Their parameters can be set, but they cannot be routed. */
enum { ENTRAIN_LAYER_INPUT = 1, ENTRAIN_LAYER_OUTPUT = 2, ENTRAIN_LAYER_FIRST = 3 };

/* Highest number of layers, not counting layers that fade out. */
enum { ENTRAIN_MOST_LAYERS = 256 };

/* Create a layer with the initial values of its parameters.  It is heard after entrain_route()
 * names it; if the next entrain_route() does not name it, that call frees it.
 *
 * kind:     name of the block, e.g. "binaural"
 * layer:    receives the layer's number, at least ENTRAIN_LAYER_FIRST
 * returns:  ENTRAIN_OK, ENTRAIN_E_ARGUMENT, ENTRAIN_E_KIND, ENTRAIN_E_FULL or ENTRAIN_E_MEMORY
 * thread:   [control] */
entrain_status entrain_add_layer(entrain_engine *engine, const char *kind, uint32_t *layer);

/* Longest move of a parameter, in seconds. */
enum { ENTRAIN_LONGEST_MOVE_S = 86400 };

/* Set a parameter and end its automation.  In a layer that is not routed, the parameter takes the
 * value at once; in a routed layer, it moves to the value in a straight line, in the parameter's
 * own unit, starting at the next grid step.
 *
 * symbol:   permanent name of the parameter, e.g. "beat_hz"; every routed layer also has the
 *           parameter "amount" (0 .. 1), the share of it that is heard
 * value:    in the parameter's own unit, inside its range
 * seconds:  duration of the move, 0 .. ENTRAIN_LONGEST_MOVE_S; 0 means 20 ms, just long enough to
 *           avoid a click
 * returns:  ENTRAIN_OK, ENTRAIN_E_ARGUMENT, ENTRAIN_E_LAYER, ENTRAIN_E_PARAMETER or ENTRAIN_E_RANGE
 * thread:   [control], also while the device runs */
entrain_status entrain_set_parameter(entrain_engine *engine, uint32_t layer, const char *symbol,
                                     float value, float seconds);

/* Get the present value of a parameter, or the value that it moves to.
 *
 * target:   0: the value that the callback used last; 1: the value at the end of the move
 * returns:  ENTRAIN_OK, ENTRAIN_E_ARGUMENT, ENTRAIN_E_LAYER or ENTRAIN_E_PARAMETER
 * thread:   [control] */
entrain_status entrain_get_parameter(entrain_engine *engine, uint32_t layer, const char *symbol,
                                     int target, float *value);

/* Say which layers are heard.  Layers that stay keep their state; new layers fade in; the others
 * fade out and are freed together with their numbers.  Layers that were added but never routed are
 * freed at once unless they are named here.
 *
 * layers:   `count` different numbers; processors act in this order, then the space, and the sum of
 *           the generators is added last; at most one layer of the group "space"; may be null if
 *           count is 0
 * restart:  1: the session starts anew with the first frame of these layers, and runs
 * returns:  ENTRAIN_OK, ENTRAIN_E_ARGUMENT, ENTRAIN_E_LAYER or ENTRAIN_E_MEMORY
 * thread:   [control], also while the device runs */
entrain_status entrain_route(entrain_engine *engine, const uint32_t *layers, uint32_t count,
                             int restart);

/* Layers: what the engine is made of, their parameters, and which of them are heard. */

/* Two layers are always there and belong to the engine; their parameters can be set, but they are
 * not routed: what happens to the input first ("pre"), and the limiter. */
enum { ENTRAIN_LAYER_INPUT = 1, ENTRAIN_LAYER_OUTPUT = 2, ENTRAIN_LAYER_FIRST = 3 };

/* How many layers there may be, not counting those that fade out. */
enum { ENTRAIN_MOST_LAYERS = 256 };

/* Build a layer, its parameters at their initial values; not heard before entrain_route().  The
 * next entrain_route() that does not name it frees it.
 *
 * kind:     the block's name, e.g. "binaural"
 * layer:    receives its number, from ENTRAIN_LAYER_FIRST on
 * returns:  ENTRAIN_OK, ENTRAIN_E_ARGUMENT, ENTRAIN_E_KIND, ENTRAIN_E_FULL or ENTRAIN_E_MEMORY
 * thread:   [control] */
entrain_status entrain_add_layer(entrain_engine *engine, const char *kind, uint32_t *layer);

/* The longest move of a parameter. */
enum { ENTRAIN_LONGEST_MOVE_S = 86400 };

/* Set a parameter, and end the automation that it has been given.  A layer that is not routed takes
 * the value at once; one that is heard moves to it in a straight line, in the parameter's own unit,
 * from the next grid step on.
 *
 * symbol:   the parameter's permanent name, e.g. "beat_hz"; every routed layer has "amount" as
 *           well (0 .. 1): how much of it is heard
 * value:    in the parameter's own unit, inside its range
 * seconds:  0 .. ENTRAIN_LONGEST_MOVE_S, the length of the move; 0 means the 20 ms that keep it
 *           from clicking
 * returns:  ENTRAIN_OK, ENTRAIN_E_ARGUMENT, ENTRAIN_E_LAYER, ENTRAIN_E_PARAMETER or ENTRAIN_E_RANGE
 * thread:   [control], also while the device runs */
entrain_status entrain_set_parameter(entrain_engine *engine, uint32_t layer, const char *symbol,
                                     float value, float seconds);

/* The value that a parameter has now, or, when asked for its target, moves to.
 *
 * target:   0: as last evaluated by the callback; 1: where it is going
 * returns:  ENTRAIN_OK, ENTRAIN_E_ARGUMENT, ENTRAIN_E_LAYER or ENTRAIN_E_PARAMETER
 * thread:   [control] */
entrain_status entrain_get_parameter(entrain_engine *engine, uint32_t layer, const char *symbol,
                                     int target, float *value);

/* Say which layers are heard.  Those that stay keep their state untouched, those that come
 * fade in, those that go fade out, are freed, and their numbers with them.  Layers that have been
 * added and are not named are freed at once: after this there are none but those that are named.
 *
 * layers:   `count` different numbers; processors act in this order, generators are summed
 *           behind them; may be null where count is 0
 * restart:  1: the session begins anew, and runs, with these layers' first frame
 * returns:  ENTRAIN_OK, ENTRAIN_E_ARGUMENT, ENTRAIN_E_LAYER or ENTRAIN_E_MEMORY
 * thread:   [control], also while the device runs */
entrain_status entrain_route(entrain_engine *engine, const uint32_t *layers, uint32_t count,
                             int restart);

/**
 * The course of a protocol over time: its automation, its ramps, its end and its loop.
 *
 * The same rules as vdevice/protocol/timeline.py, which is what sounds.
 */

/** @typedef {import("../graphs/live.js").Breakpoint} Breakpoint */
/** @typedef {import("../graphs/live.js").Layer} Layer */

/**
 * @typedef {object} Document  The fields of a protocol's document that set its course.
 * @property {number | null} [duration_s]
 * @property {number | null} [max_minutes]
 * @property {boolean} [loop]
 * @property {number} [ramp_in_s]
 * @property {number} [ramp_out_s]
 *
 * @typedef {object} Lane  What one parameter does.
 * @property {string} address  `layer.parameter`, or "" for the ramps.
 * @property {Breakpoint[]} points
 * @property {number} loopS  Time after which the points repeat; 0: they do not.
 *
 * @typedef {object} Course
 * @property {number} lengthS  Time that the picture shows; after it a loop begins again.
 * @property {number | null} endS  When the session ends, or null.
 * @property {boolean} loops
 * @property {Lane[]} lanes
 */

/** Time that is shown of a session without an end; it doubles as often as it has passed. */
const ENDLESS_S = 600;

/**
 * Return a parameter's value at a time, as the engine calculates it.
 *
 * @param {Lane} lane
 * @param {number} atS
 * @returns {number}
 */
export function valueAt({ points, loopS }, atS) {
  if (loopS > 0) atS %= loopS;
  if (atS <= points[0].at_s) return points[0].value;
  let [low, high] = [0, points.length]; // the last breakpoint at or before this time; one after it
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (points[middle].at_s <= atS) low = middle;
    else high = middle;
  }
  const [one, other] = [points[low], points[high]];
  if (!other || one.curve === "step") return one.value;
  let part = (atS - one.at_s) / (other.at_s - one.at_s);
  if (one.curve === "exponential") return one.value * (other.value / one.value) ** part;
  if (one.curve === "smooth") part = part * part * (3 - 2 * part);
  return one.value + (other.value - one.value) * part;
}

/**
 * Return the course of a protocol.
 *
 * @param {Layer[]} layers
 * @param {Document | null} document  Null: not known; then the layers alone say what is to come.
 * @param {{ elapsed_s: number, left_s: number | null }} session
 * @returns {Course}
 */
export function courseOf(layers, document, session) {
  const loops = Boolean(document?.loop && document.duration_s);
  const ends = [];
  if (document?.duration_s && !loops) ends.push(document.duration_s);
  if (document?.max_minutes) ends.push(60 * document.max_minutes);
  if (session.left_s !== null && session.left_s !== undefined) {
    ends.push(session.elapsed_s + session.left_s);
  }
  const endS = ends.length ? Math.min(...ends) : null;
  /** @type {Lane[]} */
  const lanes = [];
  for (const layer of layers) {
    for (const [symbol, automation] of Object.entries(layer.automation ?? {})) {
      if (!automation.points?.length) continue;
      const loopS = automation.loop_s || (loops ? (document?.duration_s ?? 0) : 0);
      const address = `${layer.id ?? layer.kind}.${symbol}`;
      lanes.push({ address, points: automation.points, loopS });
    }
  }
  const ramps = rampsOf(document, loops ? null : endS);
  if (ramps.length) lanes.push({ address: "", points: ramps, loopS: 0 });
  const last = Math.max(0, ...lanes.flatMap(({ points }) => points[points.length - 1].at_s));
  let endlessS = ENDLESS_S;
  while (endlessS < Math.max(session.elapsed_s, last)) endlessS *= 2;
  const lengthS = loops ? (document?.duration_s ?? 0) : (endS ?? endlessS);
  return { lengthS, endS, loops, lanes };
}

/**
 * Return how strong the protocol is, 0 … 1, while its ramps move all layers.
 *
 * @param {Document | null} document
 * @param {number | null} endS
 * @returns {Breakpoint[]}
 */
function rampsOf(document, endS) {
  /** @type {Breakpoint[]} */
  const points = [];
  if (document?.ramp_in_s) {
    points.push({ at_s: 0, value: 0, curve: "smooth" }, { at_s: document.ramp_in_s, value: 1 });
  }
  if (document?.ramp_out_s && endS !== null) {
    let begin = endS - document.ramp_out_s;
    if (points.length && begin <= points[points.length - 1].at_s) {
      begin = /** @type {Breakpoint} */ (points.pop()).at_s; // one ramp leads straight into the other
    }
    points.push({ at_s: begin, value: 1, curve: "smooth" }, { at_s: endS, value: 0 });
  }
  return points;
}

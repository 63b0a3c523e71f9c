/** How a parameter's values lie on a slider, and how far a key moves them. */

const PAGE = 10;
const DIVISIONS = 4000;

/** @typedef {import("./api.js").Parameter} Parameter */

/** Rates below this one lie evenly on a slider that goes to both sides of 0, in Hz. */
const EVEN_HZ = 1;

/**
 * The scale of a slider: even in the value, or in its logarithm.
 *
 * A rate that may turn either way, such as a beat of -200 to 200 Hz, has a logarithm to both sides
 * of 0: otherwise the rates of the brain, up to 40 Hz, would share a fifth of the slider.
 */
export class Scale {
  /** @param {Parameter} parameter */
  constructor(parameter) {
    this.parameter = parameter;
    this.isLog = parameter.scale === "log" && parameter.minimum > 0;
    this.isTwoSided = parameter.unit === "Hz" && parameter.minimum < 0 && parameter.maximum > 0;
    this.low = this.position(parameter.minimum);
    this.high = this.position(parameter.maximum);
  }

  /** @param {number} value @returns {number} its place between `low` and `high` */
  position(value) {
    if (this.isTwoSided) return Math.sign(value) * Math.log1p(Math.abs(value) / EVEN_HZ);
    return this.isLog ? Math.log(Math.max(value, this.parameter.minimum)) : value;
  }

  /** @param {number} position @returns {number} a round value at this place */
  value(position) {
    const { minimum, maximum, step } = this.parameter;
    const value = this.#exact(position);
    const size = this.isTwoSided ? Math.abs(value) + EVEN_HZ : Math.abs(value);
    const isEven = !this.isLog && !this.isTwoSided;
    const grain = isEven ? (maximum - minimum) / DIVISIONS : size / 200;
    return clamp(this.parameter, roundTo(value, Math.max(niceBelow(grain), step)));
  }

  /** @param {number} position */
  #exact(position) {
    if (this.isTwoSided) return Math.sign(position) * EVEN_HZ * Math.expm1(Math.abs(position));
    return this.isLog ? Math.exp(position) : position;
  }
}

/**
 * Return the value to which a key leads, or null if the key has no meaning here.
 *
 * An arrow key moves a frequency by about a fiftieth of itself, and any other value by about a
 * hundredth of its range; with Shift, by the smallest step.
 *
 * @param {Parameter} parameter
 * @param {number} value
 * @param {{ key: string, shiftKey: boolean }} event
 * @returns {number | null}
 */
export function nextValue(parameter, value, { key, shiftKey }) {
  const { minimum, maximum, step } = parameter;
  if (key === "Home") return minimum;
  if (key === "End") return maximum;
  const up = ["ArrowUp", "ArrowRight", "PageUp"].includes(key);
  if (!up && !["ArrowDown", "ArrowLeft", "PageDown"].includes(key)) return null;
  const isRelative = parameter.scale === "log" || parameter.unit === "Hz";
  const span = isRelative ? Math.max(Math.abs(value), 1) / 50 : (maximum - minimum) / 100;
  let size = shiftKey ? step : Math.max(niceBelow(span), step);
  if (key.startsWith("Page")) size *= PAGE;
  const next = roundTo(value + (up ? size : -size), shiftKey ? step : Math.max(size, step));
  return clamp(parameter, next === value ? value + (up ? size : -size) : next);
}

/** @param {number} size @returns {number} the largest 1, 2 or 5 times a power of ten below it */
export function niceBelow(size) {
  const power = 10 ** Math.floor(Math.log10(size) + 1e-9);
  const lead = size / power;
  return (lead >= 5 - 1e-9 ? 5 : lead >= 2 - 1e-9 ? 2 : 1) * power;
}

/** @param {number} value @param {number} grain @returns {number} without digits that come from rounding */
export function roundTo(value, grain) {
  return Number((Math.round(value / grain) * grain).toFixed(6));
}

/** @param {Parameter} parameter @param {number} value */
function clamp({ minimum, maximum }, value) {
  return Math.min(maximum, Math.max(minimum, value));
}

/** Which rates stand out in a sound: the promised one first, and whether the music brings them. */

/** A verdict changes only after another one has held for so long, so that no text flickers. */
const STEADY_MS = 3_000;
/** The music brings a rate if it swells at it itself, and at least this deep relative to the output. */
const MUSICS_SHARE = 0.5;

/** @typedef {import("./rhythm.js").Rhythm} Rhythm */
/** @typedef {import("./rhythm.js").Line} Line */
/** @typedef {Line & { promised: boolean, music: boolean }} Finding */

/**
 * Find what stands out: the line at the promised rate, and the highest of all if it is another.
 *
 * @param {Rhythm} output
 * @param {Rhythm | null} input
 * @param {"depth" | "turning"} kind
 * @param {number | null} promisedHz
 * @returns {Finding[]}
 */
export function find(output, input, kind, promisedHz) {
  const near = promisedHz === null ? null : output.line(output[kind], promisedHz);
  const highest = output.line(output[kind], null);
  const same = (/** @type {Line} */ one, /** @type {Line} */ other) =>
    Math.abs(one.hz - other.hz) < 3 * output.binHz;
  const isMusics = (/** @type {Line} */ line) => {
    const own = input?.line(input[kind], line.hz);
    return Boolean(own?.clear && same(own, line) && own.share > MUSICS_SHARE * line.share);
  };
  const found = [];
  if (near?.clear) found.push({ ...near, promised: true, music: isMusics(near) });
  if (highest?.clear && !(near && same(near, highest))) {
    found.push({ ...highest, promised: false, music: isMusics(highest) });
  }
  return found;
}

/** Findings that do not come and go with each measurement. */
export class SteadyFindings {
  /** @type {Finding[]} */
  #shown = [];
  #isKnown = false;
  #otherSinceMs = 0;

  /**
   * @param {Finding[]} found  The newest findings.
   * @param {number} nowMs
   * @returns {Finding[]}  The same, once they have held for a while.
   */
  take(found, nowMs) {
    const alike = kindsOf(found) === kindsOf(this.#shown);
    if (alike || !this.#isKnown || nowMs - this.#otherSinceMs >= STEADY_MS) {
      this.#shown = found;
      this.#isKnown = true;
      this.#otherSinceMs = nowMs;
    }
    return this.#shown;
  }
}

/** @param {Finding[]} found */
const kindsOf = (found) => found.map(({ promised, music }) => `${promised} ${music}`).join();

/** How the sound swells and fades: its envelope, in step with the promised rate. */

import { BANDS, KEPT } from "../analysis/hops.js";
import { LOCKED_FROM_HZ } from "./live.js";
import { axis, BOTTOM_SIZE, LEFT_SIZE, line, Plot } from "./plot.js";
import { ENVELOPE, number, WORDS } from "./texts.js";

const ROWS = 20;
/** Pictures for which another choice of lines must hold, so that the lines do not flicker. */
const STEADY = 15;
const LEAST_TOP = 200;

/** @typedef {import("./frame.js").Graph} Graph */

/** @implements {Graph} */
export class EnvelopeGraph {
  everyMs = 1000 / 30;
  live = true;

  /**
   * @param {import("./frame.js").Frame} frame
   * @param {import("./live.js").Live} live
   * @param {import("./theme.js").Theme} theme
   */
  constructor(frame, live, theme) {
    this.#frame = frame;
    this.#live = live;
    frame.freezable();
    this.#plot = new Plot(
      frame.picture,
      {
        scales: {
          x: { time: false, range: () => [0, this.#spanS] },
          y: { range: () => [0, this.#top] },
        },
        axes: [
          axis(theme, ENVELOPE.time, { size: BOTTOM_SIZE }),
          axis(theme, ENVELOPE.level, { size: LEFT_SIZE }),
        ],
        series: [
          {},
          line(theme, "left", "solid", 1.5),
          line(theme, "right", "dashed", 1.5),
          line(theme, "output", "solid", 2),
        ],
      },
      [[], [], [], []],
    );
    this.#keys();
  }

  #frame;
  #live;
  #plot;
  #spanS = 2;
  #top = LEAST_TOP;
  #between = false;
  #votes = 0;
  #count = -1;
  #silent = false;
  #times = new Float64Array(0);
  #left = new Float64Array(0);
  #right = new Float64Array(0);
  #both = new Float64Array(0);

  #keys() {
    const keys = [
      { kind: "left", label: WORDS.left },
      { kind: "right", label: WORDS.right },
    ];
    if (this.#between) keys.push({ kind: "output", label: WORDS.both });
    this.#frame.keys(keys);
  }

  /** @param {number} _nowMs */
  draw(_nowMs) {
    const live = this.#live;
    const hops = live.hops("output");
    if (!hops || (hops.count === this.#count && live.silent === this.#silent)) return false;
    this.#count = hops.count;
    if (live.silent || hops.count < 2) {
      this.#silent = live.silent;
      this.#times = this.#left = this.#right = this.#both = new Float64Array(0);
      this.#plot.set([[], [], [], []]);
      return true;
    }
    this.#silent = false;
    this.#choose();
    const { first, count, spanS } = live.stretch(hops);
    if (count !== this.#times.length) {
      [this.#times, this.#left, this.#right, this.#both] = [0, 0, 0, 0].map(() => new Float64Array(count));
    }
    this.#spanS = spanS;
    const begin = Math.ceil(first);
    const weights = live.rhythm("output")?.weights ?? new Float32Array(BANDS).fill(1);
    const lines = [this.#left, this.#right, this.#both];
    for (let n = 0; n < count; n++) {
      const index = begin + n;
      const at = ((index % KEPT) + KEPT) % KEPT;
      this.#times[n] = (index - first) / hops.hopsPerS;
      if (index < 0 || hops.lost[at]) {
        for (const each of lines) each[n] = NaN;
        continue;
      }
      if (this.#between) {
        const [powerLeft, powerRight] = [hops.crossPower[0][at], hops.crossPower[1][at]];
        this.#left[n] = Math.sqrt(powerLeft);
        this.#right[n] = Math.sqrt(powerRight);
        this.#both[n] = Math.sqrt(Math.max(0, powerLeft + powerRight + 2 * hops.crossRe[at]));
      } else {
        let [powerLeft, powerRight] = [0, 0];
        for (let band = 0; band < BANDS; band++) {
          powerLeft += weights[band] * hops.power[2 * band][at];
          powerRight += weights[band] * hops.power[2 * band + 1][at];
        }
        this.#left[n] = Math.sqrt(powerLeft);
        this.#right[n] = Math.sqrt(powerRight);
        this.#both[n] = NaN;
      }
    }
    const highest = Math.max(...lines.map(toPercent));
    // A new top at once if something is higher, a lower one slowly.
    const wished = Math.max(LEAST_TOP, 100 * Math.ceil(highest / 100));
    this.#top = wished > this.#top ? Math.min(wished, 600) : this.#top - 0.02 * (this.#top - wished);
    this.#plot.u.setScale("y", { min: 0, max: this.#top });
    this.#plot.u.setScale("x", { min: 0, max: spanS });
    this.#plot.set([this.#times, this.#left, this.#right, this.#both]);
    return true;
  }

  /** Decide whether the beat lies in each ear or between the ears. */
  #choose() {
    if (!this.#live.rhythm("output")) return;
    // Without a promised rate there is no beat to look for: music and rain turn a little by chance.
    const [turning, swelling] = /** @type {const} */ (["turning", "depth"]).map((kind) =>
      this.#live.findings(kind).find(({ promised, music }) => promised && !music),
    );
    const between = Boolean(turning && turning.share > (swelling?.share ?? 0));
    this.#votes = between === this.#between ? 0 : this.#votes + 1;
    if (this.#votes < STEADY) return;
    this.#between = between;
    this.#votes = 0;
    this.#keys();
  }

  /** @returns {{ low: number, high: number }[]}  In percent, of left, right and both. */
  #extremes() {
    return [this.#left, this.#right, this.#both].map((values) => {
      let [low, high] = [Infinity, -Infinity];
      for (const value of values) {
        if (value < low) low = value;
        if (value > high) high = value;
      }
      return { low, high };
    });
  }

  text() {
    if (this.#live.silent || this.#times.length === 0) return this.#live.noSound;
    const [left, right, both] = this.#extremes();
    const [swelling] = this.#live.findings("depth");
    const words = swelling?.music ? ENVELOPE.musicSwells : ENVELOPE.swells;
    return [
      this.#between ? ENVELOPE.both : swelling ? words(swelling) : ENVELOPE.steady,
      ENVELOPE.range(WORDS.left, left),
      ENVELOPE.range(WORDS.right, right),
      this.#between ? ENVELOPE.range(WORDS.both, both) : "",
      (this.#live.promisedHz ?? 0) >= LOCKED_FROM_HZ ? ENVELOPE.locked : "",
    ].filter(Boolean).join(" ");
  }

  table() {
    const head = [ENVELOPE.time, `${WORDS.left} (%)`, `${WORDS.right} (%)`];
    if (this.#between) head.push(`${WORDS.both} (%)`);
    const step = Math.max(1, Math.floor(this.#times.length / ROWS));
    const rows = [];
    for (let n = 0; n < this.#times.length; n += step) {
      const row = [this.#times[n], this.#left[n], this.#right[n], this.#both[n]];
      rows.push(row.slice(0, head.length).map((value, k) => (value - value === 0 ? number(value, k ? 0 : 3) : "–")));
    }
    return { head, rows };
  }

  /** The envelopes in percent of their means, their times in s, and which lines are shown. */
  data() {
    return {
      between: this.#between,
      span_s: this.#spanS,
      times_s: Array.from(this.#times),
      left: Array.from(this.#left),
      right: Array.from(this.#right),
      both: Array.from(this.#both),
    };
  }

  /**
   * @param {number} width
   * @param {number} height
   */
  resize(width, height) {
    this.#plot.resize(width, height);
  }

  restyle() {
    this.#plot.restyle();
  }

  dispose() {
    this.#plot.dispose();
  }
}

/**
 * Express values in percent of their mean.
 *
 * @param {Float64Array} values
 * @returns {number}  The highest.
 */
function toPercent(values) {
  let [sum, count] = [0, 0];
  for (const value of values) {
    if (value - value !== 0) continue;
    sum += value;
    count += 1;
  }
  const mean = sum / count;
  let highest = 0;
  for (let n = 0; n < values.length; n++) {
    values[n] = mean > 1e-7 ? (100 * values[n]) / mean : 0 * values[n];
    if (values[n] > highest) highest = values[n];
  }
  return highest;
}

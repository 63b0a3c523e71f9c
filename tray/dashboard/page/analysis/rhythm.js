/** The rates at which a sound swells in each ear, and turns between the ears. */

import { FFT, hann, refined } from "./fft.js";
import { BANDS, KEPT } from "./hops.js";

/** Range of rates, in Hz. */
export const LOW_HZ = 0.5;
export const HIGH_HZ = 100;
/** Values that are analysed: the last 8 s. */
const SIZE = 4096;
const LEAST_S = 1;
const INAUDIBLE = 1e-5; // a band 50 dB below the loudest
const SILENT = 1e-12; // mean square
/** Ratio of a line to the floor around it that noise reaches by chance less than once an hour. */
const CLEAR = 30;

/** @typedef {import("./hops.js").Hops} Hops */
/** @typedef {{ hz: number, share: number, clear: boolean }} Line  A peak: rate, height, certainty. */

export class Rhythm {
  /** @param {Hops} hops */
  constructor(hops) {
    this.binHz = hops.hopsPerS / SIZE;
    const bins = Math.floor(HIGH_HZ / this.binHz) + 2;
    this.hz = Float64Array.from({ length: bins }, (_, k) => k * this.binHz);
    /** Depth of the swelling at each rate: m of a gain 1 + m·sin, mean of the audible bands. */
    this.depth = new Float32Array(bins);
    /** Share of the sound whose phase turns, or swings, between the ears at each rate. */
    this.turning = new Float32Array(bins);
    /** Weight of each band in the envelope that shows the promised rhythm, 0 … 1. */
    this.weights = new Float32Array(BANDS).fill(1);
    this.#ahead = new Float32Array(bins);
    this.#behind = new Float32Array(bins);
    this.#response = Float32Array.from(this.hz, (hz) => Math.max(0.1, hops.response(hz)));
  }

  #fft = new FFT(SIZE);
  /** @type {Float64Array} */
  #window = new Float64Array(0);
  #response;
  /** Height of `depth` and `turning` above the floor, calculated when `line` needs it. */
  #ratios = new Map();
  /** Count of values in the newest measurement; zeros follow them. */
  #length = SIZE;
  /** Size of the component that turns at each rate, one for each direction. */
  #ahead;
  #behind;

  /**
   * Measure the newest seconds.
   *
   * @param {Hops} hops
   * @param {number | null} promisedHz
   * @returns {boolean}  False: there is too little sound yet.
   */
  measure(hops, promisedHz) {
    const length = Math.min(hops.count, SIZE);
    if (length < LEAST_S * hops.hopsPerS) return false;
    this.#length = length;
    this.#ratios.clear();
    if (this.#window.length !== length) this.#window = hann(length);
    this.#swelling(hops, length, promisedHz);
    this.#turning(hops);
    return true;
  }

  /**
   * @param {Hops} hops
   * @param {number} length
   * @param {number | null} promisedHz
   */
  #swelling(hops, length, promisedHz) {
    const bins = this.depth.length;
    const means = hops.power.map((ring) => meanOf(ring, hops.count, length));
    const loudest = Math.max(...means);
    const total = new Float32Array(bins);
    let weightOfAll = 0;
    const at = promisedHz === null ? 0 : Math.round(promisedHz / this.binHz);
    const swells = new Float32Array(BANDS);
    for (let band = 0; band < BANDS; band++) {
      const audible = [0, 1].map((ear) => means[2 * band + ear] > Math.max(SILENT, INAUDIBLE * loudest));
      if (!audible[0] && !audible[1]) continue;
      this.#envelopes(hops, band, length, audible);
      const { re, im } = this.#fft;
      const weight = Math.sqrt(means[2 * band] + means[2 * band + 1]);
      const ears = Number(audible[0]) + Number(audible[1]);
      for (let k = 0; k < bins; k++) {
        const mirror = (SIZE - k) % SIZE;
        // |L(k)|² + |R(k)|², as in `Spectrum`; a line of height m has m/2 in its bin.
        const both = (re[k] ** 2 + im[k] ** 2 + re[mirror] ** 2 + im[mirror] ** 2) / 2;
        const depth2 = (4 * both) / ears / this.#response[k] ** 2;
        total[k] += weight * depth2;
        if (Math.abs(k - at) <= 1) swells[band] = Math.max(swells[band], weight * depth2);
      }
      weightOfAll += weight;
    }
    for (let k = 0; k < bins; k++) this.depth[k] = weightOfAll ? Math.sqrt(total[k] / weightOfAll) : 0;
    const most = Math.max(...swells);
    for (let band = 0; band < BANDS; band++) {
      const wish = promisedHz === null || most === 0 ? 1 : swells[band] / most;
      this.weights[band] += 0.3 * (wish - this.weights[band]); // the picture must not jump
    }
  }

  /**
   * Transform the swelling of one band, left + j·right, around 0.
   *
   * @param {Hops} hops
   * @param {number} band
   * @param {number} length
   * @param {boolean[]} audible
   */
  #envelopes(hops, band, length, audible) {
    const { re, im } = this.#fft;
    re.fill(0);
    im.fill(0);
    for (const ear of [0, 1]) {
      if (!audible[ear]) continue;
      const into = ear === 0 ? re : im;
      const ring = hops.power[2 * band + ear];
      let [sum, weights] = [0, 0];
      const first = hops.count - length;
      for (let n = 0; n < length; n++) {
        into[n] = Math.sqrt(ring[(first + n) & (KEPT - 1)]);
        sum += into[n] * this.#window[n];
        weights += this.#window[n];
      }
      const mean = sum / weights;
      for (let n = 0; n < length; n++) into[n] = ((into[n] / mean - 1) * this.#window[n]) / weights;
    }
    this.#fft.transform();
  }

  /** @param {Hops} hops */
  #turning(hops) {
    const length = Math.min(hops.count - hops.crossSince, SIZE);
    this.turning.fill(0);
    this.#ahead.fill(0);
    this.#behind.fill(0);
    if (length < LEAST_S * hops.hopsPerS) return;
    const window = length === this.#window.length ? this.#window : hann(length);
    const { re, im } = this.#fft;
    re.fill(0);
    im.fill(0);
    const quiet = Math.max(SILENT, INAUDIBLE * meanOf(hops.crossPower[0], hops.count, length));
    let [sumRe, sumIm, weights] = [0, 0, 0];
    for (let n = 0; n < length; n++) {
      const at = (hops.count - length + n) % KEPT;
      // Relative to the loudness of the moment, so that a swelling in both ears has no effect.
      const scale = window[n] / (Math.sqrt(hops.crossPower[0][at] * hops.crossPower[1][at]) + quiet);
      re[n] = hops.crossRe[at] * scale;
      im[n] = hops.crossIm[at] * scale;
      sumRe += re[n];
      sumIm += im[n];
      weights += window[n];
    }
    // Straight: the mean phase.  Only what is sideways of it is a change of the phase.
    const size = Math.hypot(sumRe, sumIm) + 1e-30;
    const [straightRe, straightIm] = [sumRe / size, sumIm / size];
    this.#fft.transform();
    for (let k = 0; k < this.turning.length; k++) {
      const mirror = (SIZE - k) % SIZE;
      const aheadRe = re[k] * straightRe + im[k] * straightIm;
      const aheadIm = im[k] * straightRe - re[k] * straightIm;
      const behindRe = re[mirror] * straightRe + im[mirror] * straightIm;
      const behindIm = im[mirror] * straightRe - re[mirror] * straightIm;
      const scale = 1 / (weights * this.#response[k]);
      this.turning[k] = Math.hypot(aheadRe - behindRe, aheadIm + behindIm) * scale;
      this.#ahead[k] = Math.hypot(aheadRe, aheadIm);
      this.#behind[k] = Math.hypot(behindRe, behindIm);
    }
  }

  /**
   * Return in which way the phase turns at a rate.
   *
   * @param {number} hz
   * @returns {1 | -1 | 0}  1: the left ear gains on the right one; -1: the right one; 0: the phase
   *   swings to and fro.
   */
  direction(hz) {
    const k = Math.round(hz / this.binHz);
    if (this.#ahead[k] > 2 * this.#behind[k]) return 1;
    return this.#behind[k] > 2 * this.#ahead[k] ? -1 : 0;
  }

  /**
   * Find the line that stands out most, or the one nearest to a rate.
   *
   * @param {Float32Array} values  `depth` or `turning`.
   * @param {number | null} nearHz  Null: anywhere.
   * @returns {Line | null}  Null: silence.
   */
  line(values, nearHz) {
    const reach = nearHz === null ? 0 : Math.max(0.3, 0.05 * nearHz);
    const first = Math.max(2, Math.ceil((nearHz === null ? LOW_HZ : nearHz - reach) / this.binHz));
    const last = Math.min(
      values.length - 2,
      Math.floor((nearHz === null ? HIGH_HZ : nearHz + reach) / this.binHz),
    );
    /** @type {Float32Array} */
    const ratios = this.#ratios.get(values) ?? aboveFloor(values);
    this.#ratios.set(values, ratios);
    let best = -1;
    for (let k = first; k <= last; k++) {
      if (values[k] < values[k - 1] || values[k] < values[k + 1]) continue;
      // The highest of the lines that stand out, or else the line that almost does.
      if (best < 0 || score(values, ratios, k) > score(values, ratios, best)) best = k;
    }
    if (best < 0 || values[best] <= 0) return null;
    const db = [-1, 0, 1].map((step) => Math.log(values[best + step] + 1e-12));
    const off = refined(db, 1) - 1;
    const share = values[best] / hannAt((off * this.#length) / SIZE);
    return { hz: (best + off) * this.binHz, share, clear: ratios[best] > CLEAR };
  }
}

/**
 * Return how much lower a line between two bins looks than one in a bin, with a Hann window.
 *
 * @param {number} off  Distance to the nearest bin.
 * @returns {number}  0.85 … 1.
 */
function hannAt(off) {
  const turn = Math.PI * off;
  return Math.abs(off) < 1e-6 ? 1 : Math.sin(turn) / (turn * (1 - off * off));
}

/**
 * @param {Float32Array} values
 * @param {Float32Array} ratios
 * @param {number} k
 */
function score(values, ratios, k) {
  return ratios[k] > CLEAR ? 1e6 + values[k] : ratios[k];
}

/**
 * Return the power of each bin relative to the geometric mean of the bins within 2 Hz.
 *
 * @param {Float32Array} values
 * @returns {Float32Array}
 */
function aboveFloor(values) {
  const around = 16;
  const bins = values.length;
  const sums = new Float64Array(bins + 1);
  for (let k = 0; k < bins; k++) sums[k + 1] = sums[k] + Math.log(values[k] ** 2 + 1e-14);
  return Float32Array.from(values, (value, k) => {
    const [from, to] = [Math.max(0, k - around), Math.min(bins, k + around + 1)];
    return (value ** 2 + 1e-14) / Math.exp((sums[to] - sums[from]) / (to - from));
  });
}

/**
 * @param {Float32Array} ring
 * @param {number} count
 * @param {number} length
 */
function meanOf(ring, count, length) {
  let sum = 0;
  for (let n = count - length; n < count; n++) sum += ring[n % KEPT];
  return sum / length;
}

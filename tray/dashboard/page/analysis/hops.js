/**
 * How the power of six bands, and the phase between the ears, go on: 500 values a second.
 *
 * A short Fourier transform of both ears, every 2 ms, gives them all. Its window of 11 ms smooths
 * the envelope: `response` says how much, and the rhythm's analysis undoes it.
 */

import { FFT, hann } from "./fft.js";

/** Edges of the bands, as in `entrain verify`, in Hz. */
export const BAND_EDGES_HZ = [60, 220, 450, 900, 1800, 3600, 8000];
export const BANDS = BAND_EDGES_HZ.length - 1;
/** Range in which hearing follows the phase, and in which speakers and rooms do not dominate. */
export const EARS_HZ = Object.freeze([150, 1300]);
/** Values that are kept, a power of two: 16 s. */
export const KEPT = 8192;
const MOST_AT_ONCE = 512; // a second of sound: catching up must not delay a picture for long

const WISHED_HOPS_PER_S = 500;
/** A value is held over lost frames for so long; after more of them the analysis begins anew. */
const LONGEST_HOLD_S = 0.25;

/** @typedef {import("../samples.js").Samples} Samples */

export class Hops {
  /**
   * @param {number} rateHz
   * @param {import("../samples.js").Which} which
   */
  constructor(rateHz, which) {
    this.rateHz = rateHz;
    this.which = which;
    this.hopFrames = Math.round(rateHz / WISHED_HOPS_PER_S);
    /** Values per second. */
    this.hopsPerS = rateHz / this.hopFrames;
    this.size = 2 ** Math.round(Math.log2(rateHz / 94));
    /** Count of all values so far; value n lies at n % KEPT. */
    this.count = 0;
    /** Index of the first value with the present range of `cross`. */
    this.crossSince = 0;
    /** Power of each band in each ear, [2·band + ear]. */
    this.power = Array.from({ length: 2 * BANDS }, () => new Float32Array(KEPT));
    /** Left times conjugate right in the range between the ears: its angle is the phase. */
    this.crossRe = new Float32Array(KEPT);
    this.crossIm = new Float32Array(KEPT);
    /** Power of the left and the right ear in that range. */
    this.crossPower = [new Float32Array(KEPT), new Float32Array(KEPT)];
    /** 1: frames of this value were lost on the way, and it repeats the value before. */
    this.lost = new Uint8Array(KEPT);

    this.#fft = new FFT(this.size);
    this.#window = hann(this.size);
    this.#ears = [new Float32Array(this.size), new Float32Array(this.size)];
    this.#next = -1;
    const binHz = rateHz / this.size;
    this.#edges = BAND_EDGES_HZ.map((hz) => Math.min(Math.round(hz / binHz), this.size / 2));
    this.crossRange(EARS_HZ[0], EARS_HZ[1]);
  }

  #fft;
  #window;
  #ears;
  /** Number of the next hop's first frame; -1: not known yet. */
  #next;
  #edges;
  #low = 0;
  #high = 0;
  #held = 0;

  /**
   * Choose the range of frequencies in which the ears are compared.
   *
   * @param {number} lowHz
   * @param {number} highHz
   */
  crossRange(lowHz, highHz) {
    const binHz = this.rateHz / this.size;
    const low = Math.max(1, Math.round(lowHz / binHz));
    const high = Math.min(this.size / 2 - 1, Math.max(low + 1, Math.round(highHz / binHz)));
    if (low === this.#low && high === this.#high) return;
    this.#low = low;
    this.#high = high;
    this.crossSince = this.count;
  }

  /** Number of the frame in the middle of the newest hop. */
  get newestFrame() {
    return this.#next - this.hopFrames + this.size / 2;
  }

  /**
   * Take in the samples that have come since the last call.
   *
   * @param {Samples} samples
   * @returns {boolean}  Whether values were added.
   */
  follow(samples) {
    if (this.#next < samples.begin) {
      // At the first call, or after a long pause: begin with the newest seconds.
      this.#next = Math.max(samples.begin, samples.end - 4 * this.rateHz);
      this.count = 0;
      this.crossSince = 0;
    }
    const ready = Math.floor((samples.end - this.#next - this.size) / this.hopFrames) + 1;
    const hops = Math.min(ready, MOST_AT_ONCE);
    for (let n = 0; n < hops; n++) {
      if (samples.isWhole(this.#next, this.size)) this.#hop(samples);
      else this.#hold();
    }
    return hops > 0;
  }

  /** Pass over lost frames: their silence would look like a swelling. */
  #hold() {
    this.#next += this.hopFrames;
    this.#held += 1;
    if (this.count === 0 || this.#held > LONGEST_HOLD_S * this.hopsPerS) {
      this.count = 0;
      this.crossSince = 0;
      return;
    }
    const at = this.count % KEPT;
    const before = (this.count - 1) % KEPT;
    for (const ring of [...this.power, this.crossRe, this.crossIm, ...this.crossPower]) {
      ring[at] = ring[before];
    }
    this.lost[at] = 1;
    this.count += 1;
  }

  /** @param {Samples} samples */
  #hop(samples) {
    this.#held = 0;
    const { size } = this;
    const { re, im } = this.#fft;
    const [left, right] = this.#ears;
    samples.readFrom(this.which, 0, this.#next, size, left);
    samples.readFrom(this.which, 1, this.#next, size, right);
    for (let n = 0; n < size; n++) {
      re[n] = left[n] * this.#window[n];
      im[n] = right[n] * this.#window[n];
    }
    this.#fft.transform();
    const at = this.count % KEPT;
    // In these units, a sine of amplitude 1 has the mean square 1/2.
    const scale = 2 / (0.375 * size * size) / 4;
    for (let band = 0; band < BANDS; band++) {
      let [powerLeft, powerRight] = [0, 0];
      for (let k = this.#edges[band]; k < this.#edges[band + 1]; k++) {
        const mirror = size - k;
        powerLeft += (re[k] + re[mirror]) ** 2 + (im[k] - im[mirror]) ** 2;
        powerRight += (im[k] + im[mirror]) ** 2 + (re[mirror] - re[k]) ** 2;
      }
      this.power[2 * band][at] = powerLeft * scale;
      this.power[2 * band + 1][at] = powerRight * scale;
    }
    let [crossRe, crossIm, powerLeft, powerRight] = [0, 0, 0, 0];
    for (let k = this.#low; k <= this.#high; k++) {
      const mirror = size - k;
      const leftRe = re[k] + re[mirror];
      const leftIm = im[k] - im[mirror];
      const rightRe = im[k] + im[mirror];
      const rightIm = re[mirror] - re[k];
      crossRe += leftRe * rightRe + leftIm * rightIm;
      crossIm += leftIm * rightRe - leftRe * rightIm;
      powerLeft += leftRe ** 2 + leftIm ** 2;
      powerRight += rightRe ** 2 + rightIm ** 2;
    }
    this.lost[at] = 0;
    this.crossRe[at] = crossRe * scale;
    this.crossIm[at] = crossIm * scale;
    this.crossPower[0][at] = powerLeft * scale;
    this.crossPower[1][at] = powerRight * scale;
    this.count += 1;
    this.#next += this.hopFrames;
  }

  /**
   * Return how much of a swelling at this rate the window lets through, 0 … 1.
   *
   * @param {number} rateHz
   * @returns {number}
   */
  response(rateHz) {
    let [real, sum] = [0, 0];
    for (let n = 0; n < this.size; n++) {
      const weight = this.#window[n] ** 2;
      real += weight * Math.cos((2 * Math.PI * rateHz * (n - this.size / 2)) / this.rateHz);
      sum += weight;
    }
    return real / sum;
  }
}

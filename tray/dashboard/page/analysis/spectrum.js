/** The level of the sound at each frequency, on a logarithmic axis. */

import { FFT, hann, refined } from "./fft.js";

/** Level that counts as silence, in dBFS. */
export const SILENCE_DB = -160;

/** Measures the spectrum of both ears together. */
export class Spectrum {
  /** @param {number} rateHz */
  constructor(rateHz) {
    this.rateHz = rateHz;
    /** Frames that `measure` wants: 0.17 s at 48 kHz, so that bins are about 6 Hz apart. */
    this.size = 2 ** Math.round(Math.log2(rateHz / 6));
    this.binHz = rateHz / this.size;
    /** Level of each bin in dB; a sine of full scale in both ears is at 0 dB. */
    this.levelDb = new Float32Array(this.size / 2).fill(SILENCE_DB);
    this.#fft = new FFT(this.size);
    this.#window = hann(this.size);
  }

  #fft;
  #window;

  /**
   * Measure the levels of all bins.
   *
   * @param {Float32Array} left  `size` frames.
   * @param {Float32Array} right  `size` frames.
   */
  measure(left, right) {
    const { size, levelDb } = this;
    const { re, im } = this.#fft;
    for (let n = 0; n < size; n++) {
      re[n] = left[n] * this.#window[n];
      im[n] = right[n] * this.#window[n];
    }
    this.#fft.transform();
    // |L(k)|² + |R(k)|² = (|X(k)|² + |X(-k)|²) / 2.  A sine's bin is a quarter of its amplitude
    // times the size with this window; half of the sum is the mean of both ears.
    const scale = 16 / (size * size) / 4;
    for (let k = 0; k < size / 2; k++) {
      const mirror = (size - k) % size;
      const power = re[k] ** 2 + im[k] ** 2 + re[mirror] ** 2 + im[mirror] ** 2;
      levelDb[k] = Math.max(SILENCE_DB, 10 * Math.log10(power * scale + 1e-30));
    }
  }

  /**
   * Find the highest level.
   *
   * @returns {{ hz: number, db: number } | null}  Null: all is below -120 dB.
   */
  peak() {
    let best = 2; // lower bins hold the window's skirt of a constant offset
    for (let k = 3; k < this.levelDb.length; k++) if (this.levelDb[k] > this.levelDb[best]) best = k;
    const db = this.levelDb[best];
    return db > -120 ? { hz: refined(this.levelDb, best) * this.binHz, db } : null;
  }
}

/** Turns bins into points at equal distances on a logarithmic axis. */
export class LogAxis {
  /**
   * @param {number} lowHz
   * @param {number} highHz
   * @param {number} count  Count of points, from `lowHz` to `highHz`.
   * @param {number} binHz
   * @param {number} bins
   */
  constructor(lowHz, highHz, count, binHz, bins) {
    const ratio = highHz / lowHz;
    this.hz = Float64Array.from({ length: count }, (_, n) => lowHz * ratio ** (n / (count - 1)));
    this.#from = Float64Array.from(this.hz, (hz) => (hz * ratio ** (-0.5 / (count - 1))) / binHz);
    this.#to = Float64Array.from(this.hz, (hz) => (hz * ratio ** (0.5 / (count - 1))) / binHz);
    this.#middle = Float64Array.from(this.hz, (hz) => hz / binHz);
    this.#bins = bins;
  }

  #from;
  #to;
  #middle;
  #bins;

  /**
   * Return each point's level: the highest bin around it, or a value between two bins.
   *
   * @param {Float32Array} levelDb  One level per bin.
   * @param {Float32Array | Float64Array} into  One level per point; NaN above the highest bin.
   */
  levels(levelDb, into) {
    const top = this.#bins - 1;
    for (let n = 0; n < this.hz.length; n++) {
      const middle = this.#middle[n];
      if (middle > top) {
        into[n] = NaN;
        continue;
      }
      const below = Math.min(Math.floor(middle), top - 1);
      let level = levelDb[below] + (middle - below) * (levelDb[below + 1] - levelDb[below]);
      const to = Math.min(this.#to[n], top);
      for (let k = Math.ceil(this.#from[n]); k <= to; k++) if (levelDb[k] > level) level = levelDb[k];
      into[n] = level;
    }
  }
}

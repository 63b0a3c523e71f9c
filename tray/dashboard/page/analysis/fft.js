/** The discrete Fourier transform of two real signals, or of one complex signal. */

export class FFT {
  /** @param {number} size  Count of samples, a power of two from 2 on. */
  constructor(size) {
    if (size < 2 || (size & (size - 1)) !== 0) throw new RangeError(`no power of two: ${size}`);
    this.size = size;
    this.re = new Float64Array(size);
    this.im = new Float64Array(size);
    this.#cos = new Float64Array(size / 2);
    this.#sin = new Float64Array(size / 2);
    this.#reversed = new Uint32Array(size);
    for (let k = 0; k < size / 2; k++) {
      this.#cos[k] = Math.cos((2 * Math.PI * k) / size);
      this.#sin[k] = -Math.sin((2 * Math.PI * k) / size);
    }
    for (let k = 0; k < size; k++) {
      this.#reversed[k] = (this.#reversed[k >> 1] >> 1) | (k & 1 ? size >> 1 : 0);
    }
  }

  #cos;
  #sin;
  #reversed;

  /** Transform `re` + j·`im` in place, without scaling: X(k) = Σ x(n)·exp(-2πj·kn/size). */
  transform() {
    const { size, re, im } = this;
    const [cos, sin, reversed] = [this.#cos, this.#sin, this.#reversed];
    for (let k = 0; k < size; k++) {
      const other = reversed[k];
      if (other > k) {
        const real = re[k];
        const imaginary = im[k];
        re[k] = re[other];
        im[k] = im[other];
        re[other] = real;
        im[other] = imaginary;
      }
    }
    for (let half = 1; half < size; half *= 2) {
      const step = size / (2 * half);
      for (let block = 0; block < size; block += 2 * half) {
        for (let low = block, turn = 0; low < block + half; low++, turn += step) {
          const high = low + half;
          const real = re[high] * cos[turn] - im[high] * sin[turn];
          const imaginary = re[high] * sin[turn] + im[high] * cos[turn];
          re[high] = re[low] - real;
          im[high] = im[low] - imaginary;
          re[low] += real;
          im[low] += imaginary;
        }
      }
    }
  }
}

/**
 * Return a Hann window that can be repeated without a seam.
 *
 * @param {number} size
 * @returns {Float64Array}
 */
export function hann(size) {
  return Float64Array.from({ length: size }, (_, k) => 0.5 - 0.5 * Math.cos((2 * Math.PI * k) / size));
}

/**
 * Return where a peak lies between bins: the top of the parabola through three values.
 *
 * @param {ArrayLike<number>} values  In dB, or another logarithm.
 * @param {number} k  Index of the highest value.
 * @returns {number}  A fractional index, within half a bin of `k`.
 */
export function refined(values, k) {
  const [before, at, after] = [values[k - 1], values[k], values[k + 1]];
  const curve = before - 2 * at + after;
  if (!(curve < 0)) return k; // also at an edge, where a neighbour is missing
  return k + Math.max(-0.5, Math.min(0.5, (before - after) / (2 * curve)));
}

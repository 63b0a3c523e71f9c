/**
 * The newest samples that went into Entrain and came out, kept in a ring.
 *
 * Knows the server's packets; does not know the connection or the graphs.
 */

/** Frames that the ring keeps: 5.5 s at 48 kHz. */
export const RING_FRAMES = 2 ** 18;
const HEADER_BYTES = 16;
const BYTES_PER_FRAME = 16; // two ears, input and output, float32
const LOWEST_RATE_HZ = 8_000;
const HIGHEST_RATE_HZ = 768_000;

/** @typedef {"input" | "output"} Which */
/** @typedef {0 | 1} Ear  0: left, 1: right. */

export class Samples {
  /** Sample rate of the newest packet, in Hz; 0 before the first packet. */
  rateHz = 0;
  /** Number of the frame after the newest one. */
  end = 0;
  /** Number of the oldest frame since which the numbers are continuous. */
  start = 0;
  /** Count of the frames that never arrived; the ring holds silence in their place: see `isWhole`. */
  lost = 0;
  /** Count of the packets that were not packets at all. */
  ignored = 0;
  /** Changes whenever the rate changes or the frames are counted anew: forget what you know. */
  epoch = 0;

  #rings = [0, 1, 2, 3].map(() => new Float32Array(RING_FRAMES));
  /** Frames within the ring that never arrived, [from, to), oldest first. @type {[number, number][]} */
  #gaps = [];

  /** Number of the oldest frame that the ring holds. */
  get begin() {
    return Math.max(this.start, this.end - RING_FRAMES);
  }

  /**
   * Take a packet of the server.
   *
   * Anything else is ignored. Samples that are not finite become silence.
   *
   * @param {ArrayBuffer} packet  uint64 number of the first frame, uint32 count of frames, uint32
   *   rate in Hz, then the input's frames and the output's, float32, interleaved; little endian.
   * @returns {boolean}  Whether it was a packet.
   */
  push(packet) {
    const header = headerOf(packet);
    if (!header) {
      this.ignored += 1;
      return false;
    }
    const { first, frames, rateHz } = header;
    const fresh = this.rateHz === 0;
    if (fresh || rateHz !== this.rateHz || first + frames <= this.end) {
      // The last condition: the audio app has restarted and counts from 0 again.
      this.rateHz = rateHz;
      this.start = this.end = first;
      this.#gaps = [];
      this.epoch += 1;
    } else if (first > this.end) {
      this.lost += first - this.end;
      this.#gaps.push([this.end, first]);
      this.#silence(Math.min(first - this.end, RING_FRAMES), first);
    }
    const samples = new Float32Array(packet, HEADER_BYTES);
    const known = Math.max(0, this.end - first);
    for (const ring of [0, 1, 2, 3]) {
      const into = /** @type {Float32Array} */ (this.#rings[ring]);
      const from = (ring >> 1) * 2 * frames + (ring & 1);
      for (let k = Math.max(known, frames - RING_FRAMES); k < frames; k++) {
        const value = samples[from + 2 * k];
        into[(first + k) % RING_FRAMES] = value - value === 0 ? value : 0; // NaN and infinity differ
      }
    }
    this.end = first + frames;
    while (this.#gaps.length && this.#gaps[0][1] <= this.begin) this.#gaps.shift();
    return true;
  }

  /**
   * Copy the newest frames.
   *
   * @param {Which} which
   * @param {Ear} ear
   * @param {number} frames  1 … `RING_FRAMES`.
   * @param {Float32Array} into  Gets the frames from index 0 on, oldest first; silence in place of
   *   frames that the ring does not hold.
   */
  read(which, ear, frames, into) {
    this.readFrom(which, ear, this.end - frames, frames, into);
  }

  /**
   * Copy frames from a frame number on.
   *
   * @param {Which} which
   * @param {Ear} ear
   * @param {number} first  Number of the first frame.
   * @param {number} frames  1 … `RING_FRAMES`.
   * @param {Float32Array} into  As in `read`.
   */
  readFrom(which, ear, first, frames, into) {
    const ring = /** @type {Float32Array} */ (this.#rings[(which === "input" ? 0 : 2) + ear]);
    const from = Math.min(Math.max(first, this.begin), first + frames);
    const to = Math.max(Math.min(first + frames, this.end), from);
    into.fill(0, 0, from - first);
    into.fill(0, to - first, frames);
    for (let at = from; at < to; ) {
      const place = at % RING_FRAMES;
      const run = Math.min(to - at, RING_FRAMES - place);
      into.set(ring.subarray(place, place + run), at - first);
      at += run;
    }
  }

  /**
   * Tell whether none of these frames was lost on the way: silence in a gap is not the sound's.
   *
   * @param {number} first  Number of the first frame.
   * @param {number} frames
   * @returns {boolean}
   */
  isWhole(first, frames) {
    return !this.#gaps.some(([from, to]) => from < first + frames && first < to);
  }

  /**
   * @param {number} frames
   * @param {number} before  Number of the frame after the silence.
   */
  #silence(frames, before) {
    for (const ring of this.#rings) {
      for (let at = before - frames; at < before; at++) ring[at % RING_FRAMES] = 0;
    }
  }
}

/**
 * @param {ArrayBuffer} packet
 * @returns {{ first: number, frames: number, rateHz: number } | null}
 */
function headerOf(packet) {
  if (!(packet instanceof ArrayBuffer) || packet.byteLength < HEADER_BYTES) return null;
  const view = new DataView(packet);
  const first = Number(view.getBigUint64(0, true));
  const frames = view.getUint32(8, true);
  const rateHz = view.getUint32(12, true);
  const whole = packet.byteLength === HEADER_BYTES + frames * BYTES_PER_FRAME;
  const countable = first + frames <= Number.MAX_SAFE_INTEGER;
  const audible = rateHz >= LOWEST_RATE_HZ && rateHz <= HIGHEST_RATE_HZ;
  return frames > 0 && whole && countable && audible ? { first, frames, rateHz } : null;
}

/** Values of the last minutes, two a second; time counts only while there are values. */

export class History {
  /**
   * @param {number} lines  Count of values at a time.
   * @param {number} kept  Count of times that are kept.
   * @param {number} everyS
   */
  constructor(lines, kept, everyS) {
    this.#kept = kept;
    this.#everyS = everyS;
    this.lines = Array.from({ length: lines }, () => /** @type {(number | null)[]} */ ([]));
  }

  #kept;
  #everyS;

  /** @param {(number | null)[]} values */
  add(values) {
    values.forEach((value, n) => {
      this.lines[n].push(value);
      if (this.lines[n].length > this.#kept) this.lines[n].shift();
    });
  }

  get length() {
    return this.lines[0].length;
  }

  /** Seconds relative to the newest values: the newest is at 0, all others are below. */
  get times() {
    return Array.from({ length: this.length }, (_, n) => (n - this.length + 1) * this.#everyS);
  }

  clear() {
    for (const line of this.lines) line.length = 0;
  }
}

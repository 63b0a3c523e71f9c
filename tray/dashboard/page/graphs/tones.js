/** Both tones and their beat, as Entrain measures them: how far they are from the promise. */

import { make } from "./frame.js";
import { History } from "./history.js";
import { axis, BOTTOM_SIZE, LEFT_SIZE, line, Plot } from "./plot.js";
import { number, TONES, WORDS } from "./texts.js";

const SPAN_S = 120;
const EVERY_S = 0.5;
const LEAST_MHZ = 1;

/** @typedef {import("./frame.js").Graph} Graph */
/** @typedef {import("./live.js").Tones} Tones */

/** @implements {Graph} */
export class TonesGraph {
  everyMs = 500;
  live = false;

  /**
   * @param {import("./frame.js").Frame} frame
   * @param {import("./live.js").Live} live
   * @param {import("./theme.js").Theme} theme
   */
  constructor(frame, live, theme) {
    this.#live = live;
    frame.freezable();
    this.#digits = make("p", "graph-digits");
    frame.element.insertBefore(this.#digits, frame.picture);
    this.#plot = new Plot(
      frame.picture,
      {
        scales: {
          x: { time: false, range: [-SPAN_S, 0] },
          y: { range: () => [-this.#topMhz, this.#topMhz] },
        },
        axes: [
          axis(theme, TONES.time, {
            size: BOTTOM_SIZE,
            values: (_, splits) => splits.map((second) => number(-second, 0)),
          }),
          axis(theme, TONES.deviation, {
            size: LEFT_SIZE,
            values: (_, splits) => splits.map((mhz) => number(mhz, Math.abs(mhz) < 10 && mhz % 1 ? 1 : 0)),
          }),
        ],
        series: [
          {},
          line(theme, "axis", "dotted", 1),
          line(theme, "axis", "dotted", 1),
          line(theme, "left", "mixed", 1.5),
          line(theme, "right", "dashed", 1.5),
          line(theme, "output", "solid", 2),
        ],
      },
      [[], [], [], [], [], []],
    );
    frame.keys([
      { kind: "output", label: TONES.beat },
      { kind: "left-mixed", label: WORDS.left },
      { kind: "right", label: WORDS.right },
      { kind: "error", label: TONES.error },
    ]);
  }

  #live;
  #digits;
  #plot;
  #topMhz = LEAST_MHZ;
  #history = new History(5, SPAN_S / EVERY_S, EVERY_S);
  #protocol = "";
  #changed = true;
  /** @type {{ tones: Tones, promised: { left: number, right: number, beat: number } } | null} */
  #now = null;

  /** Note the newest measurement; called twice a second. */
  collect() {
    const { protocol, measured } = this.#live.status;
    const id = protocol?.id ?? "";
    if (id !== this.#protocol) {
      this.#protocol = id;
      this.#history.clear();
    }
    const tones = measured?.tones ?? null;
    const before = this.#now;
    this.#now = tones && { tones, promised: this.#promised(tones) };
    this.#changed ||= this.#now !== before;
    if (!this.#now || !tones) return;
    const { promised } = this.#now;
    const error = 1000 * tones.beat_error_hz;
    const mhz = [tones.left_hz - promised.left, tones.right_hz - promised.right,
      tones.beat_hz - promised.beat].map((hz) => 1000 * hz);
    this.#history.add([-error, error, ...mhz]);
  }

  /**
   * Return the promised tones at this time; for a moving carrier, the measured ones.
   *
   * @param {Tones} tones
   */
  #promised(tones) {
    const { protocol } = this.#live.status;
    const layer = protocol?.layers.find(({ params }) => params && "carrier_hz" in params && "beat_hz" in params);
    const moves = layer?.automation && "carrier_hz" in layer.automation;
    const own = layer?.automation && "beat_hz" in layer.automation ? undefined : layer?.params?.beat_hz;
    const rate = own ?? protocol?.rate_hz ?? tones.beat_hz;
    const beat = Math.sign(tones.beat_hz || 1) * Math.abs(rate);
    const fixed = layer && !moves ? layer.params?.carrier_hz : undefined;
    const carrier = fixed ?? (tones.left_hz + tones.right_hz) / 2;
    return { left: carrier + beat / 2, right: carrier - beat / 2, beat };
  }

  /** @param {number} _nowMs */
  draw(_nowMs) {
    if (!this.#changed) return false;
    this.#changed = false;
    const { lines, times } = this.#history;
    const sizes = lines.flat().map((mhz) => Math.abs(mhz ?? 0)).sort((a, b) => a - b);
    // One bad measurement at the start of a sound must not flatten all the others.
    const most = sizes[Math.floor(sizes.length * 0.98)] ?? 0;
    this.#topMhz = niceTop(Math.max(LEAST_MHZ, 1.2 * most));
    this.#plot.u.setScale("y", { min: -this.#topMhz, max: this.#topMhz });
    this.#plot.set([times, ...lines]);
    this.#digits.textContent = this.#now ? TONES.digits(this.#now.tones) : "–";
    return true;
  }

  text() {
    if (!this.#now) return TONES.none;
    const { tones, promised } = this.#now;
    return TONES.sentence(tones, promised.beat);
  }

  table() {
    const head = [TONES.tone, TONES.measured, TONES.promised, TONES.off];
    if (!this.#now) return { head, rows: [] };
    const { tones, promised } = this.#now;
    const row = (/** @type {string} */ name, /** @type {number} */ is, /** @type {number} */ wished) => [
      name, number(is, 4), number(wished, 4), number(1000 * (is - wished), 2),
    ];
    const rows = [
      row(WORDS.left, tones.left_hz, promised.left),
      row(WORDS.right, tones.right_hz, promised.right),
      row(TONES.beat, tones.beat_hz, promised.beat),
    ];
    return { head, rows };
  }

  data() {
    return { ...this.#now, points: this.#history.length, top_mhz: this.#topMhz };
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
 * Return the next of 1, 2, 5, 10, 20, …
 *
 * @param {number} value
 */
function niceTop(value) {
  const ten = 10 ** Math.floor(Math.log10(value));
  return (/** @type {number} */ ([1, 2, 5, 10].find((step) => step * ten >= value))) * ten;
}

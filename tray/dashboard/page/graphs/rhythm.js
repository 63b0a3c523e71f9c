/** The spectrum of the envelope and of the phase: a steady rate is a line, beside the promise. */

import { HIGH_HZ, LOW_HZ } from "../analysis/rhythm.js";
import { axis, BOTTOM_SIZE, drawMarks, LEFT_SIZE, line, Plot } from "./plot.js";
import { number, percent, RHYTHM, WORDS } from "./texts.js";

const [LOW, HIGH] = [0.001, 2];
const TICKS = [0.5, 1, 2, 5, 10, 20, 50, 100];

/** @typedef {import("./frame.js").Graph} Graph */
/** @typedef {import("../analysis/rhythm.js").Rhythm} Rhythm */

/** @implements {Graph} */
export class RhythmGraph {
  everyMs = 200;
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
          x: { time: false, distr: 3, range: [LOW_HZ, HIGH_HZ] },
          y: { distr: 3, range: [LOW, HIGH] },
        },
        axes: [
          axis(theme, RHYTHM.rate, {
            size: BOTTOM_SIZE,
            splits: () => TICKS,
            values: (_, splits) => splits.map(String),
            filter: (_, splits) => splits,
          }),
          axis(theme, RHYTHM.share, {
            size: LEFT_SIZE,
            splits: () => [0.001, 0.01, 0.1, 1],
            values: (_, splits) => splits.map((share) => String(Number((100 * share).toPrecision(1)))),
            filter: (_, splits) => splits,
          }),
        ],
        series: [
          {},
          line(theme, "input", "dashed", 1.5),
          line(theme, "left", "mixed", 2),
          line(theme, "output", "solid", 2),
        ],
        hooks: {
          // Below the lines, so that it hides none of them.
          drawAxes: [
            (u) => {
              const x = live.promisedHz;
              const label = x === null ? "" : RHYTHM.mark(x);
              drawMarks(u, theme, [{ x, label }]);
            },
          ],
          draw: [(u) => this.#circle(u, theme)],
          setCursor: [() => this.#read()],
        },
      },
      [[], [], [], []],
    );
    frame.keys([
      { kind: "output", label: RHYTHM.output },
      { kind: "turning", label: RHYTHM.turning },
      { kind: "input", label: RHYTHM.input },
      { kind: "promise", label: WORDS.promise },
    ]);
  }

  #frame;
  #live;
  #plot;
  /** @type {Rhythm | null} */
  #output = null;
  /** @type {Rhythm | null} */
  #input = null;
  #shown = "";

  /** @param {number} _nowMs */
  draw(_nowMs) {
    const live = this.#live;
    const state = `${live.silent ? "silent" : live.samples.end} ${live.promisedHz}`;
    if (state === this.#shown || !live.samples.rateHz) return false;
    this.#shown = state;
    this.#output = live.silent ? null : live.rhythm("output");
    this.#input = live.silent ? null : live.rhythm("input");
    const output = this.#output;
    if (!output) {
      this.#plot.set([[], [], [], []]);
      return true;
    }
    const none = new Float32Array(0);
    const from = Math.floor(LOW_HZ / output.binHz);
    const lines = [this.#input?.depth ?? none, output.turning, output.depth];
    this.#plot.set(/** @type {any} */ ([
      output.hz.subarray(from),
      ...lines.map((values) => Float64Array.from(values.subarray(from), (v) => Math.max(v, LOW / 2))),
    ]));
    return true;
  }

  /**
   * Put a circle and its rate at the line at the promised rate, or at the highest line;
   * none at the music's own.
   *
   * @param {import("../vendor/uPlot.esm.js")} u
   * @param {import("./theme.js").Theme} theme
   */
  #circle(u, theme) {
    if (!this.#output) return;
    const [swelling, turning] = /** @type {const} */ (["depth", "turning"]).map((kind) =>
      this.#live.findings(kind).find(({ music }) => !music),
    );
    // Labels of the same rate would hide each other.
    const alike = swelling && turning && number(swelling.hz, 1) === number(turning.hz, 1);
    for (const [found, colour] of /** @type {const} */ ([[swelling, "output"], [turning, "left"]])) {
      if (!found) continue;
      const x = u.valToPos(found.hz, "x", true);
      const y = u.valToPos(Math.min(HIGH, found.share), "y", true);
      const toRight = x < u.bbox.left + 0.25 * u.bbox.width;
      u.ctx.save();
      u.ctx.strokeStyle = u.ctx.fillStyle = theme.colours[colour];
      u.ctx.lineWidth = 2 * devicePixelRatio;
      u.ctx.beginPath();
      u.ctx.arc(x, y, 5 * devicePixelRatio, 0, 2 * Math.PI);
      u.ctx.stroke();
      u.ctx.font = theme.font.replace("12px", `bold ${12 * devicePixelRatio}px`);
      u.ctx.textAlign = toRight ? "left" : "right";
      u.ctx.textBaseline = "middle";
      const label = alike && found === turning ? "" : `${number(found.hz, 2)} Hz`;
      u.ctx.fillText(label, x + (toRight ? 9 : -9) * devicePixelRatio, y);
      u.ctx.restore();
    }
  }

  /** @returns {{ name: string, rhythm: Rhythm, values: Float32Array }[]} */
  #kinds() {
    const kinds = [];
    if (this.#output) {
      const rhythm = this.#output;
      kinds.push({ name: RHYTHM.output, rhythm, values: rhythm.depth });
      kinds.push({ name: RHYTHM.turning, rhythm, values: rhythm.turning });
    }
    if (this.#input) {
      kinds.push({ name: RHYTHM.input, rhythm: this.#input, values: this.#input.depth });
    }
    return kinds;
  }

  #read() {
    const { left, idx } = this.#plot.u.cursor;
    const over = left !== undefined && left >= 0 && this.#output && typeof idx === "number";
    const at = over ? this.#plot.u.posToVal(/** @type {number} */ (left), "x") : 0;
    this.#frame.readout.textContent = over ? `${number(at, 2)} Hz` : "";
  }

  text() {
    const promisedHz = this.#live.promisedHz;
    if (this.#live.silent) return this.#live.noSound;
    const output = this.#output;
    if (!output) return RHYTHM.needsSound;
    const swellings = this.#live.findings("depth");
    const turnings = this.#live.findings("turning");
    const isThere = [...swellings, ...turnings].some(({ promised }) => promised);
    const isTooSlow = promisedHz !== null && promisedHz < LOW_HZ;
    return [
      promisedHz === null ? "" : RHYTHM.promised(promisedHz),
      isTooSlow ? RHYTHM.tooSlow(LOW_HZ) : "",
      promisedHz !== null && !isTooSlow && !isThere ? RHYTHM.missing : "",
      ...swellings.map((line) => (line.music ? RHYTHM.musicSwells : RHYTHM.swells)(line)),
      promisedHz === null && swellings.length === 0 ? RHYTHM.steady : "",
      ...turnings.map(({ hz, music }) =>
        (music ? RHYTHM.musicTurns : RHYTHM.turns)(hz, output.direction(hz) !== 0)),
    ].filter(Boolean).join(" ");
  }

  table() {
    const promisedHz = this.#live.promisedHz;
    const rows = this.#kinds().map(({ name, rhythm, values }) => {
      const highest = rhythm.line(values, null);
      const near = promisedHz === null ? null : rhythm.line(values, promisedHz);
      return [
        name,
        highest ? number(highest.hz, 2) : "–",
        highest?.clear ? RHYTHM.yes : RHYTHM.no,
        near ? percent(near.share) : "–",
      ];
    });
    return { head: [RHYTHM.kind, RHYTHM.highest, RHYTHM.clear, RHYTHM.near], rows };
  }

  /** The lines nearest to the promise and the highest, and the place of the promise in pixels. */
  data() {
    const promisedHz = this.#live.promisedHz;
    const lines = (/** @type {Rhythm | null} */ rhythm, /** @type {"depth" | "turning"} */ kind) => {
      if (!rhythm) return null;
      const near = promisedHz === null ? null : rhythm.line(rhythm[kind], promisedHz);
      const highest = rhythm.line(rhythm[kind], null);
      return { near, highest };
    };
    const px = (/** @type {number | null} */ hz) =>
      hz === null ? null : this.#plot.u.valToPos(hz, "x", true);
    const swelling = lines(this.#output, "depth");
    const turning = lines(this.#output, "turning");
    return {
      promised_hz: promisedHz,
      promised_px: px(promisedHz),
      swelling,
      swelling_px: px(swelling?.near?.hz ?? null),
      turning,
      turning_px: px(turning?.near?.hz ?? null),
      input: lines(this.#input, "depth"),
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

/** The phase between the ears over time, and both ears against each other (goniometer). */

import { KEPT } from "../analysis/hops.js";
import { make } from "./frame.js";
import { axis, BOTTOM_SIZE, LEFT_SIZE, line, Plot } from "./plot.js";
import { EARS, number } from "./texts.js";

/** Pictures of the goniometer: so few that it cannot flash more than 3 times a second. */
const FIGURE_EVERY_MS = 200;
const FIGURE_S = 0.02;
const ROWS = 20;

/** @typedef {import("./frame.js").Graph} Graph */

/** @implements {Graph} */
export class EarsGraph {
  everyMs = 1000 / 30;
  live = true;

  /**
   * @param {import("./frame.js").Frame} frame
   * @param {import("./live.js").Live} live
   * @param {import("./theme.js").Theme} theme
   */
  constructor(frame, live, theme) {
    this.#live = live;
    this.#theme = theme;
    frame.freezable();
    frame.keys([{ kind: "output", label: EARS.key }]);
    this.#host = make("div", "graph-phase");
    this.#figure = make("canvas", "graph-figure");
    frame.picture.append(this.#host, this.#figure);
    this.#plot = new Plot(
      this.#host,
      {
        scales: { x: { time: false, range: () => [0, this.#spanS] }, y: { range: [-180, 180] } },
        axes: [
          axis(theme, EARS.time, { size: BOTTOM_SIZE }),
          axis(theme, EARS.phase, {
            size: LEFT_SIZE,
            splits: () => [-180, -90, 0, 90, 180],
            values: (_, splits) => splits.map((degrees) => number(degrees, 0)),
          }),
        ],
        series: [{}, line(theme, "output", "solid", 2)],
      },
      [[], []],
    );
  }

  #live;
  #theme;
  #host;
  #figure;
  #plot;
  #spanS = 2;
  #count = -1;
  #silent = false;
  #figureMs = -Infinity;
  /** @type {number[]} */
  #times = [];
  /** @type {(number | null)[]} */
  #degrees = [];
  #coherence = 0;

  /** @param {number} nowMs */
  draw(nowMs) {
    const live = this.#live;
    const hops = live.hops("output");
    if (!hops || (hops.count === this.#count && live.silent === this.#silent)) return false;
    this.#count = hops.count;
    this.#silent = live.silent;
    this.#times = [];
    this.#degrees = [];
    if (!live.silent && hops.count >= 2) this.#phase(hops);
    this.#plot.u.setScale("x", { min: 0, max: this.#spanS });
    this.#plot.set([this.#times, this.#degrees]);
    if (nowMs - this.#figureMs >= FIGURE_EVERY_MS || live.silent) {
      this.#figureMs = nowMs;
      this.#drawFigure();
    }
    return true;
  }

  /** @param {import("../analysis/hops.js").Hops} hops */
  #phase(hops) {
    const { first, count, spanS } = this.#live.stretch(hops);
    this.#spanS = spanS;
    let [before, re, im, power] = [NaN, 0, 0, 0];
    for (let n = 0; n < count; n++) {
      const index = Math.ceil(first) + n;
      if (index < Math.max(0, hops.crossSince)) continue;
      const at = index % KEPT;
      const loud = Math.sqrt(hops.crossPower[0][at] * hops.crossPower[1][at]);
      const degrees = (Math.atan2(hops.crossIm[at], hops.crossRe[at]) * 180) / Math.PI;
      const wrapped = Math.abs(degrees - before) > 180; // the line goes out and comes in again
      this.#times.push((index - first) / hops.hopsPerS);
      this.#degrees.push(loud > 1e-12 && !wrapped && !hops.lost[at] ? degrees : null);
      before = degrees;
      re += hops.crossRe[at];
      im += hops.crossIm[at];
      power += loud;
    }
    this.#coherence = power > 0 ? Math.min(1, Math.hypot(re, im) / power) : 0;
  }

  #drawFigure() {
    const { samples, silent } = this.#live;
    const context = /** @type {CanvasRenderingContext2D} */ (this.#figure.getContext("2d"));
    const size = this.#figure.width;
    const middle = size / 2;
    const reach = middle * 0.86;
    const { colours, font } = this.#theme;
    context.clearRect(0, 0, size, size);
    context.lineWidth = devicePixelRatio;
    context.strokeStyle = colours.grid;
    context.beginPath();
    for (const sign of [1, -1]) {
      context.moveTo(middle - reach * Math.SQRT1_2, middle - sign * reach * Math.SQRT1_2);
      context.lineTo(middle + reach * Math.SQRT1_2, middle + sign * reach * Math.SQRT1_2);
    }
    context.moveTo(middle + reach, middle);
    context.arc(middle, middle, reach, 0, 2 * Math.PI);
    context.stroke();
    context.fillStyle = colours.axis;
    context.font = font.replace("12px", `${12 * devicePixelRatio}px`);
    context.textBaseline = "top";
    context.textAlign = "left";
    context.fillText(EARS.leftMark, size * 0.06, size * 0.06);
    context.textAlign = "right";
    context.fillText(EARS.rightMark, size * 0.94, size * 0.06);
    if (silent || !samples.rateHz) return;
    const frames = Math.round(FIGURE_S * samples.rateHz);
    if (!samples.isWhole(samples.end - frames, frames)) return;
    const [left, right] = [new Float32Array(frames), new Float32Array(frames)];
    samples.read("output", 0, frames, left);
    samples.read("output", 1, frames, right);
    let most = 1e-5;
    for (let n = 0; n < frames; n++) most = Math.max(most, Math.hypot(left[n], right[n]));
    context.strokeStyle = colours.output;
    context.lineWidth = 1.5 * devicePixelRatio;
    context.lineJoin = "round";
    context.beginPath();
    for (let n = 0; n < frames; n++) {
      // Left only is a line to the upper left, both alike an upright line.
      const x = middle + (((right[n] - left[n]) * Math.SQRT1_2) / most) * reach;
      const y = middle - (((right[n] + left[n]) * Math.SQRT1_2) / most) * reach;
      if (n) context.lineTo(x, y);
      else context.moveTo(x, y);
    }
    context.stroke();
  }

  text() {
    if (this.#live.silent || this.#times.length === 0) return this.#live.noSound;
    const rhythm = this.#live.rhythm("output");
    const [turning] = this.#live.findings("turning");
    if (rhythm && turning) {
      const words = turning.music ? EARS.musicTurns : EARS.turns;
      return words(turning.hz, rhythm.direction(turning.hz));
    }
    return this.#coherence > 0.9 ? EARS.alike : EARS.mixed(this.#coherence);
  }

  table() {
    const step = Math.max(1, Math.floor(this.#times.length / ROWS));
    const rows = [];
    for (let n = 0; n < this.#times.length; n += step) {
      const degrees = this.#degrees[n];
      rows.push([number(this.#times[n], 3), degrees === null ? "–" : number(degrees, 0)]);
    }
    return { head: [EARS.time, EARS.phaseHead], rows };
  }

  /** The phase over time, and at which rate and in which direction it turns. */
  data() {
    const rhythm = this.#live.silent ? null : this.#live.rhythm("output");
    const turning = rhythm?.line(rhythm.turning, null) ?? null;
    return {
      times_s: this.#times,
      degrees: this.#degrees,
      turning,
      direction: rhythm && turning ? rhythm.direction(turning.hz) : 0,
      coherence: this.#coherence,
    };
  }

  resize() {
    const { clientWidth, clientHeight } = this.#host;
    if (clientWidth && clientHeight) this.#plot.resize(clientWidth, clientHeight);
    const side = Math.round(this.#figure.clientWidth * devicePixelRatio);
    if (side && side !== this.#figure.width) {
      this.#figure.width = this.#figure.height = side;
      this.#drawFigure();
    }
  }

  restyle() {
    this.#plot.restyle();
    this.#drawFigure();
  }

  dispose() {
    this.#plot.dispose();
  }
}

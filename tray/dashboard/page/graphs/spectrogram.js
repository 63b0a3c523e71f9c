/** The spectrum of the output, over the last seconds, as colours. */

import { LogAxis, SILENCE_DB, Spectrum } from "../analysis/spectrum.js";
import { axis, BOTTOM_SIZE, LEFT_SIZE, Plot, tick, ticksHz } from "./plot.js";
import { frequency, level, SPECTROGRAM } from "./texts.js";
import { heatColours } from "./theme.js";

const [LOW_HZ, HIGH_HZ] = [20, 20_000];
const [LOW_DB, HIGH_DB] = [-100, -10];
const COLUMNS_PER_S = 15;
const SPAN_S = 20;
const COLUMNS = COLUMNS_PER_S * SPAN_S;
const ROWS = 240;

/** @typedef {import("./frame.js").Graph} Graph */

/** @implements {Graph} */
export class SpectrogramGraph {
  everyMs = 1000 / COLUMNS_PER_S;
  live = true;

  /**
   * @param {import("./frame.js").Frame} frame
   * @param {import("./live.js").Live} live
   * @param {import("./theme.js").Theme} theme
   */
  constructor(frame, live, theme) {
    this.#live = live;
    this.#theme = theme;
    this.#colours = heatColours(theme.dark);
    frame.freezable();
    frame.keys([
      { kind: "heat", label: SPECTROGRAM.key(LOW_DB, HIGH_DB) },
    ]);
    this.#canvas = document.createElement("canvas");
    this.#canvas.width = COLUMNS;
    this.#canvas.height = ROWS;
    this.#context = /** @type {CanvasRenderingContext2D} */ (
      this.#canvas.getContext("2d", { alpha: false, willReadFrequently: true })
    );
    this.#column = this.#context.createImageData(1, ROWS);
    this.#pixels = new Uint32Array(this.#column.data.buffer);
    this.#plot = new Plot(
      frame.picture,
      {
        scales: {
          x: { time: false, range: [-SPAN_S, 0] },
          y: { distr: 3, range: [LOW_HZ, HIGH_HZ] },
        },
        axes: [
          axis(theme, SPECTROGRAM.time, {
            size: BOTTOM_SIZE,
            grid: { show: false },
            splits: () => [-20, -15, -10, -5, 0],
            values: (_, splits) => splits.map((second) => String(-second)),
          }),
          axis(theme, SPECTROGRAM.frequency, {
            size: LEFT_SIZE,
            grid: { show: false },
            splits: ticksHz,
            values: (_, splits) => splits.map(tick),
            filter: (_, splits) => splits,
          }),
        ],
        series: [{}, { show: true, points: { show: false } }],
        hooks: { drawAxes: [(u) => this.#paint(u)] },
      },
      [[-SPAN_S, 0], [null, null]],
    );
    this.#recolour();
  }

  #live;
  #theme;
  #colours;
  #canvas;
  #context;
  #column;
  #pixels;
  #plot;
  #epoch = -1;
  #end = -1;
  /** Count of columns so far; the newest lies at (count - 1) % COLUMNS. */
  #count = 0;
  /** @type {Spectrum | null} */
  #spectrum = null;
  /** @type {LogAxis | null} */
  #axis = null;
  #ears = [new Float32Array(0), new Float32Array(0)];
  /** Levels of all columns, so that other colours can paint them again. */
  #levels = new Float32Array(COLUMNS * ROWS).fill(SILENCE_DB);
  /** @type {({ hz: number, db: number } | null)[]} */
  #peaks = new Array(COLUMNS).fill(null);
  /** The newest peak that was measured. @type {{ hz: number, db: number } | null} */
  #peak = null;

  /** @param {number} _nowMs */
  draw(_nowMs) {
    const { samples, epoch, silent } = this.#live;
    if (!samples.rateHz || silent || samples.end === this.#end) return false;
    this.#end = samples.end;
    if (epoch !== this.#epoch) {
      this.#epoch = epoch;
      const spectrum = (this.#spectrum = new Spectrum(samples.rateHz));
      this.#axis = new LogAxis(LOW_HZ, HIGH_HZ, ROWS, spectrum.binHz, spectrum.levelDb.length);
      this.#ears = [0, 1].map(() => new Float32Array(spectrum.size));
    }
    const spectrum = /** @type {Spectrum} */ (this.#spectrum);
    const at = this.#count % COLUMNS;
    const column = this.#levels.subarray(at * ROWS, (at + 1) * ROWS);
    if (samples.isWhole(samples.end - spectrum.size, spectrum.size)) {
      const [left, right] = this.#ears;
      samples.read("output", 0, spectrum.size, left);
      samples.read("output", 1, spectrum.size, right);
      spectrum.measure(left, right);
      this.#axis?.levels(spectrum.levelDb, column);
      this.#peaks[at] = this.#peak = spectrum.peak();
    } else {
      column.fill(SILENCE_DB); // a gap: frames were lost on the way, and would look like a click
      this.#peaks[at] = null;
    }
    this.#colour(at);
    this.#count += 1;
    this.#plot.u.redraw(false, false);
    return true;
  }

  /** @param {number} at  Which column. */
  #colour(at) {
    for (let row = 0; row < ROWS; row++) {
      const share = (this.#levels[at * ROWS + row] - LOW_DB) / (HIGH_DB - LOW_DB);
      const step = Math.round(255 * Math.min(1, Math.max(0, share))) || 0;
      this.#pixels[ROWS - 1 - row] = this.#colours[step];
    }
    this.#context.putImageData(this.#column, at, 0);
  }

  #recolour() {
    this.#colours = heatColours(this.#theme.dark);
    for (let at = 0; at < COLUMNS; at++) this.#colour(at);
  }

  /** @param {import("../vendor/uPlot.esm.js")} u */
  #paint(u) {
    const { left, top, width, height } = u.bbox;
    const split = this.#count % COLUMNS; // the oldest column
    const share = (COLUMNS - split) / COLUMNS;
    u.ctx.save();
    u.ctx.imageSmoothingEnabled = false;
    u.ctx.drawImage(
      this.#canvas, split, 0, COLUMNS - split, ROWS, left, top, width * share, height);
    if (split > 0) {
      u.ctx.drawImage(
        this.#canvas, 0, 0, split, ROWS, left + width * share, top, width * (1 - share), height);
    }
    u.ctx.strokeStyle = this.#theme.colours.grid;
    u.ctx.strokeRect(left, top, width, height);
    u.ctx.restore();
  }

  text() {
    const newest = this.#peak;
    if (this.#live.silent || !newest) return this.#live.noSound;
    const all = [newest, ...this.#peaks].filter((peak) => peak !== null).map(({ hz }) => hz);
    return SPECTROGRAM.range(SPAN_S, Math.min(...all), Math.max(...all), newest);
  }

  table() {
    const rows = [];
    for (let second = 0; second < SPAN_S; second++) {
      const count = this.#count - 1 - second * COLUMNS_PER_S;
      const peak = count >= 0 ? this.#peaks[count % COLUMNS] : null;
      rows.push([String(second), peak ? frequency(peak.hz) : "–", level(peak?.db)]);
    }
    return { head: [SPECTROGRAM.time, SPECTROGRAM.strongest, SPECTROGRAM.level], rows };
  }

  data() {
    const newest = this.#count ? this.#peaks[(this.#count - 1) % COLUMNS] : null;
    return { columns: this.#count, peak: newest };
  }

  /**
   * @param {number} width
   * @param {number} height
   */
  resize(width, height) {
    this.#plot.resize(width, height);
  }

  restyle() {
    this.#recolour();
    this.#plot.restyle();
  }

  dispose() {
    this.#plot.dispose();
  }
}

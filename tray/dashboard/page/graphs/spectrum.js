/** The spectrum of the input and the output, with the highest levels so far. */

import { LogAxis, SILENCE_DB, Spectrum } from "../analysis/spectrum.js";
import { axis, BOTTOM_SIZE, LEFT_SIZE, line, Plot, tick, ticksHz } from "./plot.js";
import { frequency, level, SPECTRUM, WORDS } from "./texts.js";

const [LOW_HZ, HIGH_HZ] = [20, 20_000];
const [LOW_DB, HIGH_DB] = [-120, 0];
const THIRD = 2 ** (1 / 6);

/** @typedef {import("./frame.js").Graph} Graph */

/** @implements {Graph} */
export class SpectrumGraph {
  everyMs = 1000 / 30;
  live = true;

  /**
   * @param {import("./frame.js").Frame} frame
   * @param {import("./live.js").Live} live
   * @param {import("./theme.js").Theme} theme
   */
  constructor(frame, live, theme) {
    this.#frame = frame;
    this.#live = live;
    frame.toggle(WORDS.peakHold, false, (on) => {
      this.#hold = on;
      this.#forget();
      this.#keys();
      this.#drawn = -1;
    });
    frame.freezable();
    this.#plot = new Plot(
      frame.picture,
      {
        scales: {
          x: { time: false, distr: 3, range: [LOW_HZ, HIGH_HZ] },
          y: { range: [LOW_DB, HIGH_DB] },
        },
        axes: [
          axis(theme, SPECTRUM.frequency, {
            size: BOTTOM_SIZE,
            splits: ticksHz,
            values: (_, splits) => splits.map(tick),
            filter: (_, splits) => splits,
          }),
          axis(theme, SPECTRUM.level, {
            size: LEFT_SIZE,
            splits: () => [-120, -100, -80, -60, -40, -20, 0],
          }),
        ],
        series: [
          {},
          line(theme, "input", "dotted", 1),
          line(theme, "output", "dotted", 1),
          line(theme, "input", "dashed", 1.5),
          line(theme, "output", "solid", 2),
        ],
        hooks: { setCursor: [() => this.#read()] },
      },
      [[], [], [], [], []],
    );
    this.#keys();
  }

  #frame;
  #live;
  #plot;
  #hold = false;
  #drawn = -1;
  #epoch = -1;
  /** @type {Spectrum[]} */
  #spectra = [];
  /** @type {LogAxis | null} */
  #axis = null;
  #points = 0;
  /** Levels of input, output; peaks of input, output. */
  #levels = [0, 1, 2, 3].map(() => new Float64Array(0));
  #ears = [new Float32Array(0), new Float32Array(0)];

  #keys() {
    const keys = [
      { kind: "output", label: WORDS.output },
      { kind: "input", label: WORDS.input },
    ];
    if (this.#hold) {
      keys.push({ kind: "output-peak", label: SPECTRUM.outputPeak });
      keys.push({ kind: "input-peak", label: SPECTRUM.inputPeak });
    }
    this.#frame.keys(keys);
  }

  #forget() {
    for (const levels of this.#levels.slice(2)) levels.fill(SILENCE_DB);
  }

  /** @param {number} _nowMs */
  draw(_nowMs) {
    const { samples, silent } = this.#live;
    const state = silent ? -2 : samples.end;
    if (!samples.rateHz || state === this.#drawn) return false;
    this.#prepare();
    const { size } = this.#spectra[0];
    // A gap from lost frames would look like a click: the picture before it stays.
    if (!silent && !samples.isWhole(samples.end - size, size)) return false;
    this.#drawn = state;
    ["input", "output"].forEach((which, n) => {
      const spectrum = this.#spectra[n];
      if (silent) {
        spectrum.levelDb.fill(SILENCE_DB);
      } else {
        const [left, right] = this.#ears;
        samples.read(/** @type {import("../samples.js").Which} */ (which), 0, spectrum.size, left);
        samples.read(/** @type {import("../samples.js").Which} */ (which), 1, spectrum.size, right);
        spectrum.measure(left, right);
      }
      const [now, peak] = [this.#levels[n], this.#levels[n + 2]];
      this.#axis?.levels(spectrum.levelDb, now);
      if (!this.#hold) return;
      for (let k = 0; k < now.length; k++) if (now[k] > peak[k]) peak[k] = now[k];
    });
    const [input, output, inputPeak, outputPeak] = this.#levels;
    const none = this.#hold ? null : new Float64Array(0);
    const hz = /** @type {LogAxis} */ (this.#axis).hz;
    this.#plot.set([hz, none ?? inputPeak, none ?? outputPeak, input, output]);
    return true;
  }

  #prepare() {
    const { samples, epoch } = this.#live;
    if (epoch !== this.#epoch) {
      this.#epoch = epoch;
      this.#spectra = [0, 1].map(() => new Spectrum(samples.rateHz));
      this.#ears = [0, 1].map(() => new Float32Array(this.#spectra[0].size));
      this.#axis = null;
    }
    if (!this.#axis) {
      const [spectrum] = this.#spectra;
      const bins = spectrum.levelDb.length;
      this.#axis = new LogAxis(LOW_HZ, HIGH_HZ, this.#points, spectrum.binHz, bins);
      this.#levels = [0, 1, 2, 3].map(() => new Float64Array(this.#points));
      this.#forget();
    }
  }

  #read() {
    const { left, top } = this.#plot.u.cursor;
    if (left === undefined || left < 0 || top === undefined) {
      this.#frame.readout.textContent = "";
      return;
    }
    const hz = this.#plot.u.posToVal(left, "x");
    const nearest = this.#plot.u.cursor.idx ?? 0;
    this.#frame.readout.textContent =
      `${frequency(hz)}: ${SPECTRUM.output} ${level(this.#levels[1][nearest])}, ` +
      `${SPECTRUM.input} ${level(this.#levels[0][nearest])}`;
  }

  text() {
    const [input, output] = this.#spectra.map((spectrum) => spectrum.peak());
    if (this.#live.silent || !output) return this.#live.noSound;
    return SPECTRUM.strongest(output, input);
  }

  table() {
    const rows = [];
    for (let band = -15; band <= 13; band++) {
      const middle = 1000 * 10 ** (band / 10);
      const cells = [0, 1].map((n) => {
        const spectrum = this.#spectra[n];
        if (!spectrum) return level(null);
        let power = 0;
        const last = Math.min(spectrum.levelDb.length, Math.round((middle * THIRD) / spectrum.binHz));
        for (let k = Math.round(middle / THIRD / spectrum.binHz); k < last; k++) {
          power += 10 ** (spectrum.levelDb[k] / 10) / 1.5; // the window spreads a line over 1.5 bins
        }
        return level(power > 0 ? 10 * Math.log10(power) : null);
      });
      rows.push([frequency(middle), ...cells]);
    }
    return { head: [SPECTRUM.band, SPECTRUM.input, SPECTRUM.output], rows };
  }

  /** The peaks: frequency, level, and place in the canvas in device pixels. */
  data() {
    const [input, output] = this.#spectra.map((spectrum) => {
      const peak = spectrum.peak();
      return peak && { ...peak, px: this.#plot.u.valToPos(peak.hz, "x", true) };
    });
    const px = (/** @type {number} */ hz) => this.#plot.u.valToPos(hz, "x", true);
    return {
      input: input ?? null,
      output: output ?? null,
      px_of_100_hz: px(100),
      px_of_1_khz: px(1000),
      levels_db: Array.from(this.#levels[1]),
      held_db: this.#hold ? Array.from(this.#levels[3]) : null,
    };
  }

  /**
   * @param {number} width
   * @param {number} height
   */
  resize(width, height) {
    this.#plot.resize(width, height);
    this.#points = Math.max(200, Math.min(1200, Math.round(width - LEFT_SIZE - 12)));
    this.#axis = null;
    this.#drawn = -1;
  }

  restyle() {
    this.#plot.restyle();
  }

  dispose() {
    this.#plot.dispose();
  }
}

/** The loudness of the last minutes, in and out. */

import { History } from "./history.js";
import { axis, BOTTOM_SIZE, LEFT_SIZE, line, Plot } from "./plot.js";
import { level, LOUDNESS, number, WORDS } from "./texts.js";

const SPAN_S = 300;
const EVERY_S = 0.5;
const [LOW_LUFS, HIGH_LUFS] = [-60, 0];
const ROWS_EVERY_S = 15;

/** @typedef {import("./frame.js").Graph} Graph */

/** @implements {Graph} */
export class LoudnessGraph {
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
    this.#plot = new Plot(
      frame.picture,
      {
        scales: {
          x: { time: false, range: [-SPAN_S, 0] },
          y: { range: [LOW_LUFS, HIGH_LUFS] },
        },
        axes: [
          axis(theme, LOUDNESS.time, {
            size: BOTTOM_SIZE,
            values: (_, splits) => splits.map((second) => number(-second, 0)),
          }),
          axis(theme, LOUDNESS.loudness, { size: LEFT_SIZE }),
        ],
        series: [{}, line(theme, "input", "dashed", 1.5), line(theme, "output", "solid", 2)],
      },
      [[], [], []],
    );
    frame.keys([
      { kind: "output", label: WORDS.output },
      { kind: "input", label: WORDS.input },
    ]);
  }

  #live;
  #plot;
  #changed = true;
  #history = new History(2, SPAN_S / EVERY_S, EVERY_S);

  /** Note the present loudness; called twice a second.  Silence takes no time. */
  collect() {
    const { in_lufs: input = null, out_lufs: output = null } = this.#live.status.levels ?? {};
    if (input === null && output === null) return;
    this.#history.add([input, output]);
    this.#changed = true;
  }

  /** @param {number} _nowMs */
  draw(_nowMs) {
    if (!this.#changed) return false;
    this.#changed = false;
    this.#plot.set([this.#history.times, ...this.#history.lines]);
    return true;
  }

  /** @returns {{ input: number | null, output: number | null }} */
  #now() {
    const [input, output] = this.#history.lines.map((line) => line[line.length - 1] ?? null);
    return { input, output };
  }

  text() {
    const { levels } = this.#live.status;
    if (!levels || (levels.in_lufs === null && levels.out_lufs === null)) return WORDS.silent;
    const { input, output } = this.#now();
    const heard = this.#history.lines[1].filter((lufs) => lufs !== null);
    const range = heard.length ? LOUDNESS.range(Math.min(...heard), Math.max(...heard)) : "";
    return LOUDNESS.now(output, input) + range;
  }

  table() {
    const rows = [];
    for (let n = this.#history.length - 1; n >= 0; n -= ROWS_EVERY_S / EVERY_S) {
      const [input, output] = this.#history.lines.map((line) => level(line[n], "LUFS"));
      rows.push([number(-this.#history.times[n], 0), input, output]);
    }
    return { head: [LOUDNESS.time, WORDS.input, WORDS.output], rows };
  }

  data() {
    return { ...this.#now(), points: this.#history.length };
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

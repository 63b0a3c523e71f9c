/** The course of the protocol, one lane for each parameter that moves, with a playhead. */

import { courseOf, valueAt } from "../analysis/course.js";
import { Disconnected } from "../connection.js";
import { clock } from "../format.js";
import { movement } from "../place.js";
import { make } from "./frame.js";
import { axis, BOTTOM_SIZE, LEFT_SIZE, line, Plot } from "./plot.js";
import { number, parameter, TIMELINE } from "./texts.js";

const SAMPLES = 400;
const MOST_LANES = 5;
const [STEP_S, PAGE_S] = [10, 60];
const ROUND_TIMES_S = [10, 20, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400];

/** @typedef {import("./frame.js").Graph} Graph */
/** @typedef {import("../analysis/course.js").Course} Course */

/** @implements {Graph} */
export class TimelineGraph {
  everyMs = 500;
  live = false;

  /**
   * @param {import("./frame.js").Frame} frame
   * @param {import("./live.js").Live} live
   * @param {import("./theme.js").Theme} theme
   */
  constructor(frame, live, theme) {
    this.#frame = frame;
    this.#live = live;
    this.#theme = theme;
    frame.keys([{ kind: "playhead", label: TIMELINE.now }]);
    const { picture } = frame;
    picture.setAttribute("role", "slider");
    picture.setAttribute("aria-valuemin", "0");
    picture.tabIndex = 0;
    picture.addEventListener("keydown", (event) => this.#key(event));
    picture.addEventListener("click", (event) => this.#click(event));
    this.#describeSlider();
  }

  #frame;
  #live;
  #theme;
  /** @type {Plot[]} */
  #plots = [];
  /** @type {Course | null} */
  #course = null;
  /** Whose course is shown: the layers and the document. */
  #shown = "";
  /** @type {{ id: string, document: import("../analysis/course.js").Document | null } | null} */
  #known = null;
  #drawnS = -1;

  get #positionS() {
    const elapsed = this.#live.status.protocol?.elapsed_s ?? 0;
    const course = this.#course;
    return course?.loops && course.lengthS ? elapsed % course.lengthS : elapsed;
  }

  /** Ask for the document of a new protocol. */
  collect() {
    const id = this.#live.status.protocol?.id;
    if (!id || this.#known?.id === id) return;
    const known = (this.#known = { id, document: null });
    this.#live.source.ask("protocol", { id }).then(
      (answer) => {
        known.document = answer?.document ?? null;
      },
      (error) => {
        // A protocol that is not in the library: its layers alone are shown.
        if (error instanceof Disconnected && this.#known === known) this.#known = null;
      },
    );
  }

  /** @param {number} _nowMs */
  draw(_nowMs) {
    const { protocol, revision } = this.#live.status;
    const document = this.#known?.id === protocol?.id ? this.#known?.document : null;
    if (this.#course && this.#positionS > this.#course.lengthS) this.#shown = ""; // time for more room
    // The revision counts each change of the layers, which may have thousands of breakpoints.
    const layers = revision ?? JSON.stringify(protocol?.layers);
    const shown = protocol ? `${protocol.id} ${Boolean(document)} ${layers}` : "";
    let changed = false;
    if (shown !== this.#shown) {
      this.#shown = shown;
      this.#course = protocol ? courseOf(protocol.layers, document ?? null, protocol) : null;
      this.#build();
      changed = true;
    }
    if (Math.abs(this.#positionS - this.#drawnS) > 0.05) {
      this.#drawnS = this.#positionS;
      changed = true;
      for (const plot of this.#plots) plot.u.redraw(false);
      this.#describeSlider();
    }
    return changed;
  }

  #build() {
    for (const plot of this.#plots) plot.dispose();
    this.#plots = [];
    const { picture } = this.#frame;
    picture.replaceChildren();
    const course = this.#course;
    const lanes = course?.lanes.slice(0, MOST_LANES) ?? [];
    if (!course) return;
    // A protocol without automation has a plain line of time.
    const drawn = lanes.length ? lanes : [{ address: "", points: [{ at_s: 0, value: 1 }], loopS: 0 }];
    const step = ROUND_TIMES_S.find((seconds) => course.lengthS / seconds <= 8) ?? 28800;
    const splits = Array.from({ length: Math.floor(course.lengthS / step) + 1 }, (_, n) => n * step);
    drawn.forEach((lane, n) => {
      const last = n === drawn.length - 1;
      const title = lane.address ? parameter(lane.address) : TIMELINE.strength;
      const heading = make("div", "graph-lane-title", title);
      const host = make("div", `graph-lane${last ? " graph-lane-last" : ""}`);
      picture.append(heading, host);
      const times = Array.from({ length: SAMPLES + 1 }, (_, k) => (k / SAMPLES) * course.lengthS);
      for (const { at_s: at } of lane.points) if (at < course.lengthS) times.push(at, at + 1e-6);
      times.sort((a, b) => a - b);
      const scale = lane.address ? 1 : 100;
      const values = times.map((at) => scale * valueAt(lane, at));
      const low = values.reduce((least, value) => Math.min(least, value));
      const high = values.reduce((most, value) => Math.max(most, value));
      const room = 0.1 * (high - low || Math.abs(high) || 1);
      const range = /** @type {[number, number]} */ (lane.address ? [low - room, high + room] : [0, 110]);
      this.#plots.push(
        new Plot(
          host,
          {
            padding: [4, 24, 0, 0],
            scales: { x: { time: false, range: [0, course.lengthS] }, y: { range } },
            axes: [
              axis(this.#theme, last ? TIMELINE.time : "", {
                size: last ? BOTTOM_SIZE : 4,
                label: last ? TIMELINE.time : undefined,
                splits: () => splits,
                values: (_, at) => at.map((seconds) => (last ? clock(seconds) : "")),
              }),
              axis(this.#theme, "", { size: LEFT_SIZE, label: undefined, space: 20 }),
            ],
            series: [{}, line(this.#theme, "output", "solid", 2)],
            hooks: { draw: [(u) => this.#playhead(u)] },
          },
          [times, values],
        ),
      );
    });
    this.#resizePlots();
  }

  /** @param {import("../vendor/uPlot.esm.js")} u */
  #playhead(u) {
    const at = Math.round(u.valToPos(this.#positionS, "x", true));
    const { left, top, width, height } = u.bbox;
    if (!(at >= left && at <= left + width)) return;
    u.ctx.fillStyle = this.#theme.colours.promise;
    u.ctx.fillRect(at - devicePixelRatio, top, 2 * devicePixelRatio, height);
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const course = this.#course;
    if (!course || event.altKey || event.ctrlKey || event.metaKey) return;
    /** @type {Record<string, number>} */
    const targets = {
      ArrowRight: this.#positionS + STEP_S,
      ArrowUp: this.#positionS + STEP_S,
      ArrowLeft: this.#positionS - STEP_S,
      ArrowDown: this.#positionS - STEP_S,
      PageUp: this.#positionS + PAGE_S,
      PageDown: this.#positionS - PAGE_S,
      Home: 0,
      End: course.lengthS,
    };
    if (!(event.key in targets)) return;
    event.preventDefault();
    this.#seek(targets[event.key]);
  }

  /** @param {MouseEvent} event */
  #click(event) {
    const [plot] = this.#plots;
    if (!plot) return;
    const box = plot.u.over.getBoundingClientRect();
    if (event.clientX < box.left - 4 || event.clientX > box.right + 4) return;
    this.#seek(plot.u.posToVal(event.clientX - box.left, "x"));
  }

  /** @param {number} seconds */
  #seek(seconds) {
    const position = Math.min(Math.max(0, seconds), this.#course?.lengthS ?? 0);
    this.#live.source.ask("session", { position_s: position }).catch((error) => {
      this.#frame.readout.textContent = error instanceof Error ? error.message : String(error);
    });
  }

  #describeSlider() {
    const { picture } = this.#frame;
    const length = this.#course?.lengthS ?? 0;
    picture.setAttribute("aria-valuemax", String(Math.round(length)));
    picture.setAttribute("aria-valuenow", String(Math.round(Math.min(this.#positionS, length))));
    picture.setAttribute("aria-valuetext", TIMELINE.position(this.#positionS, length));
  }

  text() {
    const course = this.#course;
    const { protocol } = this.#live.status;
    if (!course || !protocol) return TIMELINE.nothing;
    const moving = course.lanes.filter(({ address }) => address);
    const paths = protocol.layers.filter(({ place }) => movement(place));
    return [
      TIMELINE.at(protocol.name ?? "", protocol.elapsed_s, protocol.left_s),
      ...moving.map((lane) => TIMELINE.value(lane.address, valueAt(lane, this.#positionS))),
      ...paths.map(({ id, kind, place }) => `${id ?? kind} ${movement(place)}.`),
      moving.length || paths.length ? "" : TIMELINE.constant,
      course.loops ? TIMELINE.again(course.lengthS) : "",
      TIMELINE.keys,
    ].filter(Boolean).join(" ");
  }

  table() {
    const rows = (this.#course?.lanes ?? []).flatMap(({ address, points }) =>
      points.slice(0, 200).map(({ at_s: at, value }) => [
        address ? parameter(address) : TIMELINE.strength,
        clock(at),
        number(address ? value : 100 * value, 2),
      ]),
    );
    return { head: [TIMELINE.parameter, TIMELINE.atHead, TIMELINE.valueHead], rows };
  }

  data() {
    return {
      length_s: this.#course?.lengthS ?? 0,
      position_s: this.#positionS,
      lanes: this.#course?.lanes.map(({ address }) => address) ?? [],
      playhead_px: this.#plots[0]?.u.valToPos(this.#positionS, "x", true) ?? null,
    };
  }

  resize() {
    this.#resizePlots();
  }

  #resizePlots() {
    for (const plot of this.#plots) {
      const host = /** @type {HTMLElement} */ (plot.u.root.parentElement);
      if (host.clientWidth && host.clientHeight) plot.resize(host.clientWidth, host.clientHeight);
    }
  }

  restyle() {
    for (const plot of this.#plots) plot.restyle();
  }

  dispose() {
    for (const plot of this.#plots) plot.dispose();
  }
}

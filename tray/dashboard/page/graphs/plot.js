/** Line graphs with uPlot: the code that they share. */

import uPlot from "../vendor/uPlot.esm.js";
import { labelBegin } from "./label_place.js";

/** @typedef {import("./theme.js").Theme} Theme */
/** @typedef {import("./theme.js").Colours} Colours */

/** Dashes that tell the lines apart without their colours. */
export const DASHES = { solid: [], dashed: [7, 4], dotted: [2, 3], mixed: [9, 3, 2, 3] };

/**
 * Describe a line.
 *
 * @param {Theme} theme
 * @param {keyof Colours} colour
 * @param {keyof typeof DASHES} dash
 * @param {number} width
 * @returns {uPlot.Series}
 */
export function line(theme, colour, dash, width = 1.5) {
  return {
    stroke: () => theme.colours[colour],
    width,
    dash: DASHES[dash],
    points: { show: false },
    pxAlign: 0,
  };
}

/**
 * Describe an axis.
 *
 * @param {Theme} theme
 * @param {string} label  With its unit.
 * @param {uPlot.Axis} more
 * @returns {uPlot.Axis}
 */
export function axis(theme, label, more = {}) {
  return {
    label,
    labelSize: 17,
    labelGap: 0,
    labelFont: theme.font,
    font: theme.font,
    stroke: () => theme.colours.axis,
    grid: { stroke: () => theme.colours.grid, width: 1 },
    ticks: { stroke: () => theme.colours.grid, width: 1, size: 4 },
    gap: 4,
    values: (_, splits) => splits.map((value) => String(Number(value.toPrecision(6))).replace("-", "−")),
    ...more,
  };
}

/** The upright axis's width in CSS pixels without its label, the same in all graphs, so that they stand in line. */
export const LEFT_SIZE = 46;

/** The level axis's height in CSS pixels, without its label. */
export const BOTTOM_SIZE = 24;

const TICKS_HZ = [20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 20000];
const FEW_TICKS_HZ = [20, 100, 1000, 10000];
/** Length of an axis, in CSS pixels, in which all ticks have room. */
const ROOM_UPRIGHT = 170;
const ROOM_LEVEL = 330;

/**
 * Return the ticks of a frequency axis from 20 Hz to 20 kHz, as many as have room.
 *
 * @param {uPlot} u
 * @param {number} axisIndex  0: the level axis; 1: the upright one.
 */
export function ticksHz(u, axisIndex) {
  const { width, height } = u.bbox;
  const room = (axisIndex ? height : width) / devicePixelRatio;
  return room < (axisIndex ? ROOM_UPRIGHT : ROOM_LEVEL) ? FEW_TICKS_HZ : TICKS_HZ;
}

/**
 * Write a tick of a frequency axis.
 *
 * @param {number} hz
 */
export function tick(hz) {
  return hz >= 1000 ? `${hz / 1000}k` : String(hz);
}

/** A uPlot that fills its element and draws at once. */
export class Plot {
  /**
   * @param {HTMLElement} host
   * @param {Partial<uPlot.Options>} options
   * @param {uPlot.AlignedData} data
   */
  constructor(host, options, data) {
    this.u = new uPlot(
      {
        width: Math.max(host.clientWidth, 100),
        height: Math.max(host.clientHeight, 60),
        legend: { show: false },
        padding: [8, 12, 0, 0],
        ...options,
        series: options.series ?? [{}],
        cursor: {
          x: true,
          y: false,
          points: { show: false },
          drag: { x: false, y: false, setScale: false },
          ...options.cursor,
        },
      },
      data,
      host,
    );
  }

  /** @param {uPlot.AlignedData} data */
  set(data) {
    this.u.batch(() => {
      this.u.setData(data, false);
      this.u.redraw(true);
    });
  }

  /**
   * @param {number} width
   * @param {number} height
   */
  resize(width, height) {
    if (width !== this.u.width || height !== this.u.height) this.u.setSize({ width, height });
  }

  restyle() {
    this.u.redraw(true, true);
  }

  dispose() {
    this.u.destroy();
  }
}

/**
 * Draw upright dashed lines with labels.
 *
 * @param {uPlot} u
 * @param {Theme} theme
 * @param {{ x: number | null, label: string }[]} marks
 */
export function drawMarks(u, theme, marks) {
  const { ctx, bbox } = u;
  ctx.save();
  ctx.strokeStyle = ctx.fillStyle = theme.colours.promise;
  ctx.lineWidth = 1.5 * devicePixelRatio;
  ctx.setLineDash([4 * devicePixelRatio, 4 * devicePixelRatio]);
  ctx.font = theme.font.replace("12px", `${12 * devicePixelRatio}px`);
  ctx.textBaseline = "top";
  for (const { x, label } of marks) {
    if (x === null) continue;
    const at = Math.round(u.valToPos(x, "x", true));
    if (!(at >= bbox.left && at <= bbox.left + bbox.width)) continue;
    ctx.beginPath();
    ctx.moveTo(at, bbox.top);
    ctx.lineTo(at, bbox.top + bbox.height);
    ctx.stroke();
    const gap = 5 * devicePixelRatio;
    const { width } = ctx.measureText(label);
    const begin = labelBegin(at, width, gap, bbox.left, bbox.left + bbox.width);
    ctx.textAlign = "left";
    if (begin < at && begin + width > at) { // it stands over its own line; what lies under the label is left out
      ctx.clearRect(begin - gap / 2, bbox.top, width + gap, 14 * devicePixelRatio);
    }
    ctx.fillText(label, begin, bbox.top + 2);
  }
  ctx.restore();
}

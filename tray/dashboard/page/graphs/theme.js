/** The colours of the graphs, as graphs.css and the system's light or dark mode give them. */

const NAMES = /** @type {const} */ ([
  "text", "axis", "grid", "background", "input", "output", "left", "right", "promise",
]);

/** @typedef {Record<typeof NAMES[number], string>} Colours */

export class Theme {
  /** @param {HTMLElement} host  Has the custom properties. */
  constructor(host) {
    this.#host = host;
    this.colours = /** @type {Colours} */ ({});
    this.dark = false;
    this.font = "12px sans-serif";
    this.read();
  }

  #host;

  /** Read the colours again. */
  read() {
    const style = getComputedStyle(this.#host);
    for (const name of NAMES) this.colours[name] = style.getPropertyValue(`--graph-${name}`).trim();
    this.dark = matchMedia("(prefers-color-scheme: dark)").matches;
    this.font = `12px ${style.fontFamily || "sans-serif"}`;
  }
}

// Corners of a scale from silent to loud, even in lightness, legible without colour vision.
const LIGHT = [[255, 255, 255], [205, 222, 240], [117, 170, 219], [40, 105, 175], [8, 40, 95], [0, 8, 30]];
const DARK = [[18, 20, 26], [32, 42, 92], [70, 74, 130], [140, 120, 120], [214, 178, 90], [255, 240, 170]];

/**
 * Return the colours of a spectrogram from silent to loud.
 *
 * @param {boolean} dark
 * @returns {Uint32Array}  256 pixels as ImageData has them.
 */
export function heatColours(dark) {
  const corners = dark ? DARK : LIGHT;
  return Uint32Array.from({ length: 256 }, (_, n) => {
    const place = (n / 255) * (corners.length - 1);
    const k = Math.min(Math.floor(place), corners.length - 2);
    const [r, g, b] = [0, 1, 2].map((c) =>
      Math.round(corners[k][c] + (place - k) * (corners[k + 1][c] - corners[k][c])),
    );
    return ((255 << 24) | (b << 16) | (g << 8) | r) >>> 0; // little endian, as all browsers' machines
  });
}

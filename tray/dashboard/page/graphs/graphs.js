/** All graphs of the dashboard: they are drawn only while they can be seen. */

import { EarsGraph } from "./ears.js";
import { EnvelopeGraph } from "./envelope.js";
import { Frame } from "./frame.js";
import { Live } from "./live.js";
import { LoudnessGraph } from "./loudness.js";
import { RhythmGraph } from "./rhythm.js";
import { SpectrogramGraph } from "./spectrogram.js";
import { SpectrumGraph } from "./spectrum.js";
import { TITLES } from "./texts.js";
import { Theme } from "./theme.js";
import { TimelineGraph } from "./timeline.js";
import { TonesGraph } from "./tones.js";

/** @typedef {import("./frame.js").Graph} Graph */
/** @typedef {import("./live.js").Source} Source */
/** @typedef {keyof typeof TITLES} Name */
/** @typedef {{ frame: Frame, graph: Graph & { collect?: () => void }, drawnMs: number,
 *   wanted: boolean, costMs: number, pictures: number }} Entry */

const KINDS = {
  timeline: TimelineGraph,
  envelope: EnvelopeGraph,
  rhythm: RhythmGraph,
  spectrum: SpectrumGraph,
  ears: EarsGraph,
  tones: TonesGraph,
  spectrogram: SpectrogramGraph,
  loudness: LoudnessGraph,
};

/** Names of all graphs, in the order in which they stand. */
export const NAMES = /** @type {Name[]} */ (Object.keys(KINDS));

const PICTURE_MS = 1000 / 30;
const STILL_MS = 500;
/** A picture may come this much early, so that it does not miss its turn at 60 Hz. */
const EARLY_MS = 4;

/**
 * Put the graphs into an element.
 *
 * `globalThis.entrainGraphs` gives tests what the graphs show, and what they cost.
 *
 * @param {HTMLElement} host  Its look comes from graphs.css and uPlot.min.css.
 * @param {Source} source
 * @returns {{ show: (names: readonly string[]) => void, dispose: () => void }}  `show` chooses the
 *   graphs; all are shown at first.
 */
export function mountGraphs(host, source) {
  host.classList.add("graphs");
  const theme = new Theme(host);
  const live = new Live(source);
  const slow = matchMedia("(prefers-reduced-motion: reduce)");
  const dark = matchMedia("(prefers-color-scheme: dark)");
  /** @type {Map<string, Entry>} */
  const entries = new Map();
  let wanted = false;
  let running = 0;
  let pictureMs = -Infinity;
  const cost = { pictures: 0, script_ms: 0, longest_ms: 0 };

  for (const name of NAMES) {
    const frame = new Frame(host, name, TITLES[name], () => arrange());
    const graph = new KINDS[name](frame, live, theme);
    frame.hold(graph);
    entries.set(name, { frame, graph, drawnMs: -Infinity, wanted: true, costMs: 0, pictures: 0 });
  }

  /** @returns {Entry[]} */
  function visible() {
    if (document.hidden) return [];
    return [...entries.values()].filter(({ frame, wanted }) => wanted && frame.visible);
  }

  /** Start or stop the pictures, and tell the page whether samples are needed. */
  function arrange() {
    const seen = visible();
    const wants = seen.some(({ graph }) => graph.live);
    if (wants !== wanted) {
      wanted = wants;
      if (wants) live.await();
      source.want?.(wants);
    }
    if (seen.length && !running) running = requestAnimationFrame(picture);
  }

  /** @param {number} nowMs */
  function picture(nowMs) {
    const seen = visible();
    running = seen.length ? requestAnimationFrame(picture) : 0;
    const everyMs = slow.matches ? STILL_MS : PICTURE_MS;
    if (nowMs - pictureMs < everyMs - EARLY_MS) return;
    pictureMs = nowMs;
    const begin = performance.now();
    live.begin(nowMs);
    for (const entry of seen) {
      const { frame, graph } = entry;
      if (!frame.frozen && nowMs - entry.drawnMs >= graph.everyMs - EARLY_MS) {
        const before = performance.now();
        if (graph.draw(nowMs)) {
          entry.pictures += 1;
          entry.costMs += performance.now() - before;
        }
        entry.drawnMs = nowMs;
      }
      frame.describe(nowMs);
    }
    const spent = performance.now() - begin;
    cost.pictures += 1;
    cost.script_ms += spent;
    cost.longest_ms = Math.max(cost.longest_ms, spent);
  }

  function restyle() {
    theme.read();
    for (const { graph } of entries.values()) graph.restyle();
  }

  const collector = setInterval(() => {
    if (document.hidden) return; // the page then gets no news
    for (const { graph } of entries.values()) graph.collect?.();
  }, STILL_MS);
  document.addEventListener("visibilitychange", arrange);
  dark.addEventListener("change", restyle);

  const inspection = {
    data: () => Object.fromEntries([...entries].map(([name, { graph }]) => [name, graph.data()])),
    cost: () => ({
      ...cost,
      graphs: Object.fromEntries(
        [...entries].map(([name, { costMs, pictures }]) => [name, { script_ms: costMs, pictures }]),
      ),
    }),
  };
  Object.assign(globalThis, { entrainGraphs: inspection });

  return {
    show(names) {
      for (const [name, entry] of entries) {
        entry.wanted = names.includes(name);
        entry.frame.element.hidden = !entry.wanted;
      }
      arrange();
    },
    dispose() {
      cancelAnimationFrame(running);
      clearInterval(collector);
      document.removeEventListener("visibilitychange", arrange);
      dark.removeEventListener("change", restyle);
      for (const { frame } of entries.values()) frame.dispose();
      entries.clear();
      if (wanted) source.want?.(false);
    },
  };
}

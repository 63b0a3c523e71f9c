/** Analyses of the sound that several graphs share; each is done when a graph asks for it. */

import { find, SteadyFindings } from "../analysis/findings.js";
import { EARS_HZ, Hops } from "../analysis/hops.js";
import { Rhythm } from "../analysis/rhythm.js";
import { WORDS } from "./texts.js";

const RHYTHM_EVERY_MS = 200;
const SILENT_AFTER_MS = 1_000;
/** The first samples have so long to come after they are asked for. */
const AWAITED_MS = 3_000;
/** The ears are compared in a range around the tones, where the music is weaker. */
const AROUND_TONES_HZ = 60;
/** Slower rates roll by; faster ones stand still. */
export const LOCKED_FROM_HZ = 1.5;
const PERIODS = 12;
const [SHORTEST_S, LONGEST_S, ROLLING_S] = [0.25, 4, 8];

/** @typedef {import("../samples.js").Samples} Samples */
/** @typedef {import("../samples.js").Which} Which */

/**
 * @typedef {object} Tones
 * @property {number} left_hz
 * @property {number} right_hz
 * @property {number} beat_hz
 * @property {number} beat_error_hz
 *
 * @typedef {object} Status  The parts of the app's status that the graphs read; all may be missing.
 * @property {string} [state]
 * @property {{ id: string, name?: string, elapsed_s: number, left_s: number | null, rate_hz: number | null,
 *   runs?: boolean, ended?: boolean, layers: Layer[] } | null} [protocol]
 * @property {number} [revision]  Counts the changes of the protocol's content.
 * @property {{ in_lufs: number | null, out_lufs: number | null }} [levels]
 * @property {{ text: string, tones: Tones | null } | null} [measured]
 *
 * @typedef {{ at_s: number, value: number, curve?: string }} Breakpoint
 * @typedef {{ points: Breakpoint[], loop_s?: number }} Automation
 * @typedef {{ kind: string, id?: string, params?: Record<string, number>,
 *   automation?: Record<string, Automation>, place?: import("../api.js").Place | null }} Layer
 *
 * @typedef {object} Source
 * @property {Samples} samples
 * @property {() => Status | null | undefined} status  The newest status.
 * @property {(command: string, fields?: object) => Promise<any>} ask
 * @property {(samples: boolean) => void} [want]  Called when graphs begin, or cease, to need samples.
 */

export class Live {
  /** No frame has come for a second. */
  silent = true;
  /** Counts the times that all analyses began anew. */
  epoch = 0;

  /** @param {Source} source */
  constructor(source) {
    this.source = source;
    this.samples = source.samples;
  }

  #seenEpoch = -1;
  #seenEnd = -1;
  #movedMs = -Infinity;
  #phase = 0;
  #phaseFrame = 0;
  /** @type {Partial<Record<Which, Hops>>} */
  #hops = {};
  /** @type {Partial<Record<Which, { rhythm: Rhythm, atMs: number, ready: boolean }>>} */
  #rhythms = {};
  /** @type {Record<string, SteadyFindings>} */
  #findings = {};
  #findingsOf = "";
  #awaitedMs = -Infinity;
  #nowMs = 0;
  #measuredMs = -1;

  /** @returns {Status} */
  get status() {
    return this.source.status() ?? {};
  }

  /** The rate that the protocol promises at present, in Hz, or null. */
  get promisedHz() {
    const rate = this.status.protocol?.rate_hz;
    return rate ? Math.abs(rate) : null;
  }

  /** Note that samples are asked for: until they come, it is unknown whether a sound plays. */
  await() {
    this.#awaitedMs = performance.now();
  }

  /** What a graph without a sound says. */
  get noSound() {
    return this.#nowMs - this.#awaitedMs < AWAITED_MS ? WORDS.waiting : WORDS.silent;
  }

  /**
   * Begin a picture.
   *
   * @param {number} nowMs
   */
  begin(nowMs) {
    this.#nowMs = nowMs;
    if (this.samples.epoch !== this.#seenEpoch) {
      this.#seenEpoch = this.samples.epoch;
      this.#hops = {};
      this.#rhythms = {};
      this.#findings = {};
      this.#phase = 0;
      this.#phaseFrame = this.samples.end;
      this.epoch += 1;
    }
    if (this.samples.end !== this.#seenEnd) {
      this.#seenEnd = this.samples.end;
      this.#movedMs = nowMs;
    }
    this.silent = !(nowMs - this.#movedMs < SILENT_AFTER_MS);
  }

  /** Whether a layer makes tones, which a soft moment may hide. */
  get #hasTones() {
    const layers = this.status.protocol?.layers ?? [];
    return layers.some(({ params }) => params && "carrier_hz" in params);
  }

  /**
   * Return the power and the phase of the newest seconds.
   *
   * @param {Which} which
   * @returns {Hops | null}  Null before the first sound.
   */
  hops(which) {
    if (!this.samples.rateHz) return null;
    const hops = (this.#hops[which] ??= new Hops(this.samples.rateHz, which));
    const tones = this.status.measured?.tones;
    if (which === "output" && tones) {
      const [low, high] = [tones.left_hz, tones.right_hz].sort((a, b) => a - b);
      hops.crossRange(low - AROUND_TONES_HZ, high + AROUND_TONES_HZ);
    } else if (which === "output" && !this.#hasTones) {
      hops.crossRange(EARS_HZ[0], EARS_HZ[1]);
    }
    hops.follow(this.samples);
    return hops;
  }

  /**
   * Return the rates in the sound, measured at most five times a second.
   *
   * One picture measures either the input or the output, unless the other measurement is old: no
   * picture takes twice as long.
   *
   * @param {Which} which
   * @returns {Rhythm | null}  Null while there is too little sound.
   */
  rhythm(which) {
    const hops = this.hops(which);
    if (!hops) return null;
    const own = (this.#rhythms[which] ??= { rhythm: new Rhythm(hops), atMs: -Infinity, ready: false });
    const ageMs = this.#nowMs - own.atMs;
    const busy = this.#measuredMs === this.#nowMs;
    if (ageMs >= (busy ? 2 * RHYTHM_EVERY_MS : RHYTHM_EVERY_MS)) {
      own.atMs = this.#measuredMs = this.#nowMs;
      own.ready = own.rhythm.measure(hops, this.promisedHz);
    }
    return own.ready ? own.rhythm : null;
  }

  /**
   * Return what stands out in the output, the promised rate first.
   *
   * @param {"depth" | "turning"} kind
   * @returns {import("../analysis/findings.js").Finding[]}
   */
  findings(kind) {
    const output = this.rhythm("output");
    if (!output) return [];
    const judged = `${this.status.protocol?.id} ${this.promisedHz}`;
    if (judged !== this.#findingsOf) {
      this.#findingsOf = judged;
      this.#findings = {};
    }
    const input = this.rhythm("input");
    const found = find(output, input, kind, this.promisedHz);
    if (!input) return found; // the rhythms of the music are not known yet
    return (this.#findings[kind] ??= new SteadyFindings()).take(found, this.#nowMs);
  }

  /**
   * Return the stretch of time that shows the rhythm.
   *
   * It begins at a whole count of promised periods, so that a sound with exactly this rate stands
   * still in it, as on an oscilloscope.
   *
   * @param {Hops} hops
   * @returns {{ first: number, count: number, spanS: number, locked: boolean }}  Index of the first
   *   value, which may be a fraction; count of values.
   */
  stretch(hops) {
    const promisedHz = this.promisedHz;
    const newest = hops.newestFrame;
    const elapsedS = (newest - this.#phaseFrame) / hops.rateHz;
    this.#phase = (this.#phase + elapsedS * (promisedHz ?? 0)) % 1;
    this.#phaseFrame = newest;
    const locked = promisedHz !== null && promisedHz >= LOCKED_FROM_HZ;
    const spanS = locked
      ? Math.min(Math.max(PERIODS / promisedHz, SHORTEST_S), LONGEST_S)
      : ROLLING_S;
    const delayS = locked ? ((this.#phase + 1) % 1) / promisedHz : 0;
    const count = Math.ceil(spanS * hops.hopsPerS);
    return { first: hops.count - 1 - (spanS + delayS) * hops.hopsPerS, count, spanS, locked };
  }
}

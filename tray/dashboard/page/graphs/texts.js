/** All texts of the graphs, and how they write numbers. */

import { clock } from "../format.js";

/** Words that several graphs use. */
export const WORDS = {
  freeze: "Freeze",
  peakHold: "Peak hold",
  table: "Table",
  input: "In: your music",
  output: "Out: what you hear",
  left: "Left ear",
  right: "Right ear",
  both: "Both ears added",
  promise: "Promised rate",
  silent: "No sound is playing.",
  waiting: "Waiting for sound.",
  frozen: "The graph is frozen.",
};

/** Titles of the graphs. */
export const TITLES = {
  spectrum: "Spectrum",
  spectrogram: "Spectrogram",
  envelope: "Envelope: the beat in the sound",
  rhythm: "Rates in the sound",
  ears: "Phase between the ears",
  tones: "Both tones, to the millihertz",
  loudness: "Loudness",
  timeline: "Course of the protocol",
};

/**
 * Write a number with a true minus sign.
 *
 * @param {number} value
 * @param {number} digits  Count of decimals.
 */
export function number(value, digits) {
  const text = Math.abs(value).toFixed(digits);
  return value < 0 && Number(text) !== 0 ? `−${text}` : text;
}

/**
 * Write a level, such as "−12 dBFS".
 *
 * @param {number | null | undefined} db
 * @param {string} unit
 */
export function level(db, unit = "dBFS") {
  return db === null || db === undefined || !(db > -120) ? "silent" : `${number(db, 1)} ${unit}`;
}

/**
 * Write a frequency with three digits, such as "1.02 kHz".
 *
 * @param {number} hz
 */
export function frequency(hz) {
  const [value, unit] = hz < 999.5 ? [hz, "Hz"] : [hz / 1000, "kHz"];
  return `${number(value, value < 9.995 ? 2 : value < 99.95 ? 1 : 0)} ${unit}`;
}

/**
 * Write a share in percent.
 *
 * @param {number} share  1 is all.
 */
export function percent(share) {
  return `${number(100 * share, share < 0.1 ? 1 : 0)} %`;
}

const UNITS = /** @type {Record<string, string>} */ ({
  hz: "Hz", db: "dB", deg: "°", ms: "ms", s: "s", m: "m",
});

/**
 * Write a parameter's address in words, such as "tone: beat (Hz)".
 *
 * @param {string} address
 */
export function parameter(address) {
  const [layer, symbol] = address.split(".");
  const parts = symbol.split("_");
  const unit = parts.length > 1 ? UNITS[parts[parts.length - 1]] : undefined;
  const name = (unit ? parts.slice(0, -1) : parts).join(" ");
  return `${layer}: ${name}${unit ? ` (${unit})` : ""}`;
}

export const SPECTRUM = {
  frequency: "Frequency (Hz)",
  level: "Level (dBFS)",
  input: "In",
  output: "Out",
  inputPeak: "In, highest so far",
  outputPeak: "Out, highest so far",
  band: "Third octave around",
  /**
   * @param {{ hz: number, db: number }} output
   * @param {{ hz: number, db: number } | null} input
   */
  strongest: (output, input) =>
    `The sound that comes out is strongest at ${frequency(output.hz)}, with ${level(output.db)}. ` +
    (input
      ? `Your music is strongest at ${frequency(input.hz)}, with ${level(input.db)}.`
      : "No music goes in."),
};

export const SPECTROGRAM = {
  time: "Seconds before now",
  frequency: "Frequency (Hz)",
  strongest: "Strongest at",
  level: "Level",
  /** @type {(lowDb: number, highDb: number) => string} */
  key: (lowDb, highDb) => `Out: from ${number(lowDb, 0)} dBFS to ${number(highDb, 0)} dBFS`,
  /** @type {(seconds: number, lowHz: number, highHz: number, now: { hz: number, db: number }) => string} */
  range: (seconds, lowHz, highHz, now) =>
    `In the last ${seconds} seconds the strongest sound lay between ${frequency(lowHz)} and ` +
    `${frequency(highHz)}; now it lies at ${frequency(now.hz)}, with ${level(now.db)}.`,
};

export const ENVELOPE = {
  time: "Time (s)",
  level: "Envelope (% of mean)",
  locked: "The picture moves in whole periods of the promised rate, so a beat at that rate stands still.",
  both: "The beat lies between the ears: each ear alone does not swell.",
  steady: "The sound does not swell at a steady rate.",
  /** @type {(line: { hz: number, share: number }) => string} */
  swells: ({ hz, share }) =>
    `The sound swells and fades ${number(hz, 2)} times a second, with a depth of ${percent(share)}.`,
  /** @type {(line: { hz: number, share: number }) => string} */
  musicSwells: ({ hz }) => `Your music itself swells and fades ${number(hz, 2)} times a second.`,
  /** @type {(name: string, percent: { low: number, high: number }) => string} */
  range: (name, { low, high }) =>
    Number.isFinite(low) ? `${name}: ${number(low, 0)} to ${number(high, 0)} % of the mean.` : "",
};

export const RHYTHM = {
  rate: "Rate (Hz)",
  share: "Strength (%)",
  output: "Out: swelling in each ear",
  input: "In: swelling of your music",
  turning: "Out: turning between the ears",
  kind: "What",
  highest: "Highest at (Hz)",
  near: "At the promised rate (%)",
  clear: "Stands out",
  yes: "yes",
  no: "no",
  needsSound: "The graph needs a second of sound.",
  steady: "No steady swelling stands out.",
  /** @param {number} hz */
  mark: (hz) => `promised ${number(hz, 3)} Hz`,
  /** @param {number} hz */
  promised: (hz) => `The protocol promises ${number(hz, 3)} Hz.`,
  /** @param {number} lowHz */
  tooSlow: (lowHz) => `This is slower than the graph can show (${lowHz} Hz).`,
  /** @type {(line: { hz: number, share: number }) => string} */
  swells: ({ hz, share }) => `The sound swells at ${number(hz, 2)} Hz, with a depth of ${percent(share)}.`,
  /** @type {(line: { hz: number, share: number }) => string} */
  musicSwells: ({ hz }) => `Your music itself swells at ${number(hz, 2)} Hz.`,
  missing: "Nothing stands out at this rate.",
  /** @type {(hz: number, turns: boolean) => string} */
  turns: (hz, turns) =>
    `The phase between the ears ${turns ? "turns" : "swings"} at ${number(hz, 2)} Hz.`,
  /** @type {(hz: number, turns: boolean) => string} */
  musicTurns: (hz, turns) =>
    `The phase between your music's own channels ${turns ? "turns" : "swings"} at ${number(hz, 2)} Hz.`,
};

export const EARS = {
  time: "Time (s)",
  phase: "Phase, left − right (°)",
  leftMark: "L",
  rightMark: "R",
  key: "Phase between the ears",
  phaseHead: "Phase (°)",
  alike: "Both ears hear the same: the phase between them stands still.",
  /** @param {number} share */
  mixed: (share) =>
    `The phase between the ears has no steady rate; ${percent(share)} of the sound is alike in both.`,
  /** @type {(hz: number, direction: number) => string} */
  turns: (hz, direction) =>
    direction
      ? `The phase between the ears turns ${number(hz, 2)} times a second; ` +
        `the ${direction > 0 ? "left" : "right"} ear has the higher tone.`
      : `The phase between the ears swings to and fro ${number(hz, 2)} times a second.`,
  /** @type {(hz: number, direction: number) => string} */
  musicTurns: (hz, direction) =>
    `The phase between your music's own channels ${direction ? "turns" : "swings to and fro"} ` +
    `${number(hz, 2)} times a second.`,
};

export const TONES = {
  time: "Seconds before now",
  deviation: "Off the promise (mHz)",
  tone: "Tone",
  beat: "Beat",
  error: "Expected error of the beat",
  none: "No tones are measured: the protocol promises none, or no sound plays.",
  measured: "Measured (Hz)",
  promised: "Promised (Hz)",
  off: "Off (mHz)",
  /** @param {import("./live.js").Tones} tones */
  digits: (tones) =>
    `${WORDS.left} ${number(tones.left_hz, 3)} Hz · ${WORDS.right} ${number(tones.right_hz, 3)} Hz · ` +
    `Beat ${number(tones.beat_hz, 3)} ± ${number(tones.beat_error_hz, 3)} Hz`,
  /** @type {(tones: import("./live.js").Tones, promisedHz: number) => string} */
  sentence: (tones, promisedHz) =>
    `The beat is ${number(tones.beat_hz, 3)} Hz, and ${number(promisedHz, 3)} Hz is promised: ` +
    `${number(1000 * Math.abs(tones.beat_hz - promisedHz), 1)} mHz off, with an expected error of ` +
    `${number(1000 * tones.beat_error_hz, 1)} mHz.`,
};

export const LOUDNESS = {
  time: "Seconds of sound before now",
  loudness: "Loudness (LUFS)",
  /** @type {(output: number | null, input: number | null) => string} */
  now: (output, input) =>
    `The loudness of the last 3 seconds: ${level(output, "LUFS")} out, ${level(input, "LUFS")} in.`,
  /** @type {(low: number, high: number) => string} */
  range: (low, high) => ` So far it was between ${number(low, 1)} and ${number(high, 1)} LUFS out.`,
};

export const TIMELINE = {
  time: "Time in the session",
  strength: "Strength (%)",
  nothing: "No protocol is running.",
  constant: "Nothing in this protocol moves by itself.",
  keys: "Click, or use the arrow keys, to move to another time.",
  parameter: "Parameter",
  atHead: "At",
  valueHead: "Value",
  now: "Now",
  /** @type {(seconds: number, length: number) => string} */
  position: (seconds, length) => `${clock(seconds)} of ${clock(length)}`,
  /** @type {(name: string, elapsedS: number, leftS: number | null) => string} */
  at: (name, elapsedS, leftS) =>
    `${name} is at ${clock(elapsedS)}${leftS === null ? "" : `, and ends in ${clock(leftS)}`}.`,
  /** @type {(address: string, value: number) => string} */
  value: (address, value) => `${parameter(address)}: ${number(value, 2)} now.`,
  /** @param {number} seconds */
  again: (seconds) => `It begins again after ${clock(seconds)}.`,
};

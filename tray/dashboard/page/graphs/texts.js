/** All words of the graphs, and how they write numbers. */

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
  time: "Time",
  seconds: "s",
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
 * Write a time in a session, such as "12:05" or "1:02:05".
 *
 * @param {number} seconds
 */
export function clock(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  const two = (/** @type {number} */ part) => String(part).padStart(2, "0");
  return hours ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`;
}

/**
 * Write a share in percent.
 *
 * @param {number} share  1 is all.
 */
export function percent(share) {
  return `${number(100 * share, share < 0.1 ? 1 : 0)} %`;
}

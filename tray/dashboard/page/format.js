/** Numbers, times and levels as people read them. */

import { T } from "./texts.js";

/**
 * Write a number with at most three decimals, and a true minus sign.
 *
 * @param {number} value
 */
export function number(value) {
  const size = Math.abs(value);
  const text = String(Number(size.toFixed(size < 10_000 ? 3 : 1)));
  return value < 0 && text !== "0" ? `−${text}` : text;
}

/**
 * Write a value with its unit.
 *
 * @param {number} value
 * @param {string} unit
 */
export function quantity(value, unit) {
  const name = unitName(unit);
  return name === "°" ? number(value) + name : name ? `${number(value)} ${name}` : number(value);
}

/** @param {string} unit  as blocks declare it @returns {string} as people write it */
export function unitName(unit) {
  return { 1: "", deg: "°", us: "µs", "1/min": T.perMinute, "dB/octave": T.perOctave }[unit] ?? unit;
}

/**
 * Read a number as people type it: with a comma or a point, and any minus sign.
 *
 * @param {string} text
 * @returns {number}  NaN if it is not a number
 */
export function parse(text) {
  const plain = text.trim().replace(/[−–]/g, "-").replace(",", ".");
  return plain === "" ? NaN : Number(plain);
}

/** @param {number} seconds @returns {string} such as 5:09 or 1:05:09 */
export function clock(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const two = (/** @type {number} */ n) => String(n).padStart(2, "0");
  return h ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

/** @param {number | null | undefined} db */
export function decibels(db) {
  return db === null || db === undefined ? T.silent : `${number(Math.round(db * 10) / 10)} dB`;
}

/** @param {number} rateHz @returns {string} in hertz, or a minute if it is slow */
export function rate(rateHz) {
  return Math.abs(rateHz) < 0.2
    ? `${number(Math.round(600 * rateHz) / 10)} ${T.perMinute}`
    : `${number(rateHz)} Hz`;
}

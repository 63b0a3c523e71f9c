/** How a placed source moves by itself: as `native/src/audio/place.h` does it, seen from above. */

import { number } from "./format.js";
import { T } from "./texts.js";

const STEPS = 72;

/** @typedef {import("./api.js").Place} Place */
/** @typedef {{ azimuth: number, distance: number }} Position  degrees to the left; metres */

/** @param {Place | null | undefined} place */
const moves = (place) => Boolean(place && place.path !== "still" && place.path_hz > 0);

/**
 * Return the positions of one round, or none for a source that stands still.
 *
 * @param {Place | null | undefined} place
 * @returns {Position[]}
 */
export function course(place) {
  if (!place || !moves(place)) return [];
  return Array.from({ length: STEPS + 1 }, (_, n) => positionAt(place, n / STEPS));
}

/** @param {Place} place @param {number} phase  0 … 1 of a round @returns {Position} */
function positionAt(place, phase) {
  const { azimuth_deg: azimuth, distance_m: distance, path_deg: width } = place;
  const sine = Math.sin(2 * Math.PI * phase);
  switch (place.path) {
    case "orbit":
      return { azimuth: azimuth + (width < 0 ? -360 : 360) * phase, distance };
    case "arc":
    case "eight":
    case "swing":
      return { azimuth: azimuth + (width / 2) * sine, distance };
    case "breathe":
      return { azimuth, distance: distance * 2 ** ((width / 180) * sine) };
    default:
      return { azimuth, distance };
  }
}

/**
 * Say how a source moves, such as "circles around your head, once in 32 s"; empty: it stands still.
 *
 * @param {Place | null | undefined} place
 * @returns {string}
 */
export function movement(place) {
  if (!place || !moves(place)) return "";
  return T.onceIn(T.paths[place.path] ?? place.path, number(Math.round(10 / place.path_hz) / 10));
}

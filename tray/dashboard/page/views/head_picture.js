/** The head from above with the sources around it, which mouse and keyboard move. */

import { number } from "../format.js";
import { course, movement } from "../place.js";
import { niceBelow, roundTo } from "../scale.js";
import { ask, useStatus, useStore } from "../store.js";
import { T } from "../texts.js";
import { html, useRef } from "../vendor/standalone.module.js";
import { useDraft } from "./value_field.js";

const NEAR_M = 0.3;
const FAR_M = 20;
const INNER = 46;
const OUTER = 150;
const RINGS_M = [0.5, 1, 2, 5, 10, 20];

/** @typedef {import("../place.js").Position} Position */

/** @param {number} distance @returns {number} in the picture's units */
function radius(distance) {
  const share = Math.log(distance / NEAR_M) / Math.log(FAR_M / NEAR_M);
  return INNER + share * (OUTER - INNER);
}

/** @param {Position} position @returns {[number, number]} */
function point({ azimuth, distance }) {
  const angle = (azimuth * Math.PI) / 180;
  return [-Math.sin(angle) * radius(distance), -Math.cos(angle) * radius(distance)];
}

/** @param {number} x @param {number} y @returns {Position} */
function positionAt(x, y) {
  const share = (Math.hypot(x, y) - INNER) / (OUTER - INNER);
  const distance = NEAR_M * (FAR_M / NEAR_M) ** Math.min(1, Math.max(0, share));
  return {
    azimuth: Math.round((Math.atan2(-x, -y) * 180) / Math.PI),
    distance: roundTo(distance, Math.max(0.01, niceBelow(distance / 20))),
  };
}

/** @param {number} degrees @returns {number} within −180 … 180 */
const within = (degrees) => ((((degrees + 180) % 360) + 360) % 360) - 180;

/** @param {Position} position */
function words({ azimuth, distance }) {
  const whole = Math.round(within(azimuth));
  if (whole === 0) return T.aheadAt(number(distance));
  return T.position(String(Math.abs(whole)), whole > 0 ? T.toLeft : T.toRight, number(distance));
}

/** @param {import("../api.js").Place | null} place */
function placeWords(place) {
  const position = words({ azimuth: place?.azimuth_deg ?? 0, distance: place?.distance_m ?? 1 });
  const moves = movement(place);
  return moves ? T.fromThere(position, moves) : position;
}

/** The way along which a source moves by itself. @param {{ place: import("../api.js").Place | null }} props */
function Path({ place }) {
  const positions = course(place);
  if (positions.length === 0) return null;
  const points = positions.map((position) => point(position).map((x) => x.toFixed(1)).join()).join(" ");
  return html`<polyline class="path" points=${points} aria-hidden="true" />`;
}

export function HeadPicture() {
  const space = useStatus("space");
  const layers = (useStore(({ status }) => status?.protocol?.layers) ?? []).filter(({ place }) => place);
  const { azimuth_deg: azimuth = 0, distance_m: distance = 2, width_deg: width = 60 } = space.params;
  return html`
    <figure class="head-picture">
      <svg viewBox="-168 -172 336 340" role="group" aria-label=${T.picture}>
        ${RINGS_M.map(
          (m) => html`<circle r=${radius(m)} class="ring" />
            <text x="3" y=${radius(m) - 3} class="ring-name" aria-hidden="true">${m} m</text>`,
        )}
        <g transform="rotate(${-(space.yaw_deg ?? 0)})" class="head" aria-hidden="true">
          <path d="M-7,-25 L0,-38 L7,-25 Z" /><ellipse cx="-24" rx="5" ry="9" />
          <ellipse cx="24" rx="5" ry="9" /><ellipse rx="23" ry="27" />
        </g>
        <text y="-158" class="front" aria-hidden="true">${T.front}</text>
        ${space.mode === "speakers" &&
        [-0.5, 0.5].map((side) => {
          const [x, y] = point({ azimuth: azimuth + side * width, distance });
          return html`<rect x="-7" y="-5" width="14" height="10" rx="2" class="speaker"
            transform="translate(${x} ${y}) rotate(${-(azimuth + side * width)})" aria-hidden="true" />`;
        })}
        ${layers.map(({ id, place }) => html`<${Path} key=${id} place=${place} />`)}
        <${Source} name=${T.music} sign="♪" address="space" azimuth=${azimuth} distance=${distance} />
        ${layers.map(
          ({ id, place }, n) => html`<${Source} key=${id} name=${id} sign=${String(n + 1)} address=${id}
            azimuth=${place?.azimuth_deg ?? 0} distance=${place?.distance_m ?? 1} />`,
        )}
      </svg>
      <figcaption class="hint">${T.pictureHelp}</figcaption>
      ${layers.length > 0 &&
      html`<ol class="source-names">${layers.map(
        ({ id, place }) => html`<li>${id}: ${placeWords(place)}</li>`,
      )}</ol>`}
    </figure>`;
}

/**
 * @param {{ name: string, sign: string, address: string, azimuth: number, distance: number }} props
 */
function Source({ name, sign, address, azimuth, distance }) {
  const turn = useDraft(azimuth, (value) =>
    ask("set", { values: { [`${address}.azimuth_deg`]: value } }),
  );
  const away = useDraft(distance, (value) =>
    ask("set", { values: { [`${address}.distance_m`]: value } }),
  );
  const isDragged = useRef(false);
  const position = { azimuth: turn.shown, distance: away.shown };
  const [x, y] = point(position);
  const onKeyDown = (/** @type {KeyboardEvent} */ event) => {
    const step = event.shiftKey ? 1 : 5;
    const further = Math.max(0.01, niceBelow(away.shown / 5));
    /** @type {Record<string, () => void>} */
    const keys = {
      ArrowLeft: () => turn.set(within(turn.shown + step)),
      ArrowRight: () => turn.set(within(turn.shown - step)),
      ArrowUp: () => away.set(Math.min(FAR_M, roundTo(away.shown + further, 0.01))),
      ArrowDown: () => away.set(Math.max(NEAR_M, roundTo(away.shown - further, 0.01))),
    };
    if (!keys[event.key]) return;
    event.preventDefault();
    keys[event.key]();
  };
  const drag = (/** @type {PointerEvent} */ event) => {
    if (!isDragged.current) return;
    const svg = /** @type {SVGGElement} */ (event.currentTarget).ownerSVGElement;
    const toPicture = svg?.getScreenCTM()?.inverse();
    if (!toPicture) return;
    const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(toPicture);
    const wanted = positionAt(at.x, at.y);
    if (wanted.azimuth !== turn.shown) turn.set(wanted.azimuth);
    if (wanted.distance !== away.shown) away.set(wanted.distance);
  };
  return html`
    <g class="source" transform="translate(${x} ${y})" tabindex="0" role="slider" aria-label=${name}
      aria-valuemin="-180" aria-valuemax="180" aria-valuenow=${Math.round(within(turn.shown))}
      aria-valuetext=${words(position)} onKeyDown=${onKeyDown}
      onPointerDown=${(/** @type {any} */ e) => {
        isDragged.current = true;
        e.currentTarget.setPointerCapture(e.pointerId);
        e.currentTarget.focus();
      }}
      onPointerMove=${drag} onPointerUp=${() => (isDragged.current = false)}
      onLostPointerCapture=${() => (isDragged.current = false)}>
      <circle r="13" /><text y="5" aria-hidden="true">${sign}</text>
    </g>`;
}

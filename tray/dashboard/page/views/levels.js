/** Meters of the input and the output. */

import { decibels, number } from "../format.js";
import { useStatus } from "../store.js";
import { T } from "../texts.js";
import { html } from "../vendor/standalone.module.js";
import { Card } from "./card.js";

const LOWEST_DB = -60;

export function Levels() {
  const levels = useStatus("levels");
  const volume = useStatus("volume");
  const muted = useStatus("muted");
  return html`
    <${Card} id="levels" title=${T.levels}>
      <${Meters} />
      <dl class="facts">
        <div><dt>${T.before}</dt><dd>${lufs(levels.in_lufs)}</dd></div>
        <div><dt>${T.after}</dt><dd>${lufs(levels.out_lufs)}</dd></div>
        ${volume !== null &&
        html`<div><dt>${T.volume}</dt>
          <dd>${Math.round(100 * volume)} %${muted ? `, ${T.muted}` : ""}</dd></div>`}
      </dl>
    <//>`;
}

/** @param {number | null} value */
function lufs(value) {
  return value === null ? T.silent : T.loudness(number(Math.round(value * 10) / 10));
}

export function Meters() {
  const levels = useStatus("levels");
  const rows = /** @type {const} */ ([
    [T.before, levels.in_rms_db, levels.in_peak_db, "in"],
    [T.after, levels.out_rms_db, levels.out_peak_db, "out"],
  ]);
  return html`
    <div class="meters">
      ${rows.map(
        ([place, rms, peak, kind]) => html`
          <span class="meter-name">${place}</span>
          <div class="meter-pair">
            ${[0, 1].map(
              (ear) => html`<${Meter} kind=${kind} rms=${rms?.[ear] ?? null} peak=${peak?.[ear] ?? null}
                label=${T.meter(place, T.ears[ear], decibels(rms?.[ear]))} />`,
            )}
          </div>
          <span class="meter-value">${decibels(louder(rms))}</span>`,
      )}
    </div>`;
}

/** @param {import("../api.js").Pair | undefined} pair */
function louder(pair) {
  const loudest = Math.max(...(pair ?? []).map((db) => db ?? -Infinity));
  return loudest > -Infinity ? loudest : null;
}

/** @param {{ kind: string, rms: number | null, peak: number | null, label: string }} props */
function Meter({ kind, rms, peak, label }) {
  const place = (/** @type {number | null} */ db) =>
    db === null ? 0 : Math.min(1, Math.max(0, 1 - db / LOWEST_DB));
  return html`
    <div class="meter meter-${kind}" role="meter" aria-label=${label} aria-valuemin=${LOWEST_DB}
      aria-valuemax="0" aria-valuenow=${Math.max(LOWEST_DB, Math.round(rms ?? LOWEST_DB))}>
      <span class="meter-bar" style=${{ transform: `scaleX(${place(rms).toFixed(3)})` }}></span>
      <span class="meter-peak" style=${{ left: `${(100 * place(peak)).toFixed(1)}%` }}
        hidden=${peak === null}></span>
    </div>`;
}

/** The space: how the music sounds around the head, and the tracked head itself. */

import { number } from "../format.js";
import { ask, run, useStatus, useStore } from "../store.js";
import { T } from "../texts.js";
import { html, useEffect, useState } from "../vendor/standalone.module.js";
import { Card, Segments, Switch } from "./card.js";
import { HeadPicture } from "./head_picture.js";
import { useDraft, ValueField } from "./value_field.js";

const NOT_HERE = new Set(["head_cm", "yaw_deg", "pitch_deg", "roll_deg"]);

export function Space() {
  const space = useStatus("space");
  const block = useStore(({ blocks }) => blocks.get(space.mode));
  const setting = (/** @type {Record<string, unknown>} */ fields) => run("settings", fields);
  const modes = Object.entries(T.spaces).map(([key, words]) => [key, words.split(":")[0]]);
  return html`
    <${Card} id="space" title=${T.space}>
      <${Segments} name="space" legend=${T.headphonesOnly} value=${space.mode} choices=${modes}
        set=${(/** @type {string} */ mode) => setting({ space: { mode } })} />
      <p class="hint">${T.spaces[space.mode]}.</p>
      ${space.setting !== space.mode &&
      html`<p class="hint">${T.yourSetting(T.spaces[space.setting].split(":")[0])}</p>`}
      ${space.note && html`<p class="note">${space.note}</p>`}
      ${space.mode !== "off" && html`<${HeadPicture} />`}
      ${space.mode !== "off" &&
      block &&
      html`<details><summary>${T.more}</summary>
        ${block.parameters
          .filter(({ symbol }) => !NOT_HERE.has(symbol))
          .map(
            (each) => html`<${ValueField} key=${each.symbol} address=${`space.${each.symbol}`}
              parameter=${each} value=${space.params[each.symbol] ?? each.initial} />`,
          )}
      </details>`}
      <div class="columns">
        <${Hrtf} value=${space.hrtf} />
        <${HeadSize} value=${space.head_cm} />
      </div>
      <${Tracking} />
    <//>`;
}

/** @param {{ value: string }} props */
function Hrtf({ value }) {
  const [heads, setHeads] = useState(/** @type {import("../api.js").ListedHead[]} */ ([]));
  // Read anew when another client has chosen a head, which may be new.
  useEffect(() => {
    ask("heads").then((answer) => setHeads(answer.heads), () => {});
  }, [value]);
  const listed = heads.some(({ id }) => id === value) ? heads : [...heads, { id: value, title: "" }];
  return html`
    <label class="field"><span>${T.hrtf}</span>
      <select value=${value}
        onChange=${(/** @type {any} */ e) => run("settings", { hrtf: e.target.value })}>
        ${listed.map(
          ({ id, title }) =>
            html`<option key=${id} value=${id}>${title ? `${id}: ${title}` : id}</option>`,
        )}
      </select></label>`;
}

/** @param {{ value: number }} props */
function HeadSize({ value }) {
  const send = (/** @type {number} */ cm) => ask("settings", { space: { head_cm: cm } });
  const { shown, error, set } = useDraft(value, send);
  return html`
    <label class="field"><span>${T.headCm}</span>
      <span class="number"><input type="number" step="0.5" value=${shown}
        aria-invalid=${Boolean(error)} aria-describedby=${error ? "head-cm-error" : undefined}
        onChange=${(/** @type {any} */ e) => set(Number(e.target.value))} />
        <span class="unit">cm</span></span>
      ${error && html`<span class="error" id="head-cm-error" role="alert">${error}</span>`}
    </label>`;
}

function Tracking() {
  const head = useStatus("head");
  const yaw = head.yaw_deg;
  const track = (/** @type {Record<string, unknown>} */ fields) => run("tracking", fields);
  return html`
    <${Switch} label=${T.tracking} on=${head.on} set=${(/** @type {boolean} */ on) => track({ on })} />
    ${head.on &&
    html`
      <label class="field"><span>${T.trackerPreset}</span>
        <select value=${head.preset}
          onChange=${(/** @type {any} */ e) => track({ preset: e.target.value })}>
          ${Object.entries(T.presets).map(([key, name]) => html`<option value=${key}>${name}</option>`)}
        </select></label>
      <p class="hint">${head.source
        ? T.tracker(head.source, number(Math.round(head.packets_per_s)))
        : T.noTracker}
        ${yaw !== null && html`<br />${T.turned(turnText(yaw))}`}</p>
      ${head.problem && html`<p class="note">${head.problem}</p>`}
      <div class="buttons"><button type="button" disabled=${!head.source}
        onClick=${() => run("recentre")}>${T.recentre}</button></div>`}`;
}

/** @param {number} yaw */
function turnText(yaw) {
  const whole = Math.round(yaw);
  if (whole === 0) return T.ahead;
  return `${Math.abs(whole)}° ${whole > 0 ? T.toLeft : T.toRight}`;
}

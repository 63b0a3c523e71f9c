/** The sleep timer. */

import { clock } from "../format.js";
import { run, useStatus } from "../store.js";
import { T } from "../texts.js";
import { html } from "../vendor/standalone.module.js";
import { Card } from "./card.js";

const MINUTES = [15, 30, 45, 60, 90];

export function Sleep() {
  const left = useStatus("sleep_left_s");
  const set = (/** @type {number | null} */ minutes) => () => run("sleep", { minutes });
  return html`
    <${Card} id="sleep" title=${T.sleep}>
      <p>${left === null ? T.sleepOff : T.sleepLeft(clock(left))}
        ${" "}<span class="hint">${T.sleepHint}</span></p>
      <div class="buttons tight">
        ${MINUTES.map((n) => html`<button type="button" onClick=${set(n)}>${T.minutes(n)}</button>`)}
        ${left !== null && html`<button type="button" onClick=${set(null)}>${T.sleepCancel}</button>`}
      </div>
    <//>`;
}

/** The top of the page: the state in words, bypass, undo, and what cannot be done. */

import { forgetRefusal, run, useStatus, useStore } from "../store.js";
import { T } from "../texts.js";
import { html } from "../vendor/standalone.module.js";
import { Segments, Switch } from "./card.js";

/** @type {Record<string, string>} */
const SIGNS = {
  processing: "▶",
  idle: "◦",
  bypassed: "⇢",
  off: "○",
  "waiting-for-device": "…",
  failed: "!",
};

export function Header() {
  return html`
    <header class="top">
      <div class="brand"><img src="icon.svg" width="28" height="28" alt="" /><h1>${T.name}</h1></div>
      <${StateLine} />
      <div class="top-controls"><${History} /><${Bypass} /><${OnSwitch} /><${ViewLink} /></div>
      <${Messages} />
    </header>`;
}

export function StateLine() {
  const state = useStatus("state");
  const reason = useStatus("reason");
  const retry = useStatus("retry_in_s");
  const known = reason && state === "failed" ? reason : T.states[state];
  return html`
    <div class="state state-${state}" role="status">
      <span class="state-sign" aria-hidden="true">${SIGNS[state]}</span>
      <span><span class="state-words">${known}</span>
        ${reason && reason !== known && html`<span class="state-reason">${reason}</span>`}
        ${retry !== null && html`<span class="state-reason">${T.retry(retry)}</span>`}
      </span>
    </div>`;
}

export function Bypass() {
  const bypass = useStatus("bypass");
  return html`
    <div class="bypass" title=${T.matched}>
      <${Segments} name="bypass" legend=${T.hear} value=${bypass ? "b" : "a"}
        choices=${[["a", T.processed], ["b", T.untouched]]}
        set=${(/** @type {string} */ key) => run("bypass", { on: key === "b", matched: true })} />
    </div>`;
}

export function OnSwitch() {
  const on = useStatus("on");
  return html`<${Switch} label=${T.on} on=${on} set=${() => run(on ? "off" : "on")} />`;
}

export function History() {
  return html`
    <div class="pair">
      <${Step} command="undo" can=${useStatus("can_undo")} what=${useStatus("undo_text")}
        keys="Control+Z">↶ ${T.undo}<//>
      <${Step} command="redo" can=${useStatus("can_redo")} what=${useStatus("redo_text")}
        keys="Control+Shift+Z">↷ ${T.redo}<//>
    </div>`;
}

/**
 * A step back or forth; its description says which.
 *
 * @param {{ command: string, can: boolean, what: string, keys: string, children?: unknown }} props
 */
function Step({ command, can, what, keys, children }) {
  return html`
    <button type="button" aria-disabled=${!can} aria-keyshortcuts=${keys} title=${what}
      aria-description=${what || undefined} onClick=${() => can && run(command)}>${children}</button>`;
}

function ViewLink() {
  return html`<a class="view-link" href="#compact">${T.compact}</a>`;
}

/** What is wrong with the connection, and what Entrain has refused. */
export function Messages() {
  const trouble = useStore((store) => store.trouble);
  const refused = useStore((store) => store.refused);
  return html`
    <div class="messages" role="alert">
      ${trouble && html`<p class="message trouble">${trouble}</p>`}
      ${refused &&
      !trouble &&
      html`<p class="message refused">${refused}
        <button type="button" class="icon-button" aria-label=${T.close} onClick=${forgetRefusal}>✕</button>
      </p>`}
    </div>`;
}

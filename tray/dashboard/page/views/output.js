/** The real device, and the apps that play through Entrain. */

import { run, useStatus } from "../store.js";
import { T } from "../texts.js";
import { html } from "../vendor/standalone.module.js";
import { Card, Switch } from "./card.js";

export function Output() {
  const output = useStatus("output");
  const outputs = useStatus("outputs");
  const chosen = useStatus("chosen_output");
  const softened = useStatus("softened");
  const isThere = outputs.some(({ name }) => name === chosen);
  const choose = (/** @type {any} */ event) => run("output", { name: event.target.value || null });
  return html`
    <${Card} id="output" title=${T.output}>
      ${output
        ? html`<p><strong>${output.description}</strong><br />
            <span class="hint">${T.forms[output.form] ?? output.form}${output.rate_hz
              ? ` · ${output.rate_hz} Hz`
              : ""}</span></p>`
        : html`<p>${T.noOutput}</p>`}
      <label class="field"><span>${T.device}</span>
        <select value=${chosen} onChange=${choose}>
          <option value="">${T.automatic}</option>
          ${outputs.map(({ name, description }) => html`<option value=${name}>${description}</option>`)}
          ${chosen && !isThere && html`<option value=${chosen}>${T.notConnected(chosen)}</option>`}
        </select></label>
      ${softened &&
      html`<p class="note">${T.softened[softened]}
        <button type="button" onClick=${() => run("output", { name: chosen || null })}>${T.fullVolume}</button></p>`}
    <//>`;
}

export function Apps() {
  const mode = useStatus("mode");
  const apps = useStatus("applications");
  const change = (/** @type {Partial<import("../api.js").Applications>} */ fields) =>
    run("settings", { applications: { ...apps, ...fields } });
  return html`
    <${Card} id="apps" title=${T.apps}>
      <label class="field"><span>${T.modes}</span>
        <select value=${mode} onChange=${(/** @type {any} */ e) => run("settings", { mode: e.target.value })}>
          ${Object.entries(T.modeNames).map(([key, name]) => html`<option value=${key}>${name}</option>`)}
        </select></label>
      <${Switch} label=${T.callsPass} on=${apps.calls_pass}
        set=${(/** @type {boolean} */ on) => change({ calls_pass: on })} />
      <${Switch} label=${T.notificationsPass} on=${apps.notifications_pass}
        set=${(/** @type {boolean} */ on) => change({ notifications_pass: on })} />
      <${Names} title=${T.excluded} names=${apps.exclude}
        set=${(/** @type {string[]} */ names) => change({ exclude: names })} />
      <${Names} title=${T.included} names=${apps.include}
        set=${(/** @type {string[]} */ names) => change({ include: names })} />
    <//>`;
}

/** @param {{ title: string, names: string[], set: (names: string[]) => void }} props */
function Names({ title, names, set }) {
  const add = (/** @type {any} */ event) => {
    event.preventDefault();
    const field = event.target.elements.app;
    const name = field.value.trim();
    if (name && !names.includes(name)) set([...names, name]);
    field.value = "";
  };
  return html`
    <h3>${title}</h3>
    ${names.length === 0 && html`<p class="hint">${T.none}</p>`}
    <ul class="names">
      ${names.map(
        (name) => html`<li key=${name}>${name}
          <button type="button" class="icon-button" aria-label=${T.forget(name)} title=${T.forget(name)}
            onClick=${() => set(names.filter((each) => each !== name))}>✕</button></li>`,
      )}
    </ul>
    <form class="add" onSubmit=${add}>
      <input name="app" autocomplete="off" maxlength="255" aria-label=${`${title}: ${T.appName}`}
        placeholder=${T.appName} />
      <button>${T.add}</button>
    </form>`;
}

/** Control from outside: MIDI devices with their mappings, and other programs by OSC. */

import { ask, run, useStatus } from "../store.js";
import { T } from "../texts.js";
import { html, useEffect, useState } from "../vendor/standalone.module.js";
import { Card, Switch } from "./card.js";

/** @typedef {import("../api.js").MidiMapping} MidiMapping */

export function Outside() {
  const midi = useStatus("midi");
  const osc = useStatus("osc");
  return html`
    <${Card} id="outside" title=${T.outside}>
      <${Switch} label=${T.midi} on=${midi.on} set=${(/** @type {boolean} */ on) => run("midi", { on })} />
      ${midi.on && html`<${Midi} midi=${midi} />`}
      <p class="hint">${oscLine(osc)}</p>
    <//>`;
}

/** @param {import("../api.js").Osc} osc */
function oscLine(osc) {
  if (!osc.on) return T.oscOff;
  return osc.problem || T.oscOn(osc.listen, osc.port, osc.clients);
}

/** @param {{ midi: import("../api.js").Midi }} props */
function Midi({ midi }) {
  const mappings = useMappings(midi);
  const targets = useTargets();
  const [chosen, setChosen] = useState("");
  const target = targets.includes(chosen) ? chosen : (targets[0] ?? "");
  const { learning, learned } = midi;
  return html`
    ${midi.problem && html`<p class="error" role="alert">${midi.problem}</p>`}
    <p class="hint">${midi.devices.length ? T.midiHears(midi.devices.join(", ")) : T.midiNoDevice}</p>
    <div class="field-row">
      <label class="field"><span>${T.midiTarget}</span>
        <select value=${target} onChange=${(/** @type {any} */ e) => setChosen(e.target.value)}>
          ${targets.map((each) => html`<option value=${each}>${T.midiActions[each] ?? each}</option>`)}
        </select></label>
      ${learning
        ? html`<button type="button" onClick=${() => run("midi_learn", { target: null })}>${T.cancel}</button>`
        : html`<button type="button" disabled=${!target}
            onClick=${() => run("midi_learn", { target })}>${T.midiLearn}</button>`}
    </div>
    <p role="status">${learning
      ? T.midiMove(nameOf(learning.target), learning.heard)
      : learned && T.midiLearned(controlOf(learned), nameOf(learned.target))}</p>
    ${mappings.length === 0 && html`<p class="hint">${T.midiNoMapping}</p>`}
    <ul class="names">
      ${mappings.map((each) => {
        const { device, kind, channel, number, target: mapped } = each;
        const name = `${device}, ${controlOf(each)} → ${nameOf(mapped)}`;
        const control = { device, kind, channel, number };
        return html`<li key=${name}>${name}
          <button type="button" class="icon-button" aria-label=${T.forget(name)} title=${T.forget(name)}
            onClick=${() => run("midi_forget", { target: mapped, control })}>✕</button></li>`;
      })}
    </ul>`;
}

/**
 * Return the user's mappings; they are asked for again after each change.
 *
 * @param {import("../api.js").Midi} midi
 * @returns {MidiMapping[]}
 */
function useMappings(midi) {
  const [found, setFound] = useState(/** @type {MidiMapping[]} */ ([]));
  useEffect(() => {
    let wanted = true;
    ask("midi_mappings").then(
      ({ mappings }) => wanted && setFound(mappings),
      () => {},
    );
    return () => {
      wanted = false;
    };
  }, [midi.revision]);
  return found;
}

/** Return what a control can change: each value of the layers, and the actions. */
function useTargets() {
  const layers = useStatus("protocol")?.layers ?? [];
  const values = layers.flatMap(({ id, params }) => Object.keys(params).map((each) => `${id}.${each}`));
  return [...values, ...Object.keys(T.midiActions)];
}

/** @param {string} target */
const nameOf = (target) => T.midiActions[target] ?? target;

/** @param {MidiMapping} mapping */
const controlOf = ({ kind, channel, number }) => T.midiControl(T.midiKinds[kind] ?? kind, number, channel);

/** Small parts that several views share. */

import { T } from "../texts.js";
import { html, useEffect, useRef } from "../vendor/standalone.module.js";

/** @param {{ id: string, title: string, class?: string, children?: any }} props */
export function Card({ id, title, class: more = "", children }) {
  return html`
    <section class="card ${more}" id=${id} aria-labelledby="${id}-title">
      <h2 id="${id}-title">${title}</h2>
      ${children}
    </section>`;
}

/** @param {{ label: string, on: boolean, set: (on: boolean) => void, id?: string }} props */
export function Switch({ label, on, set, id }) {
  return html`
    <button type="button" class="switch" role="switch" id=${id} aria-checked=${on}
      onClick=${() => set(!on)}>
      <span class="switch-track" aria-hidden="true"></span><span>${label}</span>
    </button>`;
}

/**
 * A few alternatives side by side.
 *
 * @param {{ name: string, legend: string, value: string, choices: [string, string][],
 *   set: (value: string) => void, class?: string }} props
 */
export function Segments({ name, legend, value, choices, set, class: more = "" }) {
  return html`
    <fieldset class="segments ${more}">
      <legend>${legend}</legend>
      <div class="segments-row">
        ${choices.map(
          ([key, label]) => html`
            <label><input type="radio" name=${name} value=${key} checked=${key === value}
              onChange=${() => set(key)} /><span>${label}</span></label>`,
        )}
      </div>
    </fieldset>`;
}

/**
 * A dialog that keeps the focus inside; Escape closes it.
 *
 * @param {{ title: string, close: () => void, class?: string, children?: any }} props
 */
export function Dialog({ title, close, class: more = "", children }) {
  const element = useRef(/** @type {HTMLDialogElement | null} */ (null));
  useEffect(() => {
    const dialog = element.current;
    dialog?.showModal();
    return () => dialog?.close(); // gives the focus back
  }, []);
  return html`
    <dialog ref=${element} class=${more} aria-labelledby="dialog-title" onClose=${close}
      onClick=${(/** @type {any} */ e) => e.target === element.current && close()}>
      <div class="dialog-inside">
        <header><h2 id="dialog-title">${title}</h2>
          <button type="button" class="icon-button" aria-label=${T.close} title=${T.close}
            onClick=${close}>✕</button></header>
        ${children}
      </div>
    </dialog>`;
}

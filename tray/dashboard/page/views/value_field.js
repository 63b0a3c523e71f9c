/** One value of Entrain: a slider on the value's own scale, and a field for its number. */

import { number, parse, quantity, unitName } from "../format.js";
import { nextValue, Scale } from "../scale.js";
import { ask, lineOf } from "../store.js";
import { T } from "../texts.js";
import { html, useEffect, useRef, useState } from "../vendor/standalone.module.js";

const SETTLED_MS = 400;

/**
 * Send the latest of many values, one request at a time; show a value until Entrain's status has it.
 *
 * @param {number} value  as Entrain's status has it
 * @param {(value: number) => Promise<unknown>} send
 * @returns {{ shown: number, error: string, set: (value: number) => void,
 *   fail: (line: string) => void }}
 */
export function useDraft(value, send) {
  const [draft, setDraft] = useState(/** @type {number | null} */ (null));
  const [error, setError] = useState("");
  const state = useRef({ busy: false, waiting: /** @type {number | null} */ (null), timer: 0 });
  useEffect(() => () => clearTimeout(state.current.timer), []);

  const set = async (/** @type {number} */ wanted) => {
    const now = state.current;
    clearTimeout(now.timer);
    setDraft(wanted);
    now.waiting = wanted;
    if (now.busy) return;
    now.busy = true;
    while (now.waiting !== null) {
      const next = now.waiting;
      now.waiting = null;
      try {
        await send(next);
        setError("");
      } catch (refusal) {
        if (now.waiting !== null) continue;
        setError(lineOf(refusal));
        setDraft(null);
      }
    }
    now.busy = false;
    now.timer = setTimeout(() => setDraft(null), SETTLED_MS);
  };
  return { shown: draft ?? value, error, set, fail: setError };
}

/**
 * @param {{ address: string, parameter: import("../api.js").Parameter, value: number,
 *   moves?: boolean, label?: string }} props
 */
export function ValueField({ address, parameter, value, moves = false }) {
  const send = (/** @type {number} */ v) => ask("set", { values: { [address]: v } });
  const { shown, error, set, fail } = useDraft(value, send);
  const id = `value-${address.replace(".", "-")}`;
  const isInitial = shown === parameter.initial;
  const initial = T.initial(valueText(parameter, parameter.initial));
  const described = [error && `${id}-error`, moves && `${id}-moves`].filter(Boolean).join(" ");
  const common = { id, parameter, shown, set, described, invalid: Boolean(error) };
  return html`
    <div class="value ${parameter.choices.length ? "value-choice" : ""}">
      <label for=${id} class="value-name" title=${initial} onDblClick=${() => set(parameter.initial)}>
        ${parameter.name}
      </label>
      ${parameter.choices.length
        ? html`<${Choice} ...${common} />`
        : html`<${Slider} ...${common} /><${NumberField} ...${common} fail=${fail} />`}
      <button type="button" class="icon-button reset" title=${`${T.toInitial} (${initial})`}
        aria-label=${`${parameter.name}: ${T.toInitial}`} hidden=${isInitial}
        onClick=${() => set(parameter.initial)}>↺</button>
      ${moves && html`<p class="hint" id="${id}-moves" title=${T.movesHint}>${T.moves}</p>`}
      ${error && html`<p class="error" id="${id}-error" role="alert">${error}</p>`}
    </div>`;
}

/**
 * @param {import("../api.js").Parameter} parameter
 * @param {number} value
 */
function valueText(parameter, value) {
  const choice = parameter.choices.find((each) => each.value === value);
  return choice ? choice.name : quantity(value, parameter.unit);
}

/**
 * @typedef {{ id: string, parameter: import("../api.js").Parameter, shown: number,
 *   set: (value: number) => void, described: string, invalid: boolean }} Common
 */

/** @param {Common} props */
function Choice({ id, parameter, shown, set, described, invalid }) {
  return html`
    <select id=${id} aria-describedby=${described || undefined} aria-invalid=${invalid}
      value=${String(shown)} onChange=${(/** @type {any} */ e) => set(Number(e.target.value))}
      onKeyDown=${(/** @type {KeyboardEvent} */ e) => e.key === "Delete" && set(parameter.initial)}>
      ${parameter.choices.map(
        (each) => html`<option value=${String(each.value)}>${each.name}</option>`,
      )}
    </select>`;
}

/** @param {Common} props */
function Slider({ id, parameter, shown, set, described }) {
  const scale = new Scale(parameter);
  return html`
    <input type="range" id=${id} step="any" min=${scale.low} max=${scale.high}
      value=${scale.position(shown)} aria-valuetext=${quantity(shown, parameter.unit)}
      aria-describedby=${described || undefined}
      onInput=${(/** @type {any} */ e) => set(scale.value(Number(e.target.value)))}
      onDblClick=${() => set(parameter.initial)}
      onKeyDown=${(/** @type {KeyboardEvent} */ e) => {
        const next = e.key === "Delete" ? parameter.initial : nextValue(parameter, shown, e);
        if (next === null) return;
        e.preventDefault();
        set(next);
      }}
      onWheel=${(/** @type {WheelEvent} */ e) => turn(e, parameter, shown, set)} />`;
}

/** @param {Common & { fail: (line: string) => void }} props */
function NumberField({ id, parameter, shown, set, described, invalid, fail }) {
  const [text, setText] = useState(/** @type {string | null} */ (null));
  const commit = () => {
    if (text === null) return;
    const typed = parse(text);
    setText(null);
    if (Number.isNaN(typed)) fail(T.notANumber(text));
    else if (typed !== shown) set(typed);
    else fail("");
  };
  return html`
    <span class="number">
      <input type="text" inputmode="decimal" autocomplete="off" class="number-field"
        aria-label=${`${parameter.name}${unitName(parameter.unit) && ", "}${unitName(parameter.unit)}`}
        aria-describedby=${described || undefined} aria-invalid=${invalid} id="${id}-number"
        value=${text ?? number(shown)}
        onInput=${(/** @type {any} */ e) => setText(e.target.value)}
        onBlur=${commit}
        onKeyDown=${(/** @type {KeyboardEvent} */ e) => {
          if (e.key === "Enter") commit();
          else if (e.key === "Escape") setText(null);
          else if (!["Home", "End", "ArrowLeft", "ArrowRight"].includes(e.key)) {
            const next = nextValue(parameter, shown, e);
            if (next === null) return;
            e.preventDefault();
            setText(null);
            set(next);
          }
        }}
        onWheel=${(/** @type {WheelEvent} */ e) => turn(e, parameter, shown, set)} />
      <span class="unit" aria-hidden="true">${unitName(parameter.unit)}</span>
    </span>`;
}

/**
 * Let the wheel change a value only where the focus is, so that scrolling the page changes none.
 *
 * @param {WheelEvent} event
 * @param {import("../api.js").Parameter} parameter
 * @param {number} shown
 * @param {(value: number) => void} set
 */
function turn(event, parameter, shown, set) {
  if (document.activeElement !== event.currentTarget || !event.deltaY) return;
  event.preventDefault();
  const key = event.deltaY < 0 ? "ArrowUp" : "ArrowDown";
  set(/** @type {number} */ (nextValue(parameter, shown, { key, shiftKey: event.shiftKey })));
}


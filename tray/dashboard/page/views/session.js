/** The protocol that runs: its course, its rate and strength, and what is promised and measured. */

import { clock, rate } from "../format.js";
import { ask, lineOf, run, useStatus, useStore } from "../store.js";
import { T } from "../texts.js";
import { html, useEffect, useState } from "../vendor/standalone.module.js";
import { Card, Dialog } from "./card.js";
import { Grades } from "./evidence.js";
import { Library } from "./library.js";

export function Session() {
  const protocol = useStatus("protocol");
  const document_ = useDocument(protocol?.id ?? "");
  const [dialog, setDialog] = useState("");
  return html`
    <${Card} id="session" title=${T.session}>
      ${protocol ? html`<${Running} protocol=${protocol} />` : html`<p>${T.nothingRuns}</p>`}
      <div class="buttons">
        <button type="button" class="primary" onClick=${() => setDialog("library")}>${T.choose}</button>
        ${protocol && html`<button type="button" title=${T.nextHint} onClick=${() => run("next")}>${T.next}</button>`}
      </div>
      ${protocol && html`<${Steps} />`}
      ${document_?.evidence && html`<${Grades} evidence=${document_.evidence} />`}
      ${protocol &&
      html`<div class="buttons">
        ${document_ &&
        html`<button type="button" onClick=${() => setDialog("evidence")}>${T.evidence}</button>`}
        <button type="button" onClick=${() => setDialog("save")}>${T.saveAs}</button>
      </div>`}
      ${(dialog === "library" || dialog === "evidence") &&
      html`<${Library} first=${dialog === "evidence" ? protocol?.id : ""}
        close=${() => setDialog("")} />`}
      ${dialog === "save" && html`<${SaveDialog} close=${() => setDialog("")} />`}
    <//>`;
}

/** @param {{ protocol: import("../api.js").ActiveProtocol }} props */
function Running({ protocol }) {
  const measured = useStatus("measured");
  const state = useStatus("state");
  const unmeasured =
    protocol.rate_hz === null ? T.noRate : state === "processing" ? T.measuring : T.noMeasurement;
  return html`
    <p class="protocol-name">${protocol.name}
      ${!protocol.runs && html`<span class="kind">${T.paused}</span>`}</p>
    ${protocol.note && html`<p class="note">${protocol.note}</p>`}
    <${Course} protocol=${protocol} />
    <dl class="facts words">
      ${protocol.rate_hz !== null &&
      html`<div><dt>${T.promised}</dt><dd>${rate(protocol.rate_hz)}</dd></div>`}
      <div><dt>${T.measured}</dt><dd class="measured">${measured?.text || unmeasured}</dd></div>
    </dl>`;
}

/** @param {{ protocol: import("../api.js").ActiveProtocol }} props */
export function Course({ protocol }) {
  const { elapsed_s: heard, left_s: left } = useStatus("position");
  return html`
    <div class="course">
      ${left !== null &&
      html`<span class="course-bar" aria-hidden="true"><span
        style=${{ transform: `scaleX(${(heard / Math.max(1, heard + left)).toFixed(3)})` }}></span></span>`}
      <span class="course-words">
        ${protocol.ended ? T.ended : T.elapsed(clock(heard))}
        ${!protocol.ended && html` · ${left === null ? T.noEnd : T.timeLeft(clock(left))}`}
      </span>
      <span class="pair">
        <button type="button" onClick=${() => run("session", { runs: !protocol.runs })}>
          ${protocol.runs ? T.pause : T.resume}</button>
        <button type="button" onClick=${() => run("session", { runs: true, position_s: 0 })}>
          ${T.restart}</button>
      </span>
    </div>`;
}

/** A step faster, slower, stronger or weaker; a protocol without a rate has no faster. */
export function Steps() {
  const hasRate = useStore(({ status }) => (status?.protocol?.rate_hz ?? null) !== null);
  const step = (/** @type {string} */ field, /** @type {number} */ n) => () =>
    run("adjust", { [field]: n });
  return html`
    <div class="steps">
      <div role="group" aria-label=${T.strength} class="step">
        <span class="step-name" aria-hidden="true">${T.strength}</span>
        <div class="pair">
          <button type="button" onClick=${step("level_steps", -1)}>− ${T.weaker}</button>
          <button type="button" onClick=${step("level_steps", 1)}>+ ${T.stronger}</button>
        </div>
      </div>
      <div role="group" aria-label=${T.rate} class="step" title=${hasRate ? undefined : T.noRate}>
        <span class="step-name" aria-hidden="true">${T.rate}</span>
        <div class="pair">
          <button type="button" disabled=${!hasRate} onClick=${step("rate_steps", -1)}>− ${T.slower}</button>
          <button type="button" disabled=${!hasRate} onClick=${step("rate_steps", 1)}>+ ${T.faster}</button>
        </div>
      </div>
    </div>`;
}

/**
 * Return the whole document of a protocol; null while it is not known, or is not in the library.
 *
 * @param {string} id
 * @returns {import("../api.js").Document | null}
 */
export function useDocument(id) {
  const [found, setFound] = useState(/** @type {import("../api.js").Document | null} */ (null));
  const trouble = useStore((store) => store.trouble);
  useEffect(() => setFound(null), [id]);
  useEffect(() => {
    let wanted = true;
    if (id && !trouble) {
      ask("protocol", { id }).then(
        (answer) => wanted && setFound(answer.document),
        () => {},
      );
    }
    return () => {
      wanted = false;
    };
  }, [id, trouble]); // what Entrain could not answer is asked again once it is back
  return found;
}

/** @param {{ close: () => void }} props */
function SaveDialog({ close }) {
  const [error, setError] = useState("");
  const submit = (/** @type {any} */ event) => {
    event.preventDefault();
    const form = new FormData(event.target);
    const fields = { name: String(form.get("name")).trim(), replace: form.has("replace") };
    ask("save", fields).then(close, (refusal) => setError(lineOf(refusal)));
  };
  return html`
    <${Dialog} title=${T.saveTitle} close=${close} class="small">
      <form onSubmit=${submit}>
        <label class="field"><span>${T.saveName}</span>
          <input name="name" autofocus required maxlength="100" autocomplete="off" aria-invalid=${Boolean(error)}
            aria-describedby=${error ? "save-error" : undefined} /></label>
        ${error && html`<p class="error" id="save-error" role="alert">${error}</p>`}
        <label class="check"><input type="checkbox" name="replace" /> ${T.saveReplace}</label>
        <div class="buttons"><button class="primary">${T.save}</button>
          <button type="button" onClick=${close}>${T.cancel}</button></div>
      </form>
    <//>`;
}

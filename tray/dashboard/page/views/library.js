/** The dialog with all protocols by category, and one of them in full. */

import { ask, lineOf, run, useStatus } from "../store.js";
import { T } from "../texts.js";
import { html, useEffect, useRef, useState } from "../vendor/standalone.module.js";
import { Dialog } from "./card.js";
import { Evidence, GradeBadge } from "./evidence.js";
import { useDocument } from "./session.js";

/** @typedef {import("../api.js").ListedProtocol} Listed */

/** @param {{ first?: string, close: () => void }} props */
export function Library({ first = "", close }) {
  const [library, setLibrary] = useState(/** @type {import("../api.js").Library | null} */ (null));
  const [search, setSearch] = useState("");
  const running = useStatus("protocol")?.id ?? "";
  const [chosen, setChosen] = useState(first || running);
  const [showsOne, setShowsOne] = useState(Boolean(first));
  const one = useRef(/** @type {HTMLElement | null} */ (null));
  useEffect(() => void (first && one.current?.focus()), []);
  const read = () => run("protocols").then((found) => found && setLibrary(found));
  useEffect(() => void read(), []);
  const wanted = search.trim().toLowerCase();
  const all = (library?.protocols ?? []).filter(
    ({ id, name, category }) =>
      !wanted || `${id} ${name} ${T.categories[category]}`.toLowerCase().includes(wanted),
  );
  const listed = library?.protocols.find(({ id }) => id === chosen);
  return html`
    <${Dialog} title=${T.library} close=${close} class="library ${showsOne ? "shows-one" : ""}">
      <p class="notice">${T.notice}</p>
      <div class="panes">
        <div class="pane-list">
          <input type="search" autofocus=${!first} aria-label=${T.search} placeholder=${T.search} value=${search}
            onInput=${(/** @type {any} */ e) => setSearch(e.target.value)} />
          <div class="list">
            ${library && all.length === 0 && html`<p>${T.noMatch}</p>`}
            ${byCategory(all).map(
              ([category, members]) => html`
                <fieldset key=${category}><legend>${T.categories[category] ?? category}</legend>
                  ${members.map(
                    (each) => html`<${Row} key=${each.id} listed=${each} chosen=${each.id === chosen}
                      running=${each.id === running} choose=${() => setChosen(each.id)}
                      open=${() => setShowsOne(true)} />`,
                  )}
                </fieldset>`,
            )}
            ${(library?.problems.length ?? 0) > 0 &&
            html`<h4>${T.fileProblems}</h4>
              <ul class="warnings">${library?.problems.map((line) => html`<li>${line}</li>`)}</ul>`}
          </div>
        </div>
        <div class="pane-one" ref=${one} tabindex="0" role="region" aria-label=${listed?.name ?? T.library}>
          <button type="button" class="back" onClick=${() => setShowsOne(false)}>← ${T.back}</button>
          ${listed &&
          html`<${One} key=${listed.id} listed=${listed} changed=${read} close=${close} />`}
        </div>
      </div>
    <//>`;
}

/** @param {Listed[]} protocols @returns {[string, Listed[]][]} */
function byCategory(protocols) {
  /** @type {Map<string, Listed[]>} */
  const found = new Map();
  for (const each of protocols) {
    found.set(each.category, [...(found.get(each.category) ?? []), each]);
  }
  return [...found];
}

/**
 * @param {{ listed: Listed, chosen: boolean, running: boolean, choose: () => void,
 *   open: () => void }} props
 */
function Row({ listed, chosen, running, choose, open }) {
  const row = useRef(/** @type {HTMLElement | null} */ (null));
  useEffect(() => {
    if (chosen) row.current?.scrollIntoView({ block: "nearest" });
  }, [chosen]);
  // A new picture between a click and its change would take the choice back, so it has to wait.
  const click = (/** @type {MouseEvent} */ e) => e.detail > 0 && setTimeout(open);
  return html`
    <label class="row" ref=${row} onClick=${click}>
      <input type="radio" name="protocol" value=${listed.id} checked=${chosen} onChange=${choose}
        onKeyDown=${(/** @type {KeyboardEvent} */ e) => e.key === "Enter" && open()} />
      <span class="row-name">${listed.name}${running && html`<span class="kind">${T.running}</span>`}
        ${listed.requires_headphones && html`<span class="kind">${T.headphones}</span>`}</span>
      <span class="row-grades">
        <span>${T.benefit} <${GradeBadge} grade=${listed.outcome} /></span>
        <span>${T.following} <${GradeBadge} grade=${listed.following} /></span>
      </span>
    </label>`;
}

/** @param {{ listed: Listed, changed: () => void, close: () => void }} props */
function One({ listed, changed, close }) {
  const protocol = useDocument(listed.id);
  const [question, setQuestion] = useState("");
  const use = () => run("use", { protocol: listed.id }).then((done) => done && close());
  return html`
    <h3>${listed.name}</h3>
    <div class="buttons">
      <button type="button" class="primary" onClick=${use}>${T.use}</button>
      ${listed.own &&
      html`<button type="button" onClick=${() => setQuestion("rename")}>${T.rename}</button>
        <button type="button" onClick=${() => setQuestion("delete")}>${T.remove}</button>`}
    </div>
    ${question && html`<${Question} key=${question} kind=${question} listed=${listed} done=${(/** @type {boolean} */ did) => {
      setQuestion("");
      if (did) changed();
    }} />`}
    ${protocol && html`<${Evidence} protocol=${protocol} />`}`;
}

/** @param {{ kind: string, listed: Listed, done: (did: boolean) => void }} props */
function Question({ kind, listed, done }) {
  const [error, setError] = useState("");
  const field = useRef(/** @type {HTMLInputElement | null} */ (null));
  useEffect(() => field.current?.select(), []);
  const renames = kind === "rename";
  const submit = (/** @type {any} */ event) => {
    event.preventDefault();
    const name = String(new FormData(event.target).get("name") ?? "").trim();
    const fields = renames ? { id: listed.id, name } : { id: listed.id };
    ask(kind, fields).then(() => done(true), (refusal) => setError(lineOf(refusal)));
  };
  return html`
    <form class="question" onSubmit=${submit}>
      ${renames
        ? html`<label class="field"><span>${T.newName}</span>
            <input name="name" ref=${field} required maxlength="100" defaultValue=${listed.name} /></label>`
        : html`<p>${T.removeQuestion(listed.name)}</p>`}
      ${error && html`<p class="error" role="alert">${error}</p>`}
      <div class="buttons">
        <button class=${renames ? "primary" : "danger"}>${renames ? T.renameNow : T.removeNow}</button>
        <button type="button" onClick=${() => done(false)}>${T.cancel}</button>
      </div>
    </form>`;
}

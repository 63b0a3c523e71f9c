/** The small view: level, bypass, protocol and timer. */

import { run, useStatus } from "../store.js";
import { T } from "../texts.js";
import { html, useEffect, useState } from "../vendor/standalone.module.js";
import { Card } from "./card.js";
import { Bypass, History, Messages, OnSwitch, StateLine } from "./header.js";
import { Meters } from "./levels.js";
import { Course, Steps } from "./session.js";
import { Sleep } from "./sleep.js";

export function Compact() {
  return html`
    <header class="top compact-top">
      <div class="brand"><img src="icon.svg" width="28" height="28" alt="" /><h1>${T.name}</h1></div>
      <a class="view-link" href="#everything">${T.everything}</a>
      <${StateLine} />
      <div class="top-controls"><${History} /><${OnSwitch} /></div>
      <${Messages} />
    </header>
    <main class="compact" id="main">
      <section class="card" aria-label=${T.hear}><${Bypass} /><p class="hint">${T.matched}</p></section>
      <${Card} id="levels" title=${T.levels}><${Meters} /><${Steps} /><//>
      <${Card} id="session" title=${T.session}><${Choice} /><//>
      <${Sleep} />
    </main>`;
}

function Choice() {
  const protocol = useStatus("protocol");
  const [listed, setListed] = useState(/** @type {import("../api.js").ListedProtocol[]} */ ([]));
  useEffect(() => {
    run("protocols").then((found) => found && setListed(found.protocols));
  }, [protocol?.id]);
  const categories = [...new Set(listed.map(({ category }) => category))];
  const isListed = listed.some(({ id }) => id === protocol?.id);
  return html`
    <label class="field"><span class="hidden">${T.session}</span>
      <select value=${protocol?.id ?? ""}
        onChange=${(/** @type {any} */ e) => run("use", { protocol: e.target.value })}>
        ${!isListed && html`<option value=${protocol?.id ?? ""}>${protocol?.name ?? T.none}</option>`}
        ${categories.map(
          (category) => html`<optgroup label=${T.categories[category] ?? category}>
            ${listed
              .filter((each) => each.category === category)
              .map(({ id, name }) => html`<option value=${id}>${name}</option>`)}
          </optgroup>`,
        )}
      </select></label>
    ${protocol && html`<${Course} protocol=${protocol} />`}`;
}

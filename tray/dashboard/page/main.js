/** The start of the page: it connects, and shows the views. */

import { Connection } from "./connection.js";
import { mountGraphs } from "./graphs/graphs.js";
import { Samples } from "./samples.js";
import { Store, useThisStore } from "./store.js";
import { html, render } from "./vendor/standalone.module.js";
import { Page } from "./views/page.js";

const app = /** @type {HTMLElement} */ (document.getElementById("app"));
const connection = new Connection(`ws://${location.host}/ws`);
const store = new Store(connection);
useThisStore(store);

const samples = new Samples();
connection.addEventListener("samples", (event) => {
  samples.push(/** @type {CustomEvent} */ (event).detail);
});

/** @param {HTMLElement} host @returns {() => void} */
const graphs = (host) =>
  mountGraphs(host, {
    samples,
    status: () => store.status,
    ask: (command, fields) => store.ask(command, { ...fields }),
    want: (wanted) => store.wantSamples(wanted),
  }).dispose;

// The first status replaces the page's outline, and so does the reason why there is none.
const begin = () => {
  if (!store.status && !store.trouble) return;
  end();
  app.replaceChildren();
  app.removeAttribute("aria-busy");
  render(html`<${Page} graphs=${graphs} />`, app);
};
const end = store.subscribe(begin);

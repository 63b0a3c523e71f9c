/** The start of the page: it connects, and shows the views. */

import { Connection } from "./connection.js";
import { html, render } from "./vendor/standalone.module.js";

const connection = new Connection(`ws://${location.host}/ws`);
const app = /** @type {HTMLElement} */ (document.getElementById("app"));

connection.addEventListener("open", () => {
  connection.ask("subscribe", { status: ["state", "protocol"], samples: false });
});
connection.addEventListener("status", (event) => {
  const { status } = /** @type {CustomEvent} */ (event).detail;
  render(html`<main><h1>Entrain</h1><p>${status.state}</p></main>`, app);
});

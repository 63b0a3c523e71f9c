/** Entrain's condition: delay, load, gaps and problems. */

import { number } from "../format.js";
import { useStatus } from "../store.js";
import { T } from "../texts.js";
import { html } from "../vendor/standalone.module.js";
import { Card } from "./card.js";

export function Health() {
  const latency = useStatus("latency");
  const load = useStatus("cpu_load");
  const callback = useStatus("callback");
  const counts = /** @type {[string, number][]} */ ([
    [T.gaps, useStatus("xruns")],
    [T.missing, useStatus("missing_buffers")],
    [T.nonfinite, useStatus("nonfinite")],
  ]);
  const backend = useStatus("backend");
  const realtime = useStatus("realtime");
  const problems = [useStatus("muffled"), useStatus("detour"), ...useStatus("errors")].filter(Boolean);
  const percent = (/** @type {number} */ share) => number(Math.round(1000 * share) / 10);
  return html`
    <${Card} id="health" title=${T.health}>
      ${problems.length
        ? html`<h3>${T.problems}</h3>
            <ul class="warnings">${problems.map((line) => html`<li>${line}</li>`)}</ul>`
        : html`<p>${T.healthy}</p>`}
      <dl class="facts">
        <div><dt>${T.added}</dt><dd>${number(Math.round(100 * latency.added_ms) / 100)} ms</dd></div>
        <div><dt>${T.load}</dt><dd>${T.ofACore(percent(load))}</dd></div>
        <div><dt>${T.longest}</dt>
          <dd>${number(Math.round(callback.longest_lately_us / 10) / 100)} ms,
            ${" "}${T.ofABlock(percent(callback.longest_lately_share))}</dd></div>
        ${counts.map(
          ([name, count], n) =>
            (n === 0 || count > 0) && html`<div><dt>${name}</dt><dd>${count}</dd></div>`,
        )}
        <div><dt>${T.system}</dt><dd>${backend}${realtime === null
          ? ""
          : `, ${realtime ? T.realtime : T.noRealtime}`}</dd></div>
      </dl>
    <//>`;
}

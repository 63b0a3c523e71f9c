/** How well a protocol is supported: both grades, the studies, contrary findings, warnings. */

import { T } from "../texts.js";
import { html } from "../vendor/standalone.module.js";

/** @typedef {import("../api.js").Grade} Grade */

/** @param {{ grade: Grade | null }} props */
export function GradeBadge({ grade }) {
  return html`<span class="grade grade-${grade}" title=${T.gradeHints[String(grade)]}>
    ${T.grades[String(grade)]}</span>`;
}

/** @param {{ evidence: { following: Grade, outcome: Grade } }} props */
export function Grades({ evidence }) {
  return html`
    <dl class="facts grades">
      <div><dt title=${T.benefitHint}>${T.benefit}</dt><dd><${GradeBadge} grade=${evidence.outcome} /></dd></div>
      <div><dt title=${T.followingHint}>${T.following}</dt><dd><${GradeBadge} grade=${evidence.following} /></dd></div>
    </dl>`;
}

/** @param {{ protocol: import("../api.js").Document }} props */
export function Evidence({ protocol }) {
  const { evidence, warnings = [] } = protocol;
  const facts = [
    protocol.requires_headphones && T.needsHeadphones,
    protocol.speech_safe && T.speechSafe,
    protocol.sleep_safe && T.sleepSafe,
    protocol.max_minutes && T.maxMinutes(protocol.max_minutes),
  ].filter(Boolean);
  return html`
    ${protocol.description && html`<p>${protocol.description}</p>`}
    ${facts.length > 0 && html`<p class="hint">${facts.join(" ")}</p>`}
    ${evidence &&
    html`
      <${Grades} evidence=${evidence} />
      <ul class="grade-words">
        <li><strong>${T.benefit}, ${T.grades[evidence.outcome]}.</strong> ${T.benefitHint}
          ${" "}${T.gradeHints[evidence.outcome]}</li>
        <li><strong>${T.following}, ${T.grades[evidence.following]}.</strong> ${T.followingHint}
          ${" "}${T.gradeHints[evidence.following]}</li>
      </ul>
      ${evidence.claim && html`<p class="claim">${evidence.claim}</p>`}`}
    ${warnings.length > 0 &&
    html`<h4>${T.warnings}</h4>
      <ul class="warnings">${warnings.map((line) => html`<li>${line}</li>`)}</ul>`}
    ${evidence &&
    evidence.sources.length > 0 &&
    html`<h4>${T.sources}</h4>
      <ul class="sources">${evidence.sources.map((source) => html`<${SourceView} source=${source} />`)}</ul>`}`;
}

/** @param {{ source: import("../api.js").Source }} props */
function SourceView({ source }) {
  const where = [source.journal, source.id].filter(Boolean).join(", ");
  return html`
    <li class=${source.contrary ? "contrary" : ""}>
      ${source.contrary && html`<strong class="contrary-word">${T.contrary}: </strong>`}
      ${source.finding}
      <cite>${source.authors} ${source.year}${where && `, ${where}`}</cite>
    </li>`;
}

/** The whole page: everything side by side, or the small view. */

import { run, useStore } from "../store.js";
import { T } from "../texts.js";
import { html, useEffect, useState } from "../vendor/standalone.module.js";
import { Compact } from "./compact.js";
import { Header, Messages } from "./header.js";
import { Health } from "./health.js";
import { Layers } from "./layers.js";
import { Levels } from "./levels.js";
import { Apps, Output } from "./output.js";
import { Outside } from "./outside.js";
import { Session } from "./session.js";
import { Sleep } from "./sleep.js";
import { Space } from "./space.js";

const SMALL = "(max-width: 480px)";

/** @param {{ graphs: (host: HTMLElement) => () => void }} props */
export function Page({ graphs }) {
  const isKnown = useStore(({ status }) => status !== null);
  const isCompact = useCompact();
  useShortcuts();
  if (!isKnown) return html`<main id="main" class="top"><h1>${T.name}</h1><${Messages} /></main>`;
  if (isCompact) return html`<${Compact} />`;
  return html`
    <${Header} />
    <main id="main" class="live">
      <div class="column"><${Levels} /><${Session} /><${Sleep} /></div>
      <div class="column column-graphs"><${Graphs} mount=${graphs} /></div>
      <div class="column column-sound"><${Layers} /><${Space} /></div>
      <div class="column column-system"><${Output} /><${Apps} /><${Outside} /><${Health} /></div>
    </main>`;
}

/** @param {{ mount: (host: HTMLElement) => () => void }} props */
function Graphs({ mount }) {
  const [host, setHost] = useState(/** @type {HTMLElement | null} */ (null));
  useEffect(() => (host ? mount(host) : undefined), [host]);
  return html`<section aria-labelledby="graphs-title">
    <h2 id="graphs-title" class="hidden">${T.graphs}</h2><div ref=${setHost}></div></section>`;
}

/** Tell whether the small view is wanted: by the address, or else by the window's width. */
function useCompact() {
  const decide = () =>
    location.hash === "#compact" || (location.hash !== "#everything" && matchMedia(SMALL).matches);
  const [isCompact, setCompact] = useState(decide);
  useEffect(() => {
    const look = () => setCompact(decide());
    const media = matchMedia(SMALL);
    addEventListener("hashchange", look);
    media.addEventListener("change", look);
    return () => {
      removeEventListener("hashchange", look);
      media.removeEventListener("change", look);
    };
  }, []);
  return isCompact;
}

/** Control+Z and Control+Shift+Z, except where text is typed. */
function useShortcuts() {
  useEffect(() => {
    const press = (/** @type {KeyboardEvent} */ event) => {
      const { target } = event;
      const types = target instanceof HTMLInputElement && !["range", "radio"].includes(target.type);
      if (!(event.ctrlKey || event.metaKey) || event.altKey || types) return;
      const key = event.key.toLowerCase();
      const command = key === "y" || (key === "z" && event.shiftKey) ? "redo" : key === "z" && "undo";
      if (!command) return;
      event.preventDefault();
      run(command);
    };
    addEventListener("keydown", press);
    return () => removeEventListener("keydown", press);
  }, []);
}

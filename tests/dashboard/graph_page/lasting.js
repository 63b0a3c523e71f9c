() => {
  const lasting = { timers: 0, listeners: 0 };
  for (const target of [document, window, matchMedia("(prefers-color-scheme: dark)")]) {
    let prototype = target;
    while (!Object.hasOwn(prototype, "addEventListener")) {
      prototype = Object.getPrototypeOf(prototype);
    }
    if (prototype.counts) continue;
    prototype.counts = true;
    const { addEventListener: add, removeEventListener: remove } = prototype;
    const lasts = (on) => on === window || on === document || on instanceof MediaQueryList;
    prototype.addEventListener = function (...all) {
      lasting.listeners += lasts(this ?? window);
      return add.apply(this, all);
    };
    prototype.removeEventListener = function (...all) {
      lasting.listeners -= lasts(this ?? window);
      return remove.apply(this, all);
    };
  }
  const [begin, end] = [setInterval, clearInterval];
  window.setInterval = (...all) => ((lasting.timers += 1), begin(...all));
  window.clearInterval = (timer) => ((lasting.timers -= 1), end(timer));
  window.lasting = lasting;
}

// What the trial's pages cannot do by themselves: count seconds, and ask the browser where it is.
"use strict";

(() => {
  const short = (seconds) => new Intl.NumberFormat(document.documentElement.lang, { style: "unit", unit: "second", unitDisplay: "narrow" }).format(seconds);

  // Lengths are counted from when they were seen: the clocks of browser and server may differ.
  const seen = new WeakMap();
  const age = (part) => {
    if (!seen.has(part)) seen.set(part, performance.now());
    return (performance.now() - seen.get(part)) / 1000;
  };
  // Parts of the page are replaced, so they are looked up each time.
  const tick = () => {
    document.querySelectorAll("[data-elapsed]").forEach((part) => {
      part.textContent = short(Math.floor(Number(part.dataset.elapsed) + age(part)));
    });
    document.querySelectorAll("[data-wait]").forEach((part) => {
      const left = Math.ceil(Number(part.dataset.wait) - age(part));
      part.textContent = left > 0 ? short(left) : "";
    });
  };
  setInterval(tick, 1000);
  tick();

  // What is being done is said to whoever listens instead of looking.
  const said = document.getElementById("said");
  document.body.addEventListener("htmx:afterSwap", () => {
    tick();
    const now = document.querySelector("#progress .making .now b") || document.querySelector("#progress h1");
    if (said && now && said.textContent !== now.textContent) said.textContent = now.textContent;
  });

  // The browser knows its time zone better than we guess it.
  const zone = document.querySelector("select[name=zone]");
  const own = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (zone && !document.querySelector("[aria-invalid]") && [...zone.options].some((option) => option.value === own)) zone.value = own;
})();

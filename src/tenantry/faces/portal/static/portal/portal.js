// What pages cannot do by themselves: hear news, close menus, show that a form is on its way.
"use strict";

(() => {
  const body = document.body;

  // News. An event is only a hint: parts with hx-trigger="live from:body" fetch themselves again.
  const address = body.dataset.live;
  const lamps = document.querySelectorAll(".live");
  let poll = 0;

  // It comes in bursts: one look a third of a second after the first, and none while a question is open.
  let due = 0;
  const look = () => {
    due = 0;
    if (document.querySelector("details.ask[open]")) told();
    else body.dispatchEvent(new CustomEvent("live"));
  };
  const told = () => { due ||= setTimeout(look, 300); };

  const shine = (on) => {
    lamps.forEach((lamp) => { lamp.dataset.state = on ? "on" : "off"; });
    clearInterval(poll);
    if (!on) poll = setInterval(() => { if (!document.hidden) told(); }, 20000);
  };

  const listen = () => {
    const source = new EventSource(address, { withCredentials: true });
    let missed = false;
    source.addEventListener("open", () => { shine(true); if (missed) told(); missed = false; });
    source.addEventListener("error", () => {
      missed = true;
      shine(false);
      // A refused stream is not tried again by the browser itself.
      if (source.readyState === EventSource.CLOSED) setTimeout(listen, 30000);
    });
    source.addEventListener("news", told);
    addEventListener("pagehide", () => source.close(), { once: true });
  };

  if (address && document.querySelector("[hx-trigger*='live']")) listen();
  else lamps.forEach((lamp) => { lamp.hidden = true; });
  addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });

  // Menus close when something else is wanted.
  const menus = "details.who[open], details.ask[open]";
  document.addEventListener("click", (event) => {
    document.querySelectorAll(menus).forEach((menu) => { if (!menu.contains(event.target)) menu.open = false; });
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    document.querySelectorAll(menus).forEach((menu) => { menu.open = false; menu.querySelector("summary").focus(); });
  });

  // A form is sent once.
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.method !== "post") return;
    if (form.dataset.sent) { event.preventDefault(); return; }
    form.dataset.sent = "1";
    event.submitter?.setAttribute("aria-busy", "true");
  });

  // Filters act when they are changed; without this file their button does it.
  document.querySelectorAll("form[data-auto]").forEach((form) => {
    form.querySelector("[data-apply]")?.setAttribute("hidden", "");
    form.addEventListener("change", () => form.requestSubmit());
  });

  // One more time of day.
  document.querySelectorAll("[data-more]").forEach((button) => {
    const times = button.parentElement;
    button.hidden = false;
    button.addEventListener("click", () => {
      const fresh = times.querySelector("input").cloneNode();
      fresh.value = "";
      fresh.type = "time";
      fresh.removeAttribute("id");
      times.insertBefore(fresh, button);
      fresh.focus();
    });
  });

  // How long a code still works.
  document.querySelectorAll("time[data-until]").forEach((clock) => {
    const until = Date.parse(clock.dataset.until);
    const tick = () => {
      const left = Math.max(0, Math.round((until - Date.now()) / 1000));
      clock.textContent = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`;
      if (!left) { clearInterval(timer); document.querySelectorAll("[data-over]").forEach((part) => { part.hidden = false; }); clock.closest("[data-running]").hidden = true; }
    };
    const timer = setInterval(tick, 1000);
    tick();
  });
})();

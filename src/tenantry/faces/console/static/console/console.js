// Pages that listen for news ask for their numbers again; at most once a second.
document.addEventListener("DOMContentLoaded", () => {
  const listening = document.querySelector("[data-live]");
  if (!listening || !listening.dataset.live) return;
  let waiting = false;
  const source = new EventSource(listening.dataset.live, { withCredentials: true });
  source.addEventListener("news", () => {
    if (waiting || document.hidden) return;
    waiting = true;
    setTimeout(() => {
      waiting = false;
      htmx.trigger(listening, "refresh");
    }, 1000);
  });
});

// What somebody opened or closed stays so when its part of the page is replaced.
const opened = new Map();
document.addEventListener("click", (event) => {
  const details = event.target.closest("summary")?.parentElement;
  if (details?.id) opened.set(details.id, !details.open);
});
// A log shows its last line, unless somebody scrolled up in it.
const read = new Map();
const settle = (part) => {
  part.querySelectorAll("details[id]").forEach((one) => {
    if (opened.has(one.id)) one.open = opened.get(one.id);
    const log = one.querySelector(".log");
    if (log) log.scrollTop = read.get(one.id) ?? log.scrollHeight;
  });
};
document.addEventListener("htmx:beforeSwap", (event) => {
  event.target.querySelectorAll("details[id]").forEach((one) => {
    const log = one.querySelector(".log");
    if (!log) return;
    const atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 4;
    if (atEnd) read.delete(one.id);
    else read.set(one.id, log.scrollTop);
  });
});
document.addEventListener("htmx:afterSettle", (event) => settle(event.target));
document.addEventListener("DOMContentLoaded", () => settle(document));

// The overview listens for news and asks for its numbers again; at most once a second.
document.addEventListener("DOMContentLoaded", () => {
  const pulse = document.getElementById("pulse");
  if (!pulse || !pulse.dataset.live) return;
  let waiting = false;
  const source = new EventSource(pulse.dataset.live, { withCredentials: true });
  source.addEventListener("news", () => {
    if (waiting || document.hidden) return;
    waiting = true;
    setTimeout(() => {
      waiting = false;
      htmx.trigger(pulse, "refresh");
    }, 1000);
  });
});

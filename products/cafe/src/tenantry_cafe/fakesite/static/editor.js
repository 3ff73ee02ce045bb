// The editor of the write page: uploads images as they are chosen, posts the article, moves on to it.
// Which element is which is said by data attributes of the form, so that two layouts share it.
"use strict";

(() => {
  const form = document.querySelector("form[data-submit-url]");
  const find = (name) => form.querySelector(form.dataset[name]);
  const title = find("titleField");
  const body = find("bodyField");
  const images = find("imageField");
  const submit = find("submitButton");
  const message = form.querySelector("[data-editor-message]");
  const status = form.querySelector("[data-editor-status]");
  const counts = { pending: 0, done: 0, failed: 0 };
  let uploads = Promise.resolve();
  let sending = false;

  document.execCommand("defaultParagraphSeparator", false, "p");

  function complain(code, text, retryAfter) {
    message.textContent = text;
    message.dataset.code = code;
    if (retryAfter) message.dataset.retryAfter = retryAfter;
    else delete message.dataset.retryAfter;
    message.hidden = false;
  }

  function count(change) {
    for (const [name, by] of Object.entries(change)) counts[name] += by;
    for (const [name, value] of Object.entries(counts)) status.dataset[name] = value;
    if (counts.pending) status.textContent = `사진 ${counts.pending}장을 올리는 중…`;
    else if (counts.failed) status.textContent = `사진 ${counts.failed}장을 올리지 못했습니다.`;
    else status.textContent = counts.done ? `사진 ${counts.done}장을 올렸습니다.` : "";
  }

  // The answer's JSON, or null after the trouble has been shown.
  async function send(url, contentType, payload) {
    let response, answer;
    try {
      response = await fetch(url, {
        method: "POST",
        headers: { "Content-Type": contentType, "X-CSRF-Token": form.dataset.csrfToken },
        body: payload,
      });
      answer = await response.json();
    } catch {
      complain("network", "연결이 끊어졌습니다. 등록되었는지 내 글에서 확인해 주세요.");
      return null;
    }
    if (response.ok) return answer;
    complain(answer.code, answer.message, answer.retry_after);
    if (response.status === 401) {
      location.assign("/login?next=" + encodeURIComponent(location.pathname));
    }
    return null;
  }

  function insertImage(url, name) {
    const image = new Image();
    image.src = url;
    image.alt = name;
    const paragraph = document.createElement("p");
    paragraph.append(image);
    body.append(paragraph);
  }

  async function upload(file) {
    const answer = await send(form.dataset.uploadUrl, file.type, file);
    if (answer) insertImage(answer.url, file.name);
    count({ pending: -1, [answer ? "done" : "failed"]: 1 });
  }

  async function post() {
    if (sending) return;
    sending = true;
    submit.setAttribute("aria-busy", "true");
    message.hidden = true;
    await uploads;
    const article = { title: title.value ?? title.innerText, body: body.innerHTML };
    const answer = await send(form.dataset.submitUrl, "application/json", JSON.stringify(article));
    if (answer) location.assign(answer.url);
    sending = false;
    submit.removeAttribute("aria-busy");
  }

  images.addEventListener("change", () => {
    message.hidden = true;
    const files = [...images.files];
    count({ pending: files.length });
    for (const file of files) uploads = uploads.then(() => upload(file));
    images.value = "";
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    post();
  });
  if (submit.type !== "submit") submit.addEventListener("click", post);
  title.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.isComposing) {
      event.preventDefault();
      body.focus();
    }
  });
  body.addEventListener("paste", (event) => {
    event.preventDefault();
    document.execCommand("insertText", false, event.clipboardData.getData("text/plain"));
  });
  for (const tool of form.querySelectorAll("[data-command]")) {
    tool.addEventListener("mousedown", (event) => event.preventDefault());
    tool.addEventListener("click", () => document.execCommand(tool.dataset.command));
  }
})();

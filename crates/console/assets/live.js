// Keeps an open page up to date by what the program sends: new rows, rows in
// another state or gone, the banners. Nothing is fetched again; where somebody reads,
// new rows wait behind a button. Without this script pages stand still.
"use strict";

(() => {
  const main = document.querySelector("main[data-live]");
  if (!main || !window.EventSource) return;
  // Rows on a page at most; the oldest make room.
  const rowsMax = 500;
  const rows = main.querySelector("[data-rows]");
  const news = main.querySelector("#news");
  const waiting = [];

  // The text is the program's own, with all that is from outside escaped.
  const made = (html) => {
    const template = document.createElement("template");
    template.innerHTML = html;
    return template.content.firstElementChild;
  };

  // Somebody reads: further down, or with the focus or a panel in the list.
  const reads = () =>
    rows.getBoundingClientRect().top < 0 ||
    rows.contains(document.activeElement) ||
    rows.querySelector("details[open]") !== null ||
    String(document.getSelection()) !== "";

  const put = (row) => {
    if (document.getElementById(row.id)) return;
    // Lists have the newest on top, stories at the end.
    if (rows.dataset.rows === "end") return rows.append(row);
    rows.prepend(row);
    while (rows.children.length > rowsMax) rows.lastElementChild.remove();
  };

  const count = () => {
    news.hidden = waiting.length === 0;
    news.textContent = waiting.length === 1 ? "Show 1 new" : "Show " + waiting.length + " new";
  };

  const hear = (source) => {
    source.addEventListener("new", (event) => {
      // An empty page has no list yet: the whole of it is small.
      if (!rows || !news) return location.reload();
      const row = made(event.data);
      if (!row || document.getElementById(row.id)) return;
      if (waiting.length === 0 && !reads()) return put(row);
      waiting.push(row);
      if (waiting.length > rowsMax) waiting.shift();
      count();
    });
    source.addEventListener("gone", (event) => {
      const old = document.getElementById(event.data);
      if (old && !old.contains(document.activeElement)) old.remove();
    });
    source.addEventListener("again", () => location.reload());
    source.addEventListener("patch", (event) => {
      const part = made(event.data);
      const old = part && document.getElementById(part.id);
      if (!old || old.contains(document.activeElement)) return;
      if (!old.isEqualNode(part)) old.replaceWith(part);
    });
  };

  if (news) {
    news.addEventListener("click", () => {
      waiting.splice(0).forEach(put);
      count();
      rows.closest("table").scrollIntoView();
      main.focus({ preventScroll: true });
    });
  }
  let source;
  const open = () => {
    source = new EventSource(main.dataset.live);
    hear(source);
  };
  // A page that is put aside gives its place to another.
  window.addEventListener("pagehide", () => source && source.close());
  window.addEventListener("pageshow", (event) => {
    if (event.persisted) open();
  });
  open();
})();

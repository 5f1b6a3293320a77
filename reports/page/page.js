"use strict";
// Filters, keys, and the message behind each arrow. Without it the page says the same, but for the decoded messages.

const one = (selector, root = document) => root.querySelector(selector);
const all = (selector, root = document) => [...root.querySelectorAll(selector)];

// make builds an element; what it holds is text, never markup.
function make(name, className, ...content) {
  const element = document.createElement(name);
  element.className = className;
  element.append(...content);
  return element;
}

// ---- Filter ----

const form = one("#filter");
const rows = all("table.results tbody tr");
const words = new Map(); // text of a row and of its check, for the search

function textOf(row) {
  if (!words.has(row)) {
    const check = row.dataset.check && one(`details.check[data-check="${CSS.escape(row.dataset.check)}"]`);
    const parts = [row, row.closest(".threat").querySelector("h3")];
    if (check) {
      parts.push(...all(":scope > summary, :scope > .timeline, :scope > .space, :scope > .log", check));
      parts.push(...all(".attack-card", row.closest(".threat")).filter((card) => card.dataset.check === row.dataset.check));
    }
    words.set(row, parts.map((part) => part.textContent).join(" ").toLowerCase());
  }
  return words.get(row);
}

function filter() {
  const checked = (name) => new Set(all(`[name=${name}]:checked`, form).map((box) => box.value));
  const verdicts = checked("verdict");
  const roles = checked("role");
  const { level, section } = form.elements;
  const wanted = form.elements.text.value.trim().toLowerCase().split(/\s+/).filter(Boolean);
  let shown = 0;
  for (const row of rows) {
    const threat = row.closest(".threat").dataset.section;
    row.hidden = !(
      verdicts.has(row.dataset.verdict) && roles.has(row.dataset.role) &&
      (level.value === "" || level.value === row.dataset.level) &&
      (section.value === "" || section.value === threat) &&
      wanted.every((word) => textOf(row).includes(word))
    );
    shown += row.hidden ? 0 : 1;
  }
  for (const threat of all(".threat")) {
    const left = all("table.results tbody tr", threat).filter((row) => !row.hidden);
    const checks = new Set(left.map((row) => row.dataset.check));
    threat.hidden = left.length === 0;
    for (const part of all("[data-check].check, [data-check].attack-card", threat)) {
      part.hidden = !checks.has(part.dataset.check);
    }
    for (const entry of all(".contents [data-section]")) {
      if (entry.dataset.section === threat.dataset.section) {
        entry.hidden = threat.hidden;
      }
    }
  }
  one("output", form).textContent = `${shown} of ${rows.length} results`;
  one("#nothing").hidden = shown > 0;
}

function reset() {
  form.reset();
  filter();
}

if (form) {
  form.hidden = false;
  form.addEventListener("input", filter);
  form.addEventListener("submit", (event) => event.preventDefault());
  filter();
  for (const button of all(".reset")) {
    button.addEventListener("click", reset);
  }
}

// ---- What a link leads to is in sight: neither filtered out nor folded up ----

function reveal() {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (!target) {
    return;
  }
  if (form && target.closest("[hidden]")) {
    reset();
  }
  for (let details = target.closest("details"); details; details = details.parentElement.closest("details")) {
    details.open = true;
  }
  target.scrollIntoView();
  requestAnimationFrame(() => target.scrollIntoView()); // what came into sight may have grown on the way
}

addEventListener("hashchange", reveal);
reveal();

// ---- Theme ----

const themes = ["system", "light", "dark"];
const themeButton = one("#theme");

function setTheme(theme) {
  if (theme === "system") {
    delete document.documentElement.dataset.theme;
  } else {
    document.documentElement.dataset.theme = theme;
  }
  one("span", themeButton).textContent = theme;
}

themeButton.addEventListener("click", () => {
  const now = document.documentElement.dataset.theme || "system";
  setTheme(themes[(themes.indexOf(now) + 1) % themes.length]);
});

// ---- Contents: beside the page where there is room, else folded up above it ----

const contents = one(".contents details");
const roomy = matchMedia("(min-width: 68rem)");

function foldContents() {
  contents.open = roomy.matches;
}

roomy.addEventListener("change", foldContents);
foldContents();

// ---- Unfold, print, copy ----

const unfoldButton = one("#unfold");

function unfold() {
  const open = unfoldButton.getAttribute("aria-pressed") !== "true";
  unfoldButton.setAttribute("aria-pressed", String(open));
  unfoldButton.textContent = open ? "Fold all" : "Unfold all";
  for (const details of all("details.check")) {
    details.open = open;
  }
}

one(".tools").hidden = false;
unfoldButton.addEventListener("click", unfold);
one("#print").addEventListener("click", () => print());
one("#help").addEventListener("click", () => one("#keys").showModal());

for (const button of all(".copy")) {
  button.hidden = false;
  button.addEventListener("click", async () => {
    const code = one("code", button.parentElement);
    try {
      await navigator.clipboard.writeText(code.textContent);
      button.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(code); // the next best: one key away
    }
  });
}

// ---- Messages ----

const panel = one("#message");
const messages = new Map(); // of a check, as soon as one of them is opened
let opened = null; // {check, index}

function messagesOf(check) {
  if (!messages.has(check)) {
    messages.set(check, JSON.parse(one("script.messages", check).textContent));
  }
  return messages.get(check);
}

function openMessage(check, index) {
  const list = messagesOf(check);
  const message = list[index];
  if (!message) {
    return;
  }
  opened = { check, index };
  one("#message-title").textContent = `${message.name} (${index + 1} of ${list.length})`;
  one(".message-way", panel).textContent = `${message.from} → ${message.to}, ${message.door}${message.secured ? "" : ", in clear"}`;
  one(".message-when", panel).textContent = `${message.after} (${message.time} UTC), ${message.step}. ${message.summary}`;
  one(".fields", panel).replaceChildren(...fieldList(message));
  one(".bytes", panel).replaceChildren(...hexDump(message));
  one("[data-go='-1']", panel).disabled = index === 0;
  one("[data-go='1']", panel).disabled = index === list.length - 1;
  if (!panel.open) {
    panel.showModal();
  }
}

function fieldList(message) {
  if (message.fields.length === 0) {
    return [make("li", "quiet", message.hex ? "The bytes hold nothing that could be read." : "No bytes were kept.")];
  }
  return message.fields.map(([depth, name, value, at, length]) => {
    const button = make("button", `field d${Math.min(depth, 4)}`, make("span", "", name), make("span", "value", value));
    button.type = "button";
    button.dataset.at = at;
    button.dataset.length = length;
    button.title = `${length} bytes from ${at}`;
    const light = () => lightUp(at, length, button);
    button.addEventListener("mouseenter", light);
    button.addEventListener("focus", light);
    button.addEventListener("click", () => {
      light();
      one(".bytes .lit", panel)?.scrollIntoView({ block: "nearest" });
    });
    return make("li", "", button);
  });
}

const bytesInRow = 16;

function hexDump(message) {
  const bytes = message.hex.match(/../g) || [];
  const out = [];
  for (let start = 0; start < bytes.length; start += bytesInRow) {
    const row = bytes.slice(start, start + bytesInRow);
    const cell = (text, at) => {
      const span = make("span", "", text);
      span.dataset.at = at;
      return span;
    };
    const line = make("div", "", make("span", "offset", start.toString(16).padStart(4, "0") + "  "));
    row.forEach((byte, i) => line.append(cell(byte, start + i), i % 4 === 3 ? "  " : " "));
    line.append(" ".repeat((bytesInRow - row.length) * 3 + Math.floor((bytesInRow - row.length + 3) / 4)));
    row.forEach((byte, i) => {
      const code = parseInt(byte, 16);
      line.append(cell(code > 32 && code < 127 ? String.fromCharCode(code) : "·", start + i));
    });
    out.push(line);
  }
  if (message.bytes > bytes.length) {
    out.push(make("div", "quiet", `${message.bytes - bytes.length} bytes more: results.json and the capture have them`));
  }
  return out;
}

function lightUp(at, length, button) {
  for (const lit of all(".lit", panel)) {
    lit.classList.remove("lit");
  }
  for (const byte of all(".bytes [data-at]", panel)) {
    byte.classList.toggle("lit", byte.dataset.at >= at && byte.dataset.at < at + length);
  }
  button?.classList.add("lit");
}

// A byte lights up the innermost field that it belongs to.
one(".bytes", panel).addEventListener("click", (event) => {
  const at = Number(event.target.dataset.at ?? NaN);
  const holds = all(".field", panel).filter((f) => at >= Number(f.dataset.at) && at < Number(f.dataset.at) + Number(f.dataset.length));
  const innermost = holds.at(-1);
  if (innermost) {
    lightUp(Number(innermost.dataset.at), Number(innermost.dataset.length), innermost);
    innermost.scrollIntoView({ block: "nearest" });
  }
});

document.addEventListener("click", (event) => {
  const arrow = event.target.closest?.("a.arrow");
  if (arrow) {
    event.preventDefault();
    openMessage(arrow.closest("details.check"), Number(arrow.dataset.message));
  }
});

for (const button of all("[data-go]", panel)) {
  button.addEventListener("click", () => openMessage(opened.check, opened.index + Number(button.dataset.go)));
}
for (const button of all("dialog .close")) {
  button.addEventListener("click", () => button.closest("dialog").close());
}
panel.addEventListener("close", () => {
  const arrow = one(`a.arrow[data-message="${opened.index}"]`, opened.check);
  if (arrow) {
    arrow.closest("details").open = true;
    arrow.focus({ preventScroll: true });
  }
});

// ---- Keys ----

// go moves to the next or previous of the parts that are in sight of the filter.
function go(parts, way) {
  const visible = parts.filter((part) => !part.closest("[hidden]"));
  const line = innerHeight / 3;
  const tops = visible.map((part) => part.getBoundingClientRect().top);
  let next;
  if (visible.includes(document.activeElement)) {
    next = visible[visible.indexOf(document.activeElement) + way];
  } else if (way > 0) {
    next = visible.find((_, i) => tops[i] > 1);
  } else {
    next = visible.findLast((_, i) => tops[i] < line - 1 && tops[i] < 0);
  }
  next?.scrollIntoView({ block: "start" });
  next?.focus({ preventScroll: true });
}

const needsAttention = (row) => ["fail", "warn", "inconclusive", "harness-error"].includes(row.dataset.verdict);
const keys = {
  "/": () => form?.elements.text.focus(),
  j: () => go(all(".threat"), 1),
  k: () => go(all(".threat"), -1),
  n: () => go(rows.filter(needsAttention), 1),
  p: () => go(rows.filter(needsAttention), -1),
  o: unfold,
  t: () => themeButton.click(),
  r: () => form && reset(),
  "?": () => one("#keys").showModal(),
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) {
    return;
  }
  if (panel.open) {
    const way = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (way) {
      event.preventDefault();
      openMessage(opened.check, opened.index + way);
    }
    return;
  }
  const typing = event.target.closest?.("input, select, textarea");
  if (typing && event.key === "Escape") {
    typing.blur();
  } else if (!typing && !one("dialog[open]") && keys[event.key]) {
    event.preventDefault();
    keys[event.key]();
  }
});

"use strict";
// Filters the table of results and opens what is folded up. Without it the page says the same.

const form = document.getElementById("filter");

function filter() {
  const wanted = new Set([...form.querySelectorAll("[name=verdict]:checked")].map((box) => box.value));
  const text = form.elements.text.value.trim().toLowerCase();
  let shown = 0;
  for (const row of document.querySelectorAll("table.results tbody tr")) {
    row.hidden = !wanted.has(row.dataset.verdict) || !row.textContent.toLowerCase().includes(text);
    shown += row.hidden ? 0 : 1;
  }
  form.querySelector("output").textContent = shown + " shown";
}

if (form) {
  form.hidden = false;
  form.addEventListener("input", filter);
  form.addEventListener("submit", (event) => event.preventDefault());
  filter();
}

// Paper cannot unfold.
addEventListener("beforeprint", () => {
  for (const details of document.querySelectorAll("details")) {
    details.open = true;
  }
});

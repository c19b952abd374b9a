"use strict";
const search = document.querySelector("[role=search]");
const filter = document.getElementById("filter");
const wrong = document.getElementById("wrong");
const shown = document.getElementById("shown");
const rows = Array.from(document.querySelectorAll("tbody tr"), (row) => ({ row, text: row.textContent.toLowerCase() }));
function apply() {
  const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
  const onlyWrong = wrong ? wrong.checked : false;
  let count = 0;
  for (const { row, text } of rows) {
    const kept = onlyWrong ? row.classList.contains("wrong") : true;
    row.hidden = !(kept ? words.every((word) => text.includes(word)) : false);
    count += row.hidden ? 0 : 1;
  }
  shown.textContent = `${count} of ${rows.length} entries shown`;
}
search.addEventListener("input", apply);
search.hidden = false;
apply();

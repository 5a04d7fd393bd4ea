"use strict";
// Sorting is for comfort: without it the table is complete, in the order of the submissions' names.
for (const table of document.querySelectorAll("table[data-sorted]")) {
  const status = document.getElementById(table.dataset.sorted);
  const headers = [...table.tHead.rows[0].cells];
  const collator = new Intl.Collator("en", { numeric: true });
  // a cell with a number says it in data-value; what has no value comes last, whichever way it is sorted
  const value = (cell) => cell.dataset.value ?? cell.textContent.trim();
  const compare = ([a, one], [b]) => ("value" in one.dataset ? a - b : collator.compare(a, b));
  headers.forEach((header, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...header.childNodes);
    header.append(button);
    header.setAttribute("aria-sort", "none");
    button.addEventListener("click", () => {
      const sign = header.getAttribute("aria-sort") === "ascending" ? -1 : 1;
      const cells = [...table.tBodies[0].rows].map((row) => [value(row.cells[column]), row.cells[column]]);
      cells.sort((a, b) => (a[0] === "" || b[0] === "" ? (a[0] === "") - (b[0] === "") : sign * compare(a, b)));
      table.tBodies[0].append(...cells.map(([, cell]) => cell.parentNode));
      headers.forEach((one) => one.setAttribute("aria-sort", "none"));
      header.setAttribute("aria-sort", sign > 0 ? "ascending" : "descending");
      status.textContent = `Sorted by ${button.textContent}, ${sign > 0 ? "ascending" : "descending"}`;
    });
  });
}

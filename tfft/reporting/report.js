"use strict";
// Sorts a table by the column whose header is clicked; again, the other way round.
for (const button of document.querySelectorAll("th button.sort")) {
  button.addEventListener("click", () => {
    const header = button.parentElement;
    const column = [...header.parentElement.children].indexOf(header);
    const falling = header.getAttribute("aria-sort") !== "descending";
    for (const other of header.parentElement.children) other.removeAttribute("aria-sort");
    header.setAttribute("aria-sort", falling ? "descending" : "ascending");
    const body = header.closest("table").tBodies[0];
    const key = (row) => row.children[column].dataset.value ?? row.children[column].textContent;
    const rows = [...body.rows].sort((a, b) => {
      const [one, other] = [key(a), key(b)];
      const numbers = one !== "" && other !== "" && !isNaN(one) && !isNaN(other);
      const order = numbers ? one - other : one.localeCompare(other);
      return falling ? -order : order;
    });
    body.append(...rows);
  });
}
// Orders the rows and columns of the confusion matrix by name or by mistakes.
for (const choice of document.querySelectorAll("[data-order]")) {
  choice.addEventListener("click", () => {
    const table = document.querySelector("table.matrix");
    const order = JSON.parse(choice.dataset.order);
    for (const row of table.rows) {
      const cells = [...row.querySelectorAll("[data-class]")];
      const at = new Map(cells.map((cell) => [cell.dataset.class, cell]));
      for (const index of order) if (at.has(String(index))) row.append(at.get(String(index)));
    }
    const rows = new Map([...table.tBodies[0].rows].map((row) => [row.dataset.row, row]));
    for (const index of order) table.tBodies[0].append(rows.get(String(index)));
    for (const other of document.querySelectorAll("[data-order]")) {
      other.setAttribute("aria-pressed", String(other === choice));
    }
  });
}
// Shows the mistakes of one cell of the confusion matrix.
for (const cell of document.querySelectorAll("button[data-pair]")) {
  cell.addEventListener("click", () => {
    const again = cell.getAttribute("aria-pressed") === "true";
    for (const other of document.querySelectorAll("button[data-pair]")) other.setAttribute("aria-pressed", "false");
    cell.setAttribute("aria-pressed", String(!again));
    let shown = 0;
    for (const figure of document.querySelectorAll("figure[data-pair]")) {
      figure.hidden = again ? "later" in figure.dataset : figure.dataset.pair !== cell.dataset.pair;
      shown += !figure.hidden;
    }
    const said = document.getElementById("filtered");
    said.textContent = again ? "" : `${cell.getAttribute("aria-label")}; ${shown} shown below.`;
    if (!again) document.getElementById("mistakes").scrollIntoView();
  });
}

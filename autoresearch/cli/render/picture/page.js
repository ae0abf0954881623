// Sorting by a click on a heading; a link to an experiment opens it. All else works without this script.
(() => {
  const table = document.querySelector("table"), body = table.tBodies[0];
  const value = (row, column) => row.cells[column].dataset.sort ?? row.cells[column].textContent.trim().toLowerCase();
  const compare = (a, b) => {
    const [x, y] = [Number(a), Number(b)];
    return Number.isNaN(x) || Number.isNaN(y) ? a.localeCompare(b) : x - y;
  };
  const sort = (head) => {
    const column = head.cellIndex, down = head.getAttribute("aria-sort") === "ascending", sign = down ? -1 : 1;
    const rows = [...body.rows].map((row) => [value(row, column), row]);
    // What has no value stays at the end, whichever way the rest is sorted.
    rows.sort(([a], [b]) => (a === "") - (b === "") || sign * compare(a, b));
    body.append(...rows.map(([, row]) => row));
    for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
  };
  for (const head of table.tHead.rows[0].cells) {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    button.addEventListener("click", () => sort(head));
    head.append(button);
  }
  const open = () => {
    const row = location.hash.length > 1 && document.getElementById(location.hash.slice(1));
    if (row) row.querySelector("details").open = true;
  };
  addEventListener("hashchange", open);
  open();
})();

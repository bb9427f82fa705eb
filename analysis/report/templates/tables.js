// Sorts the tables of a page by their columns, and copies them as CSV. The page is whole without this script.
"use strict";

const words = (nodes) => nodes.map((node) => node.textContent).join("").replace(/\s+/g, " ").trim();
const shown = (cell) =>
  words(
    [...cell.childNodes].filter(
      (node) => !(node.nodeType === Node.ELEMENT_NODE && node.matches("small, button, .anchor, svg")),
    ),
  );
const remark = (cell) => [...cell.querySelectorAll("small")].map((line) => words([line])).join("; ");

/** The number that a cell begins with, as in "1,025", "−0.2", "×1.02" or "12.5 %"; NaN if it begins with none. */
const number = (text) =>
  parseFloat((/^[×±]?([+−-]?[\d,]*\.?\d+)/.exec(text)?.[1] ?? "").replaceAll(",", "").replace("−", "-"));

const compare = (one, other) => {
  const [left, right] = [number(one), number(other)];
  if (Number.isNaN(left) || Number.isNaN(right)) return one.localeCompare(other, "en", { numeric: true });
  return left - right || one.localeCompare(other, "en", { numeric: true });
};

const NEXT = { none: "ascending", ascending: "descending", descending: "none" };

function addSorting(table) {
  const heads = [...table.tHead.rows[0].cells];
  const body = table.tBodies[0];
  const original = [...body.rows];
  if (original.length < 2) return;
  heads.forEach((head, column) => {
    const name = shown(head);
    const button = document.createElement("button");
    button.type = "button";
    button.className = "sort";
    button.setAttribute("aria-label", `Sort by ${name}`);
    head.append(button);
    head.setAttribute("aria-sort", "none");
    button.addEventListener("click", () => {
      const order = NEXT[head.getAttribute("aria-sort")];
      for (const each of heads) each.setAttribute("aria-sort", each === head ? order : "none");
      const text = new Map(original.map((row) => [row, shown(row.cells[column])]));
      const measured = original.filter((row) => text.get(row) !== "—");
      const missing = original.filter((row) => text.get(row) === "—");
      const direction = order === "descending" ? -1 : 1;
      measured.sort((one, other) => direction * compare(text.get(one), text.get(other)));
      body.append(...(order === "none" ? original : [...measured, ...missing]));
    });
  });
}

/** A text of a cell as programs read it: plain numbers, nothing for what was not measured, no formula. */
function field(text) {
  if (text === "—") return "";
  let plain = text.replace(/^\+(?=\d)/, "");
  if (/^−?\d{1,3}(,\d{3})*(\.\d+)?$/.test(plain)) plain = plain.replaceAll(",", "").replace("−", "-");
  else if (/^[=+@\-\t]/.test(plain)) plain = `'${plain}`;
  return /[",\n]/.test(plain) ? `"${plain.replaceAll('"', '""')}"` : plain;
}

function csv(table) {
  const rows = [...table.rows].map((row) => [...row.cells]);
  const remarked = rows[0].map((_, column) => rows.slice(1).some((row) => remark(row[column])));
  return rows
    .map((row, index) =>
      row
        .flatMap((cell, column) => {
          const text = shown(cell);
          if (!remarked[column]) return [text];
          return index === 0 ? [text, `${text}: interval or remark`] : [text, remark(cell)];
        })
        .map(field)
        .join(","),
    )
    .join("\n")
    .concat("\n");
}

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = document.createElement("textarea");
    area.value = text;
    document.body.append(area);
    area.select();
    const copied = document.execCommand("copy");
    area.remove();
    return copied;
  }
}

function addCopying(table) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "copy";
  button.textContent = "Copy as CSV";
  button.addEventListener("click", async () => {
    button.textContent = (await copy(csv(table))) ? "Copied" : "Could not be copied";
  });
  const tools = document.createElement("div");
  tools.className = "tools";
  tools.setAttribute("aria-live", "polite");
  tools.append(button);
  (table.closest(".scroll") ?? table).before(tools);
}

for (const table of document.querySelectorAll("table")) {
  if (!table.tHead) continue;
  addCopying(table);
  addSorting(table);
}

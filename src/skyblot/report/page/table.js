  // ---- The table of chips. ----

  const rows = findAll("#chips tbody tr");

  function sort(button) {
    const heading = button.parentElement, column = +button.dataset.column, downwards = heading.getAttribute("aria-sort") === "ascending";
    const keyOf = (row) => row.children[column + 1].dataset.value, number = (text) => (text === "" ? NaN : +text);
    const compare = (one, other) => {
      const [a, b] = [keyOf(one), keyOf(other)];
      if (column === 0) return a.localeCompare(b, undefined, { numeric: true });
      return number(a) - number(b);
    };
    const known = rows.filter((row) => keyOf(row) !== ""), unknown = rows.filter((row) => keyOf(row) === "");
    known.sort(compare);
    if (downwards) known.reverse();
    find("#chips tbody").append(...known, ...unknown); // what is not known is last either way
    findAll("#chips th[aria-sort]").forEach((each) => each.setAttribute("aria-sort", "none"));
    heading.setAttribute("aria-sort", downwards ? "descending" : "ascending");
  }

  function saveCsv() {
    const quoted = (value) => {
      const text = value === null ? "" : String(value);
      return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
    };
    const lines = JSON.parse(find("#csv-data").textContent).map((row) => row.map(quoted).join(","));
    save("chips.csv", lines.join("\n") + "\n", "text/csv");
  }

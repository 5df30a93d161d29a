(() => {
  "use strict";
  const tip = document.getElementById("tip");
  // Shows the tip of what has the focus again, where it is after scrolling.
  let again = null;
  const hide = () => { tip.hidden = true; again = null; };
  const focused = (action) => () => { action(); again = action; };
  const show = (text, x, y) => {
    tip.textContent = text;
    tip.hidden = false;
    const { width, height } = tip.getBoundingClientRect();
    const left = x + 14 + width > innerWidth - 8 ? x - 14 - width : x + 14;
    const top = y + 16 + height > innerHeight - 8 ? y - 12 - height : y + 16;
    tip.style.left = Math.max(8, left) + "px";
    tip.style.top = Math.max(8, top) + "px";
  };
  const label = (point) => point.getAttribute("aria-label");
  const beside = (element) => {
    const box = element.getBoundingClientRect();
    return [box.left + box.width / 2, box.top + box.height / 2];
  };
  for (const point of document.querySelectorAll(".pt")) {
    point.addEventListener("pointermove", (event) => {
      event.stopPropagation();
      show(label(point), event.clientX, event.clientY);
    });
    point.addEventListener("focus", focused(() => show(label(point), ...beside(point))));
    point.addEventListener("blur", hide);
  }
  for (const chart of document.querySelectorAll(".panel:not(.timed) > .chart")) {
    chart.addEventListener("focus", focused(() => show(label(chart), ...beside(chart))));
    chart.addEventListener("blur", hide);
    chart.addEventListener("pointerleave", hide);
    chart.addEventListener("pointermove", hide);
  }
  for (const charts of document.querySelectorAll(".charts")) {
    const details = document.getElementById(charts.dataset.rows);
    const [left, right] = charts.dataset.plot.split(" ").map(Number);
    const cursors = charts.querySelectorAll(".cursor");
    const rows = details ? details.querySelector("tbody").rows : [];
    const heads = details ? details.querySelector("thead").rows[0].cells : [];
    const starts = Array.from(rows, (row) => Number(row.dataset.at));
    let current = 0;
    const place = (row) => left + (starts[row] / Number(charts.dataset.end)) * (right - left);
    const middle = (row) => (place(row) + Math.min(right, row + 1 < rows.length ? place(row + 1) : right)) / 2;
    const words = (row) => Array.from(rows[row].cells, (cell, i) =>
      (cell.textContent ? heads[i].textContent + " " + cell.textContent : "")).filter(Boolean).join("\n");
    const move = (row, x, y) => {
      current = row;
      for (const cursor of cursors) {
        cursor.setAttribute("x1", middle(row));
        cursor.setAttribute("x2", middle(row));
      }
      show(words(row), x, y);
    };
    const leave = () => {
      hide();
      for (const cursor of cursors) {
        cursor.setAttribute("x1", -9);
        cursor.setAttribute("x2", -9);
      }
    };
    for (const chart of charts.querySelectorAll(".chart")) {
      const scale = () => chart.getBoundingClientRect().width / chart.viewBox.baseVal.width;
      const still = (row) => {
        const box = chart.getBoundingClientRect();
        move(row, box.left + middle(row) * scale(), box.top + box.height / 3);
      };
      chart.addEventListener("pointermove", (event) => {
        const at = (event.clientX - chart.getBoundingClientRect().left) / scale();
        if (!rows.length || at < left || at > right) { leave(); return; }
        let row = 0;
        while (row + 1 < rows.length && place(row + 1) <= at) { row += 1; }
        move(row, event.clientX, event.clientY);
      });
      chart.addEventListener("pointerleave", leave);
      chart.addEventListener("focus", focused(() => {
        if (rows.length) { still(current); } else { show(label(chart), ...beside(chart)); }
      }));
      chart.addEventListener("blur", leave);
      chart.addEventListener("keydown", (event) => {
        if (event.target !== chart || !rows.length) { return; }
        const last = rows.length - 1;
        const next = { ArrowLeft: current - 1, ArrowRight: current + 1, PageUp: current - 10, PageDown: current + 10, Home: 0, End: last }[event.key];
        if (next === undefined) { return; }
        event.preventDefault();
        still(Math.max(0, Math.min(last, next)));
      });
    }
  }
  addEventListener("keydown", (event) => { if (event.key === "Escape") { hide(); } });
  addEventListener("scroll", () => { if (again) { again(); } else { hide(); } }, { passive: true, capture: true });
})();

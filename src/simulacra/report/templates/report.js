(function () {
  "use strict";
  var holder = document.getElementById("charts");
  var drawn = holder ? JSON.parse(holder.textContent) : {};

  // Text and lines take the colour of the page, so that they follow the theme without being drawn anew.
  var text = { labelColor: "currentColor", titleColor: "currentColor", labelFontSize: 10, titleFontSize: 11, titleFontWeight: "normal" };
  var config = {
    background: "transparent", aria: false, font: "system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', sans-serif",
    view: { stroke: null },
    axis: Object.assign({ gridColor: "currentColor", gridOpacity: 0.13, domainColor: "currentColor", domainOpacity: 0.45,
      tickColor: "currentColor", tickOpacity: 0.45 }, text),
    legend: text, title: { color: "currentColor", fontSize: 12, offset: 6 }
  };
  var options = {
    mode: "vega-lite", logLevel: 1, renderer: "svg", actions: false, ast: true, defaultStyle: false, config: config,
    tooltip: { disableDefaultStyle: true, theme: "plain" },
    loader: { load: refuse, sanitize: refuse, http: refuse, file: refuse }
  };
  function refuse() { return Promise.reject(new Error("this page loads nothing")); }

  function fail(place, error) {
    place.textContent = "This chart could not be drawn (" + error.message + ").";
  }

  function draw(place, spec) {
    // The chart gets an element of its own, because it would write over the label of its place.
    var inner = place.appendChild(document.createElement("div"));
    inner.setAttribute("aria-hidden", "true");
    return vegaEmbed(inner, spec, options).catch(function (error) { fail(place, error); });
  }

  function withRows(spec, name, rows) {
    var made = Object.assign({}, spec, { datasets: {} });
    made.datasets[name] = rows;
    return made;
  }

  function drawPlace(place) {
    if (place.dataset.drawn) { return; }
    place.dataset.drawn = "yes";
    var what = place.dataset.chart;
    if (what === "column") {
      var column = drawn.columns[Number(place.dataset.index)];
      var rows = column.cells.map(function (cell) {
        return { cell: cell[0], label: cell[1], edge: cell[2], real: cell[3], synthetic: cell[4], holdout: cell[5] };
      });
      var spec = withRows(drawn[column.kind], "cells", rows);
      if (column.kind === "bars") { spec.height = drawn.bars.height * rows.length; }
      draw(place, spec);
    } else if (what === "pairs") {
      draw(place, withRows(drawn.pairs[Number(place.dataset.index)], "pairs", drawn.pair_rows));
    } else {
      draw(place, drawn[what]);
    }
  }

  var places = Array.prototype.slice.call(document.querySelectorAll("[data-chart]"));
  if ("IntersectionObserver" in window) {
    var watcher = new IntersectionObserver(function (entries) {
      entries.forEach(function (entry) {
        if (entry.isIntersecting) { watcher.unobserve(entry.target); drawPlace(entry.target); }
      });
    }, { rootMargin: "400px" });
    places.forEach(function (place) {
      if (place.getBoundingClientRect().top < window.innerHeight) { drawPlace(place); } else { watcher.observe(place); }
    });
  } else {
    places.forEach(drawPlace);
  }

  // What is folded away on the screen is read on paper.
  var folded = [];
  window.addEventListener("beforeprint", function () {
    folded = Array.prototype.filter.call(document.querySelectorAll("details.score"), function (block) { return !block.open; });
    folded.forEach(function (block) { block.open = true; });
    places.forEach(drawPlace);
  });
  window.addEventListener("afterprint", function () { folded.forEach(function (block) { block.open = false; }); });

  function unfold() {
    var block = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (block && block.tagName === "DETAILS") { block.open = true; block.scrollIntoView(); }
  }
  window.addEventListener("hashchange", unfold);
  unfold();

  var grid = document.querySelector(".columns");
  var find = document.getElementById("find"), order = document.getElementById("order"), told = document.getElementById("shown");
  function pick() {
    var asked = find.value.toLowerCase(), shown = 0;
    var figures = Array.prototype.slice.call(grid.children);
    figures.forEach(function (figure) {
      figure.hidden = figure.dataset.name.toLowerCase().indexOf(asked) < 0;
      if (!figure.hidden) { shown += 1; }
    });
    figures.sort(function (a, b) {
      if (order.value === "name") { return a.dataset.name.localeCompare(b.dataset.name); }
      if (order.value === "worst") { return Number(b.dataset.distance) - Number(a.dataset.distance) || a.dataset.place - b.dataset.place; }
      return a.dataset.place - b.dataset.place;
    });
    figures.forEach(function (figure) { grid.appendChild(figure); });
    told.textContent = shown + " of " + figures.length + " columns";
  }
  if (grid && find) {
    find.addEventListener("input", pick);
    order.addEventListener("change", pick);
    pick();
  }

  document.querySelectorAll("input[data-filters]").forEach(function (input) {
    var rows = document.getElementById(input.dataset.filters).tBodies[0].rows;
    input.addEventListener("input", function () {
      var asked = input.value.toLowerCase();
      Array.prototype.forEach.call(rows, function (row) { row.hidden = row.textContent.toLowerCase().indexOf(asked) < 0; });
    });
  });
})();

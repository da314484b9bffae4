"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const total = data.records.length;
  const slot = `simulacra-review-${data.review}`;
  const byId = (id) => document.getElementById(id);
  const all = (selector) => [...document.querySelectorAll(selector)];
  const reason = byId("reason");
  let answers = data.records.map(() => ({ marked: null, sure: null, reason: "" }));
  let place = 0;

  // some browsers keep nothing for a page that was opened from a file; the answers then live as long as the page
  const recall = () => {
    try {
      const kept = JSON.parse(localStorage.getItem(slot));
      if (Array.isArray(kept) && kept.length === total) answers = kept;
    } catch { /* nothing was kept */ }
  };
  const keep = () => {
    try { localStorage.setItem(slot, JSON.stringify(answers)); } catch { /* nothing can be kept */ }
  };
  const tell = (words) => { byId("told").textContent = words; };
  const marked = () => answers.filter((answer) => answer.marked).length;

  const dots = data.records.map((_, index) => {
    const item = document.createElement("li");
    const dot = document.createElement("button");
    dot.type = "button";
    dot.textContent = index + 1;
    dot.addEventListener("click", () => go(index));
    item.append(dot);
    byId("all").append(item);
    return dot;
  });

  const paint = () => {
    const answer = answers[place];
    for (const button of all("[data-mark]")) button.setAttribute("aria-pressed", button.dataset.mark === answer.marked);
    for (const button of all("[data-sure]")) button.setAttribute("aria-pressed", button.dataset.sure === String(answer.sure));
    dots.forEach((dot, index) => {
      dot.className = answers[index].marked ?? "";
      dot.setAttribute("aria-current", index === place);
      dot.setAttribute("aria-label", `Record ${index + 1}, ${answers[index].marked ?? "open"}`);
    });
    byId("state").className = `state ${answer.marked ?? ""}`;
    byId("state").textContent = answer.marked ? `marked ${answer.marked}` : "not marked";
    const count = marked();
    byId("marked").textContent = count;
    document.querySelector(".meter i").style.width = `${(100 * count) / total}%`;
    document.querySelector(".meter").setAttribute("aria-valuenow", count);
    byId("back").disabled = place === 0;
    byId("next").disabled = place === total - 1;
    byId("done").hidden = count < total;
  };

  const show = (index) => {
    place = Math.max(0, Math.min(total - 1, index));
    byId("heading").textContent = `Record ${place + 1} of ${total}`;
    byId("values").replaceChildren(...data.columns.map((name, column) => {
      const pair = document.createElement("div");
      const term = document.createElement("dt");
      const value = document.createElement("dd");
      const text = data.records[place][column];
      term.textContent = name;
      value.textContent = text === "" ? "missing" : text;
      if (text === "") value.className = "missing";
      pair.append(term, value);
      return pair;
    }));
    reason.value = answers[place].reason;
    paint();
  };

  const go = (index) => {
    show(index);
    const record = document.querySelector(".record");
    if (record.getBoundingClientRect().top < 0) record.scrollIntoView({ block: "start" });
  };

  const change = (field, value) => {
    answers[place][field] = answers[place][field] === value ? null : value;
    keep();
    paint();
    if (field === "marked" && marked() === total) byId("done").scrollIntoView({ block: "nearest" });
  };

  const save = () => {
    const file = {
      format: "simulacra-review-answers", version: 1, review: data.review, title: data.title,
      answers: answers.map((answer, index) => ({ record: index + 1, ...answer })),
    };
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([JSON.stringify(file, null, 1)], { type: "application/json" }));
    link.download = "answers.json";
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
    const open = total - marked();
    tell(`Saved answers.json${open ? `; ${open} records are still open` : ""}. Send it to whoever gave you this page.`);
  };

  for (const button of all("[data-mark]")) button.addEventListener("click", () => change("marked", button.dataset.mark));
  for (const button of all("[data-sure]")) button.addEventListener("click", () => change("sure", button.dataset.sure === "true"));
  reason.addEventListener("input", () => { answers[place].reason = reason.value; keep(); });
  byId("next").addEventListener("click", () => go(place + 1));
  byId("back").addEventListener("click", () => go(place - 1));
  byId("save").addEventListener("click", save);
  byId("finish").addEventListener("click", save);
  document.querySelector("form").addEventListener("submit", (event) => event.preventDefault());

  const keys = {
    r: () => change("marked", "real"), m: () => change("marked", "made"), w: () => reason.focus(),
    arrowright: () => go(place + 1), arrowleft: () => go(place - 1),
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target === reason) {
      if (event.key === "Escape") reason.blur();
      return;
    }
    const act = keys[event.key.toLowerCase()];
    if (act) { event.preventDefault(); act(); }
  });

  recall();
  document.querySelector("main").hidden = false;
  const open = answers.findIndex((answer) => !answer.marked);
  show(open < 0 ? 0 : open);
})();

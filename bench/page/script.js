// SPDX-License-Identifier: MIT
// The plots and tables of the result in #result, by Chart.js.
"use strict";
const result = JSON.parse(document.getElementById("result").textContent);
const COLOURS = { "native": "#7f8c9b", "jit": "#d1495b", "interp": "#edae49", "kvm": "#00798c",
                  "qemu-tcg": "#30638e", "qemu-kvm": "#66a182", "bochs": "#8e6c8a" };
const REASONS = ["#30638e", "#d1495b", "#edae49", "#00798c", "#8e6c8a", "#66a182", "#b56576", "#5f7d95"];
const FIRST_OWN_REASON = 128; // below it, numbers are VMX basic exit reasons
const SUITES = {
  ring0: ["Bench guest, ring 0", "What a kernel does, timed by the guest's own clock (of Bochs: CPU time on the host)."],
  ring3: ["Bench guest, ring 3", "The same from user code; where it needs the kernel, by SYSCALL."],
  program: ["Programs, 64 bits", "User code in a Linux guest: CPU time of the host, translation included."],
  program32: ["Programs, 32 bits", "User code in a Linux guest: CPU time of the host, translation included."],
  boot: ["Boots", "An unmodified Linux kernel: CPU time of the host."],
  disk: ["Disk", "1 GiB of a raw image, in the host's page cache, read by a Linux guest: time of the host's clock."],
  firmware: ["Firmware", "From the start of the program to a boot sector: time of the host's clock."],
};
let plots = 0;

Chart.defaults.animation = false;
Chart.defaults.font.family = "system-ui, sans-serif";

function element(kind, text, parent, kindOf) {
  const made = document.createElement(kind);
  if (text) made.textContent = text;
  if (kindOf) made.className = kindOf;
  if (parent) parent.append(made);
  return made;
}

function colour(engine) {
  return COLOURS[engine] ||
    REASONS[[...engine].reduce((sum, c) => sum + c.charCodeAt(0), 0) % REASONS.length];
}

function number(value) {
  return value >= 1000 ? Math.round(value).toLocaleString("en") : String(+value.toPrecision(3));
}

function time(ns) {
  for (const [unit, size] of [["s", 1e9], ["ms", 1e6], ["µs", 1e3]])
    if (ns >= size) return `${+(ns / size).toPrecision(3)} ${unit}`;
  return `${+ns.toPrecision(3)} ns`;
}

// Whiskers from the first to the third quartile: dataset.spreads holds what each bar is of.
const whiskers = {
  id: "whiskers",
  afterDatasetsDraw(chart) {
    const axis = chart.scales.x, context = chart.ctx;
    context.save();
    context.strokeStyle = "#1d2430";
    chart.data.datasets.forEach((dataset, at) => {
      if (!dataset.spreads || !chart.isDatasetVisible(at)) return;
      chart.getDatasetMeta(at).data.forEach((bar, n) => {
        const spread = dataset.spreads[n];
        if (!spread || spread.rounds < 2) return;
        const from = axis.getPixelForValue(spread.q1), to = axis.getPixelForValue(spread.q3);
        context.beginPath();
        context.moveTo(from, bar.y);
        context.lineTo(to, bar.y);
        for (const x of [from, to]) {
          context.moveTo(x, bar.y - 3);
          context.lineTo(x, bar.y + 3);
        }
        context.stroke();
      });
    });
    context.restore();
  },
};

// A box whose height fits that many bars.
function canvasIn(parent, bars) {
  const box = element("div", "", parent, "plot");
  box.style.height = `${90 + bars * 13}px`;
  ++plots;
  return element("canvas", "", box);
}

// Powers of ten have their numbers; where they are few, 2 and 5 too.
function logAxis(title, tick) {
  const callback = function (v) {
    const digit = Math.round(v / 10 ** Math.floor(Math.log10(v) + 1e-9));
    const few = this.max / this.min < 100;
    return digit === 1 || (few && (digit === 2 || digit === 5)) ? tick(v) : "";
  };
  return { type: "logarithmic", title: { display: true, text: title }, ticks: { maxRotation: 0, callback } };
}

function powerBelow(values) {
  const least = Math.min(...values.filter((v) => v > 0));
  return Number.isFinite(least) ? 10 ** Math.floor(Math.log10(least * 0.9)) : 1;
}

function measuredEngines(rows) {
  return result.engines.map((e) => e.name)
    .filter((name) => rows.some((row) => row.engines[name]?.ns));
}

// "ratio" over the baseline, or "ns".
function barData(rows, kind) {
  const baseline = rows[0].baseline;
  const engines = measuredEngines(rows).filter((e) => kind === "ns" || e !== baseline);
  return {
    labels: rows.map((row) => row.name),
    datasets: engines.map((engine) => {
      const spreads = rows.map((row) => row.engines[engine]?.[kind]);
      return { label: engine, backgroundColor: colour(engine), spreads,
               data: spreads.map((s) => s ? s.median : null) };
    }),
  };
}

function barOptions(rows, kind, data) {
  const say = kind === "ns" ? time : number;
  const title = kind === "ns" ? "time of a unit, logarithmic; whiskers: quartiles"
                              : `times ${rows[0].baseline}, logarithmic; whiskers: quartiles`;
  const spreads = data.datasets.flatMap((d) => d.spreads.filter(Boolean));
  const range = { min: powerBelow(spreads.map((s) => s.q1)), max: 1.1 * Math.max(...spreads.map((s) => s.q3)) };
  return {
    indexAxis: "y", maintainAspectRatio: false,
    scales: { x: { ...logAxis(title, say), ...range }, y: { ticks: { autoSkip: false } } },
    plugins: { tooltip: { callbacks: {
      title: (items) => `${rows[items[0].dataIndex].id}: ${rows[items[0].dataIndex].unit}`,
      label: (item) => {
        const s = item.dataset.spreads[item.dataIndex];
        return `${item.dataset.label} ${say(s.median)} (quartiles ${say(s.q1)}..${say(s.q3)}, all ` +
          `${say(s.min)}..${say(s.max)}, ${s.rounds} rounds)`;
      } } } },
  };
}

// Each plot has its own; where the window is wide, two stand side by side.
function section(parent, title, text) {
  const made = element("section", "", parent);
  element("h2", title, made);
  element("p", text, made);
  return made;
}

function plotSuite(page, suite) {
  const rows = result.workloads.filter((row) => row.suite === suite);
  if (!measuredEngines(rows).length) return;
  const parent = section(page, ...(SUITES[suite] || [suite, ""]));
  const ratios = measuredEngines(rows).length > 1 && rows[0].baseline;
  const choice = choose(parent, "show", [...(ratios ? [["ratio", `times ${rows[0].baseline}`]] : []),
                                         ["ns", "time of a unit"]]);
  if (ratios && rows[0].baseline !== "native") choice.value = "ns";
  const canvas = canvasIn(parent, rows.length * (measuredEngines(rows).length + 1));
  let chart = null;
  const draw = () => {
    if (chart) chart.destroy();
    const data = barData(rows, choice.value);
    chart = new Chart(canvas, { type: "bar", data, options: barOptions(rows, choice.value, data),
                                plugins: [whiskers] });
  };
  choice.addEventListener("change", draw);
  draw();
}

function choose(parent, label, pairs) {
  const line = element("label", label + " ", element("div", "", parent, "choice"));
  const select = element("select", "", line);
  for (const [value, text] of pairs) element("option", text, select).value = value;
  return select;
}

// --- exits by reason

function exitRows() {
  return result.workloads.filter((row) => Object.values(row.engines).some((c) => c.exits));
}

function exitSums(rows, engine) {
  const sums = new Map();
  for (const row of rows)
    for (const exit of row.engines[engine]?.exits || [])
      sums.set(exit.reason, { name: exit.name, count: (sums.get(exit.reason)?.count || 0) + exit.a_unit });
  return sums;
}

function exitData(rows) {
  const engines = result.engines.map((e) => e.name)
    .filter((name) => rows.some((row) => row.engines[name]?.exits));
  const sums = engines.map((engine) => exitSums(rows, engine));
  const names = new Map(sums.flatMap((s) => [...s].map(([reason, e]) => [reason, e.name])));
  const reasons = [...names.keys()].sort((a, b) => a - b);
  return {
    labels: reasons.map((r) => r < FIRST_OWN_REASON ? `${r} ${names.get(r)}` : `–  ${names.get(r)}`),
    datasets: engines.map((engine, at) => ({
      label: engine, backgroundColor: colour(engine),
      data: reasons.map((r) => sums[at].get(r)?.count ?? null) })),
  };
}

function plotExits(page) {
  const all = exitRows();
  if (!all.length) return;
  const parent = section(page, "Exits by reason",
    "How often a unit leaves guest code. Numbers are VMX basic exit reasons (SDM 3D Appendix C); a dash is a " +
    "callout of ring3 that has none, because hardware runs it in the guest.");
  const choice = choose(parent, "workload",
                        [["", "one unit of each"], ...all.map((row) => [row.id, row.id])]);
  const chosen = () => choice.value ? all.filter((row) => row.id === choice.value) : all;
  const canvas = canvasIn(parent, exitData(all).labels.length * (exitData(all).datasets.length + 1));
  let chart = null;
  const draw = () => {
    if (chart) chart.destroy();
    const data = exitData(chosen());
    const values = data.datasets.flatMap((d) => d.data);
    chart = new Chart(canvas, { type: "bar", data, options: {
      indexAxis: "y", maintainAspectRatio: false,
      scales: { x: { ...logAxis("exits of a unit, logarithmic", number), min: powerBelow(values) },
                y: { ticks: { autoSkip: false } } },
      plugins: { tooltip: { callbacks: {
        label: (item) => `${item.dataset.label} ${number(item.raw)} a unit` } } } } });
  };
  choice.addEventListener("change", draw);
  draw();
}

// --- exits over a boot

function perSecond(seconds, counts) {
  return counts.slice(1).map((count, n) =>
    ({ x: seconds[n + 1], y: (count - counts[n]) / Math.max(seconds[n + 1] - seconds[n], 1e-6) }));
}

function plotTimeline(page, line) {
  const last = (counts) => counts[counts.length - 1];
  const names = Object.keys(line.exits).sort((a, b) => last(line.exits[b]) - last(line.exits[a]))
    .slice(0, REASONS.length);
  const parent = section(page, `Exits over ${line.workload}, ${line.engine}`,
                         "Exits and callouts a second, stacked, of the most frequent reasons.");
  const datasets = names.map((name, at) => ({
    label: name, data: perSecond(line.seconds, line.exits[name]), fill: true, pointRadius: 0,
    borderWidth: 1, borderColor: REASONS[at], backgroundColor: REASONS[at] + "cc" }));
  new Chart(canvasIn(parent, 20), { type: "line", data: { datasets }, options: {
    maintainAspectRatio: false, interaction: { mode: "nearest", axis: "x", intersect: false },
    scales: { x: { type: "linear", title: { display: true, text: "seconds since the start" } },
              y: { stacked: true, title: { display: true, text: "exits a second" } } } } });
}

// --- tables

function spreadText(cell, s, say) {
  cell.textContent = say(s.median) + " ";
  element("small", `(${say(s.q1)}..${say(s.q3)}; ${say(s.min)}..${say(s.max)})`, cell);
}

function tableCell(line, row, engine) {
  const cell = element("td", "", line, "number"), measured = row.engines[engine];
  if (!measured) return;
  if (!measured.ns) {
    cell.textContent = measured.error || "";
    return;
  }
  spreadText(cell, measured.ns, time);
  if (!measured.ratio || engine === row.baseline) return;
  element("br", "", cell);
  const ratio = element("span", "", cell);
  spreadText(ratio, measured.ratio, (v) => number(v));
  ratio.prepend("× ");
}

function numbersTable(parent) {
  const engines = measuredEngines(result.workloads), table = element("table", "", parent);
  const head = element("tr", "", table);
  for (const text of ["workload", ...engines]) element("th", text, head);
  for (const row of result.workloads) {
    const line = element("tr", "", table);
    element("th", row.id, line).scope = "row";
    for (const engine of engines) tableCell(line, row, engine);
  }
  for (const group of result.groups.filter((g) => Object.keys(g.ratio).length > 1)) {
    const line = element("tr", "", table);
    element("th", `geometric mean, ${group.suite} ${group.class}`, line).scope = "row";
    for (const engine of engines)
      element("td", engine in group.ratio ? `× ${number(group.ratio[engine])}` : "", line, "number");
  }
}

function hostTable(table) {
  const pairs = [["begun", result.date], ...Object.entries(result.host),
                 ...Object.entries(result.options),
                 ...result.engines.map((e) => [e.name, e.left_out ? `not available: ${e.left_out}` : e.version])];
  for (const [name, value] of pairs) {
    const line = element("tr", "", table);
    element("th", name, line).scope = "row";
    element("td", value, line);
  }
}

function show() {
  const at = (id) => document.getElementById(id);
  at("summary").textContent = `${result.host.cpu}, ${result.host.processors} processors, ` +
    `${result.host.kernel}; ${result.host.virtualization}; load ${result.host.load}; ${result.date}. ` +
    "Numbers of a shared machine are noisy: compare engines of one result, look at the whiskers.";
  const problems = [...result.failures, ...result.disagreements];
  if (result.interrupted) problems.unshift("interrupted: this is what was measured until then");
  for (const text of problems) element("li", text, at("problems"));
  for (const suite of new Set(result.workloads.map((row) => row.suite))) plotSuite(at("plots"), suite);
  plotExits(at("plots"));
  for (const line of result.timelines) plotTimeline(at("plots"), line);
  numbersTable(at("numbers"));
  hostTable(at("host"));
  document.body.dataset.plots = plots;
}

show();

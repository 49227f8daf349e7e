// SPDX-License-Identifier: Apache-2.0
// Node by stage. Only the rows in sight are in the document, so that 15,000 scroll like fifteen.
import { asked, detail, shownRows, site } from "./collector.js";
import { MARKS, STAGES, arrange } from "./rows.js";
import { staleness } from "./sources.js";
import { ago, button, byId, clean, compact, foreign, link, list, make, put } from "./text.js";
import { isCritical } from "./verdict.js";
import { t } from "./words.js";

/// Rows beyond the edge that are there already when the eye comes to them.
const MARGIN = 8;

const grid = byId("matrix"), body = byId("matrix-body"), head = byId("matrix-head");
/// `focus` is where the keyboard stands: a row's key and the number of a cell in it, 0 its name.
const view = { items: [], open: new Set(), onOpen: () => {}, addressOf: () => "#", elements: new Map(), tabStop: null, height: 0, focus: { key: "", cell: 0 }, widths: "", version: 0 };

export function useMatrix({ addressOf, onOpen }) { Object.assign(view, { addressOf, onOpen }); }

export function showMatrix(open = view.open) {
  view.open = open;
  const rows = shownRows();
  const criticals = new Set(site.incidents.filter(isCritical).map((incident) => incident.kind));
  const found = asked.query ? site.found : null;
  view.items = rows ? arrange(rows, { isCritical: (kind) => criticals.has(kind) || asked.at !== null, found, open }) : [];
  view.version += 1;
  showHead(rows);
  grid.setAttribute("aria-rowcount", String(view.items.length + 1));
  body.style.height = `${view.items.length * rowHeight()}px`;
  body.hidden = !view.items.length;
  render();
  showNote(rows, found);
}

function showNote(rows, found) {
  byId("none").hidden = view.items.length > 0;
  put(byId("none"), !rows ? site.pastError || t("asking") : found && !found.size ? t("nothingMatches", clean(asked.query)) : site.loaded.has("matrix") ? t(asked.at ? "noneThen" : "noneKnown") : t("asking"));
  const rest = asked.query ? clean(asked.query) : "";
  const only = found?.size === 1 && rows ? rows.byKey.get([...found][0]) : null;
  put(byId("found"), only ? t("isIn", rest, only.prefix, only.node) : found && rows ? t("found", found.size, rows.all.length) : "");
}

export const firstFound = () => view.items.find((item) => item.row)?.row;

// MARK: Columns

function showHead(rows) {
  const shapes = rows ? [...rows.shapes.values()] : [];
  const columns = STAGES.map((stage, i) => {
    const width = Math.max(1, ...shapes.map((shape) => shape.columns[i].length));
    const places = shapes.length === 1 ? shapes[0].columns[i].map((n) => shapes[0].places[n].at) : [];
    return { stage, width, label: t(`stage-${stage}`).length * (t("code") === "zh" ? 2 : 1), places: places.length > 1 ? places : [], ...asked.at ? { stale: "", stales: [] } : staleOf(stage, places) };
  });
  const signature = JSON.stringify([t("code"), columns]);
  if (signature === view.widths) return;
  view.widths = signature;
  const cells = columns.map(({ stage, width, places, stale, stales }, i) => {
    const cell = make("div", `stage${stale ? " stale" : ""}`, make("div", "stage-name", t(`stage-${stage}`), stale ? make("span", "tag", "?") : null),
      places.length ? make("div", "ats", ...places.map((at, n) => foreign("span", stales[n] ? `${at} ?` : at, stales[n] ? "stale" : ""))) : null);
    cell.title = compact([t(`about-${stage}`), ...new Set(stales.filter(Boolean).map((why) => t("stale", why)))]).join("\n");
    cell.setAttribute("role", "columnheader");
    cell.setAttribute("aria-colindex", String(i + 2));
    cell.style.setProperty("--width", String(width));
    return cell;
  });
  const name = make("div", "name", t("podCIDR"));
  name.setAttribute("role", "columnheader");
  head.replaceChildren(name, ...cells);
  grid.style.setProperty("--cells", String(columns.reduce((sum, c) => sum + c.width, 0)));
  grid.style.setProperty("--columns", columns.map((c) => `minmax(max(${c.width} * var(--cell), ${c.label} * var(--label)), ${c.width}fr)`).join(" "));
}

function staleOf(stage, places) {
  const stales = (places.length ? places : [""]).map((at) => staleness(stage, at));
  return { stale: stales.every(Boolean) ? stales[0] : "", stales };
}

// MARK: Rows

function rowHeight() {
  if (!view.height) view.height = Number.parseFloat(getComputedStyle(grid).getPropertyValue("--row")) || 42;
  return view.height;
}

function emptyRow() {
  const row = make("div", "row");
  row.setAttribute("role", "row");
  const anchor = link("#", "way-link", foreign("span", "", "mono"), foreign("span", "", "node"), foreign("span", "", "kind"));
  anchor.tabIndex = -1;
  const name = make("div", "name", anchor);
  name.setAttribute("role", "rowheader");
  row.append(name, ...STAGES.map(() => make("div", "stage")));
  row.stages = [...row.children].slice(1);
  return row;
}

function fill(element, item, index) {
  element.style.transform = `translateY(${index * rowHeight()}px)`;
  element.setAttribute("aria-rowindex", String(index + 2));
  if (element.item === item && element.version === view.version) return;
  Object.assign(element, { item, version: view.version });
  if (item.row) fillRow(element, item.row);
  else fillFold(element, item);
}

function fillRow(element, row) {
  const { look } = row;
  if (element.look === look && element.key === row.key && element.words === t("code") && element.at === asked.at) return;
  Object.assign(element, { look, key: row.key, words: t("code"), at: asked.at });
  const anchor = element.firstChild.firstChild;
  anchor.href = view.addressOf(row);
  const [prefix, node, kind] = anchor.children;
  put(prefix, clean(row.prefix));
  put(node, row.node);
  put(kind, look.isGood ? "" : clean(look.verdict, 60));
  if (kind.isDoubtful !== look.isUnknown) kind.className = `foreign kind${look.isUnknown ? " doubtful" : ""}`;
  kind.isDoubtful = look.isUnknown;
  element.stages.forEach((stage, i) => {
    const places = look.shape.columns[i];
    while (stage.childElementCount > places.length) stage.lastChild.remove();
    while (stage.childElementCount < places.length) stage.append(emptyCell());
    places.forEach((place, n) => fillCell(stage.children[n], look, place));
  });
}

function emptyCell() {
  const cell = make("span", "cell");
  cell.setAttribute("role", "gridcell");
  cell.tabIndex = -1;
  return cell;
}

function fillCell(cell, look, place) {
  const word = look.words[place] ?? "unknown";
  const { stage, at } = look.shape.places[place];
  if (cell.word !== word) {
    cell.className = `cell ${word}`;
    cell.textContent = MARKS.get(word);
    cell.word = word;
  }
  cell.setAttribute("aria-label", compact([`${clean(stage)} ${at}`.trim(), t(`state-${word}`)]).join(": "));
  cell.place = place;
}

function fillFold(element, item) {
  element.setAttribute("aria-expanded", String(item.isOpen));
  const name = item.fold && !item.isOnly ? clean(item.fold) : "";
  put(element.firstChild, `${item.isOpen ? "▾" : "▸"} ${compact([t("good", item.count), name]).join(" · ")}`);
}

function emptyFold() {
  const toggle = button("", () => view.onOpen(toggle.parentElement.item.fold, !toggle.parentElement.item.isOpen), "fold foreign");
  toggle.tabIndex = -1;
  const row = make("div", "row folded", toggle);
  row.setAttribute("role", "row");
  return row;
}

function render() {
  const height = rowHeight();
  const top = grid.scrollTop - head.offsetHeight;
  const first = Math.max(0, Math.floor(top / height) - MARGIN);
  const last = Math.min(view.items.length, Math.ceil((grid.scrollTop + grid.clientHeight) / height) + MARGIN);
  const needed = new Map();
  for (let i = first; i < last; i += 1) needed.set(view.items[i].key, i);
  // Where the keyboard stands is there even when it is scrolled out of sight.
  if (body.contains(document.activeElement)) {
    const i = view.items.findIndex((item) => item.key === view.focus.key);
    if (i >= 0) needed.set(view.focus.key, i);
  }
  // What has left becomes what comes, where it stands: nothing is taken out of the document only to be put back.
  const spare = { row: [], fold: [] };
  for (const [key, element] of view.elements) {
    if (needed.has(key)) continue;
    view.elements.delete(key);
    spare[element.stages ? "row" : "fold"].push(element);
  }
  for (const [key, i] of needed) {
    const item = view.items[i];
    let element = view.elements.get(key);
    if (!element) {
      element = (item.row ? spare.row : spare.fold).pop() ?? body.appendChild(item.row ? emptyRow() : emptyFold());
      view.elements.set(key, element);
    }
    fill(element, item, i);
  }
  for (const element of [...spare.row, ...spare.fold]) element.remove();
  setTabStop();
}

// MARK: Keyboard

const stopsOf = (element) => element.stages ? [element.querySelector(".way-link"), ...element.querySelectorAll(".cell")] : [element.firstChild];

function setTabStop() {
  const element = view.elements.get(view.focus.key) ?? view.elements.get(view.items[0]?.key);
  if (!element) return;
  const stops = stopsOf(element);
  const stop = stops[view.focus.cell] ?? stops[0];
  if (stop === view.tabStop) return;
  if (view.tabStop) view.tabStop.tabIndex = -1;
  stop.tabIndex = 0;
  view.tabStop = stop;
}

function moveTo(index, cell) {
  const item = view.items[Math.max(0, Math.min(index, view.items.length - 1))];
  if (!item) return;
  view.focus = { key: item.key, cell };
  const height = rowHeight();
  const top = Math.max(0, Math.min(index, view.items.length - 1)) * height;
  const room = grid.clientHeight - head.offsetHeight;
  if (top < grid.scrollTop) grid.scrollTop = top;
  if (top + height > grid.scrollTop + room) grid.scrollTop = top + height - room;
  render();
  const element = view.elements.get(item.key);
  if (!element) return;
  const stops = stopsOf(element);
  (stops[cell] ?? stops.at(-1)).focus({ preventScroll: true });
}

function onKey(event) {
  const element = event.target.closest(".row");
  if (!element || event.altKey || event.ctrlKey || event.metaKey) return;
  const index = view.items.findIndex((item) => item.key === element.item.key);
  const stops = stopsOf(element);
  const cell = Math.max(0, stops.indexOf(event.target));
  const page = Math.max(1, Math.floor(grid.clientHeight / rowHeight()) - 2);
  const moves = { ArrowLeft: [index, Math.max(0, cell - 1)], ArrowRight: [index, Math.min(stops.length - 1, cell + 1)], Home: [index, 0], End: [index, stops.length - 1],
    ArrowUp: [index - 1, cell], ArrowDown: [index + 1, cell], PageUp: [index - page, cell], PageDown: [index + page, cell] };
  if (event.key === "Enter" || event.key === " ") {
    if (!event.target.classList.contains("cell")) return;
    event.preventDefault();
    openTip(event.target, true);
    return;
  }
  if (!moves[event.key]) return;
  event.preventDefault();
  moveTo(...moves[event.key]);
}

// MARK: The detail of a cell

const tip = { element: byId("tip"), box: null, isPinned: false, timer: null, shown: "" };

function openTip(box, isPinned) {
  if (tip.isPinned && !isPinned) return;
  closeTip();
  Object.assign(tip, { box, isPinned });
  tip.element.classList.toggle("pinned", isPinned);
  tip.element.hidden = false;
  box.setAttribute("aria-describedby", "tip");
  fillTip();
}

function placeTip() {
  if (!tip.box) return;
  const place = tip.box.getBoundingClientRect();
  const size = tip.element.getBoundingClientRect();
  const isBelow = place.bottom + 6 + size.height <= innerHeight;
  const top = isBelow ? place.bottom + 6 : place.top - size.height - 6;
  tip.element.style.left = `${Math.max(8, Math.min(place.left, document.documentElement.clientWidth - size.width - 8))}px`;
  tip.element.style.top = `${Math.max(8, top)}px`;
}

/// At once what the matrix knows, then the words of the way itself; a mouse that only passes asks for none.
export function fillTip() {
  const { box } = tip;
  if (!box) return;
  const row = box.closest(".row")?.item?.row;
  if (!box.isConnected || !row) return closeTip();
  // A reader who is selecting text is left alone.
  if (!getSelection().isCollapsed && tip.element.contains(getSelection().anchorNode)) return;
  if (tip.shown !== `${row.key} ${box.place}`) showDetail(row, box.place, null);
  clearTimeout(tip.timer);
  tip.timer = setTimeout(async () => {
    const entry = await detail(row).catch(() => null);
    if (entry && tip.box === box && box.closest(".row")?.item?.row === row) showDetail(row, box.place, entry);
  }, tip.isPinned ? 0 : 80);
}

function showDetail(row, place, entry) {
  tip.shown = `${row.key} ${place}`;
  const { stage, at } = row.look.shape.places[place] ?? {};
  const word = row.look.words[place] ?? "unknown";
  const told = list(entry?.path.stages).find((each) => each.stage === stage && clean(each.at) === at);
  const table = make("dl");
  const lines = [[t("expected"), told?.expected], [t("seen"), told?.found], [t("reason"), told?.reason], [t("age"), asked.at ? "" : ago(told?.ageSeconds, entry?.receivedAt)]];
  for (const [name, value] of lines) if (clean(value)) table.append(make("dt", "", name), foreign("dd", value));
  tip.element.replaceChildren(foreign("p", `${MARKS.get(word)} ${compact([clean(stage), at]).join(" ")}: ${t(`state-${word}`)}`),
    make("div", "small soft foreign", `${clean(row.prefix)} · ${row.node} · ${t(`about-${STAGES.includes(stage) ? stage : "intent"}`)}`), table,
    ...tip.isPinned ? [link(view.addressOf(row), "small", t("wholeWay"))] : []);
  placeTip();
}

export function closeTip() {
  if (!tip.box) return false;
  clearTimeout(tip.timer);
  tip.box.removeAttribute("aria-describedby");
  Object.assign(tip, { box: null, isPinned: false, shown: "" });
  tip.element.hidden = true;
  return true;
}

// MARK: Start

export function startMatrix() {
  const boxOf = (event) => event.target.closest?.("#matrix-body .cell");
  let isPlanned = false;
  grid.addEventListener("scroll", () => {
    if (isPlanned) return;
    isPlanned = true;
    requestAnimationFrame(() => { isPlanned = false; render(); placeTip(); });
  }, { passive: true });
  addEventListener("scroll", placeTip, { passive: true });
  addEventListener("resize", () => { view.height = 0; showMatrix(); });
  body.addEventListener("pointerover", (event) => { if (boxOf(event) && event.pointerType === "mouse") openTip(boxOf(event), false); });
  body.addEventListener("pointerout", () => { if (!tip.isPinned && document.activeElement !== tip.box) closeTip(); });
  body.addEventListener("focusin", (event) => {
    const element = event.target.closest(".row");
    if (!element?.item) return;
    view.focus = { key: element.item.key, cell: Math.max(0, stopsOf(element).indexOf(event.target)) };
    setTabStop();
    tip.isPinned = false;
    if (boxOf(event)) openTip(boxOf(event), false);
    else closeTip();
  });
  body.addEventListener("focusout", () => { if (!tip.isPinned) closeTip(); });
  body.addEventListener("keydown", onKey);
  document.addEventListener("click", (event) => {
    if (boxOf(event)) openTip(boxOf(event), true);
    else if (!tip.element.contains(event.target)) closeTip();
  });
}

export function showKey() {
  byId("key").replaceChildren(...[...MARKS].map(([word, mark]) => make("span", "", make("span", `cell ${word}`, mark), t(`state-${word}`))));
}

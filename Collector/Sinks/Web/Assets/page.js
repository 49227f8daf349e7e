// SPDX-License-Identifier: Apache-2.0
// The address says what is shown, so that every state of the page can be sent to somebody.
import { ask, askAll, askNowAndThen, get, listen, on, site, tell } from "./collector.js";
import { incidentView, severityTag, showIncidents, useIncidents } from "./incidents.js";
import { closeTip, fillTip, firstFound, showKey, showMatrix, startMatrix, useMatrix } from "./matrix.js";
import { showPath } from "./path.js";
import { matchOf, openForm, showSilences, useSilences } from "./silences.js";
import { showSources } from "./sources.js";
import { button, byId, clean, link, make, moment, tickAll } from "./text.js";
import { incidentsAt, showTimeline, useTimeline } from "./timeline.js";
import { pastTitle, rowsMoved, showAge, showVerdict } from "./verdict.js";
import { language, t } from "./words.js";

// MARK: The address

const NAMES = ["q", "path", "node", "incident", "at", "range", "open", "silence"];
const LONGEST = 300;
let place = {};

function readPlace() {
  const words = new URLSearchParams(location.hash.slice(1));
  const place = {};
  for (const name of NAMES) {
    const word = words.get(name);
    if (word) place[name] = word.slice(0, LONGEST);
  }
  // Only what is a time is asked for as one.
  if (Number.isNaN(Date.parse(place.at))) delete place.at;
  else place.at = moment(Date.parse(place.at));
  return place;
}

function addressOf(changes, from = place) {
  const words = new URLSearchParams();
  const next = { ...from, ...changes };
  for (const name of NAMES) if (next[name]) words.set(name, next[name]);
  return `#${words}`;
}

function go(changes, isStep = true) {
  const address = addressOf(changes);
  if (address === (location.hash || "#")) return;
  if (isStep) history.pushState(null, "", address);
  else history.replaceState(null, "", address);
  arrive();
}

const momentAddress = (time) => Number.isFinite(time) ? addressOf({ at: moment(time), path: null, node: null, incident: null, silence: null }) : "#";

/// Shows what the address says.
function arrive() {
  const old = place;
  place = readPlace();
  if (byId("query") !== document.activeElement || old.q !== place.q) byId("query").value = place.q ?? "";
  ask(place.q ?? "", place.at ?? null);
  const isAlone = Boolean(place.path || place.incident);
  document.body.classList.toggle("alone", isAlone);
  document.body.classList.toggle("then", Boolean(place.at));
  byId("one").hidden = !isAlone;
  closeTip();
  showOne(old);
  showDialog(old);
  showPast();
  showTimeline(place.range);
  showProblems();
  showMatrix(new Set(place.open ? place.open.split(",") : []));
  showVerdict();
}

// MARK: One way or one incident

function showOne(old = place) {
  const isNew = old.path !== place.path || old.node !== place.node || old.incident !== place.incident;
  if (place.path) showPath(place.path, place.node ?? "", isNew);
  else if (place.incident) showIncident(isNew);
  if (isNew && (place.path || place.incident)) { byId("one").focus({ preventScroll: true }); scrollTo(0, 0); }
}

const incident = { id: "", document: null, receivedAt: 0, isGone: false, signature: "" };

async function showIncident(isNew = false) {
  const id = place.incident;
  if (isNew || incident.id !== id) Object.assign(incident, { id, document: null, isGone: false, signature: "" });
  drawIncident();
  // What neither list has may be in the store, and is asked for once.
  const isHeard = [...site.incidents, ...site.timeline].some((each) => each.id === id);
  if (!isHeard && incident.isGone) return;
  try {
    const document = await get(`api/v1/incidents/${encodeURIComponent(id)}`);
    Object.assign(incident, { document, receivedAt: performance.now(), isGone: false });
  } catch (error) {
    if (place.incident !== id) return;
    incident.document ??= site.timeline.find((each) => each.id === id) ?? null;
    // While the collector cannot be asked it is not known to be gone.
    incident.isGone = incident.document === null && error.status === 404;
  }
  if (place.incident === id) drawIncident();
}

function drawIncident() {
  const { document: known, isGone } = incident;
  const signature = JSON.stringify([known, isGone, t("code"), site.silences], (name, value) => name.endsWith("Seconds") ? undefined : value);
  if (signature === incident.signature) return;
  incident.signature = signature;
  byId("one").setAttribute("aria-label", clean(known?.summary));
  byId("one").replaceChildren(make("div", "head", link(addressOf({ incident: null }), "back", t("back"))),
    known ? incidentView(known, incident.receivedAt, momentAddress) : make("p", "soft", isGone ? t("gone") : t("asking")));
}

// MARK: The past

const MINUTE = 60_000;

function showPast() {
  const box = byId("past");
  box.hidden = !place.at;
  if (!place.at) return;
  const time = Date.parse(place.at);
  const step = (minutes, word) => link(addressOf({ at: moment(time + minutes * MINUTE) }), "plain", t(word, t("minutes", Math.abs(minutes), 0)));
  const then = incidentsAt(time);
  const isFocused = box.contains(document.activeElement);
  box.replaceChildren(make("strong", "foreign", `◷ ${pastTitle()}`), make("span", "buttons", step(-10, "earlier"), step(-1, "earlier"), step(1, "later"), step(10, "later"), link(addressOf({ at: null }), "strong now", t("now"))),
    make("div", "then-incidents small", t("stoodThen", then.length), ...then.slice(0, 5).map((each) => make("span", "", severityTag(each), " ", link(addressOf({ incident: each.id, at: null }), "foreign", clean(each.summary))))));
  if (isFocused) box.querySelector(".now").focus();
}

function showProblems() {
  showIncidents();
  // What is open now says nothing of then.
  if (place.at) byId("problems").hidden = true;
}

// MARK: Silences

function showDialog(old = {}) {
  const dialog = byId("dialog");
  if (!place.silence) { if (dialog.open && old.silence) dialog.close(); return; }
  if (old.silence === place.silence) return;
  const match = Object.fromEntries(new URLSearchParams(place.silence));
  if (match.incident) openForm("acknowledgement", { incident: match.incident }, site.incidents.find((each) => each.id === match.incident)?.summary);
  else openForm("silence", match, "");
}

const silenceAddress = (match) => String(new URLSearchParams(match)) || "new=";

function showKeys() {
  const dialog = byId("dialog");
  const table = make("dl");
  for (const key of ["/", "←↑→↓", "Enter", "n", "Esc", "?"]) table.append(make("dt", "", make("kbd", "", key)), make("dd", "", t(`key-${key}`)));
  dialog.replaceChildren(make("h2", "", t("keys")), table, make("div", "buttons", button(t("close"), () => dialog.close())));
  if (!dialog.open) dialog.showModal();
}

// MARK: Keys, words and colours

function onKey(event) {
  const isTyping = event.target.closest?.("input, textarea, select, dialog");
  if (event.key === "Escape" && !byId("dialog").open) {
    if (closeTip()) return;
    if (event.target === byId("query")) { byId("query").value = ""; go({ q: null }, false); byId("query").blur(); return; }
    if (place.path || place.incident) go({ path: null, node: null, incident: null });
    else if (place.at) go({ at: null });
  }
  if (isTyping || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "/") { event.preventDefault(); byId("query").focus(); byId("query").select(); }
  if (event.key === "?") showKeys();
  if (event.key === "n" && place.at) go({ at: null });
}

const THEMES = ["auto", "light", "dark"];
function theme(next) {
  let word = "auto";
  try {
    if (next) localStorage.setItem("podpath-theme", next);
    word = localStorage.getItem("podpath-theme") ?? "auto";
  } catch { word = next ?? "auto"; }
  if (!THEMES.includes(word)) word = "auto";
  document.documentElement.dataset.theme = word;
  byId("theme").textContent = { auto: "◐", light: "☀", dark: "☾" }[word];
  byId("theme").title = t("theme", t(`theme-${word}`));
  byId("theme").setAttribute("aria-label", t("theme", t(`theme-${word}`)));
  byId("theme").onclick = () => theme(THEMES[(THEMES.indexOf(word) + 1) % THEMES.length]);
}

function speak() {
  document.documentElement.lang = language === "zh" ? "zh-Hans" : "en";
  for (const element of document.querySelectorAll("[data-t]")) element.textContent = t(element.dataset.t);
  for (const element of document.querySelectorAll("[data-t-aria-label]")) element.setAttribute("aria-label", t(element.dataset.tAriaLabel));
  for (const element of document.querySelectorAll("[data-t-placeholder]")) element.setAttribute("placeholder", t(element.dataset.tPlaceholder));
  byId("language").textContent = t("otherLanguage");
  byId("language").addEventListener("click", () => { location.search = language === "zh" ? "" : "?lang=zh"; });
}

// MARK: Start

let typing = null;
function typed() {
  clearTimeout(typing);
  typing = setTimeout(() => go({ q: byId("query").value.trim() || null }, false), 200);
}

function searched(event) {
  if (event.key !== "Enter") return;
  const row = site.found?.size === 1 ? firstFound() : null;
  if (row) go({ path: row.prefix, node: row.node });
}

let seconds = 0;
function tick() {
  seconds += 1;
  askNowAndThen(seconds);
  tickAll();
  showAge();
  fillTip();
  if (document.hidden) return;
  showTimeline(place.range);
  if (place.path && seconds % 5 === 0) showPath(place.path, place.node ?? "", false);
  if (place.incident && seconds % 10 === 0) showIncident();
}

on(["matrix", "past"], rowsMoved);
on(["incidents", "matrix", "past", "search", "sources"], () => showMatrix());
on(["past", "timeline"], showPast);
on(["incidents", "silences"], showProblems);
on(["incidents", "silences", "timeline"], () => { if (place.incident) showIncident(); });
on(["matrix", "past"], () => { if (place.path) showPath(place.path, place.node ?? "", false); });
on(["sources"], showSources);
on(["silences"], showSilences);
on(["timeline"], () => showTimeline(place.range));
on(["incidents", "matrix", "past", "sources", "live", "verdict"], showVerdict);

speak();
theme();
showKey();
useMatrix({
  addressOf: (row) => addressOf({ path: row.prefix, node: row.node, incident: null, silence: null }),
  onOpen: (group, isOpen) => {
    const open = new Set(place.open ? place.open.split(",") : []);
    if (isOpen) open.add(group || "*");
    else { open.delete(group); open.delete("*"); }
    go({ open: [...open].join(",") || null }, false);
  } });
useTimeline({ go, momentAddress });
useSilences({ close: () => { byId("dialog").close(); } });
useIncidents({
  acknowledge: (some) => go({ silence: silenceAddress({ incident: some.id }) }),
  silence: (some) => go({ silence: silenceAddress(matchOf(some)) }) });
startMatrix();
byId("query").addEventListener("input", typed);
byId("query").addEventListener("keydown", searched);
byId("keys").addEventListener("click", showKeys);
byId("new-silence").addEventListener("click", () => go({ silence: "new=" }));
byId("dialog").addEventListener("close", () => { if (place.silence) go({ silence: null }, false); });
document.querySelector(".skip").addEventListener("click", (event) => { event.preventDefault(); document.querySelector("#matrix-body [tabindex='0']")?.focus(); });
document.addEventListener("keydown", onKey);
document.addEventListener("visibilitychange", () => { if (!document.hidden) askAll(); });
addEventListener("hashchange", arrive);
addEventListener("popstate", arrive);
setInterval(tick, 1000);
arrive();
listen();
askAll();
tell("live");

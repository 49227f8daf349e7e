// SPDX-License-Identifier: Apache-2.0
// Everything that came from outside is put in as text, never as markup, and no class or address is made of it.
import { t } from "./words.js";

export const byId = (id) => document.getElementById(id);
export const list = (value) => Array.isArray(value) ? value.filter((item) => item !== null && item !== undefined) : [];
export const known = (value, map, otherwise) => map.has(value) ? value : otherwise;
export const compact = (items) => items.filter((item) => item !== "" && item !== null && item !== undefined);

/// Longer than any text that means something to a reader.
const LONGEST = 1500;
// Controls, marks that turn the direction of what follows, and what has no width.
const UNSEEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060\u2066-\u206f\ufeff]/g;

/// Text of the outside, so that it is what it looks like.
export function clean(value, longest = LONGEST) {
  if (value === undefined || value === null) return "";
  const text = String(value);
  return (text.length > longest ? `${text.slice(0, longest)}…` : text).replace(UNSEEN, "\ufffd").replace(/\p{Surrogate}/gu, "\ufffd");
}

/// One line is one command: whoever pastes it must not run a second one that a device's text slipped in.
export const commandLine = (command) => clean(command).replace(/\s*[\n\t]+\s*/g, " ").trim();

/// As one word for a shell.
export const shellWord = (value) => /^[\w.:@%+=/-]+$/.test(value) ? value : `'${clean(value).replaceAll("'", "'\\''")}'`;

export function make(tag, className, ...content) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  element.append(...content.filter((part) => part !== null && part !== undefined));
  return element;
}

export const foreign = (tag, value, className = "") => make(tag, `foreign ${className}`.trim(), clean(value));

export function button(text, action, className = "plain") {
  const element = make("button", className, text);
  element.type = "button";
  element.addEventListener("click", action);
  return element;
}

export function link(address, className, ...content) {
  const element = make("a", className, ...content);
  element.href = address;
  return element;
}

/// Changes what is shown only if it is other: selections and live regions are left in peace.
export function put(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

// MARK: Time

export function duration(seconds) {
  const s = Math.max(0, Math.round(seconds));
  if (s < 60) return t("seconds", s);
  if (s < 3600) return t("minutes", Math.floor(s / 60), s % 60);
  if (s < 86400) return t("hours", Math.floor(s / 3600), Math.floor(s % 3600 / 60));
  return t("days", Math.floor(s / 86400));
}

/// The collector's clock, by its answers: a browser's may be off.
export const clock = { offset: 0, now: () => Date.now() + clock.offset };
export const isAge = (seconds) => typeof seconds === "number" && Number.isFinite(seconds);
export const ageNow = (seconds, receivedAt) => seconds + (performance.now() - receivedAt) / 1000;
export const ago = (seconds, receivedAt) => isAge(seconds) ? t("ago", duration(ageNow(seconds, receivedAt))) : "";

const local = (time) => new Date(time - new Date(time).getTimezoneOffset() * 60_000).toISOString();

/// Here and today, or with its day.
export function clockTime(text) {
  const time = typeof text === "number" ? text : Date.parse(text);
  if (Number.isNaN(time)) return clean(text);
  const [day, hour] = local(time).slice(0, 19).split("T");
  return local(clock.now()).startsWith(day) ? hour : `${day} ${hour}`;
}

/// To the second, UTC: as the API is asked.
export const moment = (time) => `${new Date(time).toISOString().slice(0, 19)}Z`;

/// Text that moves with time.
export function ticking(read, className = "") {
  const element = make("span", `age ${className}`.trim(), read());
  element.read = read;
  return element;
}

export function tickAll() {
  for (const element of document.querySelectorAll(".age")) if (element.read) put(element, element.read());
}

// MARK: Clipboard

export function copyButton(label, read, className = "plain") {
  const element = button(label, async () => {
    const isCopied = await copy(read());
    element.textContent = isCopied ? t("copied") : t("notCopied");
    setTimeout(() => { element.textContent = label; }, 1500);
  }, className);
  return element;
}

/// Browsers keep the clipboard from pages served over plain HTTP; the old way still works there.
async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = make("textarea", "aside");
    const focused = document.activeElement;
    area.value = text;
    (focused?.closest("dialog") ?? document.body).append(area);
    area.select();
    const isCopied = document.execCommand("copy");
    area.remove();
    focused?.focus();
    return isCopied;
  }
}

export function command(on, line, shows) {
  const text = commandLine(line);
  const copier = copyButton(t("copy"), () => text);
  copier.setAttribute("aria-label", `${t("copy")} ${text}`);
  return make("div", "check", make("span", "on foreign", t("on", clean(on))), foreign("code", text), copier, ...(shows ? [foreign("span", `→ ${shows}`, "shows")] : []));
}

// MARK: Lists that change under the reader's hands

/// Keeps an element as long as what it shows, ages apart, stays the same: focus and selection survive.
export class Kept {
  constructor(container, keyOf, build) { Object.assign(this, { container, keyOf, build, entries: new Map() }); }

  show(items, receivedAt, besides = "") {
    const next = new Map();
    let place = this.container.firstElementChild;
    for (const item of items) {
      const key = this.keyOf(item);
      if (next.has(key)) continue;
      const signature = besides + JSON.stringify(item, (name, value) => name.endsWith("Seconds") ? undefined : value);
      const old = this.entries.get(key);
      const entry = old?.signature === signature ? old : { signature };
      Object.assign(entry, { item, receivedAt });
      if (entry !== old) {
        entry.element = this.build(entry, items.indexOf(item));
        if (old) this.exchange(old.element, entry.element);
        if (old && place === old.element) place = entry.element;
      }
      if (entry.element === place) place = place.nextElementSibling;
      else this.container.insertBefore(entry.element, place);
      next.set(key, entry);
    }
    for (const [key, entry] of this.entries) if (!next.has(key)) entry.element.remove();
    this.entries = next;
  }

  exchange(old, fresh) {
    const isOpen = [...old.querySelectorAll("details")].map((element) => element.open);
    fresh.querySelectorAll("details").forEach((element, i) => { element.open = isOpen[i] ?? element.open; });
    const focus = [...old.querySelectorAll("button, summary, a")].indexOf(document.activeElement);
    old.replaceWith(fresh);
    if (focus >= 0) fresh.querySelectorAll("button, summary, a")[focus]?.focus();
  }
}

// The words of the page in one language, and numbers and dates as that language writes them.

export const LANGUAGES = { en: "English", es: "Español", zh: "中文" };
let table = {};
let chosen = "en";

export function language() { return chosen; }

export async function loadWords() {
  const wanted = localStorage.getItem("language") || (navigator.language || "en").slice(0, 2);
  chosen = wanted in LANGUAGES ? wanted : "en";
  table = await (await fetch(`/desk/words-${chosen}.json`)).json();
  document.documentElement.lang = chosen === "zh" ? "zh-Hans" : chosen;
}

export function keepLanguage(wanted) { localStorage.setItem("language", wanted); }

// "case.title" with its places filled; a name that has no words is given as it is, readable.
export function t(name, values = {}) {
  const [section, key] = name.split(/\.(.*)/s);
  const found = table[section]?.[key];
  const text = found === undefined ? String(key).replaceAll("_", " ") : found;
  return text.replace(/\{(\w+)\}/g, (_, place) => (place in values ? values[place] : `{${place}}`));
}

export function list(name) { return table.lists?.[name] ?? []; }

export function percent(share) {
  if (share === null || share === undefined) return "–";
  if (share > 0.99) return "> 99 %";
  if (share < 0.01) return "< 1 %";
  return `${Math.round(100 * share)} %`;
}

export function when(seconds) {
  return new Intl.DateTimeFormat(chosen, { dateStyle: "medium", timeStyle: "short" }).format(new Date(1000 * seconds));
}

export function count(number) { return new Intl.NumberFormat(chosen).format(number); }

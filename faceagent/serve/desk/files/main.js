// Frame of every page: the bar on top, sign-in, language, and which page is shown.

import { h, fill, say } from "./dom.js";
import { Problem, getJson, onSignedOut, sendJson } from "./http.js";
import { askForKey, useLink } from "./signin.js";
import { LANGUAGES, keepLanguage, language, loadWords, t } from "./words.js";

const PAGES = [
  { path: /^\/$/, load: () => import("./intake.js"), name: "desk" },
  { path: /^\/queue$/, load: () => import("./queue.js"), name: "queue" },
  { path: /^\/policies$/, load: () => import("./policies.js"), name: "policies" },
  { path: /^\/case\/(case_[0-9a-f]+)$/, load: () => import("./case.js"), name: "case" },
];
const NAVIGATION = [["/", "desk"], ["/queue", "queue"], ["/policies", "policies"]];
let leave = () => {};
let who = null;

export function go(path) {
  history.pushState({}, "", path);
  return show();
}

async function show() {
  leave();
  let left = false;
  let end;
  leave = () => { left = true; end?.(); };
  const page = PAGES.find((one) => one.path.test(location.pathname)) ?? PAGES[0];
  const place = freshPage(page.name);
  drawBar(page.name);
  document.title = `${t(`nav.${page.name}`)} · faceagent`;
  const [, argument] = location.pathname.match(page.path) ?? [];
  try {
    const { open } = await scriptOf(page);
    if (left) return;
    end = await open(place, { argument, go, who });
    if (left) end?.();
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    fill(place, h("section", { class: "card empty" }, h("h1", {}, error.message), h("button", { class: "main", onclick: show }, t("desk.again"))));
  }
  // Whoever types already, before all has come, keeps the cursor.
  if (left || place.contains(document.activeElement)) return;
  place.focus({ preventScroll: true });
  scrollTo(0, 0);
}

// An element of its own for every page that is opened: what comes late for one that was left is drawn where nobody sees it.
function freshPage(name) {
  const place = h("main", { id: "page", tabindex: "-1", class: `page-${name}` });
  document.getElementById("page").replaceWith(place);
  return place;
}

async function scriptOf(page) {
  try {
    return await page.load();
  } catch (error) {
    // A script that did not come; one with a fault throws a SyntaxError.
    if (!(error instanceof TypeError)) throw error;
    throw new Problem(t("errors.away"), "away", 0);
  }
}

function drawBar(current) {
  document.getElementById("skip").textContent = t("nav.skip");
  fill(document.getElementById("bar"),
    h("a", { class: "brand", href: "/", "data-go": "", "aria-label": "faceagent" }, h("img", { src: "/desk/icon.svg", alt: "", width: "26", height: "26" }), h("span", {}, "faceagent")),
    h("nav", { "aria-label": t("nav.pages") }, NAVIGATION.map(([path, name]) =>
      h("a", { href: path, "data-go": "", "aria-current": name === current ? "page" : null }, t(`nav.${name}`)))),
    h("div", { class: "bar-end" },
      h("label", { class: "unseen", for: "language" }, t("nav.language")),
      h("select", { id: "language", onchange: changeLanguage },
        Object.entries(LANGUAGES).map(([code, name]) => h("option", { value: code, selected: code === language(), lang: code }, name))),
      who && !who.keyless ? h("button", { class: "quiet", onclick: signOut, title: `${who.name} (${t(`roles.${who.role}`)})` }, t("nav.sign_out")) : null));
}

async function changeLanguage(event) {
  keepLanguage(event.target.value);
  await loadWords();
  await show();
  document.getElementById("language").focus();
}

async function signOut() {
  await sendJson("DELETE", "/v1/session", {}).catch(() => {});
  // Drafts and conversations are not for whoever signs in next in this tab.
  sessionStorage.clear();
  location.href = "/signin";
}

async function signIn() {
  who = await askForKey();
  if (who) drawBar((PAGES.find((one) => one.path.test(location.pathname)) ?? PAGES[0]).name);
  return Boolean(who);
}

document.addEventListener("click", (event) => {
  const link = event.target.closest?.("a[data-go]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
  event.preventDefault();
  go(link.getAttribute("href"));
});
addEventListener("popstate", show);
addEventListener("unhandledrejection", (event) => {
  if (event.reason?.code || event.reason?.name === "AbortError") {
    event.preventDefault();
    if (event.reason.message) say(event.reason.message);
  }
});

async function start() {
  const signingIn = location.pathname === "/signin";
  onSignedOut(signIn);
  // What does not wait for each other is asked for at once; the shell has named the page's scripts already.
  const [known] = await Promise.all([signingIn ? null : getJson("/desk/who"), loadWords()]);
  if (signingIn) {
    const code = location.hash.slice(1);
    history.replaceState({}, "", "/");
    who = (code && await useLink(code)) || await askForKey();
  } else {
    who = known.session ?? await askForKey();
  }
  await show();
  // The other pages now, so that going there works while the server is away; what was typed here is then not lost.
  // A page that cannot be had now is asked for again, and told about, when somebody goes there.
  await Promise.allSettled(PAGES.map((one) => one.load()));
}

start();

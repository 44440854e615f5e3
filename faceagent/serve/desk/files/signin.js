// Signing in: an API key is exchanged for a cookie once; the key itself is kept nowhere.

import { h } from "./dom.js";
import { sendJson } from "./http.js";
import { t } from "./words.js";

let asking = null;

export async function useLink(link) {
  try {
    return await sendJson("POST", "/v1/session", { link });
  } catch {
    return null;
  }
}

// Resolves to who has signed in. Of several requests that need it at once, all wait for the one dialog.
export function askForKey() {
  asking ??= ask().finally(() => { asking = null; });
  return asking;
}

function ask() {
  return new Promise((resolve) => {
    const wrong = h("p", { class: "wrong", role: "alert" });
    const key = h("input", { id: "key", type: "password", autocomplete: "off", spellcheck: "false", required: true, placeholder: "fa_…", "aria-describedby": "key-help" });
    const form = h("form", { method: "dialog", onsubmit: submit },
      h("img", { src: "/desk/icon.svg", alt: "", width: "48", height: "48" }),
      h("h1", {}, t("signin.title")),
      h("p", { class: "soft", id: "key-help" }, t("signin.help")),
      h("label", { for: "key" }, t("signin.key")), key, wrong,
      h("button", { class: "main", type: "submit" }, t("signin.go")));
    const dialog = h("dialog", { class: "signin", "aria-label": t("signin.title"), oncancel: (event) => event.preventDefault() }, form);

    async function submit(event) {
      event.preventDefault();
      wrong.textContent = "";
      try {
        const who = await sendJson("POST", "/v1/session", { key: key.value.trim() });
        const { session } = await (await fetch("/desk/who")).json();
        if (!session) {
          wrong.textContent = t("signin.no_cookie");
          return;
        }
        dialog.close();
        dialog.remove();
        resolve(who);
      } catch (error) {
        wrong.textContent = error.code === "unauthorized" ? t("signin.wrong") : error.message;
        key.focus();
        key.select();
      }
    }
    document.body.append(dialog);
    dialog.showModal();
    key.focus();
  });
}

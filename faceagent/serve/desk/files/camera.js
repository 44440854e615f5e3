// A photograph from the camera, taken in a dialog. The stream ends with the dialog.

import { h } from "./dom.js";
import { t } from "./words.js";

// Resolves to a file, or to null where none was taken.
export function openCamera() {
  return new Promise((resolve) => {
    const video = h("video", { autoplay: true, muted: true, playsinline: "", "aria-label": t("camera.view") });
    const note = h("p", { class: "soft", role: "status" }, t("camera.asking"));
    const shoot = h("button", { class: "main", disabled: true, onclick: take }, t("camera.take"));
    const dialog = h("dialog", { class: "camera", "aria-label": t("camera.title"), onclose: () => end(null) },
      h("h2", {}, t("camera.title")), video, note,
      h("div", { class: "row centre" }, shoot, h("button", { onclick: () => dialog.close() }, t("camera.cancel"))));
    let stream = null;
    let over = false;

    function end(file) {
      if (over) return;
      over = true;
      stream?.getTracks().forEach((track) => track.stop());
      dialog.remove();
      resolve(file);
    }

    function take() {
      const canvas = h("canvas", {});
      canvas.width = video.videoWidth;
      canvas.height = video.videoHeight;
      canvas.getContext("2d").drawImage(video, 0, 0);
      canvas.toBlob((blob) => {
        end(new File([blob], `camera-${new Date().toISOString().slice(0, 19).replaceAll(":", "")}.jpg`, { type: "image/jpeg" }));
      }, "image/jpeg", 0.95);
    }

    document.body.append(dialog);
    dialog.showModal();
    const asked = navigator.mediaDevices?.getUserMedia({ video: { width: { ideal: 1920 } }, audio: false });
    if (!asked) { note.textContent = t("camera.none"); return; }
    asked.then((given) => {
      stream = given;
      if (over) { given.getTracks().forEach((track) => track.stop()); return; }
      video.srcObject = given;
      note.textContent = "";
      shoot.disabled = false;
      shoot.focus();
    }, () => { note.textContent = t("camera.refused"); });
  });
}

// Text to copy.

import { h, own } from "../core/dom.js";
import { announce } from "./announce.js";
import { icon } from "./icon.js";

const SHOWN_MS = 1600;

/** A button that copies what `text` gives. */
function copyButton(text, what = "Copy") {
  const label = h("span", null, "Copy");
  const button = own(h("button", { class: "copy", "aria-label": what }, icon("copy"), label));
  button.onclick = async () => {
    try {
      await navigator.clipboard.writeText(text());
      label.textContent = "Copied";
      announce("Copied");
    } catch {
      label.textContent = "Select it";
      announce("The browser does not let the page copy: select the text instead.");
    }
    setTimeout(() => { label.textContent = "Copy"; }, SHOWN_MS);
  };
  return button;
}

/** A block of text with its button. */
export const copyable = (text, what) => h("div", { class: "copyable" },
  h("pre", { tabindex: "0", "aria-label": what }, h("code", null, text)), copyButton(() => text, `Copy ${what}`));

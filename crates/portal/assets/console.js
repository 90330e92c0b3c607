// Copy buttons. They are hidden until this runs, because without it they would do nothing.
"use strict";
(function () {
  function textOf(button) {
    const pre = button.closest(".code")?.querySelector("pre");
    return pre ? pre.textContent : "";
  }
  function show(root) {
    if (!navigator.clipboard) return;
    for (const button of root.querySelectorAll("button.copy[hidden]")) {
      button.hidden = false;
      button.addEventListener("click", async () => {
        const label = button.firstChild;
        try {
          await navigator.clipboard.writeText(textOf(button));
          label.nodeValue = "Copied";
        } catch {
          label.nodeValue = "Select and copy by hand";
        }
        setTimeout(() => { label.nodeValue = "Copy"; }, 2000);
      });
    }
  }
  show(document);
  document.addEventListener("htmx:load", (event) => show(event.target));
  const summary = document.querySelector("main .summary[role=alert]");
  if (summary) summary.focus();
})();

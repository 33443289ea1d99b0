// Brings the page up to date by itself, where nobody is typing, choosing or filling in a form.
"use strict";
(() => {
  const seconds = Number(document.documentElement.dataset.live);
  if (!seconds) return;
  let isLooking = false;

  const isInUse = (main) =>
    document.hidden ||
    main.querySelector("form[method=post], details[open], dialog[open]") !== null ||
    main.querySelector("input:focus, select:focus, textarea:focus") !== null ||
    String(getSelection()) !== "";

  // What a reader had before them stays there: how far each wide table was moved, and which link had the focus.
  const swap = (main, fresh) => {
    const moved = [...main.querySelectorAll(".wide")].map((each) => [each.scrollLeft, each.scrollTop]);
    const focused = main.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
    main.innerHTML = fresh.innerHTML;
    [...main.querySelectorAll(".wide")].forEach((each, index) => {
      if (moved[index]) [each.scrollLeft, each.scrollTop] = moved[index];
    });
    if (focused) main.querySelector(`a[href="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
  };

  const look = async () => {
    const main = document.getElementById("main");
    if (isLooking || !main || isInUse(main)) return;
    isLooking = true;
    try {
      const answer = await fetch(location.href, { cache: "no-store" });
      if (!answer.ok || answer.redirected) return;
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const fresh = page.getElementById("main");
      if (fresh && fresh.innerHTML !== main.innerHTML && !isInUse(main)) swap(main, fresh);
    } catch {
      // The service is being restarted, or the network is away: the next look will tell.
    } finally {
      isLooking = false;
    }
  };

  setInterval(look, seconds * 1000);
})();

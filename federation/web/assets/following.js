// The script of a page that tells how something is getting on: it looks again every few seconds and changes what has
// changed. A button holds it. Without it there is a link to reload the page.
(() => {
  "use strict";

  const EVERY = 5000;
  const reload = document.querySelector("a.reload");
  if (!reload || !document.querySelector("[data-followed]")) {
    return;
  }
  const said = document.createElement("span");
  said.setAttribute("role", "status");
  said.className = "govuk-visually-hidden";
  const button = document.createElement("button");
  button.type = "button";
  button.className = "govuk-button govuk-button--secondary";
  reload.replaceWith(button, said);

  let held = false;
  const name = () => {
    button.textContent = held ? "Follow it again" : "This page follows it: hold it here";
  };
  button.addEventListener("click", () => {
    held = !held;
    name();
  });
  name();

  const look = async () => {
    if (held || document.hidden) {
      return true;
    }
    // The header keeps this from counting as use of the session: nobody need be sitting here.
    const answer = await fetch(location.href, { headers: { "X-Circe-By-Itself": "yes" } });
    if (!answer.ok) {
      return answer.status >= 500;
    }
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    for (const old of document.querySelectorAll("[data-followed]")) {
      const fresh = page.getElementById(old.id);
      if (fresh && fresh.innerHTML !== old.innerHTML) {
        old.replaceChildren(...fresh.childNodes);
        said.textContent = fresh.dataset.said ?? "";
      }
    }
    document.title = page.title;
    return page.querySelector("a.reload") !== null;
  };

  const follow = async () => {
    const moving = await look().catch(() => true);
    if (moving) {
      setTimeout(follow, EVERY);
    } else {
      button.remove();
    }
  };
  setTimeout(follow, EVERY);
})();

// The script of the form of a question: it completes words from the list that stands in the page, and has the question
// checked at every pause. Without it the same list can be read and the same check is behind a button.
(() => {
  "use strict";

  const area = document.querySelector("form[data-check] textarea.code");
  if (!area) {
    return;
  }
  const form = area.form;
  const make = (tag, attributes) => Object.assign(document.createElement(tag), attributes);

  // --- The places: a mirror behind the text, in which a wrong word is marked and the caret is measured ---------------

  const frame = make("div", { className: "editor" });
  const mirror = make("pre", { className: "mirror" });
  const options = make("ul", { className: "options", id: "sql-options", hidden: true });
  const said = make("p", { className: "govuk-hint" });
  const panel = make("div", { className: "instant" });
  mirror.setAttribute("aria-hidden", "true");
  options.setAttribute("role", "listbox");
  options.setAttribute("aria-label", "Words that fit");
  said.setAttribute("role", "status");
  area.replaceWith(frame);
  frame.append(mirror, area, options);
  frame.after(said, panel);
  area.setAttribute("aria-autocomplete", "list");
  area.setAttribute("aria-haspopup", "listbox");
  area.setAttribute("aria-controls", options.id);

  const reflect = (tag, start, end) => {
    const text = area.value;
    const part = make(tag, { textContent: text.slice(start, end) || " " });
    mirror.replaceChildren(text.slice(0, start), part, text.slice(end));
    mirror.scrollTop = area.scrollTop;
    return part;
  };

  // What the panel shows as well is read out alone.
  const say = (text, shown = true) => {
    said.textContent = text;
    said.className = shown ? "govuk-hint" : "govuk-visually-hidden";
  };

  const placeOf = (line, column) => area.value.split("\n").slice(0, line - 1).join("\n").length + (line > 1) + column - 1;

  // --- Completion ---------------------------------------------------------------------------------------------------

  const words = [...document.querySelectorAll("[data-word]")].map((element) => ({
    text: element.dataset.word,
    table: element.dataset.table ?? "",
    values: (element.dataset.values ?? "").split("|").filter(Boolean),
    meaning: (element.dataset.meaning ?? element.querySelector("dd")?.textContent ?? "").split(". ")[0],
  }));
  const COMPARED = /(\w+)\s*(?:=|<>|IN\s*\((?:[^()]*,)?)\s*('?[\w ]*)$/i;
  let active = -1;

  const valuesBefore = (before) => {
    const found = COMPARED.exec(before);
    const column = found && words.find((word) => word.text === found[1] && word.values.length);
    return column && { typed: found[2], fitting: column.values.map((text) => ({ text, meaning: column.text })) };
  };

  const find = () => {
    const before = area.value.slice(0, area.selectionStart);
    const named = /\bFROM\s+(\w+)/i.exec(area.value)?.[1];
    const table = words.some((word) => word.table === named) ? named : "";
    const typed = /[A-Za-z_]\w*$/.exec(before)?.[0] ?? "";
    const { typed: start, fitting } = valuesBefore(before) ?? {
      typed,
      fitting: words.filter((word) => !word.table || !table || word.table === table),
    };
    const seen = new Set();
    const same = (word) => word.text.toLowerCase().startsWith(start.toLowerCase()) && word.text !== start;
    const found = fitting.filter((word) => same(word) && !seen.has(word.text) && seen.add(word.text)).slice(0, 8);
    return { start, found };
  };

  const close = () => {
    if (!options.hidden) {
      mirror.replaceChildren();
    }
    options.hidden = true;
    active = -1;
    area.removeAttribute("aria-activedescendant");
  };

  const choose = (word, start) => {
    const end = area.selectionStart;
    area.setRangeText(word.text, end - start.length, end, "end");
    close();
    area.focus();
    area.dispatchEvent(new Event("input"));
  };

  const offer = (asked) => {
    const { start, found } = find();
    if (!found.length || (!asked && start.length < 2)) {
      close();
      if (asked) {
        say("No word fits here.");
      }
      return;
    }
    options.replaceChildren(...found.map((word, place) => {
      const option = make("li", { id: `sql-option-${place}` });
      option.setAttribute("role", "option");
      option.setAttribute("aria-selected", "false");
      option.append(make("code", { textContent: word.text }), make("span", { textContent: ` ${word.meaning}` }));
      option.addEventListener("mousedown", (event) => {
        event.preventDefault();
        choose(word, start);
      });
      return option;
    }));
    const caret = reflect("span", area.selectionStart, area.selectionStart);
    options.style.top = `${caret.offsetTop - area.scrollTop + 28}px`;
    options.style.left = `${Math.min(caret.offsetLeft, Math.max(0, frame.clientWidth - 352))}px`;
    options.hidden = false;
    active = -1;
    say(`${found.length} word${found.length > 1 ? "s" : ""} fit: arrow keys to choose, Escape to go on.`);
  };

  const move = (by) => {
    const all = [...options.children];
    active = (active + by + all.length) % all.length;
    all.forEach((option, place) => option.setAttribute("aria-selected", String(place === active)));
    area.setAttribute("aria-activedescendant", all[active].id);
    all[active].scrollIntoView({ block: "nearest" });
  };

  area.addEventListener("keydown", (event) => {
    if (event.ctrlKey && event.key === " ") {
      event.preventDefault();
      offer(true);
    } else if (options.hidden) {
      return;
    } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      move(event.key === "ArrowDown" ? 1 : -1);
    } else if ((event.key === "Enter" || event.key === "Tab") && active >= 0) {
      event.preventDefault();
      const { start, found } = find();
      choose(found[active], start);
    } else if (event.key === "Escape") {
      event.preventDefault();
      close();
    }
  });
  area.addEventListener("blur", close);
  area.addEventListener("scroll", () => {
    mirror.scrollTop = area.scrollTop;
    close();
  });

  // --- The check at a pause -------------------------------------------------------------------------------------------

  const PAUSE = 500;
  let waiting = 0;
  let asking = new AbortController();

  const mark = (checked) => {
    const { line, column } = checked?.dataset ?? {};
    if (!line) {
      mirror.replaceChildren();
      return;
    }
    const start = placeOf(Number(line), Number(column));
    const length = /^\w+/.exec(area.value.slice(start))?.[0].length ?? 1;
    reflect("mark", start, start + length);
  };

  // A page that came back refused says why, and where, by itself: it is said once, until the question is changed.
  const asSent = form.querySelector("[data-as-sent]");

  const check = async () => {
    asSent?.remove();
    asking.abort();
    asking = new AbortController();
    try {
      const answer = await fetch(form.dataset.check, { method: "POST", body: new FormData(form), signal: asking.signal });
      if (!answer.ok) {
        return;
      }
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const opened = panel.querySelector("details")?.open ?? false;
      panel.replaceChildren(...page.body.children);
      const details = panel.querySelector("details");
      if (details) {
        details.open = opened;
      }
      const checked = panel.querySelector("[data-summary]");
      if (options.hidden) {
        mark(checked);
        say(checked?.dataset.summary ?? "", false);
      }
    } catch (error) {
      if (error.name !== "AbortError") {
        say("The hub does not answer: use the button to check.");
      }
    }
  };

  const checkSoon = () => {
    clearTimeout(waiting);
    waiting = setTimeout(check, PAUSE);
  };
  area.addEventListener("input", (event) => {
    mirror.replaceChildren();
    checkSoon();
    // A letter was typed; what is put in as a whole has nothing to be completed.
    if (event.inputType === "insertText" && event.data?.length === 1) {
      offer(false);
    } else {
      close();
    }
  });
  form.addEventListener("change", checkSoon);
  if (asSent) {
    mark(asSent);
  } else if (area.value.trim()) {
    check();
  }
})();

// The one script of Circe's pages: it takes a one-time code out of the address, and asks the browser for a passkey, to sign
// in or to approve a query. Where scripts do not run, pages say what to do instead.
(() => {
  "use strict";

  const toBytes = (text) =>
    Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (letter) => letter.charCodeAt(0));
  const toText = (buffer) =>
    btoa(String.fromCharCode(...new Uint8Array(buffer))).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
  const named = (ids) => ids.map((id) => ({ type: "public-key", id: toBytes(id) }));

  const WRONG = {
    NotAllowedError: "No passkey was used: the time ran out, it was cancelled, or none for this site is on this device.",
    InvalidStateError: "This device's passkey is enrolled already: sign in with it.",
    NotSupportedError: "This device cannot make a passkey of the kind that is needed.",
    SecurityError: "This address is not the one that passkeys are for: open the pages at the address you were given.",
  };

  const create = async (form) => {
    const asked = form.dataset;
    const made = await navigator.credentials.create({
      publicKey: {
        challenge: toBytes(asked.ticket),
        rp: { id: asked.relyingParty, name: asked.site },
        user: { id: toBytes(asked.handle), name: asked.person, displayName: asked.title },
        pubKeyCredParams: [-8, -7].map((alg) => ({ type: "public-key", alg })),
        excludeCredentials: named(asked.enrolled.split(" ").filter(Boolean)),
        authenticatorSelection: { residentKey: "required", requireResidentKey: true, userVerification: "required" },
        attestation: "none",
        timeout: 240000,
      },
    });
    return {
      client_data: toText(made.response.clientDataJSON),
      authenticator_data: toText(made.response.getAuthenticatorData()),
    };
  };

  const get = async (form) => {
    const asked = form.dataset;
    const used = await navigator.credentials.get({
      publicKey: {
        challenge: toBytes(asked.ticket),
        rpId: asked.relyingParty,
        allowCredentials: named((asked.allowed ?? "").split(" ").filter(Boolean)),
        userVerification: "required",
        timeout: 240000,
      },
    });
    return {
      credential: toText(used.rawId),
      client_data: toText(used.response.clientDataJSON),
      authenticator_data: toText(used.response.authenticatorData),
      signature: toText(used.response.signature),
      handle: toText(used.response.userHandle ?? new ArrayBuffer(0)),
    };
  };

  const say = (form, text) => {
    form.querySelector("[role=alert]").textContent = text;
  };

  for (const form of document.querySelectorAll("form[data-passkey]")) {
    if (!window.PublicKeyCredential) {
      continue;
    }
    form.hidden = false;
    form.nextElementSibling.hidden = true;
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      say(form, "");
      try {
        const answer = await (form.dataset.passkey === "create" ? create : get)(form);
        for (const [name, value] of Object.entries(answer)) {
          form.elements[name].value = value;
        }
        form.submit();
      } catch (error) {
        say(form, WRONG[error.name] ?? "The browser could not use a passkey.");
      }
    });
  }

  // What stands after # in an address is never sent anywhere; out of the history it goes, too.
  const code = document.querySelector("input[name=code]");
  if (code && location.hash.length > 1) {
    code.value = location.hash.slice(1);
    history.replaceState(null, "", location.pathname);
  }
})();

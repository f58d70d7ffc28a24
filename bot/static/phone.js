// The web phone: what the page shows, and what it tells Callboard. It knows no vendor.
//
// A service's adapter (its web_phone.js) exports
//   start(login, tell)   sign in as {user, password}; tell(what, ref) with the words of bot/web_phone.py
//   answer(ref), hangUp(ref), mute(ref), unmute(ref)

const $ = (id) => document.getElementById(id);
const calls = new Map(); // ref -> {state: "ringing" | "calling" | "talking", party, muted}
const ours = new Set(); // refs of calls that were asked for on this page: they are answered at once
const OVER = new Set(["ended", "failed", "rejected"]);
const ITSELF = {
  registered: "Ready: calls ring here.",
  initiate_failed: "Not connected: the phone could not be set up. Reload this page to try again.",
  register_failed: "Not connected: the phone service did not accept your web phone's user or password.",
  disconnected: "Connection lost: calls do not ring here. Reload this page to try again.",
};
const ENDED = { ended: "The call has ended.", failed: "The call failed.", rejected: "The call was rejected." };
let phone = null;
let ready = false;
let leaving = false;
let reports = Promise.resolve(); // one after the other, in the order they happened
let question = null; // {who, said}: what was asked, and what is said by a yes

async function ask(path, told = {}) {
  const reply = await fetch(`phone/${path}`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(told),
    credentials: "same-origin",
    cache: "no-store",
  });
  const answer = await reply.json();
  if (!reply.ok) throw Object.assign(new Error(answer.words), { status: reply.status });
  return answer;
}

function say(id, words) {
  if ($(id).textContent !== words) $(id).textContent = words;
}

function oldest(...states) {
  return [...calls].find(([, call]) => states.includes(call.state)) ?? ["", null];
}

function show(after = "No call.") {
  const [ringing, caller] = oldest("ringing");
  const [current, call] = oldest("talking", "calling");
  const party = (which) => (which.party ? ` ${which.party}` : "");
  if (call) {
    const how = call.state === "calling" ? "Calling" : call.muted ? "Talking, your microphone is muted:" : "Talking to";
    const also = caller ? ` Another call rings:${party(caller) || " number not told"}.` : "";
    say("call", `${how}${party(call) || " somebody"}.${also}`);
  } else if (caller) {
    say("call", `Ringing:${party(caller) || " somebody calls"}.`);
  } else {
    say("call", after);
  }
  $("answer").disabled = !ringing;
  $("hang-up").disabled = !ringing && !current;
  $("hang-up").textContent = current || !ringing ? "Hang up" : "Decline";
  $("mute").disabled = call?.state !== "talking";
  $("mute").textContent = call?.muted ? "Unmute microphone" : "Mute microphone";
  document.title = `${caller ? "Ringing" : call ? "In a call" : "Web phone"} · Callboard`;
}

function tell(what, ref = "") {
  if (leaving) return; // closing the page is no problem to report
  if (what in ITSELF) {
    ready = what === "registered";
    say("state", ITSELF[what]);
    $("number").disabled = $("start").disabled = !ready;
  } else if (OVER.has(what)) {
    calls.delete(ref);
    show(ENDED[what]);
  } else {
    const call = calls.get(ref) ?? { party: "", muted: false };
    calls.set(ref, { ...call, state: what === "answered" ? "talking" : call.state === "talking" ? "talking" : what });
    if (what === "ringing") pickUpOwn(ref);
    show();
  }
  reports = reports.then(() => report({ what, ref }));
}

async function report(told) {
  for (const wait of [1, 3, 10, 0]) {
    try {
      const { party } = await ask("report", told);
      if (party && calls.has(told.ref)) {
        calls.get(told.ref).party = party;
        show();
      }
      return;
    } catch (error) {
      if (error.status === 401) say("state", error.message);
      if ((error.status && error.status < 500) || !wait) return; // polls and webhooks tell the same
      await new Promise((resolve) => setTimeout(resolve, wait * 1000));
    }
  }
}

function pickUpOwn(ref) {
  if (ours.delete(ref)) phone.answer(ref);
}

async function dial(who, said = {}) {
  $("question").hidden = true;
  question = null;
  $("start").disabled = true;
  say("told", "Asking…");
  try {
    const answer = await ask("dial", { id: crypto.randomUUID(), who, ...said });
    if (answer.ask) {
      question = { who, said: { ...said, [answer.of]: true } };
      say("yes", answer.yes);
      $("question").hidden = false;
      $("yes").focus();
    }
    say("told", answer.ask ?? answer.words);
    for (const ref of answer.refs ?? []) {
      ours.add(ref);
      if (calls.get(ref)?.state === "ringing") pickUpOwn(ref); // it rang before this answer came
    }
  } catch (error) {
    const unsure = "Callboard did not answer. Look at your conversation with it in Slack before you call again.";
    say("told", error.status ? error.message : unsure);
  } finally {
    $("start").disabled = !ready;
  }
}

$("dial").addEventListener("submit", (event) => {
  event.preventDefault();
  dial($("number").value);
});
$("yes").addEventListener("click", () => question && dial(question.who, question.said));
$("no").addEventListener("click", () => {
  $("question").hidden = true;
  say("told", "Nothing was dialled.");
  $("number").focus();
});
$("answer").addEventListener("click", () => phone.answer(oldest("ringing")[0]));
$("hang-up").addEventListener("click", () => phone.hangUp(oldest("talking", "calling")[0] || oldest("ringing")[0]));
$("mute").addEventListener("click", () => {
  const [ref, call] = oldest("talking");
  call.muted = !call.muted;
  (call.muted ? phone.mute : phone.unmute)(ref);
  show();
});
addEventListener("hashchange", () => location.reload()); // a new link, pasted over the old page
addEventListener("pagehide", () => { leaving = true; });
addEventListener("pageshow", (event) => event.persisted && location.reload()); // brought back: its phone is gone

function load(address) {
  return new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = address;
    script.addEventListener("load", resolve);
    script.addEventListener("error", () => reject(new Error("The phone service's script could not be loaded. Tell your admin.")));
    document.head.append(script);
  });
}

async function open() {
  const ticket = location.hash.slice(1);
  history.replaceState(null, "", location.pathname); // no ticket stays in the address or the history
  try {
    if (ticket) await ask("open", { ticket });
    const session = await ask("session");
    say("owner", [session.name, session.service].filter(Boolean).join(", "));
    say("state", "Connecting…");
    await load(session.script);
    phone = await import(`./${session.adapter}`);
    phone.start(session.login, tell);
  } catch (error) {
    say("state", error.message || "Callboard did not answer. Reload this page.");
  }
}

open();

// Voicenter's web phone, in the words of bot/static/phone.js. "API Documentation" rev. 3.2, chapter 11.
//
// Its call() is left alone: calls are placed by Callboard, which checks the rules and keeps a record, and ring here.

let phone = null;
let answering = ""; // the call that was picked up here and has not said so yet

export function start(login, tell) {
  if (phone) return; // "Important not to recreate a new webphone on an existing webphone object"
  if (!window.voicenterWebPhone) throw new Error("The script that was loaded is no web phone. Tell your admin.");
  const open = new Set(); // ids of the calls that ring or are talked on
  const of = (what, ends) => (ivrID) => {
    const ref = name(ivrID);
    if (!ref) return;
    if (ends) open.delete(ref);
    else open.add(ref);
    tell(what, ref);
  };
  // A string that can be an id; onCallAnswer alone is documented to tell a "token" instead.
  const name = (told) => (typeof told === "string" && told ? told : only());
  const only = () => (open.size === 1 ? [...open][0] : "");

  phone = new window.voicenterWebPhone();
  phone.onRegister = () => tell("registered");
  phone.onInitiateFailed = () => tell("initiate_failed");
  phone.onRegisterFailed = () => tell("register_failed");
  phone.onDisconnect = () => tell("disconnected");
  phone.onRinging = of("ringing", false);
  phone.onCall = of("calling", false);
  phone.onCallEnd = of("ended", true);
  phone.onCallFailed = of("failed", true);
  phone.onCallRejected = of("rejected", true);
  phone.onCallAnswer = (token) => {
    const ref = [token, answering].find((known) => open.has(known)) ?? only();
    answering = "";
    if (ref) tell("answered", ref); // else nobody can say which of several: pop-ups and the list will
  };
  phone.initiate({ user: login.user, password: login.password });
}

export const answer = (ref) => {
  answering = ref;
  phone.answer(ref);
};
export const hangUp = (ref) => phone.hangUp(ref);
export const mute = (ref) => phone.mute(ref);
export const unmute = (ref) => phone.unmute(ref); // documented without the id in the example, with it in the text

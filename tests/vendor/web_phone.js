// A stand-in for Voicenter's web phone script: the interface of "API Documentation" rev. 3.2, chapter 11, and no phone.
// Tests play the network: window.vendor.fire("onRinging", id). What the page did is in window.vendor.done.
window.vendor = { done: [], phone: null, fire: (name, ...told) => window.vendor.phone[name](...told) };

window.voicenterWebPhone = function () {
  if (window.vendor.phone) throw new Error("Important not to recreate a new webphone on an existing webphone object");
  window.vendor.phone = this;
  const note = (what) => (...told) => { window.vendor.done.push([what, ...told]); };
  for (const what of ["call", "answer", "hangUp", "mute", "unmute"]) this[what] = note(what);
  this.initiate = (login) => {
    if (Object.keys(login).sort().join() !== "password,user") throw new Error("initiate takes user and password");
    window.vendor.login = login;
    queueMicrotask(() => (login.password === "wrong" ? this.onRegisterFailed() : this.onRegister()));
  };
};

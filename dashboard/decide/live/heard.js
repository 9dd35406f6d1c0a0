// The handle's step on its way to the charts that follow it. Each is a component and a module of its own, in its own shadow
// root, so the document carries the step; a chart that comes later than the handle asks. Joined to both ends by dashboard/live.

const MOVED = "kakushin-moved", ASKED = "kakushin-asked";

function tell(step) {
  document.dispatchEvent(new CustomEvent(MOVED, { detail: step }));
}

// Tell the step of `now` whoever asks, until the function that is returned is called.
function answer(now) {
  const listener = () => tell(now());
  document.addEventListener(ASKED, listener);
  return () => document.removeEventListener(ASKED, listener);
}

// Call `take` with each step from now on, and with the last one; until the function that is returned is called.
function hear(take) {
  const listener = (event) => event.detail !== null && take(event.detail);
  document.addEventListener(MOVED, listener);
  document.dispatchEvent(new Event(ASKED));
  return () => document.removeEventListener(MOVED, listener);
}

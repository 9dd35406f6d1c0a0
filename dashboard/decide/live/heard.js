// Sends the handle's step to the charts that follow it. Each is a separate component and module in its own shadow root, so
// events of the document carry the step; a chart that appears after the handle requests it. Both ends include this file.

const MOVED = "kakushin-moved", ASKED = "kakushin-asked";

function tell(step) {
  document.dispatchEvent(new CustomEvent(MOVED, { detail: step }));
}

// Answer each request with the step of `now`, until the returned function is called.
function answer(now) {
  const listener = () => tell(now());
  document.addEventListener(ASKED, listener);
  return () => document.removeEventListener(ASKED, listener);
}

// Call `take` with the present step and each further one, until the returned function is called.
function hear(take) {
  const listener = (event) => event.detail !== null && take(event.detail);
  document.addEventListener(MOVED, listener);
  document.dispatchEvent(new Event(ASKED));
  return () => document.removeEventListener(MOVED, listener);
}

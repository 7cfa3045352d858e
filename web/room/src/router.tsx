import { type ComponentProps, type MouseEvent, useSyncExternalStore } from "react";

/** Routes by path and the history API: four pages need no library for it. */

const CHANGED = "parley:navigated";

function subscribe(tell: () => void): () => void {
  window.addEventListener("popstate", tell);
  window.addEventListener(CHANGED, tell);
  return () => {
    window.removeEventListener("popstate", tell);
    window.removeEventListener(CHANGED, tell);
  };
}

/** Path and query of the page that is shown; both change by `navigate`, back and forward. */
export function useLocation(): { path: string; query: URLSearchParams } {
  const whole = useSyncExternalStore(subscribe, () => location.pathname + location.search);
  const [path = "/", search = ""] = whole.split("?", 2);
  return { path: path.replace(/(.)\/+$/, "$1"), query: new URLSearchParams(search) };
}

/** `replace`: without a step to go back to, as for a filter while it is typed. */
export function navigate(to: string, how: { replace?: boolean } = {}): void {
  const page = location.pathname;
  if (how.replace) history.replaceState(null, "", to);
  else history.pushState(null, "", to);
  window.dispatchEvent(new Event(CHANGED));
  if (location.pathname !== page) window.scrollTo(0, 0);
}

/** A link within the page: a click with the keys for a new tab stays the browser's. */
export function Link({ href, onClick, ...rest }: ComponentProps<"a"> & { href: string }) {
  function follow(event: MouseEvent<HTMLAnchorElement>) {
    onClick?.(event);
    const plain = !(event.metaKey || event.ctrlKey || event.shiftKey || event.altKey);
    if (event.defaultPrevented || !plain || event.button !== 0) return;
    event.preventDefault();
    navigate(href);
  }
  return <a {...rest} href={href} onClick={follow} />;
}
